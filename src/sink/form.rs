//! What of an entry is sent: the leaf always, its payload where the sink asks for it and it was not redacted.
//!
//! Must not add anything that does not stand in the log.

use crate::domain::audit::{Decision, Entry, leaf_hash};
use crate::store::StoredLeaf;
use serde_json::{Map, Value, json};

/// One entry as people and machines read it.
pub(super) struct Form {
    /// Its fields: those of the leaf, `hash`, and `payload` or `redacted_by` where there is one.
    pub(super) fields: Map<String, Value>,
    /// What happened.
    pub(super) kind: String,
    /// When, microseconds.
    pub(super) time_us: i64,
    /// Whether something was refused.
    pub(super) refuses: bool,
}

impl Form {
    pub(super) fn of(stored: &StoredLeaf, payloads: bool) -> Result<Form, String> {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&stored.bytes) else {
            return Err(format!("entry {} in the database cannot be read", stored.seq));
        };
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let time_us = fields.get("time_us").and_then(Value::as_i64).unwrap_or_default();
        let refuse = serde_json::to_value(Decision::Refuse).unwrap_or_default();
        let refuses = fields.get("decision") == Some(&refuse);
        fields.insert("hash".into(), json!(leaf_hash(&stored.bytes)));
        if let Some((payload, _)) = stored.payload.as_ref().filter(|_| payloads) {
            fields.insert("payload".into(), serde_json::from_slice(payload).unwrap_or_default());
        }
        if let Some(by) = stored.redacted_by {
            fields.insert("redacted_by".into(), json!(by));
        }
        Ok(Form { fields, kind, time_us, refuses })
    }
}

/// The line of an export, so that a file of them can be verified as one.
pub(super) fn line(stored: &StoredLeaf, payloads: bool) -> Result<String, String> {
    let payload = stored.payload.as_ref().filter(|_| payloads);
    let payload = payload.map(|(payload, nonce)| (payload.as_slice(), nonce.as_slice()));
    let entry = Entry::stored(stored.seq, &stored.bytes, payload, stored.redacted_by);
    let mut line = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
    line.push('\n');
    Ok(line)
}
