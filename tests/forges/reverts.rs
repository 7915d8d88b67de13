//! A change that people take back, and one that countersign proposes to take back, on each forge.

use crate::crash::{Left, Work, shown, turns};
use crate::documents::overlay;
use crate::fake::doom::Side;
use crate::ground::{Ground, Kind, REPORTER};
use crate::seasoned::{DAY, good, green, stand as seasoned};
use crate::stand::{Stand, bump};
use crate::story;
use countersign::domain::facts::{HealthReport, MergeMethod, PullState};
use countersign::domain::ids::{TenantId, Time};
use countersign::domain::trust::Judgement;
use countersign::forge::NewPull;
use countersign::git::Node;
use countersign::store::WakeBy;

on_each_forge!(
    f76_a_change_taken_back_by_hand_is_a_failure_and_a_no,
    f76_a_pull_request_that_only_calls_itself_a_revert_is_none,
    f76_a_revert_after_the_soak_demotes,
    f76_a_bad_report_opens_the_revert_that_a_person_merges,
);
on_served!(f76_f91_a_revert_is_opened_once_wherever_it_ends);

const LANDED: &str = "received / pushed / opened / attested / waits: checks.missing / merged by a person / waits: soak";

fn file(ground: &Ground) -> String {
    let (bare, path) = (ground.bare(), overlay("web", "staging"));
    let tree = bare.tree(&ground.tip("main").unwrap()).unwrap();
    match bare.node(&tree, &path).unwrap() {
        Some(Node::File { oid, .. }) => String::from_utf8(bare.read(&oid, 1 << 20).unwrap()).unwrap(),
        other => panic!("{path} is {other:?}"),
    }
}

/// A change that a person merged, and the file as it was before.
async fn landed(stand: &Stand) -> (String, String) {
    let before = file(stand);
    let id = stand.propose(bump("web", "2.0")).await;
    stand.merges(&id).await;
    stand.settle().await;
    stand.expect(&id, LANDED).await;
    (id, before)
}

/// A reporter finds it bad.
async fn bad(stand: &Stand, id: &str) {
    let report = HealthReport {
        reporter: REPORTER.into(),
        result: Judgement::Bad,
        revision: Some(stand.record(id).await.landed.expect("it landed").commit),
        note: "it leaks".into(),
        severe: false,
        since: None,
        at: stand.clock.now(),
    };
    stand.parts.store.report(&stand.tenant, id, &report).await.unwrap();
}

async fn pulls(stand: &Stand) -> usize {
    stand.dana().list().await.unwrap().len()
}

async fn f76_a_change_taken_back_by_hand_is_a_failure_and_a_no(kind: Kind) {
    let stand = Stand::start(kind).await;
    let (id, before) = landed(&stand).await;
    let back = stand.pushes("main", &overlay("web", "staging"), &before).await;
    stand.pushes("main", "README.md", "something else\n").await;
    let opened = pulls(&stand).await;
    stand.settle().await;
    stand.expect(&id, &format!("{LANDED} / settled: bad")).await;
    let record = stand.record(&id).await;
    assert_eq!(record.reason.unwrap().code, "reverted");
    let with = record.undone.unwrap().with.unwrap();
    assert_eq!(with.commit, back);
    // GitLab does not say by number who made a commit.
    let by = with.by.map(|user| user.id);
    assert_eq!((with.author.as_str(), by), ("mallory", (kind != Kind::Gitlab).then_some(66)));
    // Nothing is opened against that, and the same is not proposed again.
    let mut again = bump("web", "2.0");
    again["reason"] = "once more".into();
    let second = stand.propose(again).await;
    stand.expect(&second, "received / dropped: rejected").await;
    stand.later(3_600).await;
    assert_eq!((pulls(&stand).await, file(&stand)), (opened, before));
    stand.finish().await;
}

async fn f76_a_pull_request_that_only_calls_itself_a_revert_is_none(kind: Kind) {
    let stand = Stand::start(kind).await;
    let (id, _) = landed(&stand).await;
    let number = stand.number(&id).await;
    let dana = stand.dana();
    dana.reset("revert-1", &stand.tip("main").unwrap()).await.unwrap();
    let title = format!("Revert \"fix(SetImage): web\" (#{number})");
    dana.commit("revert-1", vec![("notes.txt".into(), Some(b"sorry\n".to_vec()))], &title).await.unwrap();
    let pull = NewPull {
        head_ref: "revert-1".into(),
        base_ref: "main".into(),
        title,
        body: format!("Reverts acme/shop#{number}"),
        labels: Vec::new(),
        reviewers: Vec::new(),
    };
    let other = dana.open(pull).await.unwrap();
    dana.merge(other, MergeMethod::Squash).await.unwrap();
    stand.settle().await;
    stand.expect(&id, LANDED).await;
    good(&stand, &id).await;
    stand.later(4 * DAY).await;
    stand.expect(&id, &format!("{LANDED} / settled: good")).await;
    stand.finish().await;
}

async fn f76_a_revert_after_the_soak_demotes(kind: Kind) {
    let stand = seasoned(kind).await;
    let before = file(&stand);
    let id = stand.propose(bump("web", "1.4.2")).await;
    green(&stand, &id).await;
    good(&stand, &id).await;
    stand.later(3 * DAY).await;
    assert!(stand.story(&id).await.ends_with("settled: good"), "{}", stand.story(&id).await);
    stand.pushes("main", &overlay("web", "staging"), &before).await;
    stand.settle().await;
    assert!(stand.story(&id).await.ends_with("withdrawn: reverted_late, demoted"), "{}", stand.story(&id).await);
    let class = stand.record(&id).await.class.unwrap().key();
    assert!(stand.parts.store.demoted(&stand.tenant, class).await.unwrap());
    stand.finish().await;
}

async fn f76_a_bad_report_opens_the_revert_that_a_person_merges(kind: Kind) {
    let stand = Stand::start(kind).await;
    let (id, before) = landed(&stand).await;
    bad(&stand, &id).await;
    stand.settle().await;
    stand.expect(&id, &format!("{LANDED} / settled: bad / proposes a revert")).await;
    let next = stand.record(&id).await.relations.reverted_by.unwrap();
    stand.adopt(&next);
    let pull = stand.pull(&next).await;
    assert_eq!((pull.state, pull.author.id), (PullState::Open, stand.bot().id));
    assert!(pull.body.contains("it leaks") && pull.body.contains(&id), "{}", pull.body);
    green(&stand, &next).await;
    stand.later(3_600).await;
    assert_eq!(stand.record(&next).await.stage.name(), "open", "a person merges it");
    let comments = stand.forge().comments(stand.number(&id).await).await.unwrap();
    assert!(comments.iter().any(|said| said.text.contains(&next)), "{comments:?}");
    stand.merges(&next).await;
    stand.settle().await;
    assert_eq!(file(&stand), before, "every byte is back");
    assert!(stand.story(&id).await.ends_with("proposes a revert / taken back"), "{}", stand.story(&id).await);
    assert_eq!(pulls(&stand).await, 2);
    stand.finish().await;
}

/// Looks at the landed change and at what follows it.
fn work(_: Kind, now: Time) -> Work<Left> {
    Box::new(move |parts| {
        Box::pin(async move {
            let tenant: TenantId = "acme".parse().unwrap();
            let id = parts.store.record(&tenant, "the-one").await.unwrap().unwrap().0.id;
            parts.store.wake(&tenant, WakeBy::Id(&id), now).await.unwrap();
            parts.worker("mortal").until_idle().await.unwrap();
            let record = parts.store.record(&tenant, &id).await.unwrap().unwrap().0;
            let mut events = parts.store.events(&tenant, &id).await.unwrap();
            if let Some(next) = &record.relations.reverted_by {
                events.extend(parts.store.events(&tenant, next).await.unwrap());
            }
            let log = story::verified(&parts.store, &tenant).await.map(|_| ());
            parts.store.close().await;
            (record, events, log)
        })
    })
}

/// The end of the one branch that holds a revert.
fn end_of_branch(ground: &Ground) -> String {
    let branches = ground.bare().references("refs/heads/countersign/rollback/").unwrap();
    assert_eq!(branches.len(), 1, "{branches:?}");
    branches[0].0.rsplit('-').next().unwrap().to_owned()
}

/// A landed change that was reported bad, until its revert is open; what the forge shows, and how many requests it took.
async fn way(kind: Kind, mut doom: Option<(u64, Side)>) -> (String, u64) {
    let planned = doom;
    let stand = Stand::start(kind).await;
    let mut document = bump("web", "2.0");
    document["id"] = "the-one".into();
    let id = stand.propose(document).await;
    stand.merges(&id).await;
    stand.settle().await;
    bad(&stand, &id).await;
    let ground = stand.leave().await;
    let (record, events, log) = turns(&ground, &mut doom, 0, work).await;
    let requests = ground.fake().doom.requests();
    let told = story::told(&events);
    let wanted = "settled: bad / proposes a revert / received / pushed / opened / attested / waits: image_downgrade";
    assert!(told.ends_with(wanted), "{kind:?} {planned:?}\n{}\n{}", story::tale(&record, &events), ground.asked());
    log.unwrap_or_else(|broken| panic!("{kind:?} {planned:?}: {broken}"));
    assert_eq!(doom, None, "{kind:?} {planned:?}: it died");
    ground.kept_its_manners();
    // The revert names the landed proposal, whose id is another one each time.
    let digest = end_of_branch(&ground);
    let both = [shown(&ground, 1).await, shown(&ground, 2).await].concat();
    (both.replace(&digest, "DIGEST"), requests)
}

async fn f76_f91_a_revert_is_opened_once_wherever_it_ends(kind: Kind) {
    let (expected, requests) = way(kind, None).await;
    assert!(requests > 20, "{requests} requests");
    // All of them take minutes: `COUNTERSIGN_SWEEP=all` asks for that.
    let step = if std::env::var("COUNTERSIGN_SWEEP").is_ok_and(|it| it == "all") { 1 } else { 8 };
    for n in (1..=requests).step_by(step) {
        for side in [Side::Before, Side::After] {
            let (found, _) = way(kind, Some((n, side))).await;
            assert_eq!(found, expected, "{kind:?}: it ended {side:?} request {n}");
        }
    }
}
