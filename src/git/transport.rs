//! Fetching and pushing over a wire that somebody else speaks: libgit2 packs and unpacks, the wire carries bytes.
//!
//! Must not know an address or a secret: a remote here is only the number of a wire that is in use right now.

use super::error::said;
use super::{GitError, Mirror, raw};
use crate::domain::ids::Oid;
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{AutotagOption, FetchOptions, PushOptions, RemoteCallbacks};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The scheme under which libgit2 knows our transport.
const SCHEME: &str = "countersign-wire";

/// A request over so many bytes is not sent.
const REQUEST: usize = 64 << 20;

/// Which half of git's protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// `git-upload-pack`: they send.
    Fetch,
    /// `git-receive-pack`: we send.
    Push,
}

impl Speech {
    /// The name of the service in addresses and media types.
    pub fn service(self) -> &'static str {
        match self {
            Speech::Fetch => "git-upload-pack",
            Speech::Push => "git-receive-pack",
        }
    }
}

/// Carries git's stateless protocol to one repository and back; it blocks.
pub trait Wire: Send + Sync {
    /// The other side's refs: the answer to `info/refs?service=...`.
    fn refs(&self, speech: Speech) -> io::Result<Box<dyn Read + Send>>;

    /// One request and its answer.
    fn exchange(&self, speech: Speech, request: Vec<u8>) -> io::Result<Box<dyn Read + Send>>;
}

/// The wires in use, by number.
static WIRES: Mutex<BTreeMap<u64, Arc<dyn Wire>>> = Mutex::new(BTreeMap::new());
static LAST: AtomicU64 = AtomicU64::new(0);

/// A wire while it is in use.
struct InUse(u64);

impl InUse {
    fn of(wire: Arc<dyn Wire>) -> InUse {
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        WIRES.lock().unwrap_or_else(PoisonError::into_inner).insert(number, wire);
        InUse(number)
    }

    fn address(&self) -> String {
        format!("{SCHEME}://{}/", self.0)
    }

    /// The wire that an address of ours names.
    fn named(address: &str) -> Option<Arc<dyn Wire>> {
        let number = address.strip_prefix(SCHEME)?.strip_prefix("://")?.strip_suffix('/')?.parse().ok()?;
        WIRES.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        WIRES.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

impl Mirror {
    /// Fetches these refs of the other side, each under a name here; one that is not there is left out. Stops with an
    /// error when more than `limit` bytes of objects come.
    pub fn fetch(&self, wire: Arc<dyn Wire>, refs: &[(String, String)], limit: u64) -> Result<(), GitError> {
        ready()?;
        let wire = InUse::of(wire);
        let specs: Vec<String> = refs.iter().map(|(there, here)| format!("+{there}:{here}")).collect();
        let over = std::cell::Cell::new(false);
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(|progress| {
            over.set(progress.received_bytes() as u64 > limit);
            !over.get()
        });
        let mut options = FetchOptions::new();
        options.remote_callbacks(callbacks).download_tags(AutotagOption::None).update_fetchhead(false);
        let fetched = self.with(|repo| {
            let mut remote = repo.remote_anonymous(&wire.address()).map_err(|e| said("the fetch", &e))?;
            remote.fetch(&specs, Some(&mut options), None).map_err(|e| said("the fetch", &e))
        });
        drop(options);
        if over.get() {
            let what = "what the forge sends".to_owned();
            return Err(GitError::TooLarge { what, limit: format!("{limit} bytes") });
        }
        fetched
    }

    /// Moves a ref of the other side, only if it stands there where it is expected, and sends the objects it needs:
    /// `old` none makes it, `new` none removes it. Answers false, and moves nothing, if it stands elsewhere.
    pub fn send(
        &self,
        wire: Arc<dyn Wire>,
        name: &str,
        old: Option<&Oid>,
        new: Option<&Oid>,
    ) -> Result<bool, GitError> {
        ready()?;
        let wire = InUse::of(wire);
        let expected = old.map(raw).transpose()?.unwrap_or(git2::Oid::ZERO_SHA1);
        let elsewhere = std::cell::Cell::new(false);
        let refused = std::cell::RefCell::new(None);
        let mut callbacks = RemoteCallbacks::new();
        callbacks.push_negotiation(|updates| {
            elsewhere.set(updates.iter().any(|update| update.src() != expected));
            if elsewhere.get() { Err(git2::Error::from_str("the ref stands elsewhere")) } else { Ok(()) }
        });
        callbacks.push_update_reference(|_, status| {
            *refused.borrow_mut() = status.map(str::to_owned);
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks).packbuilder_parallelism(1);
        let spec = format!("+{}:{name}", new.map(Oid::as_str).unwrap_or_default());
        let sent = self.with(|repo| {
            let mut remote = repo.remote_anonymous(&wire.address()).map_err(|e| said("the push", &e))?;
            remote.push(&[spec.as_str()], Some(&mut options)).map_err(|e| said("the push", &e))
        });
        drop(options);
        match (sent, refused.into_inner()) {
            _ if elsewhere.get() => Ok(false),
            (Err(error), _) => Err(error),
            (Ok(()), Some(why)) => Err(GitError::Refused(format!("{name}: the other side refuses it: {why}"))),
            (Ok(()), None) => Ok(true),
        }
    }
}

/// Makes our transport known to libgit2, once in the life of the process.
fn ready() -> Result<(), GitError> {
    static READY: OnceLock<Result<(), String>> = OnceLock::new();
    READY.get_or_init(|| register().map_err(|e| e.message().to_owned())).clone().map_err(GitError::Other)
}

#[allow(unsafe_code)]
fn register() -> Result<(), git2::Error> {
    let make = |remote: &git2::Remote<'_>| {
        let wire = remote.url().ok().and_then(InUse::named);
        let wire = wire.ok_or_else(|| git2::Error::from_str("no such wire is in use"))?;
        Transport::smart(remote, true, Line(wire))
    };
    // SAFETY: libgit2 wants no transport to be made while one is registered. Remotes are made in this file alone, each
    // after `ready`, and `OnceLock` lets nobody past it before this call has returned.
    unsafe { git2::transport::register(SCHEME, make) }
}

/// One connection, as libgit2 sees it.
struct Line(Arc<dyn Wire>);

impl SmartSubtransport for Line {
    fn action(&self, _: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let (speech, exchanges) = match service {
            Service::UploadPackLs => (Speech::Fetch, false),
            Service::UploadPack => (Speech::Fetch, true),
            Service::ReceivePackLs => (Speech::Push, false),
            Service::ReceivePack => (Speech::Push, true),
        };
        Ok(Box::new(Call { wire: self.0.clone(), speech, request: exchanges.then(Vec::new), answer: None }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request, written first, and its answer, read after.
struct Call {
    wire: Arc<dyn Wire>,
    speech: Speech,
    request: Option<Vec<u8>>,
    answer: Option<Box<dyn Read + Send>>,
}

impl Read for Call {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.answer.is_none() {
            self.answer = Some(match self.request.take() {
                Some(request) => self.wire.exchange(self.speech, request)?,
                None => self.wire.refs(self.speech)?,
            });
        }
        self.answer.as_mut().map_or(Ok(0), |answer| answer.read(buffer))
    }
}

impl Write for Call {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let request = self.request.as_mut().ok_or_else(|| io::Error::other("the request was sent already"))?;
        if request.len().saturating_add(bytes.len()) > REQUEST {
            return Err(io::Error::other(format!("the request is over the limit of {REQUEST} bytes")));
        }
        request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
