mod helm;
mod kustomize;
mod patches;

use crate::domain::change::Change;
use crate::domain::edit::{Code, Files, Inverse, Refusal, apply};
use serde_json::Value;
use std::collections::BTreeMap;

struct Folder(BTreeMap<String, String>);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.get(path).map(|text| text.as_bytes().to_vec()))
    }
}

/// Applies one change; answers the files that differ. A second application must give nothing, the inverse all.
fn run(files: &[(&str, &str)], change: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let mut folder = Folder(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect());
    let changes: Vec<Change> = vec![serde_json::from_value(change.clone()).expect("change")];
    let applied = apply(&folder, &changes)?;
    let mut after = BTreeMap::new();
    for file in &applied.files {
        let back = Inverse::of(std::slice::from_ref(file)).files[0].restore(&file.after);
        assert_eq!(back.as_deref(), Some(file.before.as_slice()), "{change}");
        let text = String::from_utf8(file.after.clone()).expect("text");
        folder.0.insert(file.path.clone(), text.clone());
        after.insert(file.path.clone(), text);
    }
    match apply(&folder, &changes) {
        Ok(again) => assert!(again.files.is_empty(), "{change} twice: {}", again.unified_diff()),
        Err(refusal) => assert_eq!(refusal.code, Code::NotFound, "{change} twice: {refusal}"),
    }
    Ok(after)
}

/// Applies one change to one file and compares the whole result.
fn gives(file: &str, before: &str, change: &Value, after: &str) {
    let found = run(&[(file, before)], change).unwrap_or_else(|refusal| panic!("{change}: {refusal}"));
    assert_eq!(found.get(file).map_or(before, String::as_str), after, "{change}");
}

/// Applies one change that must be refused.
fn refused(files: &[(&str, &str)], change: &Value, code: Code, words: &str) {
    let refusal = run(files, change).expect_err(&change.to_string());
    assert_eq!(refusal.code, code, "{change}: {refusal}");
    assert!(refusal.to_string().contains(words), "{change}: {refusal}");
}
