//! Events of each forge through the real routes: what proves them, what they wake, and that they are never believed.
//! Numbers are those of the scenarios.

use crate::fake::events::{self, ALL, Event, SECRET, SIGNING, What, proof, proven, signed};
use crate::fake::faults::Fault;
use crate::ground::{Ground, ID, Kind};
use crate::stand::{Stand, bump};
use axum::body::Body;
use axum::http::Request;
use countersign::domain::lifecycle::Stage;
use serde_json::{Value, json};
use std::path::PathBuf;
use tower::ServiceExt as _;

on_each_forge!(
    f1_f2_what_is_not_known_changes_nothing,
    f3_the_same_meaning_in_other_bytes,
    f4_proofs_that_are_none,
    f7_an_event_of_another_forge,
    f8_bodies_that_are_too_large_or_too_deep,
    f9_f10_odd_bodies_are_no_trouble,
    f12_an_event_is_taken_before_it_is_handled,
    f13_one_delivery_on_two_workers,
    f14_f17_f18_events_in_any_order_end_where_the_forge_is,
    f16_what_was_taken_is_handled_after_a_crash,
    f19_without_any_event_the_sweep_finds_it,
    f21_an_event_of_a_repository_that_is_not_ours,
    f22_a_burst_of_events,
);
on_served!(
    f5_a_secret_that_is_being_replaced,
    f11_every_recorded_event_is_answered,
    f15_a_delivery_whose_handling_failed,
);

/// A stand with an open pull request; its id and number.
async fn opened(kind: Kind) -> (Stand, String, u64) {
    let stand = Stand::start(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let number = stand.number(&id).await;
    (stand, id, number)
}

impl Stand {
    /// Sends an event to the service; the status of the answer.
    async fn hears(&self, event: &Event) -> u16 {
        let mut request = Request::post(event.path).header("content-length", event.body.len());
        for (name, value) in &event.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(event.body.clone())).unwrap();
        self.router().oneshot(request).await.unwrap().status().as_u16()
    }

    /// How many events are kept and not handled.
    async fn kept(&self) -> usize {
        self.parts.store.pending_deliveries(1_000).await.unwrap().len()
    }

    /// Requests to the forge that are to write something.
    fn written(&self) -> usize {
        let reads = |route: &str| route.ends_with("/access_tokens") || route.ends_with("/git-upload-pack");
        let all = self.server.iter().flat_map(|server| server.fake.log.all());
        all.filter(|it| it.method != "GET" && !reads(&it.route)).count()
    }
}

async fn f1_f2_what_is_not_known_changes_nothing(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    let (story, written) = (stand.story(&id).await, stand.written());
    for (n, what) in [What::News, What::Sparkled].into_iter().enumerate() {
        let event = stand.event(what, number, &format!("d-{n}")).await;
        assert_eq!(stand.hears(&event).await, 202, "{what:?}");
        assert_eq!(stand.kept().await, 1, "{what:?} is kept");
        stand.turns().await;
    }
    assert_eq!((stand.story(&id).await, stand.written()), (story, written));
    stand.finish().await;
}

async fn f3_the_same_meaning_in_other_bytes(kind: Kind) {
    let (stand, _, number) = opened(kind).await;
    let mut event = stand.event(What::Edited, number, "d-1").await;
    if kind == Kind::Gitlab {
        event = signed(event, "d-1", stand.clock.now());
    }
    let sent: Value = serde_json::from_slice(&event.body).unwrap();
    let other = Event { body: serde_json::to_vec_pretty(&sent).unwrap(), ..event.clone() };
    assert_eq!((stand.hears(&other).await, stand.kept().await), (401, 0));
    assert_eq!((stand.hears(&event).await, stand.kept().await), (202, 1));
    stand.turns().await;
    stand.finish().await;
}

async fn f4_proofs_that_are_none(kind: Kind) {
    let (stand, _, number) = opened(kind).await;
    let event = stand.event(What::Edited, number, "d-1").await;
    let good = event.header(proof(kind)).to_owned();
    let upper = good.replacen("sha256=", "", 1).to_uppercase();
    let upper = if kind == Kind::Gitlab { upper } else { format!("sha256={upper}") };
    let sha1 = format!("sha1={}", &"0123456789abcdef0123".repeat(2));
    let cases = ["", " ", "sha256=", "sha256=ab", &good[..good.len() - 1], &format!("{good}0"), &upper, &sha1];
    for wrong in cases.map(Some).into_iter().chain([None]) {
        let event = event.clone().with(proof(kind), wrong);
        assert_eq!(stand.hears(&event).await, 401, "{wrong:?}");
    }
    let mut twice = event.clone();
    twice.headers.push((proof(kind), good));
    assert_eq!(stand.hears(&twice).await, 401, "a proof that stands twice is none");
    if kind == Kind::Gitlab {
        let signed = signed(event.clone(), "d-1", stand.clock.now());
        for wrong in ["", "v1,", "v1,AAAA", "v2,AAAA", "nonsense"] {
            let event = signed.clone().with(countersign::forge::hook::on_gitlab::SIGNATURE, Some(wrong));
            assert_eq!(stand.hears(&event).await, 401, "{wrong:?}");
        }
    }
    assert_eq!(stand.kept().await, 0);
    stand.finish().await;
}

async fn f5_a_secret_that_is_being_replaced(kind: Kind) {
    let ground = Ground::lay(kind).await;
    let second = ground.home.join("hook.next");
    std::fs::write(&second, "the-next-secret-of-the-hooks").unwrap();
    std::fs::set_permissions(&second, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    ground.change_settings("webhook_secret_files = [", "webhook_secret_files = [\"hook.next\", ");
    let stand = Stand::on(ground).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let body = stand.payload(What::Edited, stand.number(&id).await, "d").await.1.to_string().into_bytes();
    let event = |secret: &str, id: &str| proven(kind, secret, "edited", id, body.clone());
    assert_eq!(stand.hears(&event(SECRET, "d-1")).await, 202, "the old one");
    assert_eq!(stand.hears(&event("the-next-secret-of-the-hooks", "d-2")).await, 202, "and the new one");
    // The old one is taken away, without a restart.
    std::fs::write(stand.home.join("hook.secret"), "another-that-nobody-was-told-of").unwrap();
    assert_eq!(stand.hears(&event(SECRET, "d-3")).await, 401);
    assert_eq!(stand.hears(&event("the-next-secret-of-the-hooks", "d-4")).await, 202);
    stand.turns().await;
    stand.finish().await;
}

async fn f7_an_event_of_another_forge(kind: Kind) {
    let (stand, _, number) = opened(kind).await;
    let event = stand.event(What::Edited, number, "d-1").await;
    for other in [Kind::Local, Kind::Github, Kind::Gitlab].into_iter().filter(|other| *other != kind) {
        // Its own proof, by a secret that is not ours, under all the headers that ours would have.
        let mut foreign = proven(other, "the-secret-of-another-forge", "edited", "d-1", event.body.clone());
        foreign.headers.extend(event.headers.iter().filter(|(name, _)| *name != proof(kind)).cloned());
        let at_ours = Event { path: event.path, ..foreign };
        assert_eq!(stand.hears(&at_ours).await, 401, "{other:?} at the address of {kind:?}");
        // Ours at the address of another, which nobody has a secret for.
        let path = proven(other, SECRET, "edited", "d-1", Vec::new()).path;
        let elsewhere = stand.hears(&Event { path, ..event.clone() }).await;
        assert!([401, 404].contains(&elsewhere), "{kind:?} at the address of {other:?}: {elsewhere}");
    }
    assert_eq!(stand.kept().await, 0);
    stand.finish().await;
}

async fn f8_bodies_that_are_too_large_or_too_deep(kind: Kind) {
    let (stand, _, number) = opened(kind).await;
    let large = proven(kind, SECRET, "edited", "d-1", vec![b' '; 26 << 20]);
    assert_eq!(stand.hears(&large).await, 413);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let said = stand.hears(&proven(kind, SECRET, "edited", "d-2", deep.into_bytes())).await;
    assert!((400..500).contains(&said), "{said}");
    let event = stand.event(What::Edited, number, "d-3").await;
    assert_eq!((stand.hears(&event).await, stand.kept().await), (202, 1), "it goes on");
    stand.turns().await;
    stand.finish().await;
}

async fn f9_f10_odd_bodies_are_no_trouble(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    let story = stand.story(&id).await;
    let (name, whole) = stand.payload(What::Edited, number, "d").await;
    let of = |n: usize, body: Vec<u8>| proven(kind, SECRET, name, &format!("d-{n}"), body);
    let (about, time) = match kind {
        Kind::Local => ("pull", "at"),
        Kind::Github => ("pull_request", "created_at"),
        Kind::Gitlab => ("object_attributes", "created_at"),
    };
    let mut odd = vec![whole.clone(); 5];
    odd[0][about] = Value::Null;
    odd[1][about] = "not an object".into();
    odd[2]["surprise"] = json!({"deep": [1, {"x": null}]});
    odd[3][about][time] = 1_622_000_000.into();
    odd[3][about]["body"] = Value::Null;
    odd[4].as_object_mut().unwrap().remove(about);
    for (n, body) in odd.into_iter().enumerate() {
        let mut body = body;
        body["delivery"] = if kind == Kind::Local { format!("d-{n}").into() } else { Value::Null };
        assert_eq!(stand.hears(&of(n, body.to_string().into_bytes())).await, 202, "{n}");
    }
    for (n, body) in
        [b"\xff\xfe{}".to_vec(), b"{\"x\":\"\0\"}".to_vec(), b"{\"x\":\"\\u0000\"}".to_vec(), b"{".to_vec()]
            .into_iter()
            .enumerate()
    {
        let said = stand.hears(&of(10 + n, body)).await;
        assert!([202, 400].contains(&said), "{n}: {said}");
    }
    stand.turns().await;
    assert_eq!(stand.story(&id).await, story);
    stand.finish().await;
}

async fn f11_every_recorded_event_is_answered(kind: Kind) {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/forge-contracts");
    let place = std::env::var_os("COUNTERSIGN_CONTRACTS").map_or_else(|| PathBuf::from(own), PathBuf::from);
    if !place.is_dir() {
        return println!("skipped: no recorded payloads at {}", place.display());
    }
    let (stand, id, _) = opened(kind).await;
    let (story, written) = (stand.story(&id).await, stand.written());
    let recorded: Vec<(String, Vec<u8>)> = if kind == Kind::Github {
        let text = std::fs::read_to_string(place.join("github/webhook-payloads.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|it| (it["event"].as_str().unwrap().to_owned(), it["payload"].to_string().into_bytes())).collect()
    } else {
        let files = std::fs::read_dir(place.join("gitlab")).unwrap().map(|file| file.unwrap().path());
        files.map(|file| ("Merge Request Hook".to_owned(), std::fs::read(file).unwrap())).collect()
    };
    assert!(recorded.len() >= 10, "{}", recorded.len());
    for (n, (name, body)) in recorded.into_iter().enumerate() {
        let began = std::time::Instant::now();
        let said = stand.hears(&proven(kind, SECRET, &name, &format!("recorded-{n}"), body)).await;
        assert_eq!(said, 202, "{n} {name}");
        assert!(began.elapsed().as_secs() < 10);
    }
    stand.turns().await;
    assert_eq!((stand.story(&id).await, stand.written()), (story, written), "nothing was written");
    stand.finish().await;
}

async fn f12_an_event_is_taken_before_it_is_handled(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    stand.closes(&id).await;
    let asked = stand.server.as_ref().map(|server| server.fake.log.all().len());
    let event = stand.event(What::Closed, number, "d-1").await;
    assert_eq!((stand.hears(&event).await, stand.kept().await), (202, 1));
    assert_eq!(stand.server.as_ref().map(|server| server.fake.log.all().len()), asked, "the forge was not asked yet");
    assert_eq!(stand.record(&id).await.stage, Stage::Open);
    stand.turns().await;
    assert_eq!((stand.record(&id).await.stage, stand.kept().await), (Stage::Dropped, 0));
    stand.finish().await;
}

async fn f13_one_delivery_on_two_workers(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    stand.closes(&id).await;
    let event = stand.event(What::Closed, number, "d-1").await;
    assert_eq!(tokio::join!(stand.hears(&event), stand.hears(&event)), (202, 202));
    assert_eq!(stand.kept().await, 1, "kept once");
    let (one, other) = (stand.parts.worker("one"), stand.parts.worker("other"));
    let (one, other) = tokio::join!(one.until_idle(), other.until_idle());
    one.unwrap();
    other.unwrap();
    dropped_once(&stand, &id).await;
    stand.finish().await;
}

async fn dropped_once(stand: &Stand, id: &str) {
    let events = stand.events(id).await;
    assert_eq!(events.iter().filter(|event| event.kind == "proposal.dropped").count(), 1);
    assert!(stand.story(id).await.ends_with("dropped: rejected"), "{}", stand.story(id).await);
}

async fn f14_f17_f18_events_in_any_order_end_where_the_forge_is(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    stand.closes(&id).await;
    // Closed before opened, and every event under two ids.
    for (n, what) in [What::Closed, What::Pushed, What::Opened, What::Closed].into_iter().enumerate() {
        for twice in ["app", "hook"] {
            let event = stand.event(what, number, &format!("{twice}-{n}")).await;
            assert_eq!(stand.hears(&event).await, 202);
        }
    }
    stand.turns().await;
    dropped_once(&stand, &id).await;
    let record = stand.record(&id).await;
    for (n, what) in ALL.into_iter().enumerate() {
        assert_eq!(stand.hears(&stand.event(what, number, &format!("late-{n}")).await).await, 202, "{what:?}");
    }
    stand.turns().await;
    assert_eq!(stand.record(&id).await, record, "what is over stays over");
    stand.finish().await;
}

async fn f15_a_delivery_whose_handling_failed(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    stand.closes(&id).await;
    let route = if kind == Kind::Github { "/pulls/{number}" } else { "/merge_requests/{iid}" };
    stand.fake().faults.next("GET", route, Fault::fails(503, "{}"));
    let event = stand.event(What::Closed, number, "d-1").await;
    assert_eq!(stand.hears(&event).await, 202);
    stand.turns().await;
    assert_eq!(stand.record(&id).await.stage, Stage::Open, "the look failed");
    assert_eq!(stand.hears(&event).await, 202, "sent again");
    stand.clock.advance(30);
    stand.turns().await;
    dropped_once(&stand, &id).await;
    stand.finish().await;
}

async fn f16_what_was_taken_is_handled_after_a_crash(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    stand.closes(&id).await;
    let event = stand.event(What::Closed, number, "d-1").await;
    assert_eq!(stand.hears(&event).await, 202);
    let stand = stand.restart().await;
    assert_eq!((stand.hears(&event).await, stand.kept().await), (202, 1), "sent again, kept once");
    stand.turns().await;
    dropped_once(&stand, &id).await;
    assert_eq!(stand.hears(&event).await, 202);
    stand.turns().await;
    dropped_once(&stand, &id).await;
    stand.finish().await;
}

async fn f19_without_any_event_the_sweep_finds_it(kind: Kind) {
    let (stand, id, _) = opened(kind).await;
    stand.closes(&id).await;
    stand.clock.advance(61);
    stand.turns().await;
    dropped_once(&stand, &id).await;
    stand.finish().await;
}

async fn f21_an_event_of_a_repository_that_is_not_ours(kind: Kind) {
    let (stand, _, number) = opened(kind).await;
    let (name, mut body) = stand.payload(What::Edited, number, "d-1").await;
    let place = if kind == Kind::Gitlab { "project" } else { "repository" };
    body[place]["id"] = (ID + 900).into();
    let asked = stand.server.as_ref().map(|server| server.fake.log.all().len());
    let said = stand.hears(&proven(kind, SECRET, name, "d-1", body.to_string().into_bytes())).await;
    // A local repository has a secret of its own: what it signs for another proves nothing.
    assert_eq!(said, if kind == Kind::Local { 401 } else { 202 });
    assert_eq!(stand.kept().await, 0);
    stand.turns().await;
    assert_eq!(stand.server.as_ref().map(|server| server.fake.log.all().len()), asked);
    stand.finish().await;
}

#[test]
fn the_secrets_of_the_stand_are_of_both_kinds() {
    assert!(SIGNING.starts_with(countersign::forge::hook::on_gitlab::SIGNING) && !SECRET.starts_with("whsec_"));
    assert_eq!(events::ALL.len(), 8);
}

async fn f22_a_burst_of_events(kind: Kind) {
    let (stand, id, number) = opened(kind).await;
    let (router, story) = (stand.router(), stand.story(&id).await);
    let (name, first) = stand.payload(What::Edited, number, "d-0").await;
    for n in 0..10_000 {
        let delivery = format!("d-{n}");
        let mut payload = first.clone();
        if kind == Kind::Local {
            payload["delivery"] = json!(delivery);
        }
        let event = proven(kind, SECRET, name, &delivery, payload.to_string().into_bytes());
        let headers = event.headers.iter();
        let request = headers.fold(Request::post(event.path), |request, (name, value)| request.header(*name, value));
        let request = request.header("content-length", event.body.len()).body(Body::from(event.body)).unwrap();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status(), 202);
    }
    let asked = |stand: &Stand| stand.server.iter().flat_map(|server| server.fake.log.all()).count();
    let before = asked(&stand);
    // Somebody else's proposal comes behind all of them.
    let other = stand.propose(bump("search", "2.0.1")).await;
    assert!(stand.record(&other).await.pull.is_some(), "{}", stand.story(&other).await);
    stand.turns().await;
    assert_eq!((stand.kept().await, stand.story(&id).await), (0, story));
    assert!(asked(&stand) - before < 2_000, "{} requests for ten thousand events", asked(&stand) - before);
    stand.finish().await;
}
