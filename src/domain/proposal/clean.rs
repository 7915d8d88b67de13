//! Keeps secrets out of a proposal before it is sealed.
//!
//! Must not change what the proposal does: a secret there is refused, for the change would carry it into the repository.

use crate::domain::canon::Malformed;
use crate::domain::redact::Redactor;
use serde_json::Value;

/// What is said to people, where a secret is taken out.
const SPOKEN: [&str; 5] = ["reason", "evidence", "blastRadius", "rollback", "fingerprint"];

/// The document without secrets, and the members from which some were taken out.
pub(super) fn clean(document: Value, redactor: &Redactor) -> Result<(Value, Vec<String>), Malformed> {
    let environment = document.get("environment").and_then(Value::as_str).map(str::to_owned);
    let environment = environment.as_deref();
    let Value::Object(mut map) = document else { return Ok((document, Vec::new())) };
    let mut redacted = Vec::new();
    for (key, value) in &mut map {
        match key.as_str() {
            "approvals" => {}
            "proposer" => {
                if let Some(display) = value.get_mut("display") {
                    speak("proposer.display", display, redactor, environment, &mut redacted);
                }
                refuse(value, key, redactor, environment)?;
            }
            spoken if SPOKEN.contains(&spoken) => speak(key, value, redactor, environment, &mut redacted),
            _ => refuse(value, key, redactor, environment)?,
        }
    }
    Ok((Value::Object(map), redacted))
}

fn speak(place: &str, value: &mut Value, redactor: &Redactor, environment: Option<&str>, redacted: &mut Vec<String>) {
    let cleaned = redactor.value(value.clone(), environment);
    if cleaned != *value {
        redacted.push(place.to_owned());
        *value = cleaned;
    }
}

fn refuse(value: &Value, place: &str, redactor: &Redactor, environment: Option<&str>) -> Result<(), Malformed> {
    match value {
        Value::String(text) if redactor.finds(text, environment) => {
            let reason = "this holds a secret (a token, a key or a password): keep it out, and refer to it by name";
            Err(Malformed::at(place, reason))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(n, item)| refuse(item, &format!("{place}[{n}]"), redactor, environment)),
        Value::Object(map) => {
            map.iter().try_for_each(|(key, item)| refuse(item, &format!("{place}.{key}"), redactor, environment))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
