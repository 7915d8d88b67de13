//! Faults on order: what the local forge is to get wrong, and the log of what it was asked.
//!
//! Must not change what the forge holds; only answers, and when they come.

use crate::domain::facts::Pull;
use crate::forge::ForgeError;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A shared script of faults and log of requests; the default has no faults. Operations have the names of the functions
/// of `Forge`.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    planned: Vec<Fault>,
    log: Vec<&'static str>,
    counts: BTreeMap<&'static str, u64>,
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The operation it befalls.
    pub operation: &'static str,
    /// The how many-th request of this operation, counted from 1 since the forge was made.
    pub nth: u64,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone)]
pub enum FaultKind {
    /// The request waits for so many milliseconds.
    Delay(u64),
    /// Nothing happens, and this is the answer.
    FailBefore(ForgeError),
    /// It happens, and this is the answer all the same.
    FailAfter(ForgeError),
    /// `pull` and `tip` answer what they answered the time before.
    StaleRead,
    /// `pull` answers something else than is there.
    Alter(Arc<dyn Fn(&mut Pull) + Send + Sync>),
    /// Somebody does this just before the request arrives.
    Meanwhile(Act),
}

/// What somebody does meanwhile.
pub type Act = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl FaultKind {
    /// Somebody does this just before the request arrives.
    pub fn meanwhile<F>(act: impl Fn() -> F + Send + Sync + 'static) -> FaultKind
    where
        F: Future<Output = ()> + Send + 'static,
    {
        FaultKind::Meanwhile(Arc::new(move || Box::pin(act())))
    }
}

impl fmt::Debug for FaultKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Delay(milliseconds) => write!(out, "Delay({milliseconds})"),
            FaultKind::FailBefore(error) => write!(out, "FailBefore({error:?})"),
            FaultKind::FailAfter(error) => write!(out, "FailAfter({error:?})"),
            FaultKind::StaleRead => out.write_str("StaleRead"),
            FaultKind::Alter(_) => out.write_str("Alter"),
            FaultKind::Meanwhile(_) => out.write_str("Meanwhile"),
        }
    }
}

impl Faults {
    /// Plans a fault.
    pub fn add(&self, fault: Fault) {
        self.state().planned.push(fault);
    }

    /// Plans a fault for the next request of this operation.
    pub fn next(&self, operation: &'static str, kind: FaultKind) {
        let nth = self.count(operation) + 1;
        self.add(Fault { operation, nth, kind });
    }

    /// Drops what is planned and has not happened.
    pub fn clear(&self) {
        self.state().planned.clear();
    }

    /// The operations that were asked for, in order.
    pub fn log(&self) -> Vec<&'static str> {
        self.state().log.clone()
    }

    /// How often an operation was asked for.
    pub fn count(&self, operation: &str) -> u64 {
        self.state().counts.get(operation).copied().unwrap_or(0)
    }

    /// How many planned faults have not happened.
    pub fn pending(&self) -> usize {
        self.state().planned.len()
    }

    /// Notes a request; answers the faults that befall it.
    pub(super) fn strike(&self, operation: &'static str) -> Vec<FaultKind> {
        let mut state = self.state();
        state.log.push(operation);
        let count = state.counts.entry(operation).or_default();
        *count += 1;
        let now = *count;
        let (due, later) = std::mem::take(&mut state.planned)
            .into_iter()
            .partition::<Vec<_>, _>(|fault| fault.operation == operation && fault.nth == now);
        state.planned = later;
        due.into_iter().map(|fault| fault.kind).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
