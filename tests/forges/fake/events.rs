//! Events as each forge sends them: whole payloads, proven by each forge's own means.

use crate::ground::{Ground, ID, Kind, NAME};
use countersign::domain::ids::Time;
use countersign::forge::hook::{self, on_github, on_gitlab};
use serde_json::{Value, json};

/// The secret of every hook.
pub const SECRET: &str = "the-secret-of-the-hooks-of-the-stand";
/// A GitLab's signing token.
pub const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a forge tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Opened,
    Pushed,
    Edited,
    Closed,
    Reviewed,
    Checked,
    Said,
    /// The base moved.
    Base,
    /// A kind of event that nobody knows.
    News,
    /// An action of a known event that nobody knows.
    Sparkled,
}

pub const ALL: [What; 8] =
    [What::Opened, What::Pushed, What::Edited, What::Closed, What::Reviewed, What::Checked, What::Said, What::Base];

/// A request as a forge sends it.
#[derive(Clone, Debug)]
pub struct Event {
    pub path: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Event {
    /// With this header instead; none takes it away.
    pub fn with(mut self, name: &'static str, value: Option<&str>) -> Event {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}

/// The header that proves an event of this forge.
pub fn proof(kind: Kind) -> &'static str {
    match kind {
        Kind::Local => hook::SIGNATURE,
        Kind::Github => on_github::SIGNATURE,
        Kind::Gitlab => on_gitlab::TOKEN,
    }
}

/// These bytes as an event of this name, proven by this secret.
pub fn proven(kind: Kind, secret: &str, name: &str, id: &str, body: Vec<u8>) -> Event {
    let signature = hook::sign(&secret.into(), &body).unwrap();
    let json = ("Content-Type", "application/json".to_owned());
    let (path, headers) = match kind {
        Kind::Local => (
            "/webhooks/local",
            vec![(hook::EVENT, name.to_owned()), (hook::DELIVERY, id.to_owned()), (hook::SIGNATURE, signature), json],
        ),
        Kind::Github => (
            "/webhooks/github",
            vec![
                ("User-Agent", "GitHub-Hookshot/0123abc".to_owned()),
                ("X-GitHub-Hook-ID", "292430182".to_owned()),
                ("X-GitHub-Hook-Installation-Target-Type", "integration".to_owned()),
                (on_github::EVENT, name.to_owned()),
                (on_github::DELIVERY, id.to_owned()),
                (on_github::SIGNATURE, signature),
                json,
            ],
        ),
        Kind::Gitlab => (
            "/webhooks/gitlab",
            vec![
                ("User-Agent", "GitLab/18.2.0".to_owned()),
                ("X-Gitlab-Event", name.to_owned()),
                ("X-Gitlab-Event-UUID", format!("event-{id}")),
                (on_gitlab::KEY, id.to_owned()),
                (on_gitlab::TOKEN, secret.to_owned()),
                json,
            ],
        ),
    };
    Event { path, headers, body }
}

/// A GitLab's event that carries a signature in place of the token.
pub fn signed(mut event: Event, id: &str, now: Time) -> Event {
    let at = now.seconds().to_string();
    let signature = on_gitlab::sign(&SIGNING.into(), id, &at, &event.body).unwrap();
    event.headers.retain(|(name, _)| *name != on_gitlab::TOKEN);
    event.headers.extend([
        (on_gitlab::ID, id.to_owned()),
        (on_gitlab::TIMESTAMP, at),
        (on_gitlab::SIGNATURE, signature),
    ]);
    event
}

impl Ground {
    /// What this forge sends of it, proven.
    pub async fn event(&self, what: What, number: u64, id: &str) -> Event {
        let (name, payload) = self.payload(what, number, id).await;
        proven(self.kind, SECRET, name, id, payload.to_string().into_bytes())
    }

    /// The name of the event and what it carries.
    pub async fn payload(&self, what: What, number: u64, id: &str) -> (&'static str, Value) {
        match self.kind {
            Kind::Local => local(what, number, id),
            Kind::Github => self.hub().event(what, number).await,
            Kind::Gitlab => self.lab().event(what, number).await,
        }
    }
}

fn local(what: What, number: u64, id: &str) -> (&'static str, Value) {
    let (event, action) = match what {
        What::Opened => ("pull", "opened"),
        What::Edited => ("pull", "edited"),
        What::Closed => ("pull", "closed"),
        What::Sparkled => ("pull", "sparkled"),
        What::Reviewed => ("review", "submitted"),
        What::Checked => ("check", "completed"),
        What::Said => ("comment", "created"),
        What::Pushed | What::Base => ("push", "pushed"),
        What::News => ("news", "sparkled"),
    };
    let mut body = json!({
        "event": event, "action": action, "repository": {"id": ID, "name": NAME},
        "sender": {"id": 7, "login": "dana"}, "delivery": id
    });
    if !matches!(what, What::Base | What::News) {
        body["pull"] = json!({"number": number});
    }
    (event, body)
}
