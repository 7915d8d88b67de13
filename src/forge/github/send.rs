//! One request to GitHub and its bounded answer, counted.
//!
//! Must not retry, must not follow a redirect, and must not judge the answer.

use super::answer::{Answer, Verb};
use super::clients::Octo;
use super::error::plain;
use super::route::operation;
use crate::forge::{ForgeError, wait};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer over so many bytes is refused.
const LIMIT: usize = 16 << 20;

/// Sends one request; an answer of any status is an answer.
pub(super) async fn send(
    what: &str,
    octo: &Octo,
    verb: Verb,
    route: &str,
    headers: HeaderMap,
    body: Option<&Value>,
) -> Result<Answer, ForgeError> {
    let rest = &octo.rest;
    let sent = match verb {
        Verb::Get => rest._get_with_headers(route, Some(headers)).await,
        Verb::Post => rest._post(route, body).await,
        Verb::Patch => rest._patch(route, body).await,
        Verb::Put => rest._put(route, body).await,
    };
    let count = |status: String| {
        let operation = format!("{} {}", verb.name(), operation(route));
        metrics::counter!("countersign_forge_requests_total", "forge" => "github", "operation" => operation, "status" => status)
            .increment(1);
    };
    let lost = |why: &dyn std::fmt::Display| {
        let why = plain(&why.to_string());
        ForgeError::Transient(format!("{what}: {why}"))
    };
    let answered = sent.inspect_err(|_| count("none".into())).map_err(|e| lost(&e))?;
    let mut response = reqwest::Response::from(answered.map(reqwest::Body::wrap));
    count(response.status().as_str().to_owned());
    if let Some(left) = wait::number(response.headers(), "x-ratelimit-remaining") {
        metrics::gauge!("countersign_forge_rate_remaining", "forge" => "github")
            .set(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
    }
    let mut read = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| lost(&e.without_url()))? {
        if read.len().saturating_add(chunk.len()) > LIMIT {
            return Err(lost(&"the answer is too large"));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body: read })
}
