//! The process ends at any request to the forge, before it is looked at or before its answer arrives: the world comes to
//! the same state as if nothing had happened.

use crate::fake::doom::Side;
use crate::fake::faults::Act;
use crate::ground::{Ground, Kind};
use crate::seasoned;
use crate::stand::{PROPOSER, bump, open};
use crate::story;
use countersign::app::Parts;
use countersign::cli::demo::CI;
use countersign::domain::facts::Conclusion;
use countersign::domain::ids::{TenantId, Time};
use countersign::domain::lifecycle::Record;
use countersign::forge::local::Faults;
use countersign::store::{Happened, WakeBy};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

on_served!(
    f91_f27_it_ends_before_an_odd_request,
    f91_f27_it_ends_before_an_even_request,
    f91_f28_it_ends_after_an_odd_request,
    f91_f28_it_ends_after_an_even_request,
);

const STORY: &str =
    "received / pushed / opened / attested / waits: checks.missing / every gate passes / merged / waits: soak";
/// Longer than a lease.
const LEASE: i64 = 121;

pub type Work<T> = Box<dyn FnOnce(Parts) -> Pin<Box<dyn Future<Output = T>>> + Send>;

/// Lives with a process's whole memory of its own: runtime, connections, database, caches. None if it died.
async fn live<T: Send + 'static>(
    ground: &Ground,
    died: Arc<Notify>,
    gone: CancellationToken,
    work: Work<T>,
) -> Option<T> {
    let (home, clock) = (ground.home.clone(), ground.clock.clone());
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let done = runtime.block_on(async {
            let alive = async { work(open(&home, &clock, &Faults::default()).await).await };
            tokio::select! {
                biased;
                () = died.notified() => None,
                done = alive => Some(done),
            }
        });
        // Nothing that was begun goes on.
        runtime.shutdown_background();
        gone.cancel();
        drop(tell.send(done));
    });
    told.await.unwrap()
}

/// What a life was about: the record, what happened, and whether the log verifies.
pub type Left = (Record, Vec<Happened>, Result<(), String>);

/// Sends the proposal if it was not sent, looks at it, and takes every turn.
pub fn work(kind: Kind, now: Time) -> Work<Left> {
    Box::new(move |parts| {
        Box::pin(async move {
            let tenant: TenantId = "acme".parse().unwrap();
            let mut document = bump("web", "1.4.2");
            document["id"] = "the-one".into();
            document["repository"]["forge"] = kind.name().into();
            let sent = document.to_string();
            let taken = parts.intake().receive(&tenant, PROPOSER, sent.as_bytes(), now).await;
            let id = taken.unwrap_or_else(|refused| panic!("{refused:?}")).id;
            parts.store.wake(&tenant, WakeBy::Id(&id), now).await.unwrap();
            parts.worker("mortal").until_idle().await.unwrap();
            let record = parts.store.record(&tenant, &id).await.unwrap().unwrap().0;
            let events = parts.store.events(&tenant, &id).await.unwrap();
            let log = story::verified(&parts.store, &tenant).await.map(|_| ());
            parts.store.close().await;
            (record, events, log)
        })
    })
}

/// Takes every turn; after a death it begins anew until nothing is due.
pub async fn turns(
    ground: &Ground,
    doom: &mut Option<(u64, Side)>,
    past: u64,
    work: fn(Kind, Time) -> Work<Left>,
) -> Left {
    let (died, gone) = (Arc::new(Notify::new()), CancellationToken::new());
    ground.fake().doom.clear();
    if let Some((n, side)) = *doom {
        let (died, gone) = (died.clone(), gone.clone());
        let end: Act = Arc::new(move || {
            let (died, gone) = (died.clone(), gone.clone());
            Box::pin(async move {
                died.notify_one();
                gone.cancelled().await;
            })
        });
        ground.fake().doom.set(n - past, side, end);
    }
    if let Some(left) = live(ground, died, gone, work(ground.kind, ground.clock.now())).await {
        return left;
    }
    *doom = None;
    ground.clock.advance(LEASE);
    let again = work(ground.kind, ground.clock.now());
    live(ground, Arc::default(), CancellationToken::new(), again).await.expect("nobody ends it")
}

/// What the forge shows in the end, without what differs from one day to the next.
pub async fn shown(ground: &Ground, number: u64) -> String {
    let (pull, comments) = ground.dana().show(number).await.unwrap();
    let all: Vec<String> =
        ground.dana().list().await.unwrap().iter().map(|it| format!("{} {:?}", it.number, it.state)).collect();
    let mut checks: Vec<String> =
        pull.checks.iter().map(|it| format!("{} of {}: {:?}", it.name, it.app, it.conclusion)).collect();
    checks.sort();
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let mut said: Vec<String> = comments.iter().map(|it| format!("{}: {}", it.by.login, first(&it.text))).collect();
    said.sort();
    let repo = git2::Repository::open_bare(&ground.place.path).unwrap();
    let mut branches =
        repo.references_glob("refs/heads/*").unwrap().names().map(|name| name.unwrap().to_owned()).collect::<Vec<_>>();
    branches.sort();
    let main = ground.tip("main").unwrap();
    let (mut commits, mut at) = (0, Some(main.clone()));
    while let Some(commit) = at {
        commits += 1;
        at = ground.bare().commit(&commit).unwrap().parents.first().cloned();
    }
    let tree = ground.bare().tree(&main).unwrap();
    format!(
        "pulls {all:?}\nlabels {:?}\nchecks {checks:?}\nsaid {said:?}\nbranches {branches:?}\n{commits} commits, {tree}",
        pull.labels
    )
}

/// One proposal from its door to its merge; what the forge shows in the end, and how many requests it took.
async fn way(kind: Kind, mut doom: Option<(u64, Side)>) -> (String, u64) {
    let planned = doom;
    let ground = seasoned::ground(kind).await;
    let (record, ..) = turns(&ground, &mut doom, 0, work).await;
    let first = ground.fake().doom.requests();
    let number = record.pull.unwrap_or_else(|| panic!("{planned:?}: no pull request, {:?}", record.reason));
    ground.ci().check(number, "ci/build", Conclusion::Success, CI).await.unwrap();
    let (record, events, log) = turns(&ground, &mut doom, first, work).await;
    let requests = first + ground.fake().doom.requests();
    let told = story::told(&events);
    assert_eq!(told, STORY, "{kind:?} {planned:?}\n{}\n{}", story::tale(&record, &events), ground.asked());
    story::paired(&events, true).unwrap();
    log.unwrap_or_else(|broken| panic!("{kind:?} {planned:?}: {broken}"));
    assert_eq!(doom, None, "{kind:?} {planned:?}: it died");
    assert_eq!(record.landed.map(|landed| landed.commit), ground.tip("main"));
    ground.kept_its_manners();
    (shown(&ground, number).await, requests)
}

async fn f91_f27_it_ends_before_an_odd_request(kind: Kind) {
    sweep(kind, Side::Before, 1).await;
}

async fn f91_f27_it_ends_before_an_even_request(kind: Kind) {
    sweep(kind, Side::Before, 2).await;
}

async fn f91_f28_it_ends_after_an_odd_request(kind: Kind) {
    sweep(kind, Side::After, 1).await;
}

async fn f91_f28_it_ends_after_an_even_request(kind: Kind) {
    sweep(kind, Side::After, 2).await;
}

/// Requests of the way, the odd or the even ones.
async fn sweep(kind: Kind, side: Side, begin: u64) {
    let (expected, requests) = way(kind, None).await;
    assert!(requests > 30, "{requests} requests");
    let began = std::time::Instant::now();
    // All of them take minutes: `COUNTERSIGN_SWEEP=all` asks for that, otherwise every twelfth of the half is tried.
    let step = if std::env::var("COUNTERSIGN_SWEEP").is_ok_and(|it| it == "all") { 2 } else { 24 };
    for n in (begin..=requests).step_by(step) {
        let (found, _) = way(kind, Some((n, side))).await;
        assert_eq!(found, expected, "{kind:?}: it ended {side:?} request {n}");
    }
    eprintln!(
        "{kind:?}: ended {side:?} every {step}th of {requests} requests from the {begin}., {:?}",
        began.elapsed()
    );
}
