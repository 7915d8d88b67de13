//! What a text inside a document says, where it is a YAML map itself: Helm values in an Argo CD application, say.
//!
//! Must not make a change look smaller: a text that cannot be read, or that differs in more than its values, stays one
//! value that no narrow kind may touch.

use super::leaves::{Leaf, Scalars, leaf, scalars};
use crate::domain::edit::yaml;
use std::collections::BTreeSet;

/// Patches are documents about other objects: what they do is not what stands in them.
const PATCHES: [&str; 5] = ["patch", "patches", "patchesJson6902", "patchesStrategicMerge", "postRenderers"];

/// The values inside a text that differ, or the text itself.
pub(super) fn opened(text: Leaf) -> Vec<Leaf> {
    let sides = [&text.before, &text.after];
    let is_text = sides.into_iter().flatten().any(|side| side.contains('\n'));
    if !is_text || text.under(&PATCHES) {
        return vec![text];
    }
    let [Some(before), Some(after)] = sides.map(|side| side.as_deref().map_or(Some(Scalars::new()), read)) else {
        return vec![text];
    };
    let keys: BTreeSet<&Vec<String>> = before.keys().chain(after.keys()).collect();
    let differs = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let inner = |key: &Vec<String>| {
        leaf([text.keys.as_slice(), key].concat(), before.get(key).cloned(), after.get(key).cloned())
    };
    let found: Vec<Leaf> = differs.map(inner).collect();
    if found.is_empty() { vec![text] } else { found }
}

/// The scalars of a text that is one YAML map.
fn read(text: &str) -> Option<Scalars> {
    match yaml::documents(text.as_bytes()).ok()?.as_slice() {
        [one] if one.is_mapping() => Some(scalars(std::slice::from_ref(one))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::effect::Effect;
    use crate::domain::edit::{Files, Refusal, apply};
    use crate::domain::proposal::ActionKind;
    use serde_json::{Value, json};

    struct One(&'static str);

    impl Files for One {
        fn read(&self, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
            Ok(Some(self.0.as_bytes().to_vec()))
        }
    }

    fn judge(kind: ActionKind, effect: &Effect) -> crate::domain::policy::verdict::Verdict {
        crate::domain::policy::kinds::tests::judged(kind, effect)
    }

    fn effect(file: &'static str, words: Value) -> Effect {
        let mut change = json!({"file": "a.yaml"});
        change.as_object_mut().expect("a map").extend(words.as_object().expect("words").clone());
        let changes: Vec<_> = serde_json::from_value(json!([{ "manifest": change }])).expect("changes");
        Effect::of(&apply(&One(file), &changes).expect("applies"))
    }

    const APP: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x, namespace: argocd}\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          tag: \"1\" # pinned\n        replicaCount: 4\n";

    fn inside(set: Value) -> Value {
        json!({"texts": [{"path": "spec.source.helm.values", "set": set}]})
    }

    #[test]
    fn a_text_is_judged_by_what_stands_inside() {
        let tag = effect(APP, inside(json!({"image.tag": "2"})));
        assert_eq!(tag.leaves[0].1.path, "spec.source.helm.values.image.tag");
        assert!(judge(ActionKind::SetImage, &tag).passes());
        assert!(!judge(ActionKind::SetReplicas, &tag).passes());
        assert!(tag.touches_image_or_limit);
        let zero = effect(APP, inside(json!({"replicaCount": 0})));
        assert_eq!(zero.hazards.iter().map(|hazard| hazard.name).collect::<Vec<_>>(), ["scale_to_zero"]);
        assert!(!judge(ActionKind::SetImage, &zero).passes());
    }

    #[test]
    fn a_text_that_is_no_map_stays_one_value() {
        let script = "kind: ConfigMap\ndata:\n  image: |\n    - a\n    - b\n";
        let list = effect(script, json!({"set": {"data.image": "- a\n- c\n"}}));
        assert_eq!(list.leaves[0].1.path, "data.image");
        let comment = APP.replace("# pinned", "# ours");
        let whole = comment.split("values: |\n").nth(1).expect("a text").replace("        ", "");
        let comments = effect(APP, json!({"set": {"spec.source.helm.values": whole}}));
        assert_eq!(comments.leaves[0].1.path, "spec.source.helm.values");
        assert!(!judge(ActionKind::SetImage, &comments).passes());
    }

    #[test]
    fn a_merge_that_touches_more_than_its_kind_is_refused() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: y}\nspec:\n  containers:\n  - name: a\n    image: a:1\n";
        let merge = |container: Value| {
            let mut element = json!({"name": "a"});
            element.as_object_mut().expect("a map").extend(container.as_object().expect("fields").clone());
            effect(pod, json!({"merge": {"spec": {"containers": [element]}}}))
        };
        let judge = |kind, effect: &Effect| judge(kind, effect).passes();
        assert!(judge(ActionKind::SetImage, &merge(json!({"image": "a:2"}))));
        assert!(!judge(ActionKind::SetImage, &merge(json!({"image": "a:2", "securityContext": {"privileged": true}}))));
        assert!(judge(ActionKind::SetResources, &merge(json!({"resources": {"limits": {"memory": "1Gi"}}}))));
        assert!(!judge(
            ActionKind::SetResources,
            &merge(json!({"resources": {"limits": {"memory": "1Gi"}}, "args": ["x"]}))
        ));
        let patch = effect(pod, json!({"jsonPatch": [{"op": "add", "path": "/spec/hostNetwork", "value": true}]}));
        assert!(!judge(ActionKind::SetImage, &patch) && judge(ActionKind::PatchManifest, &patch));
        let images = effect(pod, json!({"images": [{"name": "a", "newTag": "2"}]}));
        assert!(judge(ActionKind::SetImage, &images) && !judge(ActionKind::SetReplicas, &images));
    }
}
