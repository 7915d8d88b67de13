//! Pull requests of people that change the config: the check run that says what merging them would mean.

use crate::documents::image;
use crate::world::{CONFIG, World};
use countersign::domain::facts::{Check, Conclusion};
use countersign::forge::NewPull;
use countersign::forge::hook::{Hint, Look};
use countersign::git::{Mirror, Node};
use serde_json::{Value, json};

const OLD: &str = "version: 1\nenvironments: {staging: {paths: [\"apps/*/staging/**\"], mode: propose}}\nautoMerge: {actionKinds: [SetImage]}\n";

/// Somebody opens a pull request in which a file has this text.
async fn opens(w: &World, branch: &str, path: &str, text: Option<&str>) -> u64 {
    let dana = w.dana();
    let tip = w.commits("README.md", Some(branch)).await;
    dana.reset(branch, &tip).await.unwrap();
    dana.commit(branch, vec![(path.to_owned(), text.map(|text| text.as_bytes().to_vec()))], "edit").await.unwrap();
    let new = NewPull {
        head_ref: branch.into(),
        base_ref: "main".into(),
        title: "config".into(),
        body: String::new(),
        labels: Vec::new(),
        reviewers: Vec::new(),
    };
    dana.open(new).await.unwrap()
}

/// The forge tells of a pull request.
async fn tells(w: &World, number: u64, id: &str) {
    told(w, number, id).await;
    w.turns().await;
}

/// The same, and nobody looks yet.
async fn told(w: &World, number: u64, id: &str) {
    let tenant = &w.stage.parts.settings.tenants[0];
    let key = tenant.repositories[0].binding(&tenant.id).key();
    let (store, now) = (&w.stage.parts.store, w.stage.clock.now());
    store.deliver(&tenant.id, &key, id, "pull", &Hint::bytes(Look::Pull(number)), now).await.unwrap();
}

async fn check(w: &World, number: u64) -> Option<Check> {
    let (pull, _) = w.dana().show(number).await.unwrap();
    pull.checks.into_iter().find(|check| check.name == "countersign/config")
}

/// Title and text of our check run.
async fn report(w: &World, number: u64) -> (String, String) {
    let (pull, _) = w.dana().show(number).await.unwrap();
    let bare = Mirror::existing(&w.stage.home.join("repos/shop.git")).unwrap();
    let kept = bare.reference(&format!("refs/countersign/checks/{}", pull.head)).unwrap().unwrap();
    let Some(Node::File { oid, .. }) = bare.node(&bare.tree(&kept).unwrap(), "checks.json").unwrap() else {
        panic!("no checks of {number}");
    };
    let checks: Vec<Value> = serde_json::from_slice(&bare.read(&oid, 1 << 20).unwrap()).unwrap();
    let ours = checks.into_iter().find(|check| check["name"] == "countersign/config").unwrap();
    let text = |key: &str| ours[key].as_str().unwrap().to_owned();
    (text("title"), text("summary"))
}

#[tokio::test]
async fn a_looser_config_is_called_looser() {
    let w = World::start().await;
    w.rules(OLD).await;
    let number = opens(&w, "looser", CONFIG, Some(&OLD.replace("mode: propose", "mode: automate"))).await;
    tells(&w, number, "one").await;
    assert_eq!(check(&w, number).await.unwrap().conclusion, Conclusion::Success);
    let report = report(&w, number).await;
    assert_eq!(report.0, "1 looser, 0 tighter, 0 other");
    assert!(report.1.contains("looser  staging: SetImage: merged without a person once"), "{}", report.1);
    // The same news again writes nothing, and the branch's config decides nothing.
    let (worker, before) = (w.stage.worker(), w.asked("report"));
    for id in ["two", "three"] {
        told(&w, number, id).await;
        worker.until_idle().await.unwrap();
    }
    assert_eq!(w.asked("report"), before + 1, "a service that was started anew writes it once more");
    let id = w.propose(&image("web", "staging", "2.0")).await;
    assert_eq!(w.record(&id).await.mode.unwrap().to_string(), "propose");
    w.finish().await;
}

#[tokio::test]
async fn a_config_that_cannot_be_used_fails_and_one_that_goes_is_told() {
    let w = World::start().await;
    w.rules(OLD).await;
    let broken = opens(&w, "broken", CONFIG, Some("version: 1\nlimts: {}\n")).await;
    tells(&w, broken, "one").await;
    assert_eq!(check(&w, broken).await.unwrap().conclusion, Conclusion::Failure);
    assert!(report(&w, broken).await.0.contains("limts"));
    let gone = opens(&w, "gone", CONFIG, None).await;
    tells(&w, gone, "two").await;
    assert!(report(&w, gone).await.0.contains("disables"));
    let other = opens(&w, "other", "notes.md", Some("x")).await;
    tells(&w, other, "three").await;
    assert!(check(&w, other).await.is_none());
    w.finish().await;
}

#[tokio::test]
async fn an_organisations_defaults_are_in_force_on_the_next_turn() {
    let mut w = World::start().await;
    let mut tenant = w.stage.parts.settings.tenants[0].clone();
    tenant.defaults = Some(json!({"mode": "observe", "limits": {"lines": 2}}));
    let asked = countersign::app::organisation(&tenant).unwrap();
    w.stage.parts.organisations.insert(tenant.id, asked);
    w.rules(&OLD.replace("propose", "automate")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / dropped: observed").await;
    let number = opens(&w, "lines", CONFIG, Some(&format!("{OLD}limits: {{lines: 40}}\n"))).await;
    tells(&w, number, "one").await;
    let report = report(&w, number).await;
    assert!(report.1.contains("limits.lines: 2 and not 40, by the organisation's defaults"), "{}", report.1);
    w.finish().await;
}
