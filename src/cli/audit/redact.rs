//! What is taken out of a log by persons: payloads, by index or by age; and the hold that forbids it.
//!
//! Must not take a leaf out: the proof stands, and an entry says who took what, and why.

use crate::app::system_clock;
use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::{Output, Status, print_json};
use crate::domain::audit::{Decision, Event, Leaf};
use crate::domain::ids::{TenantId, Time};
use crate::store::Store;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;

/// How many entries are read at once.
const BATCH: u32 = 500;

/// Which payloads are taken out.
pub(super) enum Which {
    /// Those of these entries.
    Entries(Vec<u64>),
    /// Those of entries older than this many days.
    OlderThan(u32),
}

/// Who wants it, and why.
pub(super) struct Order {
    pub(super) reason: String,
    pub(super) by: Vec<String>,
}

impl Order {
    pub(super) fn check(&self, least: usize) -> anyhow::Result<()> {
        let plain = |text: &String| (1..=200).contains(&text.trim().len()) && !text.contains(char::is_control);
        anyhow::ensure!(plain(&self.reason), "--reason: write one line of 1 to 200 bytes");
        let people: BTreeSet<&String> = self.by.iter().filter(|name| plain(name)).collect();
        anyhow::ensure!(people.len() == self.by.len() && people.len() >= least, "--by: name {least} people, each once");
        Ok(())
    }

    pub(super) fn event(&self, kind: &'static str, decision: Decision, more: serde_json::Value) -> Event {
        let payload = json!({"reason": self.reason, "by": self.by, "what": more});
        Event { decision, actor: format!("person:{}", self.by.join("+")), ..Event::note(kind, payload) }
    }
}

/// Places a hold on a tenant's log, or lifts it.
pub(super) async fn hold(
    store: &Store,
    tenant: &TenantId,
    order: &Order,
    lift: bool,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    order.check(if lift { 2 } else { 1 })?;
    let kind = if lift { "hold.lifted" } else { "hold.placed" };
    anyhow::ensure!(
        survey(store, tenant, Time(i64::MIN)).await?.held == lift,
        "the log is {}on hold",
        if lift { "not " } else { "" }
    );
    let event = order.event(kind, Decision::Note, json!(null));
    let places = store.append(tenant, &[event], system_clock()()).await?;
    let index = places.first().map_or(0, |(index, _)| *index);
    match output {
        Output::Json => print_json(out, &json!({"type": kind, "index": index}))?,
        Output::Text => writeln!(out, "{} {kind} as entry {index}", paint(wanted(), Ink::Good, "done:"))?,
    }
    Ok(Status::Done)
}

/// Why nothing is taken out of a log that is on hold.
pub(super) const ON_HOLD: &str = "the log is on hold: a person has to lift that first, `countersign audit hold --lift`";

/// The entry that says so.
pub(super) fn on_hold(event: Event) -> Event {
    Event { reason_code: "hold".into(), ..event }
}

/// Takes payloads out; a hold refuses it, and the refusal is an entry of the log.
pub(super) async fn redact(
    store: &Store,
    tenant: &TenantId,
    which: Which,
    order: &Order,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    order.check(2)?;
    let now = system_clock()();
    let before = match &which {
        Which::OlderThan(days) => now.plus_seconds(-i64::from(*days) * 86_400),
        Which::Entries(_) => Time(i64::MIN),
    };
    let Survey { held, size, old } = survey(store, tenant, before).await?;
    let indexes = match which {
        Which::Entries(indexes) => indexes,
        Which::OlderThan(_) => old,
    };
    if let Some(index) = indexes.iter().find(|index| **index >= size) {
        anyhow::bail!("there is no entry {index}: the log has {size}");
    }
    let first = store.head(tenant).await?.first;
    if let Some(index) = indexes.iter().find(|index| **index < first) {
        anyhow::bail!("entry {index} was pruned: the log begins with entry {first}");
    }
    if held {
        let event = order.event("redaction.refused", Decision::Refuse, json!({"entries": indexes.len()}));
        store.append(tenant, &[on_hold(event)], now).await?;
        return crate::cli::remote::refused(ON_HOLD, output, out);
    }
    if indexes.is_empty() {
        return said(0, None, output, out);
    }
    let event = order.event("redaction.applied", Decision::Note, json!({"indexes": ranges(&indexes)}));
    let by = store.redact(tenant, &indexes, event, size, now).await?;
    said(indexes.len(), Some(by), output, out)
}

fn said(count: usize, by: Option<u64>, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match output {
        Output::Json => print_json(out, &json!({"redacted": count, "by": by}))?,
        Output::Text => match by {
            Some(by) => {
                writeln!(out, "{} {count} payloads, as entry {by} says", paint(wanted(), Ink::Good, "redacted:"))?
            }
            None => writeln!(out, "nothing to redact")?,
        },
    }
    Ok(Status::Done)
}

/// Neighbouring indexes as `first-last`: an entry is small, whatever it is about.
fn ranges(indexes: &[u64]) -> Vec<String> {
    let mut sorted: Vec<u64> = indexes.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut found: Vec<(u64, u64)> = Vec::new();
    for index in sorted {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => found.push((index, index)),
        }
    }
    found
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect()
}

/// What the whole log says about holds and age.
pub(super) struct Survey {
    pub(super) held: bool,
    /// How many entries it looked at.
    pub(super) size: u64,
    /// Entries before a moment whose payload is still there.
    old: Vec<u64>,
}

pub(super) async fn survey(store: &Store, tenant: &TenantId, before: Time) -> anyhow::Result<Survey> {
    let mut found = Survey { held: false, size: 0, old: Vec::new() };
    loop {
        let leaves = store.leaves(tenant, found.size, BATCH).await?;
        let Some(last) = leaves.last() else { return Ok(found) };
        found.size = last.seq + 1;
        for stored in &leaves {
            let leaf: Leaf = serde_json::from_slice(&stored.bytes)?;
            match leaf.kind.as_str() {
                "hold.placed" => found.held = true,
                "hold.lifted" => found.held = false,
                // What says that something was taken out, or may not be, stays readable.
                kind if kind.starts_with("redaction.") || kind.starts_with("log.") => {}
                _ if leaf.time_us < before.0 && stored.payload.is_some() => found.old.push(stored.seq),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_told_as_ranges() {
        assert_eq!(ranges(&[7, 1, 2, 3, 2, 9, 10]), ["1-3", "7", "9-10"]);
        assert!(ranges(&[]).is_empty());
    }

    #[test]
    fn an_order_needs_its_people_and_a_reason() {
        let order = |reason: &str, by: &[&str]| Order {
            reason: reason.into(),
            by: by.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert!(order("GDPR art. 17", &["dana", "kim"]).check(2).is_ok());
        for bad in
            [order("x", &["dana"]), order("x", &["dana", "dana"]), order("", &["a", "b"]), order("a\nb", &["a", "b"])]
        {
            assert!(bad.check(2).is_err());
        }
    }
}
