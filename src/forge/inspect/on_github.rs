//! How a GitHub App stands: who it is, what it may, which events it gets and whether they arrive.
//!
//! Must not ask for anything that needs more rights than the App has.

use super::{Finding, Probe, clock};
use crate::domain::ids::Time;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the App has to be allowed, and no more.
pub const PERMISSIONS: [(&str, &str); 5] = [
    ("metadata", "read"),
    ("contents", "write"),
    ("pull_requests", "write"),
    ("checks", "write"),
    ("statuses", "read"),
];

/// The events without which it only sees changes when it sweeps.
pub const EVENTS: [&str; 9] = [
    "check_run",
    "check_suite",
    "delete",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "repository",
    "status",
];

/// An App on one host.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Where the REST API is.
    pub api: &'a str,
    /// The App's number.
    pub app: u64,
    /// Its private key, PEM.
    pub key: &'a SecretString,
    /// The installations that the settings name.
    pub installations: &'a [u64],
    /// Whether the settings name a webhook secret.
    pub takes_events: bool,
}

/// Looks at an App and its installations.
pub async fn inspect(place: &Place<'_>, now: Time) -> Vec<Finding> {
    let probe = match probe(place, now) {
        Ok(probe) => probe,
        Err(why) => return vec![Finding::bad("app key", why)],
    };
    let api = place.api;
    let app = match probe.get(&format!("{api}/app")).await {
        Ok(app) => app,
        Err(why) => return vec![Finding::bad("app", format!("{why}: check `host` and `api`, and the network"))],
    };
    let mut found: Vec<Finding> = clock(app.date, now).into_iter().collect();
    if app.status != 200 {
        let sentence =
            format!("GitHub answers {} for App {}: check `app` and `private_key_file`", app.status, place.app);
        found.push(Finding::bad("app", sentence));
        return found;
    }
    if app.body["id"].as_u64() != Some(place.app) {
        found.push(Finding::bad("app", format!("the key belongs to another App than {}", place.app)));
        return found;
    }
    let slug = app.body["slug"].as_str().unwrap_or_default();
    found.push(Finding::good("app", format!("App {} ({slug})", place.app)));
    found.extend(permissions("app permissions", &app.body["permissions"]));
    if place.takes_events {
        found.extend(events(&app.body["events"]));
        found.extend(webhook(&probe, api).await);
    } else {
        let sentence = "no webhook_secret_files: changes are seen when the service sweeps, every 60 s";
        found.push(Finding::warn("webhook", sentence));
    }
    for installation in place.installations {
        found.extend(installed(&probe, api, *installation).await);
    }
    found
}

fn probe(place: &Place<'_>, now: Time) -> Result<Probe, String> {
    let key = EncodingKey::from_rsa_pem(place.key.expose_secret().as_bytes())
        .map_err(|_| "private_key_file is not an RSA key in PEM form: download it again from the App's page")?;
    let seconds = now.0.div_euclid(1_000_000);
    let claims = json!({"iat": seconds - 60, "exp": seconds + 480, "iss": place.app.to_string()});
    let token = encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|error| error.to_string())?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
    bearer.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))]);
    headers.insert(AUTHORIZATION, bearer);
    Probe::new(headers)
}

/// Compares what is granted with what is needed; too much is told as well.
fn permissions(check: &'static str, granted: &Value) -> Vec<Finding> {
    let rank = |right: &str| ["read", "write", "admin"].iter().position(|known| *known == right);
    let has = |name: &str| granted[name].as_str().and_then(rank);
    let missing: Vec<String> = PERMISSIONS
        .iter()
        .filter(|(name, right)| has(name) < rank(right))
        .map(|(name, right)| format!("{name}: {right}"))
        .collect();
    let wanted = |name: &str| PERMISSIONS.iter().find(|(known, _)| *known == name).and_then(|(_, right)| rank(right));
    // Reading issues is what GitHub asks for the event of a comment; it lets nothing be changed.
    // Deployments are read where a config names them as a source of outcomes.
    let excused = |name: &str| matches!(name, "issues" | "deployments") && has(name) == rank("read");
    let surplus: Vec<String> = granted
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| has(name) > wanted(name) && !excused(name))
        .map(|(name, right)| format!("{name}: {}", right.as_str().unwrap_or_default()))
        .collect();
    match (missing.as_slice(), surplus.as_slice()) {
        ([], []) => vec![Finding::good(check, "all that is needed and no more")],
        _ => [(missing, true), (surplus, false)]
            .into_iter()
            .filter(|(names, _)| !names.is_empty())
            .map(|(names, lacks)| match lacks {
                true => Finding::bad(check, format!("missing: {}; grant them on the App's page", names.join(", "))),
                false => Finding::warn(check, format!("never used, take them away: {}", names.join(", "))),
            })
            .collect(),
    }
}

fn events(subscribed: &Value) -> Vec<Finding> {
    let has: BTreeSet<&str> = subscribed.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let missing: Vec<&str> = EVENTS.into_iter().filter(|event| !has.contains(event)).collect();
    let mut found = match missing.as_slice() {
        [] => vec![Finding::good("app events", "every event that is used")],
        missing => {
            let sentence = format!("not subscribed: {}; what they tell is seen by the sweep", missing.join(", "));
            vec![Finding::warn("app events", sentence)]
        }
    };
    if !has.contains("issue_comment") {
        let sentence = "comment commands are seen by the sweep; to hear them at once, grant `issues: read` and subscribe \
                        to issue_comment";
        found.push(Finding::good("app events", sentence));
    }
    found
}

async fn webhook(probe: &Probe, api: &str) -> Vec<Finding> {
    let config = match probe.get(&format!("{api}/app/hook/config")).await {
        Ok(config) if config.status == 200 => config.body,
        Ok(other) => return vec![Finding::bad("webhook", format!("GitHub answers {} for it", other.status))],
        Err(why) => return vec![Finding::bad("webhook", why)],
    };
    let url = config["url"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    if !url.ends_with("/webhooks/github") {
        let sentence = format!("it goes to `{url}`: set it to https://<this service>/webhooks/github");
        found.push(Finding::bad("webhook", sentence));
    }
    if config["content_type"].as_str() != Some("json") {
        found.push(Finding::bad("webhook", "its content type is not application/json: set it on the App's page"));
    }
    if config["insecure_ssl"].as_str().map_or(config["insecure_ssl"] == 1, |text| text == "1") {
        found.push(Finding::warn("webhook", "certificates are not verified: enable SSL verification"));
    }
    if config["secret"].as_str().is_none_or(str::is_empty) {
        found
            .push(Finding::bad("webhook", "it has no secret: events are refused until it has the one of the settings"));
    }
    if found.is_empty() {
        found.push(Finding::good("webhook", format!("goes to {url}")));
    }
    found.extend(deliveries(probe, api).await);
    found
}

/// Whether events arrive: what became of the newest ones.
async fn deliveries(probe: &Probe, api: &str) -> Option<Finding> {
    let answer = probe.get(&format!("{api}/app/hook/deliveries?per_page=20")).await.ok()?;
    let all = answer.body.as_array().filter(|_| answer.status == 200)?;
    let failed: Vec<u64> =
        all.iter().filter_map(|one| one["status_code"].as_u64()).filter(|code| !(200..300).contains(code)).collect();
    let check = "webhook deliveries";
    Some(match (all.len(), failed.as_slice()) {
        (0, _) => Finding::warn(check, "none yet: open a pull request and run this again"),
        (total, []) => Finding::good(check, format!("the last {total} arrived")),
        (total, [first, ..]) => {
            let why = match first {
                401 => "the secret differs: put the same one into webhook_secret_files and on the App's page",
                0 | 502..=504 => "the service cannot be reached from GitHub: check the address and the firewall",
                _ => "see the App's page under Advanced",
            };
            Finding::warn(check, format!("{} of the last {total} failed, the newest with {first}: {why}", failed.len()))
        }
    })
}

async fn installed(probe: &Probe, api: &str, number: u64) -> Vec<Finding> {
    let check = "installation";
    let answer = match probe.get(&format!("{api}/app/installations/{number}")).await {
        Ok(answer) => answer,
        Err(why) => return vec![Finding::bad(check, why)],
    };
    match answer.status {
        200 if !answer.body["suspended_at"].is_null() => {
            vec![Finding::bad(check, format!("{number} is suspended: its owner has to take that back"))]
        }
        200 => {
            let account = answer.body["account"]["login"].as_str().unwrap_or("somebody");
            let mut found = vec![Finding::good(check, format!("{number} of {account}"))];
            found.extend(permissions("installation permissions", &answer.body["permissions"]));
            found
        }
        404 => vec![Finding::bad(check, format!("there is no installation {number} of this App: install it again"))],
        other => vec![Finding::bad(check, format!("GitHub answers {other} for installation {number}"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::inspect::Level;

    fn levels(granted: Value) -> Vec<(Level, String)> {
        permissions("x", &granted).into_iter().map(|finding| (finding.level, finding.sentence)).collect()
    }

    #[test]
    fn missing_and_surplus_permissions_are_told_apart() {
        let mut exact: Value = PERMISSIONS.iter().map(|(name, right)| ((*name).to_owned(), json!(right))).collect();
        assert_eq!(levels(exact.clone()), [(Level::Good, "all that is needed and no more".into())]);
        exact["issues"] = json!("read");
        assert_eq!(levels(exact.clone())[0].0, Level::Good, "what a comment's event needs");
        exact["workflows"] = json!("write");
        exact["statuses"] = json!("write");
        exact["checks"] = json!("read");
        let found = levels(exact);
        assert!(found[0].0 == Level::Bad && found[0].1.contains("checks: write"), "{found:?}");
        assert!(found[1].0 == Level::Warn, "{found:?}");
        assert!(found[1].1.contains("workflows: write") && found[1].1.contains("statuses: write"), "{found:?}");
        assert_eq!(levels(Value::Null)[0].0, Level::Bad);
    }

    #[test]
    fn the_manifest_asks_for_what_is_needed_and_nothing_that_github_refuses() {
        let manifest: Value =
            serde_json::from_str(include_str!("../../../deploy/github-app-manifest.json")).expect("JSON");
        let asked = manifest["default_permissions"].as_object().expect("permissions");
        let asked: BTreeSet<(&str, &str)> = asked.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap_or(""))).collect();
        assert_eq!(asked, PERMISSIONS.into_iter().collect());
        let events: Vec<&str> =
            manifest["default_events"].as_array().expect("events").iter().filter_map(Value::as_str).collect();
        assert_eq!(events, EVENTS);
        // GitHub refuses a manifest with an event whose permission it does not have (seen 2026).
        for needs_more in ["issue_comment", "issues", "workflow_run", "repository_ruleset", "branch_protection_rule"] {
            assert!(!events.contains(&needs_more), "{needs_more}");
        }
        assert_eq!(manifest["public"], false);
    }
}
