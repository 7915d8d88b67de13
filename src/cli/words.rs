//! A change set in words: one line for each value that differs, elements of lists by what they are called.
//!
//! Must not judge a change, nor show text from a file that a terminal would obey.

use crate::domain::edit::{Applied, FileEdit, yaml};
use crate::domain::policy::effect::Effect;
use crate::domain::policy::leaves::Leaf;
use crate::render::visible;

/// The most characters of a value.
const MOST: usize = 80;

/// A line for each value that differs: `overlays/prod/kustomization.yaml: images[ghcr.io/acme/api].newTag 1.4.1 -> 1.4.2`.
pub(super) fn words(applied: &Applied, effect: &Effect) -> Vec<String> {
    let mut lines = Vec::new();
    for file in &applied.files {
        let documents = documents(file);
        let of_file = effect.leaves.iter().filter(|(path, _)| *path == file.path);
        lines.extend(of_file.map(|(path, leaf)| {
            let place = place(leaf, &documents);
            visible(&format!("{path}: {place} {} -> {}", shown(leaf.before.as_ref()), shown(leaf.after.as_ref())))
        }));
    }
    lines
}

fn shown(value: Option<&String>) -> String {
    let Some(text) = value else { return "nothing".to_owned() };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", line.get(..at).unwrap_or(&line)),
        None if line.is_empty() => "\"\"".to_owned(),
        None => line,
    }
}

/// What the documents of a file of several are called; nothing for a file of one.
fn documents(file: &FileEdit) -> Vec<String> {
    let all = yaml::documents(&file.after).unwrap_or_default();
    if all.len() < 2 {
        return Vec::new();
    }
    let text = |value: Option<&serde_yaml::Value>| value.and_then(serde_yaml::Value::as_str).map(str::to_owned);
    let name = |(n, document): (usize, &serde_yaml::Value)| {
        let name = document.get("metadata").and_then(|metadata| text(metadata.get("name")));
        match (text(document.get("kind")), name) {
            (Some(kind), Some(name)) => format!("{kind}/{name}"),
            (Some(kind), None) => kind,
            (None, _) => format!("document {n}"),
        }
    };
    all.iter().enumerate().map(name).collect()
}

/// The keys that lead to a value; an element is `[its name]`, or `[its number]` where it has none.
fn place(leaf: &Leaf, documents: &[String]) -> String {
    let (mut out, mut keys) = (String::new(), leaf.keys.iter());
    if let [first, ..] = documents {
        // All but the first document have their number in front.
        let number = leaf.keys.first().and_then(|key| key.parse::<usize>().ok()).filter(|n| *n > 0);
        let name = number.and_then(|n| documents.get(n));
        if name.is_some() {
            keys.next();
        }
        out = format!("{} ", name.unwrap_or(first));
    }
    let begins = out.len();
    for key in keys {
        match key.strip_prefix("name=").or_else(|| key.parse::<u64>().is_ok().then_some(key.as_str())) {
            Some(element) => out.push_str(&format!("[{element}]")),
            None if out.len() == begins => out.push_str(key),
            None if key.contains('.') => out.push_str(&format!(".\"{key}\"")),
            None => out.push_str(&format!(".{key}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Change;
    use crate::domain::edit::{Files, Refusal, apply};
    use serde_json::{Value, json};

    struct One(&'static str);

    impl Files for One {
        fn read(&self, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
            Ok(Some(self.0.as_bytes().to_vec()))
        }
    }

    fn told(file: &'static str, change: Value) -> Vec<String> {
        let changes: Vec<Change> = serde_json::from_value(json!([change])).expect("changes");
        let applied = apply(&One(file), &changes).expect("applies");
        words(&applied, &Effect::of(&applied))
    }

    #[test]
    fn elements_go_by_their_name() {
        let images =
            "images:\n- name: ghcr.io/acme/web\n  newTag: \"2.0\"\n- name: ghcr.io/acme/api\n  newTag: 1.4.1\n";
        let set = json!({"kustomize": {"file": "o/kustomization.yaml", "images": [{"name": "ghcr.io/acme/api", "newTag": "1.4.2"}]}});
        assert_eq!(told(images, set), ["o/kustomization.yaml: images[ghcr.io/acme/api].newTag 1.4.1 -> 1.4.2"]);
        let add = json!({"kustomize": {"file": "o/kustomization.yaml", "images": [{"name": "ghcr.io/acme/new", "newTag": "1"}]}});
        let wanted = [
            "o/kustomization.yaml: images[ghcr.io/acme/new].name nothing -> ghcr.io/acme/new",
            "o/kustomization.yaml: images[ghcr.io/acme/new].newTag nothing -> 1",
        ];
        assert_eq!(told(images, add), wanted);
    }

    #[test]
    fn documents_and_blocks_go_by_their_name() {
        let two =
            "kind: Service\nmetadata: {name: a}\n---\nkind: Deployment\nmetadata: {name: b}\nspec: {replicas: 2}\n";
        let set =
            |select: Value, path: &str| json!({"manifest": {"file": "a.yaml", "select": select, "set": {path: 3}}});
        assert_eq!(told(two, set(json!({"index": 1}), "spec.replicas")), ["a.yaml: Deployment/b spec.replicas 2 -> 3"]);
        assert_eq!(told(two, set(json!({"index": 0}), "spec")), ["a.yaml: Service/a spec nothing -> 3"]);
        let tf = json!({"terraform": {"file": "a.tf", "block": "module.eks", "set": {"size": 4}}});
        assert_eq!(told("module \"eks\" {\n  size = 3\n}\n", tf), ["a.tf: module.eks.size 3 -> 4"]);
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        let set = json!({"helm": {"values": "v.yaml", "set": {"a": "x\u{1b}[2Jy\u{202e}"}}});
        assert_eq!(told("a: b\n", set), ["v.yaml: a b -> x\\u{1b}[2Jy\\u{202e}"]);
    }
}
