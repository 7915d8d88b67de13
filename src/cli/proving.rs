//! What every proof on the command line needs: the keys it rests on, and the word for one that failed.
//!
//! Must not decide whether something is proven.

use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json};
use crate::domain::attest::{Fault, KeySet, Listing, Purpose};
use anyhow::Context as _;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// One public key, or the attestation keys of a key set that the pinned root signed.
pub(super) fn keys_of(key: &Path, root: Option<&Path>) -> anyhow::Result<KeySet> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read the key {}", path.display()));
    let one = |path: &Path| -> anyhow::Result<KeySet> {
        let pem = String::from_utf8(read(path)?).unwrap_or_default();
        KeySet::from_pem(&pem).map_err(|fault| anyhow::anyhow!("{}: {}", path.display(), fault.reason))
    };
    let Some(root) = root else { return one(key) };
    let pinned = one(root)?.keys.first().context("no key")?.key;
    let listing = Listing::open(&read(key)?, &pinned, None);
    let keys = listing.and_then(|listing| listing.keys(Purpose::Attestation));
    keys.map_err(|fault| anyhow::anyhow!("{}: {}", key.display(), fault.reason))
}

pub(super) fn not_proven(fault: &Fault, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match output {
        Output::Json => print_json(out, &json!({"verified": false, "code": fault.code, "reason": fault.reason}))?,
        Output::Text => writeln!(out, "{} {fault}", paint(wanted(), Ink::Bad, "not proven:"))?,
    }
    Ok(Status::NotProven)
}
