//! What an operator wants to know of a forge before anything is proposed: credentials, rights, webhooks, the clock.
//!
//! Must not change anything at a forge, nor show a credential.

pub mod on_github;
pub mod on_gitlab;

use super::fetch::cause;
use crate::domain::ids::Time;
use reqwest::header::{DATE, HeaderMap};
use serde_json::Value;
use std::time::Duration;

/// The most bytes of an answer.
const MOST: usize = 4 << 20;
/// Seconds that our clock may differ from a forge's.
const SKEW: i64 = 30;

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// It works, and should be looked at.
    Warn,
    /// It does not work until somebody mends it.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, `app permissions`.
    pub check: &'static str,
    /// How it stands.
    pub level: Level,
    /// One sentence, with what to do where it is not good.
    pub sentence: String,
}

impl Finding {
    /// As it should be.
    pub fn good(check: &'static str, sentence: impl Into<String>) -> Finding {
        Finding { check, level: Level::Good, sentence: sentence.into() }
    }

    /// It works, and should be looked at.
    pub fn warn(check: &'static str, sentence: impl Into<String>) -> Finding {
        Finding { level: Level::Warn, ..Finding::good(check, sentence) }
    }

    /// It does not work until somebody mends it.
    pub fn bad(check: &'static str, sentence: impl Into<String>) -> Finding {
        Finding { level: Level::Bad, ..Finding::good(check, sentence) }
    }
}

/// An answer of a forge.
struct Answer {
    status: u16,
    date: Option<Time>,
    body: Value,
}

/// Asks a forge without following it elsewhere.
struct Probe {
    client: reqwest::Client,
    headers: HeaderMap,
}

impl Probe {
    fn new(headers: HeaderMap) -> Result<Probe, String> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(crate::forge::resolve::Guarded)
            .user_agent("countersign")
            .build();
        client.map(|client| Probe { client, headers }).map_err(|error| error.to_string())
    }

    async fn get(&self, url: &str) -> Result<Answer, String> {
        let failed = |error: reqwest::Error| format!("no answer from {url}: {}", cause(&error));
        let mut answer = self.client.get(url).headers(self.headers.clone()).send().await.map_err(failed)?;
        let date = answer.headers().get(DATE).and_then(|date| read_date(date.to_str().ok()?));
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST {
                return Err(format!("{url} answers with more than {MOST} bytes"));
            }
        }
        Ok(Answer { status, date, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }
}

/// The moment of a `Date` header.
fn read_date(text: &str) -> Option<Time> {
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Time(at.timestamp().as_microsecond()))
}

/// How our clock stands against a forge's.
fn clock(theirs: Option<Time>, ours: Time) -> Option<Finding> {
    let ahead = (ours.0 - theirs?.0).div_euclid(1_000_000);
    let sentence = match ahead {
        0.. => format!("this machine's clock is {ahead} s ahead of the forge's"),
        _ => format!("this machine's clock is {} s behind the forge's", ahead.saturating_neg()),
    };
    Some(match ahead.saturating_abs() {
        0..=SKEW => Finding::good("clock", sentence),
        _ => Finding::bad("clock", format!("{sentence}: synchronise it, tokens are refused otherwise")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f82_a_clock_that_is_off_is_found() {
        let ours: Time = "2026-11-21T13:26:46Z".parse().expect("a time");
        let at = |text| clock(read_date(text), ours).map(|finding| finding.level);
        assert_eq!(at("Sat, 21 Nov 2026 13:26:50 GMT"), Some(Level::Good));
        assert_eq!(at("Sat, 21 Nov 2026 13:31:46 GMT"), Some(Level::Bad));
        assert_eq!(at("Sat, 21 Nov 2026 13:21:46 GMT"), Some(Level::Bad));
        assert_eq!(at("yesterday"), None);
    }
}
