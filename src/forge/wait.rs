//! When a forge says that it may be asked again.
//!
//! Must not wait itself: it reads headers and answers a moment.

use crate::domain::ids::Time;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Seconds to stay away when the forge limits us and does not say for how long.
const UNSAID: i64 = 60;

/// The longest time we stay away at once, whatever the forge says.
const LONGEST: i64 = 3_600;

/// The moment of `retry-after`, seconds or an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap, now: Time) -> Option<Time> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<i64>() {
        Ok(seconds) => Some(now.plus_seconds(seconds.max(1))),
        Err(_) => http_date(text),
    }
}

/// The moment of a header that counts seconds since 1970, `x-ratelimit-reset` and the like.
pub(super) fn reset(headers: &HeaderMap, name: &str) -> Option<Time> {
    let seconds: i64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    Some(Time::default().plus_seconds(seconds))
}

/// The number in a header.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A moment that lies after now and not too far; where the forge named none, a minute from now.
pub(super) fn sane(said: Option<Time>, now: Time) -> Time {
    let said = said.unwrap_or_else(|| now.plus_seconds(UNSAID));
    said.clamp(now.plus_seconds(1), now.plus_seconds(LONGEST))
}

/// A date as HTTP writes it.
pub(super) fn http_date(text: &str) -> Option<Time> {
    let parsed = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Time::default().plus_seconds(parsed.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(reqwest::header::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn f78_seconds_dates_and_nonsense() {
        let now: Time = "2026-01-05T08:00:00Z".parse().unwrap();
        let after = |value: &str| retry_after(&headers("retry-after", value), now);
        assert_eq!(after("120"), Some(now.plus_seconds(120)));
        assert_eq!(after("0"), Some(now.plus_seconds(1)));
        assert_eq!(after("Mon, 05 Jan 2026 08:05:00 GMT"), Some(now.plus_seconds(300)));
        assert_eq!(after("soon"), None);
        assert_eq!(sane(None, now), now.plus_seconds(60));
        assert_eq!(sane(after("99999999"), now), now.plus_seconds(3_600), "capped");
        assert_eq!(sane(after("Mon, 05 Jan 2026 07:00:00 GMT"), now), now.plus_seconds(1), "never in the past");
        assert_eq!(reset(&headers("x-ratelimit-reset", "1767600060"), "x-ratelimit-reset"), Some(now.plus_seconds(60)));
    }
}
