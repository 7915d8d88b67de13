//! countersign on GitLab: the whole story, and what only GitLab does.

use crate::fake::faults::{Answer, Fault};
use crate::fake::gitlab::{TOKEN, bot};
use crate::stand::{Kind, Stand, bump, playable};
use countersign::cli::demo::CI;
use countersign::domain::facts::{Check, Conclusion, Mergeable, Opinion, PullState};

async fn stand() -> Option<Stand> {
    if !playable(Kind::Gitlab) {
        return None;
    }
    let stand = Stand::start(Kind::Gitlab).await;
    Some(stand)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_of_a_proposal_on_gitlab() {
    let Some(s) = stand().await else { return };
    let id = s.propose(bump("web", "1.4.3")).await;
    s.settle().await;
    let pull = s.pull(&id).await;
    assert_eq!((pull.state, pull.author.id, pull.head_repository), (PullState::Open, bot().id, crate::stand::ID));
    assert_eq!(pull.mergeable, Mergeable::Yes);
    assert!(pull.body.contains("-----BEGIN COUNTERSIGN ATTESTATION-----"), "{}", pull.body);
    s.merges(&id).await;
    s.settle().await;
    s.expect(&id, "received / pushed / opened / attested / waits: checks.missing / merged by a person / waits: soak").await;
    assert!(s.lab().obeyed.lock().unwrap().is_empty());
    s.finish().await;
}
