//! How fast this machine verifies a log: entries like real ones, made up in pieces so that the memory stays small.
//!
//! Must not count the time in which they are made up.

use super::lines::Lines;
use crate::cli::{Output, Status, print_json};
use crate::domain::audit::{Entry, Event, Frontier, GENESIS, Manifest, Place, Report, Verifier, Want, append, origin};
use crate::domain::ids::{Digest, TenantId, Time};
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};

/// Entries that are in memory at once.
const PIECE: u64 = 5_000;
/// When the first entry was written, microseconds.
const BEGIN: i64 = 1_767_600_000_000_000;

struct Making {
    origin: String,
    tenant: TenantId,
    prev: Digest,
    frontier: Frontier,
}

impl Making {
    fn piece(&mut self, count: u64) -> anyhow::Result<String> {
        let mut text = String::new();
        for _ in 0..count {
            let seq = self.frontier.size();
            let (kind, event) = (["push.intent", "push.result", "gate.reported"][usize::try_from(seq % 3)?], seq / 3);
            let payload = json!({
                "branch": format!("countersign/set-image/web-{event:012x}"), "parent": "3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
                "tree": "64351d56bdb91e933f549ae93e88a547e082b16c",
            });
            let event = Event {
                proposal: Some(format!("019bf42a-bc00-715a-8d73-{event:012x}")),
                pr: Some(event),
                class: Some(Digest([7; 32])),
                ..Event::note(kind, payload)
            };
            let at = Time(BEGIN + i64::try_from(seq)?);
            let place = Place { origin: self.origin.clone(), tenant: self.tenant.clone(), seq, prev: self.prev, at };
            let appended = append(&event, &place, b"bench", Digest::of(&seq.to_be_bytes()).0);
            self.prev = appended.hash;
            self.frontier.push(appended.hash);
            text.push_str(&serde_json::to_string(&Entry::of(seq, &appended))?);
            text.push('\n');
        }
        Ok(text)
    }
}

/// What was measured.
struct Measured {
    busy: Duration,
    bytes: u64,
    report: Report,
}

fn measure(entries: u64) -> anyhow::Result<Measured> {
    let tenant: TenantId = "bench".parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
    let mut making = Making { origin: origin("bench", &tenant), tenant, prev: GENESIS, frontier: Frontier::default() };
    // The root is known only at the end; the verifier is told the size and compares the root there.
    let (origin, tenant) = (making.origin.clone(), making.tenant.clone());
    let manifest =
        Manifest { v: 1, origin, tenant, size: entries, root: GENESIS, parts: Vec::new(), only: None, pruned: None };
    let mut verifier = Verifier::new(manifest, Want::default()).map_err(|broken| anyhow::anyhow!("{broken}"))?;
    let (mut busy, mut bytes, mut digest) = (Duration::ZERO, 0, None);
    while making.frontier.size() < entries {
        let text = making.piece(PIECE.min(entries - making.frontier.size()))?;
        let begun = Watch::start();
        let mut lines = Lines::of(text.as_bytes());
        while let Some(line) = lines.next()? {
            verifier.take(line).map_err(|broken| anyhow::anyhow!("{broken}"))?;
        }
        digest = std::hint::black_box(digest.max(Some(lines.digest())));
        busy += begun.elapsed();
        bytes += text.len() as u64;
    }
    verifier.expect(making.frontier.root());
    let report = verifier.finish().map_err(|broken| anyhow::anyhow!("{broken}"))?;
    Ok(Measured { busy, bytes, report })
}

/// Time that this thread spent on a core, where the system tells; else the time that passed.
struct Watch {
    began: Instant,
    core: Option<u64>,
}

impl Watch {
    fn start() -> Watch {
        Watch { began: Instant::now(), core: on_core() }
    }

    fn elapsed(&self) -> Duration {
        match (self.core, on_core()) {
            (Some(before), Some(after)) => Duration::from_nanos(after.saturating_sub(before)),
            _ => self.began.elapsed(),
        }
    }
}

/// Nanoseconds on a core, from Linux's own count.
fn on_core() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// The most memory this process had, bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

pub(super) fn run(entries: u64, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    anyhow::ensure!((1..=100_000_000).contains(&entries), "--entries: write 1 to 100000000");
    let Measured { busy, bytes, report } = measure(entries)?;
    let seconds = busy.as_secs_f64().max(1e-9);
    let (rate, megabytes) = (entries as f64 / seconds, bytes as f64 / 1e6);
    let peak = peak().map(|bytes| bytes as f64 / f64::from(1 << 20));
    match output {
        Output::Json => print_json(
            out,
            &json!({
                "entries": entries, "bytes": bytes, "seconds": seconds, "entriesPerSecond": rate.round(),
                "peakMiB": peak.map(|peak| (peak * 10.0).round() / 10.0), "root": report.root,
            }),
        )?,
        Output::Text => {
            writeln!(
                out,
                "{entries} entries of {:.0} bytes verified in {seconds:.2} s",
                bytes as f64 / entries as f64
            )?;
            writeln!(out, "{rate:.0} entries a second, {:.0} MB a second, on one core", megabytes / seconds)?;
            if let Some(peak) = peak {
                writeln!(out, "{peak:.1} MiB of memory at most")?;
            }
        }
    }
    Ok(Status::Done)
}
