//! What others do to a pull request that would merge by itself, or just when it does. Numbers are those of the scenarios.

use crate::documents::overlay;
use crate::opening::FIRST;
use crate::resigned::{self, block};
use crate::seasoned::{green, stand as armed};
use crate::stand::{Kind, Stand, bump};
use countersign::cli::demo::CI;
use countersign::domain::attest::{self, Binding, Signer};
use countersign::domain::facts::Conclusion;
use countersign::domain::ids::Oid;
use countersign::forge::local::Edit;

on_each_forge!(
    f40_f42_text_around_the_signed_part_may_change,
    f41_one_byte_of_the_block,
    f41_one_word_of_the_signed_text,
    f43_more_than_one_block,
    f44_a_block_of_another_pull_request_or_head,
    f46_edited_and_edited_back,
    f48_a_title_a_label_and_a_draft_of_others,
    f53_a_check_of_the_right_name_by_another_app,
    f55_a_check_that_turns_red_at_the_last_moment,
    f62_a_push_at_the_last_moment,
    f63_the_head_moves_and_comes_back,
    f64_retargeted_at_the_last_moment,
    f70_what_landed_is_not_what_was_attested,
    f71_a_person_is_faster_at_the_last_moment,
);

/// The body with a block of this key over another binding.
fn signed_again(stand: &Stand, body: &str, by: &Signer, change: impl FnOnce(&mut Binding)) -> String {
    resigned::signed_again(&stand.parts.keys.set, by, body, change)
}

const MERGED: &str = "every gate passes / merged / waits: soak";

/// An open pull request that merges by itself once CI passes; its id and where main stands.
async fn open(kind: Kind) -> (Stand, String, Option<Oid>) {
    let stand = armed(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let main = stand.tip("main");
    (stand, id, main)
}

/// It does not merge, whatever the checks say: it is left to people, and one notice says why.
async fn left_to_people(stand: Stand, id: &str, main: Option<Oid>, what: &str) {
    stand.settle().await;
    green(&stand, id).await;
    stand.later(3_600).await;
    assert_eq!(stand.tip("main"), main, "{what}: nothing landed\n{}", stand.story(id).await);
    let told = stand.story(id).await;
    assert_eq!(told.matches("left to people").count(), 1, "{what}: {told}");
    let number = stand.number(id).await;
    let said = stand.dana().show(number).await.unwrap().1;
    // The local forge keeps the key of a comment apart, the others have it in the text.
    let notice = |text: &str, key: Option<&str>| key == Some("notice") || text.contains("countersign notice");
    let notices = said.iter().filter(|it| notice(&it.text, it.key.as_deref())).count();
    assert_eq!(notices, 1, "{what}: {:?}", said.iter().map(|it| &it.text).collect::<Vec<_>>());
    stand.finish().await;
}

async fn f40_f42_text_around_the_signed_part_may_change(kind: Kind) {
    let (stand, id, _) = open(kind).await;
    let body = stand.pull(&id).await.body;
    assert!(attest::open(&attest::extract(&body).unwrap().envelope, &stand.parts.keys.set).is_ok(), "untouched");
    stand.edits_body(&id, format!("A note before.\n\n{body}\n\nAnd one after.").replace('\n', "\r\n")).await;
    stand.settle().await;
    green(&stand, &id).await;
    let told = stand.story(&id).await;
    assert!(told.ends_with(MERGED), "{told}");
    assert_eq!(told.matches("attested").count(), 1, "it was not signed again");
    stand.finish().await;
}

async fn f41_one_byte_of_the_block(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    let body = stand.pull(&id).await.body;
    let at = body.find(attest::BEGIN).unwrap() + attest::BEGIN.len() + 100;
    let other = if body.as_bytes()[at] == b'A' { "B" } else { "A" };
    stand.edits_body(&id, format!("{}{other}{}", &body[..at], &body[at + 1..])).await;
    left_to_people(stand, &id, main, "a byte of the block").await;
}

async fn f41_one_word_of_the_signed_text(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    let body = stand.pull(&id).await.body;
    stand.edits_body(&id, body.replacen("does not do well", "does do well", 1)).await;
    left_to_people(stand, &id, main, "a word of the text").await;
}

async fn f43_more_than_one_block(kind: Kind) {
    for what in ["ours twice", "a forged one first", "a forged one last", "only a quoted one"] {
        let (stand, id, main) = open(kind).await;
        let body = stand.pull(&id).await.body;
        let ours = block(&body);
        // Another key signs what would be convenient.
        let forged = block(&signed_again(&stand, &body, &stand.parts.keys.log, |binding| {
            binding.head.sha = main.clone().unwrap();
        }));
        let edited = match what {
            "ours twice" => format!("{body}\n\n{ours}"),
            "a forged one first" => format!("{forged}\n\n{body}"),
            "a forged one last" => format!("{body}\n\n{forged}"),
            _ => body.replace(&ours, &ours.lines().map(|line| format!("> {line}\n")).collect::<String>()),
        };
        stand.edits_body(&id, edited).await;
        left_to_people(stand, &id, main, what).await;
    }
}

async fn f44_a_block_of_another_pull_request_or_head(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    let other = stand.propose(bump("search", "1.4.2")).await;
    stand.edits_body(&id, stand.pull(&other).await.body).await;
    left_to_people(stand, &id, main, "another pull request").await;
    let (stand, id, main) = open(kind).await;
    let body = stand.pull(&id).await.body;
    let edited = signed_again(&stand, &body, &stand.parts.keys.attestation, |binding| binding.forge.repo_id = 202);
    stand.edits_body(&id, edited).await;
    left_to_people(stand, &id, main, "another repository").await;
    // One of ours about an older head proves nothing: it is written anew before anything merges.
    let (stand, id, main) = open(kind).await;
    let body = stand.pull(&id).await.body;
    let old =
        signed_again(&stand, &body, &stand.parts.keys.attestation, |binding| binding.head.sha = main.clone().unwrap());
    assert_ne!(old, body);
    stand.edits_body(&id, old.clone()).await;
    green(&stand, &id).await;
    let (told, now) = (stand.story(&id).await, stand.pull(&id).await);
    assert!(told.contains("attested / waits: checks.missing / attested") && told.ends_with(MERGED), "{told}");
    assert_ne!(block(&now.body), block(&old));
    let (statement, _) = attest::open(&attest::extract(&now.body).unwrap().envelope, &stand.parts.keys.set).unwrap();
    assert_eq!(statement.predicate.binding.head.sha, now.head);
    stand.finish().await;
}

async fn f46_edited_and_edited_back(kind: Kind) {
    let (stand, id, _) = open(kind).await;
    let body = stand.pull(&id).await.body;
    stand.edits_body(&id, body.replacen("1.4.2", "6.6.6", 1)).await;
    stand.edits_body(&id, body).await;
    green(&stand, &id).await;
    assert!(stand.story(&id).await.ends_with(MERGED), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f48_a_title_a_label_and_a_draft_of_others(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    stand.edits(&id, Edit { title: Some("Draught beer".into()), draft: Some(true), ..Edit::default() }).await;
    stand.labels(&id, &["team/blue"], &[]).await;
    green(&stand, &id).await;
    assert_eq!(stand.tip("main"), main, "a draft does not merge");
    stand.edits(&id, Edit { draft: Some(false), ..Edit::default() }).await;
    stand.labels(&id, &["countersign:hold"], &[]).await;
    stand.later(60).await;
    assert_eq!(stand.tip("main"), main, "nor does what is held");
    stand.labels(&id, &[], &["countersign:hold"]).await;
    stand.later(60).await;
    let told = stand.story(&id).await;
    assert!(told.ends_with(MERGED) && told.matches("attested").count() == 1, "{told}");
    stand.finish().await;
}

async fn f53_a_check_of_the_right_name_by_another_app(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    let number = stand.number(&id).await;
    stand.mallory().check(number, "ci/build", Conclusion::Success, 66).await.unwrap();
    stand.later(60).await;
    assert_eq!((stand.tip("main"), stand.open_gates(&id).await), (main, vec!["checks.missing".to_owned()]));
    green(&stand, &id).await;
    assert!(stand.story(&id).await.ends_with(MERGED), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f55_a_check_that_turns_red_at_the_last_moment(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    let check = countersign::forge::local::RequiredCheck { name: "ci/build".into(), app: Some(CI) };
    let rules = countersign::forge::local::Rules { checks: vec![check], ..Default::default() };
    stand.protects("main", Some(rules)).await;
    let (number, ci) = (stand.number(&id).await, stand.ci());
    stand.while_it_merges(move || {
        let ci = ci.clone();
        async move { ci.check(number, "ci/build", Conclusion::Failure, CI).await.unwrap() }
    });
    green(&stand, &id).await;
    stand.later(60).await;
    assert_eq!(stand.tip("main"), main, "{}", stand.story(&id).await);
    assert!(!stand.open_gates(&id).await.is_empty());
    stand.finish().await;
}

async fn f62_a_push_at_the_last_moment(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    let (number, mallory) = (stand.number(&id).await, stand.mallory());
    stand.while_it_merges(move || {
        let mallory = mallory.clone();
        async move {
            let file = ("evil.txt".to_owned(), Some(b"x\n".to_vec()));
            mallory.push(number, vec![file], "one more").await.unwrap();
        }
    });
    green(&stand, &id).await;
    stand.later(600).await;
    assert_eq!(stand.tip("main"), main, "nothing landed");
    assert!(stand.story(&id).await.contains("left to people"), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f63_the_head_moves_and_comes_back(kind: Kind) {
    let (stand, id, _) = open(kind).await;
    let pull = stand.pull(&id).await;
    stand.pushes(&pull.head_ref, "evil.txt", "x\n").await;
    stand.mallory().reset(&pull.head_ref, &pull.head).await.unwrap();
    green(&stand, &id).await;
    assert!(stand.story(&id).await.ends_with(MERGED), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f64_retargeted_at_the_last_moment(kind: Kind) {
    let (stand, id, main) = open(kind).await;
    stand.dana().reset("release", main.as_ref().unwrap()).await.unwrap();
    let (number, mallory) = (stand.number(&id).await, stand.mallory());
    stand.while_it_merges(move || {
        let mallory = mallory.clone();
        async move {
            let edit = Edit { base: Some("release".into()), ..Edit::default() };
            mallory.edit(number, edit).await.unwrap();
        }
    });
    green(&stand, &id).await;
    assert_eq!(stand.tip("main"), main, "main did not move");
    let told = stand.story(&id).await;
    assert!(told.contains("every gate passes / landed otherwise: merge.mismatch"), "{told}");
    stand.finish().await;
}

async fn f70_what_landed_is_not_what_was_attested(kind: Kind) {
    let (stand, id, _) = open(kind).await;
    let (path, dana, bare) = (overlay("web", "staging"), stand.dana(), stand.bare());
    let tree = bare.tree(&stand.tip("main").unwrap()).unwrap();
    let Some(countersign::git::Node::File { oid, .. }) = bare.node(&tree, &path).unwrap() else { panic!("{path}") };
    let text = String::from_utf8(bare.read(&oid, 1 << 20).unwrap()).unwrap();
    stand.while_it_merges(move || {
        // git joins the two, but the change cannot be made on what stands there now.
        let (dana, file) = (dana.clone(), (path.clone(), Some(format!("images: []\n{text}").into_bytes())));
        async move {
            dana.commit("main", vec![file], "at the same moment").await.unwrap();
        }
    });
    green(&stand, &id).await;
    let told = stand.story(&id).await;
    assert!(told.contains("every gate passes / landed otherwise: merge.mismatch"), "{told}");
    let next = stand.propose(bump("search", "1.4.2")).await;
    stand.expect(&next, "received / dropped: observed").await;
    stand.finish().await;
}

async fn f71_a_person_is_faster_at_the_last_moment(kind: Kind) {
    for merges in [true, false] {
        let (stand, id, main) = open(kind).await;
        let (number, dana) = (stand.number(&id).await, stand.dana());
        stand.while_it_merges(move || {
            let dana = dana.clone();
            async move {
                if merges {
                    let method = countersign::domain::facts::MergeMethod::Squash;
                    drop(dana.merge(number, method).await.unwrap());
                } else {
                    dana.close(number).await.unwrap();
                }
            }
        });
        green(&stand, &id).await;
        stand.later(60).await;
        let told = stand.story(&id).await;
        assert!(told.starts_with(FIRST), "{told}");
        let ended = if merges { "merged by a person / waits: soak" } else { "dropped: rejected" };
        assert!(told.ends_with(ended), "{told}");
        assert_eq!(stand.tip("main") == main, !merges);
        stand.finish().await;
    }
}
