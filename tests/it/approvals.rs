//! What people allow and forbid before anything leaves.

use crate::documents::{config, image, proposal, replicas};
use crate::world::{HOUR, World};
use countersign::config::Roster;
use countersign::domain::approval::{Alg, Claims, Says, mint};
use countersign::domain::attest::{KeySet, prove};
use countersign::domain::facts::PullState;
use countersign::domain::ids::Digest;
use countersign::domain::lifecycle::Record;
use countersign::web::booth::Unheard;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

const MINUTE: i64 = 60;
/// How a proposal begins that waits for approvals.
const WAITS: &str = "received / waits: approvals_missing";

/// What an approver signs now about a record.
pub fn claims(w: &World, record: &Record, approver: &str, says: Says) -> Claims {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let class = record.class.as_ref().expect("judged");
    let at = u64::try_from(w.stage.clock.now().seconds()).unwrap();
    Claims {
        iss: approver.into(),
        aud: "demo.countersign/acme".into(),
        sub: approver.into(),
        iat: at,
        nbf: at,
        exp: at + 600,
        jti: format!("01890a5d-ac96-774b-bcce-{:012x}", NEXT.fetch_add(1, Ordering::SeqCst)),
        tnt: w.stage.tenant().clone(),
        prp: record.id.clone(),
        dig: record.digest,
        act: record.action_kind.name(),
        cls: class.key(),
        tier: class.tier,
        dec: says,
        rsn: (says == Says::Reject).then(|| "not during the sale".into()),
        plan: None,
        step: None,
        amr: None,
    }
}

/// Signs and hands in; the code of the refusal, if it is one.
async fn says(w: &World, id: &str, approver: &str, says: Says) -> Result<(), &'static str> {
    let record = w.record(id).await;
    let token = mint(&claims(w, &record, approver, says), Alg::EdDSA, &w.stage.approver(approver).unwrap());
    hand_in(w, id, says, &token).await
}

async fn hand_in(w: &World, id: &str, says: Says, token: &str) -> Result<(), &'static str> {
    let heard = w.stage.hand_in(id, says, token).await;
    w.settle().await;
    match heard {
        Ok(_) => Ok(()),
        Err(Unheard::Refused(refused)) => Err(refused.code),
        Err(Unheard::Spent(_)) => Err("approval.budget"),
        Err(Unheard::Store(error)) => panic!("{error}"),
    }
}

/// A change that takes an entry out of a kustomization: two people have to approve it.
fn unlisted() -> Value {
    let changes = json!([{"terraform": {"file": "envs/prod/main.tf", "block": "module.eks", "set": {"count": 0}}}]);
    let mut asked = proposal("PatchTerraform", "shop", "eks", changes);
    asked["target"] = json!({"kind": "module", "name": "eks"});
    asked
}

#[tokio::test]
async fn nothing_leaves_before_it_is_approved() {
    let w = World::start().await;
    let id = w.propose(&replicas("web", "staging", 0)).await;
    w.expect(&id, WAITS).await;
    assert_eq!(w.asked("push") + w.asked("open"), 0);
    let record = w.record(&id).await;
    assert_eq!(record.needed, Some(1));
    let diff = w.stage.parts.store.artifact(w.stage.tenant(), &id, "diff").await.unwrap();
    assert!(diff.is_some(), "an approver can read what changes");
    w.later(5 * MINUTE).await;
    says(&w, &id, "dana", Says::Approve).await.unwrap();
    let story = format!("{WAITS} / approved by dana / pushed / opened / attested / waits: scale_to_zero");
    w.expect(&id, &story).await;
    // A token limits its own redemption; what was redeemed stands when it is long over.
    w.later(HOUR).await;
    w.expect(&id, &story).await;
    assert!(w.open_gates(&id).await.iter().all(|code| code != "approvals_missing"));
    w.merge(&id).await;
    assert!(w.story(&id).await.ends_with("merged by a person / waits: soak"));
    w.finish().await;
}

#[tokio::test]
async fn the_attestation_names_who_approved_with_what() {
    let w = World::start().await;
    let id = w.propose(&replicas("web", "staging", 0)).await;
    let token = {
        let record = w.record(&id).await;
        mint(&claims(&w, &record, "dana", Says::Approve), Alg::EdDSA, &w.stage.approver("dana").unwrap())
    };
    hand_in(&w, &id, Says::Approve, &token).await.unwrap();
    let body = w.pull(&id).await.body;
    let keys: KeySet = w.stage.parts.keys.set.clone();
    let proven = prove(&body, &keys, w.stage.clock.now()).unwrap();
    let bound = &proven.statement.predicate.binding.approvals;
    assert_eq!(bound.len(), 1);
    assert_eq!((bound[0].approver.as_str(), bound[0].sha256), ("dana", Digest::of(token.as_bytes())));
    assert_eq!(bound[0].kid, w.stage.approver("dana").unwrap().id().to_string());
    assert!(body.contains("**Approvals**\n\n- `dana` at 2026-01-05T08:00:00Z"), "{body}");
    let kept = w.stage.parts.store.approvals(w.stage.tenant(), &id).await.unwrap();
    assert_eq!(kept, [(token, w.stage.clock.now())], "the token itself is kept for whoever verifies");
    // One more approval is one more row: the block is written again.
    says(&w, &id, "kim", Says::Approve).await.unwrap();
    let proven = prove(&w.pull(&id).await.body, &keys, w.stage.clock.now()).unwrap();
    assert_eq!(proven.statement.predicate.binding.approvals.len(), 2);
    w.finish().await;
}

#[tokio::test]
async fn j31_two_people_half_an_hour_apart() {
    let w = World::start().await;
    let id = w.propose(&unlisted()).await;
    w.expect(&id, WAITS).await;
    assert_eq!((w.record(&id).await.needed, w.record(&id).await.class.unwrap().tier), (Some(2), 3));
    w.later(10 * MINUTE).await;
    says(&w, &id, "dana", Says::Approve).await.unwrap();
    assert_eq!(says(&w, &id, "dana", Says::Approve).await, Err("approval.same_person"));
    // A first approval keeps it waiting beyond the quarter of an hour.
    w.later(29 * MINUTE + 59).await;
    let early = {
        let record = w.record(&id).await;
        mint(&claims(&w, &record, "kim", Says::Approve), Alg::EdDSA, &w.stage.approver("kim").unwrap())
    };
    assert_eq!(hand_in(&w, &id, Says::Approve, &early).await, Err("approval.too_soon"));
    assert_eq!(w.asked("push"), 0);
    w.advance(1);
    hand_in(&w, &id, Says::Approve, &early).await.expect("the same token: it was not used up");
    let story = w.story(&id).await;
    assert!(story.contains("approved by kim / pushed / opened / attested"), "{story}");
    w.finish().await;
}

#[tokio::test]
async fn j32_a_clock_set_back_between_two_approvals_gains_nothing() {
    let w = World::start().await;
    let id = w.propose(&unlisted()).await;
    says(&w, &id, "dana", Says::Approve).await.unwrap();
    w.stage.clock.advance(-HOUR);
    assert_eq!(says(&w, &id, "kim", Says::Approve).await, Err("approval.too_soon"));
    assert_eq!(w.asked("push"), 0);
    w.stage.clock.advance(HOUR + 30 * MINUTE);
    says(&w, &id, "kim", Says::Approve).await.unwrap();
    assert_eq!(w.asked("push"), 1);
    w.finish().await;
}

#[tokio::test]
async fn j34_a_first_approval_that_nobody_follows_lapses() {
    let w = World::start().await;
    let id = w.propose(&unlisted()).await;
    says(&w, &id, "dana", Says::Approve).await.unwrap();
    w.later(4 * HOUR - 1).await;
    assert!(!w.story(&id).await.contains("dropped"));
    w.later(1).await;
    assert!(w.story(&id).await.ends_with("dropped: expired"));
    assert_eq!(says(&w, &id, "kim", Says::Approve).await, Err("proposal.over"));
    w.finish().await;
}

#[tokio::test]
async fn a_rejection_ends_it_with_a_reason_for_the_proposer() {
    let w = World::start().await;
    let id = w.propose(&replicas("web", "staging", 0)).await;
    says(&w, &id, "kim", Says::Reject).await.unwrap();
    w.expect(&id, &format!("{WAITS} / rejected by kim / dropped: rejected")).await;
    assert_eq!(w.record(&id).await.reason.unwrap().sentence, "kim rejected it: not during the sale");
    assert_eq!(w.asked("push"), 0);
    w.finish().await;
}

#[tokio::test]
async fn a_rejection_closes_an_open_pull_request() {
    let w = World::start().await;
    let id = w.propose(&replicas("web", "staging", 0)).await;
    says(&w, &id, "dana", Says::Approve).await.unwrap();
    says(&w, &id, "kim", Says::Reject).await.unwrap();
    assert!(w.story(&id).await.ends_with("rejected by kim / dropped: rejected"));
    assert_eq!(w.pull(&id).await.state, PullState::Closed);
    w.finish().await;
}

#[tokio::test]
async fn j36_a_revoked_approver_did_not_approve() {
    let w = World::start().await;
    let id = w.propose(&replicas("web", "staging", 0)).await;
    says(&w, &id, "dana", Says::Approve).await.unwrap();
    assert!(w.record(&id).await.pull.is_some());
    let path = w.stage.home.join("settings.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("id = \"dana\"\n", "id = \"dana\"\nrevoked = true\n", 1)).unwrap();
    let w = w.restart().await;
    w.later(60).await;
    assert!(w.open_gates(&id).await.contains(&"approvals_missing".to_owned()), "{:?}", w.open_gates(&id).await);
    assert_eq!(says(&w, &id, "dana", Says::Approve).await, Err("token.key_revoked"));
    says(&w, &id, "kim", Says::Approve).await.unwrap();
    assert!(!w.open_gates(&id).await.contains(&"approvals_missing".to_owned()));
    w.finish().await;
}

#[tokio::test]
async fn j24_a_token_fits_no_other_proposal() {
    let w = World::start().await;
    let first = w.propose(&replicas("web", "staging", 0)).await;
    let mut edited = replicas("web", "staging", 0);
    edited["reason"] = json!("for another reason");
    let second = w.propose(&edited).await;
    let record = w.record(&first).await;
    let token = mint(&claims(&w, &record, "dana", Says::Approve), Alg::EdDSA, &w.stage.approver("dana").unwrap());
    let heard = w.stage.hand_in(&second, Says::Approve, &token).await;
    let refused = matches!(&heard, Err(Unheard::Refused(refused)) if refused.code == "token.proposal" || refused.code == "proposal.over");
    assert!(refused, "{heard:?}");
    assert!(w.record(&second).await.approvals.is_empty());
    w.finish().await;
}

#[tokio::test]
async fn a_config_may_ask_for_more_approvals_and_not_for_less() {
    let w = World::start().await;
    w.rules(&config("propose", "", "approvals: {minimumConfidence: \"0.95\"}\n")).await;
    let unsure = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&unsure, WAITS).await;
    let verdict = w.record(&unsure).await.verdict.unwrap();
    assert!(verdict.text().contains("confidence below 0.95"), "{}", verdict.text());
    let mut sure = image("search", "staging", "2.0");
    sure["confidence"] = json!("0.95");
    let sure = w.propose(&sure).await;
    assert_eq!(w.record(&sure).await.needed, Some(0));
    w.rules(&config("propose", "", "approvals: {tier1: 1}\n")).await;
    let first = w.propose(&image("basket", "staging", "2.0")).await;
    w.expect(&first, WAITS).await;
    says(&w, &first, "dana", Says::Approve).await.unwrap();
    assert!(w.record(&first).await.pull.is_some());
    w.rules(&config("propose", "", "approvals: {tier3: 0}\n")).await;
    let refused = w.propose(&unlisted()).await;
    assert!(w.story(&refused).await.contains("waits: config_invalid"));
    w.finish().await;
}

#[tokio::test]
async fn who_only_watches_needs_no_approval() {
    let w = World::start().await;
    w.rules(&config("observe", "", "")).await;
    let id = w.propose(&replicas("web", "staging", 0)).await;
    w.expect(&id, "received / dropped: observed").await;
    w.finish().await;
}

/// Lets dana's key be one that is fetched; the address, and a set with the key.
fn fetched(w: &mut World) -> (String, String) {
    let mut settings = (*w.stage.parts.settings).clone();
    let dana = settings.tenants[0].approvers.iter_mut().find(|approver| approver.id == "dana").unwrap();
    let key = json!(dana.jwk.take().unwrap());
    let url = "https://id.example/keys".to_owned();
    dana.jwks_url = Some(url.clone());
    dana.thumbprints = vec![w.stage.approver("dana").unwrap().id().to_string()];
    w.stage.parts.roster = Roster::of(&settings).unwrap();
    (url, json!({"keys": [key]}).to_string())
}

#[tokio::test]
async fn while_a_key_set_cannot_be_had_nothing_merges_and_nothing_ends() {
    let mut w = World::start().await;
    let (url, set) = fetched(&mut w);
    let take = |w: &World, set: &str| w.stage.parts.roster.take(&url, set.as_bytes(), w.stage.clock.now()).unwrap();
    let (two, one) = (w.propose(&unlisted()).await, w.propose(&replicas("web", "staging", 0)).await);
    assert_eq!(says(&w, &one, "dana", Says::Approve).await, Err("token.key_unavailable"));
    take(&w, &set);
    says(&w, &two, "dana", Says::Approve).await.unwrap();
    w.later(7 * MINUTE).await;
    says(&w, &one, "dana", Says::Approve).await.unwrap();
    w.check_passes(&one).await;
    assert_eq!(w.record(&one).await.stage.name(), "open");
    // The provider is away for half a day: what one approval waits for would be long over.
    w.later(12 * HOUR).await;
    for id in [&one, &two] {
        assert!(w.open_gates(id).await.contains(&"approvals_unverifiable".to_owned()), "{}", w.story(id).await);
    }
    assert_eq!((w.record(&two).await.stage.name(), w.record(&one).await.stage.name()), ("received", "open"));
    take(&w, &set);
    w.later(61).await;
    assert!(w.open_gates(&one).await.iter().all(|code| !code.starts_with("approvals_")));
    assert_eq!(w.record(&two).await.stage.name(), "dropped", "the second approval did not come in its four hours");
    // A key that was taken out of the set takes the approval with it.
    assert_eq!(take(&w, r#"{"keys": []}"#).len(), 1);
    w.later(61).await;
    assert!(w.open_gates(&one).await.contains(&"approvals_missing".to_owned()), "{}", w.story(&one).await);
    w.finish().await;
}
