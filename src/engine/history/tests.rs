use crate::domain::change::Change;
use crate::domain::edit::{Code, Refusal};
use crate::domain::ids::{Oid, Time};
use crate::engine::{apply_to, plan};
use crate::git::{Mirror, NewCommit};
use serde_json::{Value, json};

struct Line {
    _folder: tempfile::TempDir,
    mirror: Mirror,
    tip: Oid,
}

const DIGEST: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

impl Line {
    fn new(files: &[(&str, &str)]) -> Line {
        let folder = tempfile::tempdir().expect("a folder");
        let mirror = Mirror::open(&folder.path().join("m.git"), None).expect("opens");
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        let tree = mirror.write_new(&files).expect("a tree");
        let tip = commit(&mirror, &tree, &[], "first");
        Line { _folder: folder, mirror, tip }
    }

    /// A commit on top that changes these files; no text removes one.
    fn land(&mut self, message: &str, files: &[(&str, Option<&str>)]) -> Oid {
        let own = |(path, text): &(&str, Option<&str>)| ((*path).to_owned(), text.map(|text| text.as_bytes().to_vec()));
        let changes: Vec<_> = files.iter().map(own).collect();
        let tree = self.mirror.write(&self.mirror.tree(&self.tip).expect("a tree"), &changes).expect("a tree");
        self.tip = commit(&self.mirror, &tree, &[&self.tip], message);
        self.tip.clone()
    }

    fn revert(&self, words: Value) -> Result<Vec<(String, String)>, Refusal> {
        let changes: Vec<Change> = serde_json::from_value(json!([{ "revert": words }])).expect("changes");
        let done = plan(&self.mirror, &self.tip, &changes).expect("git answers");
        let replayed = apply_to(&self.mirror, &self.tip, &changes).expect("git answers");
        assert_eq!(done.as_ref().ok().map(|plan| &plan.tree), replayed.as_ref().ok().map(|(tree, _)| tree));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        Ok(done?.applied.files.iter().map(|file| (file.path.clone(), text(&file.after))).collect())
    }

    fn code(&self, words: Value) -> Code {
        self.revert(words).expect_err("refused").code
    }
}

fn commit(mirror: &Mirror, tree: &Oid, parents: &[&Oid], message: &str) -> Oid {
    let new = NewCommit {
        tree: tree.clone(),
        parents: parents.iter().map(|oid| (*oid).clone()).collect(),
        author_name: "a".into(),
        author_email: "a@b".into(),
        at: Time::default(),
        message: message.into(),
    };
    mirror.make_commit(&new).expect("a commit")
}

fn trailer(id: &str) -> String {
    format!("fix: web\n\nCountersign-Proposal: {id} {DIGEST}\n")
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_commit_and_a_proposal_are_taken_back() {
    let mut line = Line::new(&[("a.yaml", "a: 1\n"), ("b.yaml", "b: 1\n")]);
    let landed = line.land(&trailer("0193"), &[("a.yaml", Some("a: 2\n")), ("b.yaml", Some("b: 2\n"))]);
    line.land("more", &[("c.yaml", Some("c: 1\n"))]);
    let wanted = pairs(&[("a.yaml", "a: 1\n"), ("b.yaml", "b: 1\n")]);
    assert_eq!(line.revert(json!({"commit": landed})), Ok(wanted.clone()));
    assert_eq!(line.revert(json!({"proposal": "0193"})), Ok(wanted));
    assert_eq!(line.code(json!({"proposal": "019"})), Code::NotFound, "no part of an id");
    let back = line.land("back", &[("a.yaml", Some("a: 1\n")), ("b.yaml", Some("b: 1\n"))]);
    assert_eq!(line.revert(json!({"commit": landed})), Ok(Vec::new()), "taken back already");
    assert_eq!(line.revert(json!({"commit": back})), Ok(pairs(&[("a.yaml", "a: 2\n"), ("b.yaml", "b: 2\n")])));
}

#[test]
fn a_merge_is_taken_back_against_its_first_parent() {
    let mut line = Line::new(&[("a.yaml", "a: 1\n")]);
    let base = line.tip.clone();
    let side = line.land(&trailer("0193"), &[("a.yaml", Some("a: 2\n"))]);
    let tree = line.mirror.tree(&side).expect("a tree");
    let message = format!("fix: web (4)\n\nProposal: 0193 {DIGEST}\nAttestation: sha256:{DIGEST}\n");
    line.tip = commit(&line.mirror, &tree, &[&base, &side], &message);
    let wanted = pairs(&[("a.yaml", "a: 1\n")]);
    assert_eq!(line.revert(json!({"proposal": "0193"})), Ok(wanted.clone()), "only the line of first parents counts");
    assert_eq!(line.revert(json!({"commit": line.tip})), Ok(wanted));
}

#[test]
fn only_what_is_on_the_base_branch_is_taken_back() {
    let mut line = Line::new(&[("a.yaml", "a: 1\n")]);
    let base = line.tip.clone();
    let landed = line.land(&trailer("0193"), &[("a.yaml", Some("a: 2\n"))]);
    line.tip = base.clone();
    assert_eq!(line.code(json!({"commit": landed})), Code::NotFound);
    assert_eq!(line.code(json!({"commit": "b".repeat(40)})), Code::NotFound);
    assert_eq!(line.code(json!({"commit": base})), Code::NotFound, "nothing stands before the first commit");
}

#[test]
fn a_message_is_believed_only_where_it_is_a_trailer_and_only_once() {
    let mut line = Line::new(&[("a.yaml", "a: 1\n")]);
    let quoted = format!("look\n\nCountersign-Proposal: 0193 {DIGEST}\n\nwas what it said");
    line.land(&quoted, &[("a.yaml", Some("a: 2\n"))]);
    line.land("x\n\nCountersign-Proposal: 0193 short\n", &[("a.yaml", Some("a: 3\n"))]);
    assert_eq!(line.code(json!({"proposal": "0193"})), Code::NotFound);
    line.land(&trailer("0193"), &[("a.yaml", Some("a: 4\n"))]);
    line.land(&trailer("0193"), &[("a.yaml", Some("a: 5\n"))]);
    assert_eq!(line.code(json!({"proposal": "0193"})), Code::Ambiguous);
}

#[test]
fn a_commit_with_something_that_is_not_ours_to_write_is_left_alone() {
    let mut line = Line::new(&[("a.yaml", "a: 1\n"), (".github/w.yaml", "a: 1\n")]);
    let ci = line.land("ci", &[("a.yaml", Some("a: 2\n")), (".github/w.yaml", Some("a: 2\n"))]);
    assert_eq!(line.code(json!({"commit": ci})), Code::PathForbidden);
    let added = line.land("new", &[("new.yaml", Some("a: 1\n"))]);
    assert_eq!(line.code(json!({"commit": added})), Code::NotMinimal);
    let gone = line.land("gone", &[("new.yaml", None)]);
    assert_eq!(line.code(json!({"commit": gone})), Code::NotFound);
    let many: Vec<(String, String)> = (0..300).map(|n| (format!("m/{n}.yaml"), "a: 1\n".to_owned())).collect();
    let many: Vec<(&str, Option<&str>)> =
        many.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let large = line.land("many", &many);
    assert_eq!(line.code(json!({"commit": large})), Code::TooLarge);
}

#[test]
fn the_one_file_that_holds_an_object_is_found_in_a_tree() {
    let object = "kind: Pod\nmetadata: {name: x}\nspec: {a: 1}\n";
    let line = Line::new(&[("apps/x.yaml", object), ("apps/y.yaml", "kind: Pod\nmetadata: {name: y}\n")]);
    let change = |directory: &str| -> Vec<Change> {
        let words = json!({"directory": directory, "select": {"kind": "Pod", "name": "x"}, "set": {"spec.a": 2}});
        serde_json::from_value(json!([{ "manifest": words }])).expect("changes")
    };
    let done = plan(&line.mirror, &line.tip, &change(".")).expect("git answers").expect("plans");
    assert_eq!(done.applied.files[0].path, "apps/x.yaml");
    let missing = plan(&line.mirror, &line.tip, &change("other")).expect("git answers").expect_err("no directory");
    assert_eq!((missing.code, missing.file.as_str()), (Code::NotFound, "other"));
}
