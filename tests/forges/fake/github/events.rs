//! What a GitHub tells its Apps, with the whole objects that it answers with.

use super::hub::Hub;
use super::pulls::whole;
use super::{APP, INSTALLATION};
use crate::fake::events::What;
use countersign::domain::facts::User;
use serde_json::{Value, json};

impl Hub {
    /// The name of an event and its payload.
    pub async fn event(&self, what: What, number: u64) -> (&'static str, Value) {
        let mut body = json!({
            "repository": self.repository(), "sender": self.user(&User { id: 7, login: "dana".into() }),
            "installation": {"id": INSTALLATION, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uOTg3"}
        });
        let (name, more) = match what {
            What::Base => ("push", json!({"ref": "refs/heads/main", "created": false, "forced": false, "commits": []})),
            What::News => ("sparkle", json!({"action": "created", "sparkle": {"number": number}})),
            _ => self.about(what, number).await,
        };
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (name, body)
    }

    async fn about(&self, what: What, number: u64) -> (&'static str, Value) {
        let (pull, comments) = self.pull(number).await.unwrap();
        let shown = whole(self, &pull, &comments);
        let on_pull = |action: &str| json!({"action": action, "number": number, "pull_request": shown.clone()});
        match what {
            What::Opened => ("pull_request", on_pull("opened")),
            What::Pushed => ("pull_request", on_pull("synchronize")),
            What::Edited => ("pull_request", on_pull("edited")),
            What::Closed => ("pull_request", on_pull("closed")),
            What::Reviewed => (
                "pull_request_review",
                json!({"action": "submitted", "review": {"id": 1, "state": "approved"}, "pull_request": shown}),
            ),
            What::Checked => (
                "check_run",
                json!({"action": "completed", "check_run": {
                    "id": 1, "name": "ci/build", "head_sha": pull.head, "status": "completed", "conclusion": "success",
                    "app": self.app_object(APP + 1), "pull_requests": [{"number": number, "id": 10_000 + number}]
                }}),
            ),
            What::Said => (
                "issue_comment",
                json!({"action": "created", "issue": {"number": number, "pull_request": {"url": shown["url"]}},
                    "comment": {"id": 1, "body": "/countersign merge"}}),
            ),
            What::Sparkled | What::Base | What::News => ("pull_request", on_pull("sparkled")),
        }
    }
}
