//! Freeze windows: every week between two times, or between two dates, in a time zone.

use crate::domain::ids::Time;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const WEEK: i64 = 7 * 24 * 60;

/// A time in which nothing merges without a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// `Fri 18:00`, or a date.
    pub from: String,
    /// `Mon 08:00`, or a date, which is the first day that is free again.
    pub to: String,
    /// An IANA name; UTC when left out.
    #[serde(default)]
    pub timezone: Option<String>,
}

/// A window that was read.
#[derive(Clone, Debug)]
pub(super) struct Window {
    span: Kind,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Minutes of the week, Monday 00:00 = 0; may wrap.
    Weekly(i64, i64),
    /// First day, and first day that is free again.
    Dates(Date, Date),
}

impl Window {
    pub(super) fn read(freeze: &Freeze) -> Result<Window, String> {
        let name = freeze.timezone.as_deref().unwrap_or("UTC");
        let zone =
            TimeZone::get(name).map_err(|_| format!("timezone `{name}` is not an IANA name such as Europe/Berlin"))?;
        let span = match (freeze.from.parse::<Date>(), freeze.to.parse::<Date>()) {
            (Ok(from), Ok(to)) if from < to => Kind::Dates(from, to),
            (Ok(_), Ok(_)) => return Err("`from` is not before `to`".into()),
            (Err(_), Err(_)) => Kind::Weekly(minute_of_week(&freeze.from)?, minute_of_week(&freeze.to)?),
            _ => return Err("give two dates, or two times of the week".into()),
        };
        Ok(Window { span, zone })
    }

    /// Until when it is frozen, if it is now.
    pub(super) fn until(&self, now: Time) -> Option<Time> {
        let local = now.timestamp().to_zoned(self.zone.clone());
        match self.span {
            Kind::Dates(from, to) => {
                let end = to.to_zoned(self.zone.clone()).ok()?;
                (local.date() >= from && local.date() < to).then(|| Time(end.timestamp().as_microsecond()))
            }
            Kind::Weekly(from, to) => {
                let day = i64::from(local.weekday().to_monday_zero_offset());
                let minute = day * 24 * 60 + i64::from(local.hour()) * 60 + i64::from(local.minute());
                let length = (to - from).rem_euclid(WEEK);
                let since = (minute - from).rem_euclid(WEEK);
                // Counted on the wall, not in hours that passed: a day of 23 or 25 hours ends at the same time of day.
                let minute = local
                    .datetime()
                    .round(jiff::civil::DateTimeRound::new().smallest(jiff::Unit::Minute).mode(jiff::RoundMode::Trunc))
                    .ok()?;
                let end = minute.checked_add(jiff::Span::new().minutes(length - since)).ok()?;
                let end = end.to_zoned(self.zone.clone()).ok()?;
                (since < length).then(|| Time(end.timestamp().as_microsecond()))
            }
        }
    }
}

fn minute_of_week(text: &str) -> Result<i64, String> {
    let fault = || format!("`{text}` is neither a date such as 2026-12-23 nor a time of the week such as `Fri 18:00`");
    let (day, clock) = text.split_once(' ').ok_or_else(fault)?;
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let day = days.iter().position(|d| format!("{d:?}").get(..3) == Some(day)).ok_or_else(fault)?;
    let (hour, minute) = clock.split_once(':').ok_or_else(fault)?;
    let (hour, minute): (i64, i64) = (hour.parse().map_err(|_| fault())?, minute.parse().map_err(|_| fault())?);
    if (0..24).contains(&hour) && (0..60).contains(&minute) {
        Ok(i64::try_from(day).unwrap_or_default() * 24 * 60 + hour * 60 + minute)
    } else {
        Err(fault())
    }
}

/// Until when these windows freeze, if one does now.
pub fn frozen_until(freezes: &[Freeze], now: Time) -> Option<Time> {
    freezes.iter().filter_map(|freeze| Window::read(freeze).ok()?.until(now)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().expect(text)
    }

    #[test]
    fn weekends_and_holidays() {
        let freeze = |from: &str, to: &str, zone: Option<&str>| Freeze {
            from: from.into(),
            to: to.into(),
            timezone: zone.map(Into::into),
        };
        let weekend = [freeze("Fri 18:00", "Mon 08:00", Some("Europe/Berlin"))];
        assert_eq!(frozen_until(&weekend, at("2026-11-20T16:59:00Z")), None);
        assert_eq!(frozen_until(&weekend, at("2026-11-20T17:00:30Z")), Some(at("2026-11-23T07:00:00Z")));
        assert_eq!(frozen_until(&weekend, at("2026-11-23T07:00:00Z")), None);
        let holidays = [freeze("2026-12-23", "2027-01-02", None)];
        assert_eq!(frozen_until(&holidays, at("2026-12-31T12:00:00Z")), Some(at("2027-01-02T00:00:00Z")));
        assert_eq!(frozen_until(&holidays, at("2027-01-02T00:00:00Z")), None);
        assert!(Window::read(&freeze("Fri", "Mon", None)).is_err());
        assert!(Window::read(&freeze("Fri 18:00", "Mon 08:00", Some("Mars/Base"))).is_err());
    }

    #[test]
    fn a_window_that_cannot_be_is_refused_and_says_why() {
        let fault = |from: &str, to: &str| {
            Window::read(&Freeze { from: from.into(), to: to.into(), timezone: None }).err().unwrap_or_default()
        };
        assert_eq!(
            (fault("2026-12-23", "2026-12-24"), fault("Fri 00:00", "Sun 23:59")),
            (String::new(), String::new())
        );
        assert_eq!(
            [fault("2026-12-24", "2026-12-23"), fault("2026-12-23", "2026-12-23")],
            ["`from` is not before `to`"; 2]
        );
        for (from, to) in [("2026-12-23", "Mon 08:00"), ("Fri 18:00", "2026-12-23")] {
            assert!(fault(from, to).contains("two dates, or two times"), "{from} {to}");
        }
        for time in ["Fri 24:00", "Fri 10:60", "Fri 24:60", "Fri -1:00", "Fri 1000", "Fry 10:00", "Fri"] {
            assert!(fault(time, "Mon 08:00").contains("neither a date"), "{time}: {}", fault(time, "Mon 08:00"));
        }
        // Of several that are on, the one that ends last.
        let each = |to: &str| Freeze { from: "2026-01-01".into(), to: to.into(), timezone: None };
        let all = [each("2026-01-03"), each("2026-01-09"), each("2026-01-05")];
        assert_eq!(frozen_until(&all, at("2026-01-02T00:00:00Z")), Some(at("2026-01-09T00:00:00Z")));
    }

    #[test]
    fn the_wall_clock_decides_when_clocks_change() {
        let zone = Some("Europe/Berlin".to_owned());
        let weekend = [Freeze { from: "Fri 18:00".into(), to: "Mon 08:00".into(), timezone: zone.clone() }];
        // In spring the weekend has an hour less, in autumn one more; both end on Monday at 8.
        assert_eq!(frozen_until(&weekend, at("2026-03-27T17:00:00Z")), Some(at("2026-03-30T06:00:00Z")));
        assert_eq!(frozen_until(&weekend, at("2026-03-30T05:59:59Z")), Some(at("2026-03-30T06:00:00Z")));
        assert_eq!(frozen_until(&weekend, at("2026-03-30T06:00:00Z")), None);
        assert_eq!(frozen_until(&weekend, at("2026-10-23T15:59:59Z")), None);
        assert_eq!(frozen_until(&weekend, at("2026-10-23T16:00:00Z")), Some(at("2026-10-26T07:00:00Z")));
        assert_eq!(frozen_until(&weekend, at("2026-10-26T06:59:00Z")), Some(at("2026-10-26T07:00:00Z")));
        // A time that does not exist on that day ends when the clock has jumped over it; one that exists twice, the first time.
        let night = [Freeze { from: "Sun 01:00".into(), to: "Sun 02:30".into(), timezone: zone.clone() }];
        assert_eq!(frozen_until(&night, at("2026-03-29T00:30:00Z")), Some(at("2026-03-29T01:30:00Z")));
        assert_eq!(frozen_until(&night, at("2026-10-25T00:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        let days = [Freeze { from: "2026-03-29".into(), to: "2026-03-30".into(), timezone: zone }];
        assert_eq!(frozen_until(&days, at("2026-03-28T23:00:00Z")), Some(at("2026-03-29T22:00:00Z")));
        assert_eq!(frozen_until(&days, at("2026-03-28T22:59:59Z")), None);
    }
}
