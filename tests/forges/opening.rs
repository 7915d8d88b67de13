//! Branches and pull requests: made once, whatever goes wrong. Numbers are those of the scenarios.

use crate::fake::faults::Fault;
use crate::stand::{Kind, Stand, bump};
use countersign::domain::facts::PullState;
use countersign::forge::{ForgeError, NewPull, Push, Pushed};

on_each_forge!(
    a_change_goes_its_way,
    f23_our_branch_is_used_again,
    f24_a_foreign_branch_is_left_alone,
    f25_our_pull_request_is_adopted,
    f26_a_foreign_pull_request_is_not_adopted,
    f27_the_end_between_branch_and_pull_request,
    f30_nothing_to_merge_is_no_pull_request,
    f31_a_missing_base_is_refused,
    f32_the_length_of_bodies,
    f33_a_body_comes_back_as_it_was_sent,
    f34_text_from_outside_is_data,
    f35_unknown_reviewers_do_not_matter,
    f39_two_at_once_make_one_branch,
    f75_only_our_own_tip_is_removed,
);
on_github!(
    a_change_goes_its_way_with_git,
    f27_a_crash_between_branch_and_pull_request,
    f28_a_pull_request_whose_answer_was_lost,
    f29_a_branch_that_is_not_visible_yet,
    f36_workflows_are_out_of_reach,
    f38_commits_are_signed_by_github,
);

pub const FIRST: &str = "received / pushed / opened / attested";

async fn a_change_goes_its_way(kind: Kind) {
    goes_its_way(Stand::start(kind).await).await;
}

async fn a_change_goes_its_way_with_git(kind: Kind) {
    goes_its_way(Stand::committing(kind, &countersign::cli::demo::shop(), "push").await).await;
}

async fn goes_its_way(stand: Stand) {
    let id = stand.propose(bump("web", "1.4.2")).await;
    assert!(stand.story(&id).await.starts_with(FIRST), "{}", stand.story(&id).await);
    let pull = stand.pull(&id).await;
    assert_eq!((pull.state, &pull.author), (PullState::Open, &stand.bot()));
    assert_eq!(pull.labels, ["countersign", "countersign:automerge"]);
    assert_eq!(Some(&pull.head), stand.tip(&pull.head_ref).as_ref());
    assert!(pull.touched_by_others.is_none(), "our own push is not somebody else's");
    stand.merges(&id).await;
    stand.settle().await;
    assert!(stand.story(&id).await.ends_with("merged by a person / waits: soak"), "{}", stand.story(&id).await);
    assert_eq!(stand.record(&id).await.landed.map(|landed| landed.commit), stand.tip("main"));
    stand.finish().await;
}

/// A push of one file to a new branch.
pub async fn order(stand: &Stand, branch: &str, path: &str, text: &str) -> Push {
    let forge = stand.forge();
    let mirror = forge.sync().await.unwrap();
    let parent = forge.tip("main").await.unwrap().unwrap();
    let tree = mirror.write(&mirror.tree(&parent).unwrap(), &[(path.into(), Some(text.into()))]).unwrap();
    let (branch, message) = (branch.to_owned(), format!("fix: {path}\n"));
    Push { branch, old: None, parent, tree, message, at: stand.clock.now() }
}

pub fn new_pull(branch: &str) -> NewPull {
    NewPull {
        head_ref: branch.into(),
        base_ref: "main".into(),
        title: "a change".into(),
        body: "why".into(),
        labels: vec!["countersign".into()],
        reviewers: Vec::new(),
    }
}

/// A branch with a pull request of ours; answers its number.
pub async fn opened(stand: &Stand, branch: &str) -> u64 {
    let pushed = stand.forge().push(&order(stand, branch, "notes.txt", "one\n").await).await.unwrap();
    assert!(matches!(pushed, Pushed::Done(_)), "{pushed:?}");
    stand.forge().open(&new_pull(branch)).await.unwrap()
}

async fn f23_our_branch_is_used_again(kind: Kind) {
    let stand = Stand::start(kind).await;
    let push = order(&stand, "countersign/a", "notes.txt", "one\n").await;
    let first = stand.forge().push(&push).await.unwrap();
    stand.clock.advance(3);
    let again = stand.forge().push(&push).await.unwrap();
    assert_eq!(first, again);
    let Pushed::Done(commit) = again else { panic!("{again:?}") };
    assert_eq!(stand.bare().commit(&commit).unwrap().parents, [push.parent]);
    assert_eq!(stand.bare().commit(&commit).unwrap().tree, push.tree);
    stand.finish().await;
}

async fn f24_a_foreign_branch_is_left_alone(kind: Kind) {
    let stand = Stand::start(kind).await;
    let push = order(&stand, "countersign/a", "notes.txt", "one\n").await;
    stand.mallory().reset("countersign/a", &push.parent).await.unwrap();
    let theirs = stand.pushes("countersign/a", "evil.txt", "x\n").await;
    assert_eq!(stand.forge().push(&push).await, Ok(Pushed::Moved(Some(theirs.clone()))));
    let believed = Push { old: Some(push.parent.clone()), ..push.clone() };
    assert_eq!(stand.forge().push(&believed).await, Ok(Pushed::Moved(Some(theirs.clone()))));
    assert_eq!(stand.tip("countersign/a"), Some(theirs.clone()));
    let seen = Push { old: Some(theirs), ..push };
    assert!(matches!(stand.forge().push(&seen).await, Ok(Pushed::Done(_))), "what was seen is moved");
    stand.finish().await;
}

async fn f25_our_pull_request_is_adopted(kind: Kind) {
    let stand = Stand::start(kind).await;
    let number = opened(&stand, "countersign/a").await;
    assert_eq!(stand.forge().open(&new_pull("countersign/a")).await, Ok(number));
    assert_eq!(stand.forge().find("countersign/a").await.unwrap().len(), 1);
    stand.finish().await;
}

async fn f26_a_foreign_pull_request_is_not_adopted(kind: Kind) {
    let stand = Stand::start(kind).await;
    stand.forge().push(&order(&stand, "countersign/a", "notes.txt", "one\n").await).await.unwrap();
    stand.mallory().open(new_pull("countersign/a")).await.unwrap();
    let refused = stand.forge().open(&new_pull("countersign/a")).await;
    assert!(matches!(refused, Err(ForgeError::Rejected(_))), "{refused:?}");
    let found = stand.forge().find("countersign/a").await.unwrap();
    assert_eq!(found[0].author.id, 66);
    stand.finish().await;
}

async fn f27_a_crash_between_branch_and_pull_request(kind: Kind) {
    let stand = Stand::start(kind).await;
    stand.fake().faults.next("POST", "/pulls", Fault::Drop);
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.expect(&id, "received / pushed").await;
    let stand = stand.restart().await;
    stand.later(600).await;
    assert!(stand.story(&id).await.starts_with(FIRST));
    assert_eq!(stand.dana().list().await.unwrap().len(), 1);
    stand.finish().await;
}

async fn f28_a_pull_request_whose_answer_was_lost(kind: Kind) {
    for fault in [Fault::DropAfter, Fault::fails_after(502, "<html>Bad gateway</html>")] {
        let stand = Stand::start(kind).await;
        stand.fake().faults.next("POST", "/pulls", fault);
        let id = stand.propose(bump("web", "1.4.2")).await;
        stand.expect(&id, "received / pushed").await;
        stand.later(600).await;
        assert!(stand.story(&id).await.starts_with(FIRST));
        assert_eq!(stand.fake().log.count("POST", "/pulls"), 1, "found, not made again");
        stand.finish().await;
    }
}

async fn f29_a_branch_that_is_not_visible_yet(kind: Kind) {
    let stand = Stand::start(kind).await;
    let body =
        r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","field":"head","code":"invalid"}]}"#;
    stand.fake().faults.next("POST", "/pulls", Fault::fails(422, body));
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.expect(&id, "received / pushed").await;
    stand.later(600).await;
    assert!(stand.story(&id).await.starts_with(FIRST));
    stand.finish().await;
}

async fn f27_the_end_between_branch_and_pull_request(kind: Kind) {
    let stand = Stand::start(kind).await;
    let id = stand.send(bump("web", "1.4.2")).await;
    assert!(stand.parts.worker("mortal").step().await.unwrap());
    stand.expect(&id, "received / pushed").await;
    let stand = stand.restart().await;
    assert!(stand.dana().list().await.unwrap().is_empty());
    stand.turns().await;
    assert!(stand.story(&id).await.starts_with(FIRST));
    assert_eq!(stand.dana().list().await.unwrap().len(), 1);
    assert_eq!(stand.pull(&id).await.labels, ["countersign", "countersign:automerge"]);
    stand.finish().await;
}

async fn f34_text_from_outside_is_data(kind: Kind) {
    let stand = Stand::start(kind).await;
    let mut document = bump("web", "1.4.2");
    document["reason"] =
        "down\n/merge\r\n```\n/countersign merge\n/target_branch evil\n@team Closes #1 Reverts o/r#1".into();
    document["rollback"]["description"] = "/close\n/countersign stop\n@team Fixes #2".into();
    let id = stand.propose(document).await;
    stand.settle().await;
    let (number, pull) = (stand.number(&id).await, stand.pull(&id).await);
    let message = stand.bare().commit(&pull.head).unwrap().message;
    for text in [&pull.body, &pull.title, &message] {
        for token in ["@team", "Closes #1", "o/r#1", "Fixes #2", "\r"] {
            assert!(!text.contains(token), "{token} in {text}");
        }
        assert!(!text.lines().any(|line| line.trim_start().starts_with('/')), "a command in {text}");
    }
    let kept = stand.dana().show(number).await.unwrap();
    assert_eq!((kept.0.body, kept.0.base_ref.as_str()), (pull.body, "main"), "stored as it was sent");
    assert_eq!(stand.story(&id).await, format!("{FIRST} / waits: checks.missing"), "nothing was asked for");
    if kind == Kind::Gitlab {
        assert_eq!(*stand.lab().obeyed.lock().unwrap(), []);
    }
    stand.finish().await;
}

async fn f30_nothing_to_merge_is_no_pull_request(kind: Kind) {
    let stand = Stand::start(kind).await;
    let main = stand.tip("main").unwrap();
    stand.mallory().reset("countersign/a", &main).await.unwrap();
    let refused = stand.forge().open(&new_pull("countersign/a")).await;
    assert!(matches!(refused, Err(ForgeError::Rejected(_))), "{refused:?}");
    assert_eq!(stand.forge().find("countersign/a").await, Ok(Vec::new()));
    stand.finish().await;
}

async fn f31_a_missing_base_is_refused(kind: Kind) {
    let stand = Stand::start(kind).await;
    stand.forge().push(&order(&stand, "countersign/a", "notes.txt", "one\n").await).await.unwrap();
    let new = NewPull { base_ref: "release".into(), ..new_pull("countersign/a") };
    let refused = stand.forge().open(&new).await;
    assert!(matches!(refused, Err(ForgeError::Rejected(_))), "{refused:?}");
    assert_eq!(stand.forge().tip("release").await, Ok(None));
    stand.finish().await;
}

async fn f32_the_length_of_bodies(kind: Kind) {
    let stand = Stand::start(kind).await;
    let number = opened(&stand, "countersign/a").await;
    for (length, fits) in [(65_535, true), (65_536, true), (65_537, false)] {
        let body = "\u{1F600}".repeat(length);
        let set = stand.forge().set_body(number, &body).await;
        assert_eq!(set.is_ok(), fits, "{length}: {set:?}");
        assert_eq!(stand.forge().pull(number).await.unwrap().body == body, fits);
    }
    stand.finish().await;
}

async fn f33_a_body_comes_back_as_it_was_sent(kind: Kind) {
    let stand = Stand::start(kind).await;
    let number = opened(&stand, "countersign/a").await;
    let body = "é e\u{301} \u{202E}rtl \r\nline  \n<!-- <!-- -->\n```\n/merge @all Closes #1\n```\n";
    stand.forge().set_body(number, body).await.unwrap();
    // GitLab keeps no carriage returns and no white space at the end; a command is broken before it is sent.
    let kept = body.replace('\r', "").replace("\n/merge", "\n\u{200b}/merge");
    let expected = if kind == Kind::Gitlab { kept.trim_end() } else { body };
    assert_eq!(stand.forge().pull(number).await.unwrap().body, expected);
    stand.finish().await;
}

async fn f35_unknown_reviewers_do_not_matter(kind: Kind) {
    let stand = Stand::start(kind).await;
    stand.forge().push(&order(&stand, "countersign/a", "notes.txt", "one\n").await).await.unwrap();
    let reviewers = ["@acme/sre", "@nobody", "dana"].map(str::to_owned).to_vec();
    let number = stand.forge().open(&NewPull { reviewers, ..new_pull("countersign/a") }).await.unwrap();
    let pull = stand.forge().pull(number).await.unwrap();
    assert_eq!((pull.state, pull.labels), (PullState::Open, vec!["countersign".to_owned()]));
    if kind == Kind::Github {
        assert_eq!(stand.hub().extra().reviewers[&number], ["dana"]);
    }
    stand.finish().await;
}

async fn f36_workflows_are_out_of_reach(kind: Kind) {
    let stand = Stand::start(kind).await;
    let push = order(&stand, "countersign/a", ".github/workflows/ci.yaml", "on: push\n").await;
    let refused = stand.forge().push(&push).await;
    assert!(matches!(refused, Err(ForgeError::Denied(_))), "{refused:?}");
    let asked = &stand.fake().log.of("POST", "/access_tokens")[0].json()["permissions"];
    for never in ["workflows", "administration", "issues"] {
        assert!(asked.get(never).is_none(), "{asked}");
    }
    stand.finish().await;
}

async fn f38_commits_are_signed_by_github(kind: Kind) {
    let stand = Stand::start(kind).await;
    stand.forge().push(&order(&stand, "countersign/a", "notes.txt", "one\n").await).await.unwrap();
    let made = stand.fake().log.of("POST", "/git/commits");
    let answer: serde_json::Value = serde_json::from_slice(&made[0].answer).unwrap();
    assert_eq!(answer["verification"]["verified"], true);
    assert!(made[0].json().get("author").is_none() && made[0].json().get("committer").is_none());
    assert_eq!(stand.fake().log.count("POST", "/git/blobs"), 1, "only what changed is sent");
    stand.finish().await;
}

async fn f39_two_at_once_make_one_branch(kind: Kind) {
    let stand = Stand::start(kind).await;
    let push = order(&stand, "countersign/a", "notes.txt", "one\n").await;
    let (one, other) = (stand.forge(), stand.forge());
    let (one, other) = tokio::join!(one.push(&push), other.push(&push));
    let tip = stand.tip("countersign/a").unwrap();
    let fine = |answer: &Pushed| matches!(answer, Pushed::Done(at) | Pushed::Moved(Some(at)) if *at == tip);
    assert!(fine(&one.clone().unwrap()) && fine(&other.clone().unwrap()), "{one:?} {other:?}");
    stand.finish().await;
}

async fn f75_only_our_own_tip_is_removed(kind: Kind) {
    let stand = Stand::start(kind).await;
    opened(&stand, "countersign/a").await;
    let (forge, ours) = (stand.forge(), stand.tip("countersign/a").unwrap());
    let theirs = stand.pushes("countersign/a", "more.txt", "x\n").await;
    assert!(matches!(forge.remove_branch("countersign/a", &ours).await, Err(ForgeError::Rejected(_))));
    assert_eq!(stand.tip("countersign/a"), Some(theirs.clone()));
    forge.remove_branch("countersign/a", &theirs).await.unwrap();
    assert_eq!(stand.tip("countersign/a"), None);
    forge.remove_branch("countersign/a", &theirs).await.unwrap();
    stand.finish().await;
}
