//! What only GitLab does. Numbers are those of the scenarios.

mod acts;
mod faults;
mod hooks;
mod merging;
mod reading;

use crate::stand::{Kind, Stand, bump, playable};
use countersign::domain::facts::{Pull, PullState};
use countersign::domain::ids::Oid;
use countersign::forge::{NewPull, Push, Pushed};

/// A stand on GitLab; none where no git can serve it.
async fn stand() -> Option<Stand> {
    if playable(Kind::Gitlab) { Some(Stand::start(Kind::Gitlab).await) } else { None }
}

/// A push of one file to a new branch.
async fn order(s: &Stand, branch: &str, text: &str) -> Push {
    let forge = s.forge();
    let mirror = forge.sync().await.unwrap();
    let parent = forge.tip("main").await.unwrap().unwrap();
    let tree = mirror.write(&mirror.tree(&parent).unwrap(), &[("notes.txt".into(), Some(text.into()))]).unwrap();
    Push { branch: branch.into(), old: None, parent, tree, message: "fix: notes\n".into(), at: s.clock.now() }
}

fn new_pull(branch: &str) -> NewPull {
    NewPull {
        head_ref: branch.into(),
        base_ref: "main".into(),
        title: "a change".into(),
        body: "why".into(),
        labels: vec!["countersign".into()],
        reviewers: Vec::new(),
    }
}

/// A branch of ours, pushed.
async fn pushed(s: &Stand, branch: &str) -> Oid {
    match s.forge().push(&order(s, branch, "one\n").await).await.unwrap() {
        Pushed::Done(commit) => commit,
        Pushed::Moved(other) => panic!("the branch is at {other:?}"),
    }
}

/// A merge request of ours on a new branch.
async fn opened(s: &Stand, branch: &str) -> Pull {
    pushed(s, branch).await;
    let number = s.forge().open(&new_pull(branch)).await.unwrap();
    s.forge().pull(number).await.unwrap()
}

#[tokio::test]
async fn the_story_of_a_proposal_on_gitlab() {
    let Some(s) = stand().await else { return };
    let id = s.propose(bump("web", "1.4.3")).await;
    s.settle().await;
    let pull = s.pull(&id).await;
    assert_eq!((pull.state, &pull.author, pull.head_repository), (PullState::Open, &s.bot(), crate::stand::ID));
    assert!(pull.body.contains("-----BEGIN COUNTERSIGN ATTESTATION-----"), "{}", pull.body);
    assert_eq!(pull.touched_by_others, None, "nobody else did anything");
    let author = s.bare().commit(&pull.head).unwrap().author_email;
    assert_eq!(author, format!("{}@noreply.gitlab.test", s.bot().login));
    s.merges(&id).await;
    s.settle().await;
    let story = "received / pushed / opened / attested / waits: checks.missing / merged by a person / waits: soak";
    s.expect(&id, story).await;
    assert!(s.lab().obeyed.lock().unwrap().is_empty());
    s.finish().await;
}
