//! Proposals that follow from a comment.

use crate::between::{Fate, Moment};
use crate::commands::{DANA, OPEN, opened};
use crate::crash::live;
use crate::documents::{image, overlay, replicas};
use crate::world::{HOUR, World};
use countersign::domain::facts::PullState;
use countersign::domain::lifecycle::Stage;
use countersign::domain::trust::Judgement;

impl World {
    /// The proposal that a comment on another led to.
    async fn follower(&self, name: &str) -> String {
        let found = self.stage.parts.store.record(self.stage.tenant(), name).await.unwrap();
        let id = found.unwrap_or_else(|| panic!("no proposal {name}")).0.id;
        self.takes_up(&id);
        id
    }
}

#[tokio::test]
async fn another_value_makes_a_successor_in_the_name_of_whoever_wrote_it() {
    let w = World::start().await;
    let mut document = image("web", "staging", "2.0");
    document["id"] = "bump".into();
    let first = w.propose(&document).await;
    let said = w.says(&first, "/countersign set newTag=2.1").await;
    w.acts(&first, &format!("{OPEN} / asked: set / dropped: superseded")).await;
    assert_eq!(w.pull(&first).await.state, PullState::Closed);
    assert_eq!(w.record(&first).await.outcome, Some(Judgement::Bad), "a person changed it");
    let next = w.follower(&format!("bump-set-{said}")).await;
    w.acts(&next, OPEN).await;
    let record = w.record(&next).await;
    assert_eq!(record.principal, format!("local:{DANA}"));
    assert_ne!(record.digest, w.record(&first).await.digest);
    assert!(w.answer(&first).await.contains(&next), "the two are linked");
    // Whoever proposed it does not merge it; somebody else may.
    w.check_passes(&next).await;
    w.says(&next, "/countersign merge").await;
    assert!(w.answer(&next).await.contains("somebody else has to ask"));
    w.check_passes(&next).await;
    w.later(HOUR).await;
    assert_eq!(w.record(&next).await.stage, Stage::Open);
    w.mallory().comment(w.number(&next).await, "/countersign merge").await.unwrap();
    w.later(HOUR).await;
    assert_eq!(w.record(&next).await.stage, Stage::Merged);
    assert!(w.file(&overlay("web", "staging")).await.unwrap().contains("2.1"));
    w.finish().await;
}

#[tokio::test]
async fn a_place_that_the_proposal_does_not_write_is_named() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign set replicas=3").await;
    assert!(w.answer(&id).await.contains("newTag"), "{}", w.answer(&id).await);
    w.says(&id, "/countersign set directory=apps/web/production").await;
    w.acts(&id, &format!("{OPEN}{}", " / asked in vain: no_such_value".repeat(2))).await;
    w.finish().await;
}

#[tokio::test]
async fn a_successor_is_judged_like_every_proposal() {
    let (w, id) = opened().await;
    let tag = w.file(&overlay("web", "staging")).await.unwrap();
    let stands = tag.split("newTag: \"").nth(1).unwrap().split('"').next().unwrap();
    let said = w.says(&id, &format!("/countersign set newTag={stands}")).await;
    let next = w.follower(&format!("{id}-set-{said}")).await;
    w.acts(&next, "received / dropped: satisfied").await;
    w.acts(&id, &format!("{OPEN} / asked: set / dropped: superseded")).await;
    w.finish().await;
}

#[tokio::test]
async fn a_revert_takes_back_what_landed_byte_for_byte() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let before = w.file(&file).await.unwrap();
    let id = w.propose(&replicas("web", "staging", 3)).await;
    w.says(&id, "/countersign revert").await;
    assert!(w.answer(&id).await.contains("there is nothing to take back"));
    w.check_passes(&id).await;
    w.merge(&id).await;
    assert!(w.file(&file).await.unwrap().contains("count: 3"));
    let said = w.says(&id, "/countersign revert").await;
    let next = w.follower(&format!("{id}-revert-{said}")).await;
    assert!(w.answer(&id).await.contains(&next), "{}", w.answer(&id).await);
    w.acts(&next, OPEN).await;
    let pull = w.pull(&next).await;
    assert!(pull.body.contains(&id), "the text says what is taken back: {}", pull.body);
    w.check_passes(&next).await;
    w.merge(&next).await;
    assert_eq!(w.file(&file).await.unwrap(), before);
    w.later(60).await;
    let (first, back) = (w.record(&id).await, w.record(&next).await);
    assert_eq!((first.relations.reverted_by, back.relations.reverts), (Some(next), Some(id)));
    assert_eq!(first.reason.unwrap().code, "reverted", "taken back while it soaked");
    w.finish().await;
}

#[tokio::test]
async fn a_revert_of_what_changed_since_touches_nothing_else() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let id = w.propose(&replicas("web", "staging", 3)).await;
    w.check_passes(&id).await;
    w.merge(&id).await;
    let landed = w.file(&file).await.unwrap();
    let later = format!("# looked at by a person\n{landed}");
    w.commits(&file, Some(&later)).await;
    let said = w.says(&id, "/countersign revert").await;
    let next = w.follower(&format!("{id}-revert-{said}")).await;
    w.acts(&next, OPEN).await;
    w.check_passes(&next).await;
    w.merge(&next).await;
    let now = w.file(&file).await.unwrap();
    assert!(now.starts_with("# looked at by a person\n") && !now.contains("count: 3"), "{now}");
    w.finish().await;
}

/// Replaces a proposal by a comment, and ends where fate wants it; answers how many effects that had.
async fn replaced(moment: Moment) -> u64 {
    let fate = Fate::new(moment);
    let (w, id) = opened().await;
    let said = w.dana().comment(w.number(&id).await, "/countersign set newTag=2.1").await.unwrap();
    w.stage.wake(&id).await.unwrap();
    let w = live(w, &fate).await;
    let next = w.follower(&format!("{id}-set-{said}")).await;
    w.later(60).await;
    w.acts(&id, &format!("{OPEN} / asked: set / dropped: superseded")).await;
    w.acts(&next, OPEN).await;
    let pulls = w.pulls().await;
    let open = pulls.iter().filter(|pull| pull.state == PullState::Open).count();
    assert_eq!((pulls.len(), open), (2, 1), "{moment:?}");
    assert_eq!(w.repeats, moment != Moment::Never, "{moment:?}: it died once");
    w.finish_after_failures().await;
    fate.effects()
}

#[tokio::test]
async fn tm102_a_command_is_carried_out_once_wherever_it_ends() {
    let effects = replaced(Moment::Never).await;
    assert!((6..12).contains(&effects), "{effects} effects");
    for n in 1..=effects {
        replaced(Moment::Before(n)).await;
        replaced(Moment::After(n)).await;
    }
}
