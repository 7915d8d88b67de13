//! The local forge, told through the trait and the acts of people.

mod branches;
mod faulty;
mod hooked;
mod merging;
mod story;

use super::*;
use crate::domain::facts::{Conclusion, MergeMethod, Mergeable, Opinion, PullState};
use crate::domain::ids::Time;
use crate::git::repository::create_bare;
use std::sync::atomic::{AtomicI64, Ordering};

pub(super) const BOT: u64 = 1;

/// One repository with one bot, a clock moved by hand and as many people as are asked for.
pub(super) struct Scene {
    pub(super) dir: tempfile::TempDir,
    pub(super) forge: LocalForge,
    pub(super) faults: Faults,
    pub(super) first: Oid,
    seconds: Arc<AtomicI64>,
}

pub(super) fn scene() -> Scene {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("shop.git");
    let files = [("web.yaml", "image: 1\nreplicas: 1\n\n\n\nmemory: 1\n"), ("dir/keep.txt", "kept\n")];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
    let dana = User { id: 7, login: "dana".to_owned() };
    let first = create_bare(&path, &files, "main", &dana, Time(1_700_000_000_000_000)).expect("makes");
    let seconds = Arc::new(AtomicI64::new(1_700_000_100));
    let faults = Faults::default();
    let bot = User { id: BOT, login: "countersign[bot]".to_owned() };
    let mirror = dir.path().join("mirror.git");
    let forge = LocalForge::new(place(&path), &mirror, bot, clock(&seconds), faults.clone());
    Scene { dir, forge, faults, first, seconds }
}

fn place(path: &Path) -> LocalPlace {
    LocalPlace { path: path.to_owned(), id: 42, name: "acme/shop".to_owned(), hook: None }
}

fn clock(seconds: &Arc<AtomicI64>) -> Clock {
    let seconds = seconds.clone();
    Arc::new(move || Time::default().plus_seconds(seconds.load(Ordering::SeqCst)))
}

impl Scene {
    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("shop.git")
    }

    pub(super) fn pass(&self, seconds: i64) -> Time {
        Time::default().plus_seconds(self.seconds.fetch_add(seconds, Ordering::SeqCst) + seconds)
    }

    pub(super) fn person(&self, id: u64, login: &str) -> Person {
        let who = Who { user: User { id, login: login.to_owned() }, can_write: true };
        Person::new(place(&self.path()), who, clock(&self.seconds))
    }

    pub(super) fn dana(&self) -> Person {
        self.person(7, "dana")
    }

    /// The order to push this text as `web.yaml` on a new branch.
    pub(super) async fn order(&self, branch: &str, text: &str) -> Push {
        let mirror = self.forge.sync().await.expect("syncs");
        let parent = self.forge.tip("main").await.expect("reads").expect("main");
        let base = mirror.tree(&parent).expect("reads");
        let tree = mirror.write(&base, &[web(text)]).expect("writes");
        let at = Time::default().plus_seconds(self.seconds.load(Ordering::SeqCst));
        let message = "fix: web\n\nCountersign-Proposal: x\n".to_owned();
        Push { branch: branch.to_owned(), old: None, parent, tree, message, at }
    }

    /// A pushed branch and its open pull request.
    pub(super) async fn opened(&self, branch: &str, text: &str) -> (u64, Oid) {
        let pushed = self.forge.push(&self.order(branch, text).await).await.expect("pushes");
        let Pushed::Done(head) = pushed else { panic!("{pushed:?}") };
        (self.forge.open(&new_pull(branch)).await.expect("opens"), head)
    }

    pub(super) async fn state(&self, number: u64) -> PullState {
        self.forge.pull(number).await.expect("reads").state
    }

    pub(super) async fn merge(&self, number: u64, head: &Oid, method: MergeMethod) -> Merge {
        self.forge.merge(number, &merge_order(head, method)).await.expect("answers")
    }

    pub(super) fn bare(&self) -> Mirror {
        Mirror::existing(&self.path()).expect("opens")
    }

    pub(super) async fn main(&self) -> Oid {
        self.forge.tip("main").await.expect("reads").expect("main")
    }
}

pub(super) fn merge_order(head: &Oid, method: MergeMethod) -> MergeOrder {
    MergeOrder {
        head: head.clone(),
        method,
        title: "fix: web (#1)".to_owned(),
        message: "Approved-by: dana".to_owned(),
    }
}

pub(super) fn web(text: &str) -> FileChange {
    ("web.yaml".to_owned(), Some(text.as_bytes().to_vec()))
}

pub(super) fn new_pull(branch: &str) -> NewPull {
    NewPull {
        head_ref: branch.to_owned(),
        base_ref: "main".to_owned(),
        title: "fix: web".to_owned(),
        body: "as of now\n".to_owned(),
        labels: vec!["countersign".to_owned()],
        reviewers: vec!["nobody".to_owned()],
    }
}

pub(super) const V2: &str = "image: 2\nreplicas: 1\n\n\n\nmemory: 1\n";
pub(super) const MEMORY: &str = "image: 1\nreplicas: 1\n\n\n\nmemory: 2\n";
pub(super) const V3: &str = "image: 3\nreplicas: 1\n\n\n\nmemory: 1\n";
