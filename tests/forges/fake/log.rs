//! Every request and what was answered.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub method: String,
    /// The route's pattern; empty if there was none.
    pub route: String,
    /// The path and query as sent.
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub status: u16,
    pub answer_headers: HeaderMap,
    /// What was answered; empty where the script answered.
    pub answer: Bytes,
    /// Whether the script answered.
    pub planned: bool,
}

impl Exchange {
    /// The request's body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The same answer once more.
    pub fn again(&self) -> Response {
        let mut response = Response::new(Body::from(self.answer.clone()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        *response.headers_mut() = self.answer_headers.clone();
        response
    }

    /// `METHOD route -> status`.
    pub fn line(&self) -> String {
        format!("{} {} -> {}", self.method, if self.route.is_empty() { &self.uri } else { &self.route }, self.status)
    }
}

/// The exchanges so far; cheap to clone.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Exchange>>>);

impl Log {
    pub(super) fn add(&self, exchange: Exchange) {
        self.0.lock().unwrap().push(exchange);
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Exchange> {
        self.0.lock().unwrap().clone()
    }

    /// Forgets them.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// How many there are of this method whose routes end like this.
    pub fn count(&self, method: &str, route: &str) -> usize {
        self.of(method, route).len()
    }

    /// Those of this method whose routes end like this.
    pub fn of(&self, method: &str, route: &str) -> Vec<Exchange> {
        let mut all = self.all();
        all.retain(|exchange| exchange.method == method && exchange.route.ends_with(route));
        all
    }

    /// The last good answer to the same request that no script gave.
    pub fn last(&self, method: &str, uri: &str) -> Option<Exchange> {
        let all = self.0.lock().unwrap();
        let same = |it: &&Exchange| it.method == method && it.uri == uri && !it.planned && it.status == 200;
        all.iter().rev().find(same).cloned()
    }
}
