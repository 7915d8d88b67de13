//! What became of an event, and the little that all of them have in common.
//!
//! Must not tell a sender more than that it was taken: a forge that is told of failures stops sending.

use super::Problem;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// What became of a proven event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Kept; somebody looks.
    Kept,
    /// Kept before.
    Duplicate,
    /// About nothing that is listed.
    Ignored,
}

/// Counts what became of an event and answers.
pub(super) fn answer(taken: Result<Taken, Problem>) -> Result<Response, Problem> {
    let result = match &taken {
        Ok(Taken::Kept) => "kept",
        Ok(Taken::Duplicate) => "duplicate",
        Ok(Taken::Ignored) => "ignored",
        Err(problem) => problem.code,
    };
    metrics::counter!("countersign_webhook_deliveries_total", "result" => result).increment(1);
    taken.map(|_| StatusCode::ACCEPTED.into_response())
}

/// The value of a header that stands once; one that stands twice is taken for none.
pub(in crate::web) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(only), None) => only.to_str().ok(),
        _ => None,
    }
}

/// Whether a text is a name of printable ASCII, at most this long.
pub(super) fn named(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}
