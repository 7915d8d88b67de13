//! What GitHub's answers mean to the worker.
//!
//! Must not show a header or an address: a message names the operation and repeats GitHub's sentence, shortened.

use super::answer::Answer;
use crate::domain::ids::Time;
use crate::forge::{ForgeError, wait};
use serde::Deserialize;
use serde_json::Value;

/// A sentence of GitHub's is shortened to so many characters.
const SENTENCE: usize = 300;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    errors: Vec<Value>,
}

/// GitHub's own sentence, with its details.
pub(super) fn sentence(answer: &Answer) -> String {
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text: Vec<String> = Some(said.message)
        .into_iter()
        .chain(said.errors.iter().filter_map(detail))
        .filter(|it| !it.is_empty())
        .collect();
    plain(&text.join(": "))
}

/// A detail of a refusal: a text, an object with a message, or one that names a field.
fn detail(error: &Value) -> Option<String> {
    let word = |name: &str| error.get(name).and_then(Value::as_str);
    match (error.as_str(), word("message"), word("field"), word("code")) {
        (Some(text), ..) | (None, Some(text), ..) => Some(text.to_owned()),
        (None, None, Some(field), Some(code)) => Some(format!("{field} is {code}")),
        _ => None,
    }
}

/// One short line without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SENTENCE).collect()
}

/// The error of an answer that is not what was wanted.
pub(super) fn trouble(what: &str, answer: &Answer, now: Time) -> ForgeError {
    if let Some(until) = limited(answer, now) {
        return ForgeError::RateLimited(until);
    }
    let said = format!("{what}: {} {}", answer.status, sentence(answer));
    match answer.status {
        401 | 403 | 451 => ForgeError::Denied(said),
        404 => ForgeError::NotFound(said),
        400 | 405 | 409 | 410 | 413 | 415 | 422 => ForgeError::Rejected(said),
        301..=308 => ForgeError::Denied(format!("{said}: it points elsewhere, and no token goes there")),
        _ => ForgeError::Transient(said),
    }
}

/// Until when GitHub limits us, if that is what it says: no requests left, or a limit that is not about their number.
pub(super) fn limited(answer: &Answer, now: Time) -> Option<Time> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    let named = wait::retry_after(&answer.headers, now);
    let exhausted = wait::number(&answer.headers, "x-ratelimit-remaining") == Some(0);
    let secondary = answer.status == 429 || sentence(answer).to_lowercase().contains("secondary rate limit");
    match (named, exhausted, secondary) {
        (Some(until), _, _) => Some(wait::sane(Some(until), now)),
        (None, true, _) => Some(wait::sane(wait::reset(&answer.headers, "x-ratelimit-reset"), now)),
        (None, false, true) => Some(wait::sane(None, now)),
        (None, false, false) => None,
    }
}
