//! Dangers of a change, each found in its effect: what stood in the files before and stands there after.
//!
//! Must not look at what the proposal claims, nor at a file that is not changed. One danger, one file, one folder of
//! fixtures, one heading in docs/hazards.md.

mod blocks;
mod cordon_drain;
mod delete_crd;
mod delete_namespace;
mod delete_pvc;
mod delete_secret;
mod delete_unknown;
mod delete_workload;
mod finalizer_removal;
mod hidden_characters;
mod image_downgrade;
mod patch;
mod prevent_destroy;
mod protected_label;
mod rbac_widening;
mod remote_resource;
mod removal;
mod resource_removed;
mod scale_below_half;
mod scale_to_zero;
mod scene;

pub(super) use scene::Scene;

/// A danger that is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// Its stable name.
    pub name: &'static str,
    /// Where it was found.
    pub place: String,
    /// How many approvals it needs.
    pub approvals: u32,
    /// How dangerous it is.
    pub tier: u8,
}

/// One kind of danger: what it costs, and how it is found.
pub struct Danger {
    /// Its stable name; a heading of docs/hazards.md and a folder of fixtures/hazards.
    pub name: &'static str,
    /// How many approvals it needs.
    pub approvals: u32,
    /// How dangerous it is.
    pub tier: u8,
    find: fn(&Scene<'_>) -> Vec<String>,
}

const fn danger(name: &'static str, approvals: u32, tier: u8, find: fn(&Scene<'_>) -> Vec<String>) -> Danger {
    Danger { name, approvals, tier, find }
}

/// Every danger, the worst first; none of them ever merges without a person.
pub const DANGERS: [Danger; 19] = [
    danger("delete_namespace", 2, 3, delete_namespace::find),
    danger("delete_crd", 2, 3, delete_crd::find),
    danger("delete_pvc", 2, 3, delete_pvc::find),
    danger("delete_secret", 2, 3, delete_secret::find),
    danger("delete_unknown", 2, 3, delete_unknown::find),
    danger("rbac_widening", 2, 3, rbac_widening::find),
    danger("finalizer_removal", 2, 3, finalizer_removal::find),
    danger("protected_label", 2, 3, protected_label::find),
    danger("prevent_destroy", 2, 3, prevent_destroy::find),
    danger("resource_removed", 2, 3, resource_removed::find),
    danger("delete_workload", 1, 2, delete_workload::find),
    danger("scale_to_zero", 1, 2, scale_to_zero::find),
    danger("scale_below_half", 1, 2, scale_below_half::find),
    danger("cordon_drain", 1, 2, cordon_drain::find),
    danger("image_downgrade", 1, 2, image_downgrade::find),
    danger("hidden_characters", 1, 2, hidden_characters::find),
    danger("removal", 0, 2, removal::find),
    danger("patch", 0, 2, patch::find),
    danger("remote_resource", 0, 2, remote_resource::find),
];

/// Every danger in a scene, the worst first.
pub(super) fn find(scene: &Scene<'_>) -> Vec<Hazard> {
    let found = |danger: &Danger| {
        let (name, approvals, tier) = (danger.name, danger.approvals, danger.tier);
        (danger.find)(scene).into_iter().map(move |place| Hazard { name, place, approvals, tier })
    };
    DANGERS.iter().flat_map(found).collect()
}

#[cfg(test)]
mod tests;
