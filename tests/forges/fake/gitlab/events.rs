//! What a GitLab tells the hooks of a project.

use super::shape;
use super::state::State;
use crate::fake::events::What;
use countersign::domain::facts::User;
use serde_json::{Value, json};

impl State {
    /// The name of an event and its payload.
    pub async fn event(&self, what: What, number: u64) -> (&'static str, Value) {
        let project = shape::project(self, &self.settings());
        let dana = shape::user(self, &User { id: 7, login: "dana".into() });
        let mut body = json!({
            "event_type": "merge_request", "user": dana,
            "project": {"id": project["id"], "name": project["name"], "path_with_namespace": project["path_with_namespace"],
                "default_branch": "main", "web_url": project["web_url"]},
            "repository": {"name": project["name"], "homepage": project["web_url"]}
        });
        let (name, more) = match what {
            What::Base => (
                "Push Hook",
                json!({"object_kind": "push", "event_name": "push", "project_id": self.place.id,
                    "ref": "refs/heads/main", "commits": [], "total_commits_count": 1}),
            ),
            What::News => ("Sparkle Hook", json!({"object_kind": "sparkle", "object_attributes": {"iid": number}})),
            _ => self.about(what, number).await,
        };
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (name, body)
    }

    async fn about(&self, what: What, number: u64) -> (&'static str, Value) {
        let (pull, record) = (self.view(number).await.unwrap(), self.record(number).unwrap());
        let shown = shape::merge_request(self, &pull, &record);
        let on = |action: &str| {
            let mut attributes = shown.clone();
            attributes["action"] = action.into();
            (
                "Merge Request Hook",
                json!({"object_kind": "merge_request", "object_attributes": attributes, "changes": {}}),
            )
        };
        match what {
            What::Opened => on("open"),
            What::Pushed | What::Edited => on("update"),
            What::Closed => on("close"),
            What::Reviewed => on("approved"),
            What::Checked => (
                "Pipeline Hook",
                json!({"object_kind": "pipeline", "object_attributes": {"id": 70, "status": "success", "sha": pull.head},
                    "merge_request": {"id": 4_000 + number, "iid": number}}),
            ),
            What::Said => (
                "Note Hook",
                json!({"object_kind": "note", "project_id": self.place.id, "merge_request": {"iid": number},
                    "object_attributes": {"id": 1, "note": "/countersign merge", "noteable_type": "MergeRequest"}}),
            ),
            What::Sparkled | What::Base | What::News => on("sparkled"),
        }
    }
}
