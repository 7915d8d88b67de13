//! Telling a hook what a person did.
//!
//! Must not carry state: an event is a hint to look again, and a lost one costs time only.

use crate::domain::facts::User;
use crate::forge::hook;
use secrecy::SecretString;
use serde::Serialize;
use std::time::Duration;

/// Where events go.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The address, http or https.
    pub url: String,
    /// The secret of the signature.
    pub secret: SecretString,
}

/// What happened, as the body of a POST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// `pull`, `comment`, `review`, `check`, `push` or `protection`.
    pub event: &'static str,
    /// What was done to it: `opened`, `edited`, `closed`, `created`, `submitted` and the like.
    pub action: &'static str,
    /// Where.
    pub repository: Place,
    /// The pull request, where it was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull: Option<Number>,
    /// The full name of the ref, where it was about one.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who did it.
    pub sender: User,
    /// The id of the delivery, a version 7 UUID.
    pub delivery: String,
}

/// The repository of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// The pull request of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Number {
    /// Its number.
    pub number: u64,
}

impl Hook {
    /// Sends an event once; the answer is why it did not arrive.
    pub(super) async fn tell(&self, event: &Event) -> Result<(), String> {
        let lost = |why: &dyn std::fmt::Display| format!("the event was not delivered to {}: {why}", self.url);
        let body = serde_json::to_vec(event).map_err(|e| lost(&e))?;
        let signature = hook::sign(&self.secret, &body).ok_or_else(|| lost(&"the hook has an empty secret"))?;
        let redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).redirect(redirects).no_proxy();
        let client = client.dns_resolver(crate::forge::resolve::Guarded).build();
        let request = client.map_err(|e| lost(&e.without_url()))?.post(&self.url);
        let request = request
            .header(hook::EVENT, event.event)
            .header(hook::DELIVERY, &event.delivery)
            .header(hook::SIGNATURE, signature)
            .header("Content-Type", "application/json")
            .body(body);
        let answer = request.send().await.map_err(|e| lost(&e.without_url()))?;
        if answer.status().is_success() { Ok(()) } else { Err(lost(&answer.status())) }
    }
}
