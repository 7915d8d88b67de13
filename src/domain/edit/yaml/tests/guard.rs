use super::*;
use crate::domain::edit::yaml::splice::Splice;

/// What becomes of a replacement that some planner might have made.
fn judge(before: &str, gone: &str, come: &str, change: Value) -> Option<Code> {
    let tree = gate::tree(before).expect("reads");
    let model = model::effective(before).expect("reads");
    let at = before.find(gone).expect("it is there");
    let splice = Splice { range: at..at + gone.len(), text: come.to_owned() };
    let edit = &edits(change)[0];
    let claim = Claim { before: &tree, model: &model, document: 0, edit, splice: &splice };
    verdict::prove(&claim).err().map(|refusal| refusal.code)
}

#[test]
fn tm77_a_change_of_comments_or_line_ends_elsewhere_is_refused() {
    let file = "a: 1   # one\nb: 2\n\nc:\n  - x\n  - y  # why\n";
    for (gone, come, change, wanted) in [
        ("2", "3", set("b", json!(3)), None),
        ("b: 2", "b: 3", set("b", json!(3)), None),
        // The value is right, and more has moved.
        ("1   # one\nb: 2", "1 # one\nb: 3", set("b", json!(3)), Some(Code::NotMinimal)),
        ("1   # one\nb: 2", "1   # one\r\nb: 3", set("b", json!(3)), Some(Code::NotMinimal)),
        ("1   # one\nb: 2", "1   # ONE\nb: 3", set("b", json!(3)), Some(Code::NotMinimal)),
        ("1   # one\nb: 2", "1\nb: 3", set("b", json!(3)), Some(Code::NotMinimal)),
        ("2\n\nc:\n  - x", "3\n\nc:\n  - 'x'", set("b", json!(3)), Some(Code::NotMinimal)),
        ("2\n\nc:\n  - x\n", "3\n\nc:\n    - x\n", set("b", json!(3)), Some(Code::ProofFailed)),
        ("2\n\nc:\n  - x\n  - y  # why\n", "3\n\nc: [x, y] # why\n", set("b", json!(3)), Some(Code::NotMinimal)),
        // Nothing more has moved, and the value is wrong.
        ("2", "4", set("b", json!(3)), Some(Code::ProofFailed)),
        ("b: 2\n", "", delete("b"), None),
        ("b: 2\n\n", "", delete("b"), None),
        ("   # one\nb: 2\n", " # one\n", delete("b"), Some(Code::NotMinimal)),
        ("b: 2\n\nc:\n  - x", "\nc:\n  - \"x\"", delete("b"), Some(Code::NotMinimal)),
        ("b: 2\n", "b: 2\nd: 1\n", add("d", json!(1)), None),
        ("b: 2\n", "d: 1\nb:  2\n", add("d", json!(1)), Some(Code::NotMinimal)),
        ("  - x\n  - y  # why\n", "  - x\n  - y  # why\n  - z\n", append("c", json!("z")), None),
        ("  - x\n  - y  # why\n", "- x\n- y  # why\n- z\n", append("c", json!("z")), Some(Code::NotMinimal)),
    ] {
        assert_eq!(judge(file, gone, come, change.clone()), wanted, "{gone:?} to {come:?} for {change}");
    }
}

#[test]
fn what_stands_already_stands_for_both_readers() {
    // Where the name of the anchor ends is a matter of taste: one reader has a null here, the other a string.
    let file = "- &terr?a-`----\n";
    assert_eq!(run(file, set("[0]", json!(null))).expect_err("refused").code, Code::Parse);
    for (file, change) in
        [("a: 1.0\n", set("a", json!(1.0))), ("a: 0x10\n", set("a", json!(16))), ("a: ~\n", set("a", json!(null)))]
    {
        assert_eq!(run(file, change).as_deref(), Ok(file));
    }
}
