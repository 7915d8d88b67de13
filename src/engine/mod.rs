//! One turn after the other: gather facts, choose, announce, perform, write down.
//!
//! Must not decide: what to do is chosen in the domain, what was done is judged there.

mod asked;
mod evidence;
mod gather;
mod graduate;
mod history;
mod others;
mod pause;
mod perform;
mod plan;
pub mod rego;
mod review;
mod rules;
mod thread;
mod trouble;
mod turn;
mod voice;
mod worker;

pub use asked::People;
pub use evidence::Shown;
pub use pause::Pace;
pub use plan::{TreeFiles, apply_to, plan};
pub use rules::{Organisation, TenantLimits, rules_of};
pub use trouble::Trouble;
pub use turn::Turn;
pub use worker::Worker;

use crate::config::{Keys, Roster};
use crate::domain::ids::{Binding, Clock, TenantId};
use crate::forge::Forge;
use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The forges of this deployment, one for each repository, by tenant and repository key.
#[derive(Clone, Default)]
pub struct Forges(BTreeMap<(String, String), Arc<dyn Forge>>);

impl Forges {
    /// Adds a repository.
    pub fn insert(&mut self, binding: &Binding, forge: Arc<dyn Forge>) {
        self.0.insert((binding.tenant.to_string(), binding.key()), forge);
    }

    /// The forge of a repository by its key, if it is configured for this tenant.
    pub fn by_key(&self, tenant: &TenantId, key: &str) -> Option<&Arc<dyn Forge>> {
        self.0.get(&(tenant.to_string(), key.to_owned()))
    }

    /// The forge of a repository, if it is configured for this tenant.
    pub fn get(&self, binding: &Binding) -> Option<&Arc<dyn Forge>> {
        self.0.get(&(binding.tenant.to_string(), binding.key()))
    }
}

/// Everything a turn works with.
#[derive(Clone)]
pub struct Engine {
    /// What is kept.
    pub store: Store,
    /// Where pull requests live.
    pub forges: Forges,
    /// What signs and verifies.
    pub keys: Keys,
    /// The name of this deployment.
    pub instance: String,
    /// What time it is.
    pub clock: Clock,
    /// Stops every write at every forge.
    pub stop: bool,
    /// Who may approve; nobody of a tenant that is not in it.
    pub roster: Roster,
    /// Who the users of forges are to us.
    pub people: People,
    /// What organisations ask of all their repositories, by tenant.
    pub organisations: BTreeMap<TenantId, Organisation>,
    /// Asks policies.
    pub evaluator: rego::Evaluator,
    /// What forges showed last on landed commits.
    pub shown: Shown,
    seen: review::Seen,
    locks: Locks,
}

/// One lock for each repository, so that two turns never work on one mirror.
type Locks = Arc<Mutex<BTreeMap<String, Arc<Mutex<()>>>>>;

impl Engine {
    /// Puts an engine together.
    pub fn new(store: Store, forges: Forges, keys: Keys, instance: String, clock: Clock, stop: bool) -> Engine {
        let (people, roster) = (People::default(), Roster::default());
        Engine {
            store,
            forges,
            keys,
            instance,
            clock,
            stop,
            roster,
            people,
            organisations: BTreeMap::new(),
            evaluator: rego::Evaluator::default(),
            seen: review::Seen::default(),
            shown: Shown::default(),
            locks: Locks::default(),
        }
    }

    /// What the organisation of a tenant asks.
    fn organisation(&self, tenant: &TenantId) -> Organisation {
        self.organisations.get(tenant).cloned().unwrap_or_default()
    }

    async fn lock(&self, binding: &Binding) -> Arc<Mutex<()>> {
        self.lock_key(&binding.key()).await
    }

    async fn lock_key(&self, key: &str) -> Arc<Mutex<()>> {
        self.locks.lock().await.entry(key.to_owned()).or_default().clone()
    }
}
