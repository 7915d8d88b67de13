//! How a GitLab token stands: whose it is, what it may, until when, and what its project demands.
//!
//! Must not make or rotate a token.

use super::{Answer, Finding, Probe, clock};
use crate::domain::ids::Time;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Seconds before the end of a token that it is told of.
const SOON: i64 = 21 * 86_400;
/// What a member of a project must be to push branches and merge: Developer.
const DEVELOPER: u64 = 30;

/// A token at an instance.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Where the instance answers.
    pub url: &'a str,
    /// The token.
    pub token: &'a SecretString,
    /// A project, by its number or its encoded path.
    pub project: Option<&'a str>,
}

/// What was found, and the project as the instance describes it.
#[derive(Clone, Debug, Default)]
pub struct Inspected {
    /// One thing each.
    pub findings: Vec<Finding>,
    /// The number and the name of the project, if one was asked for and can be read.
    pub project: Option<(u64, String)>,
}

/// Looks at a token, and at a project if one is named.
pub async fn inspect(place: &Place<'_>, now: Time) -> Inspected {
    let mut seen = Inspected::default();
    match look(place, now, &mut seen).await {
        Ok(()) => {}
        Err(finding) => seen.findings.push(finding),
    }
    seen
}

async fn look(place: &Place<'_>, now: Time, seen: &mut Inspected) -> Result<(), Finding> {
    let mut token = HeaderValue::from_str(place.token.expose_secret())
        .map_err(|_| Finding::bad("token", "the token holds characters that no token has: write it again"))?;
    token.set_sensitive(true);
    let headers = HeaderMap::from_iter([(HeaderName::from_static("private-token"), token)]);
    let probe = Probe::new(headers).map_err(|why| Finding::bad("token", why))?;
    let get = async |check, rest: &str| -> Result<Answer, Finding> {
        let url = format!("{}/api/v4/{rest}", place.url);
        probe.get(&url).await.map_err(|why| Finding::bad(check, format!("{why}: check `host` and `url`")))
    };
    let user = get("token", "user").await?;
    seen.findings.extend(clock(user.date, now));
    if user.status != 200 {
        let sentence = format!("GitLab answers {}: the token is wrong, expired or revoked; make another", user.status);
        return Err(Finding::bad("token", sentence));
    }
    seen.findings.push(owner(&user.body));
    let own = get("token", "personal_access_tokens/self").await?;
    seen.findings.extend(rights(&own, now));
    if let Some(project) = place.project {
        let answer = get("project", &format!("projects/{project}")).await?;
        seen.findings.push(member(project, &answer));
        let name = answer.body["path_with_namespace"].as_str().map(str::to_owned);
        seen.project = answer.body["id"].as_u64().zip(name);
    }
    Ok(())
}

fn owner(user: &Value) -> Finding {
    let name = user["username"].as_str().unwrap_or_default();
    let sentence = format!("it speaks for {name}, user {}", user["id"].as_u64().unwrap_or_default());
    match user["bot"].as_bool() {
        Some(true) => Finding::good("token", sentence),
        Some(false) | None => {
            Finding::warn("token", format!("{sentence}, a person: use a project's or group's access token"))
        }
    }
}

fn rights(own: &Answer, now: Time) -> Vec<Finding> {
    if own.status != 200 {
        return vec![Finding::warn("token scopes", format!("GitLab answers {} for them", own.status))];
    }
    let scopes: Vec<&str> = own.body["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut found = Vec::new();
    if !scopes.contains(&"api") {
        found.push(Finding::bad("token scopes", "it lacks the scope `api`: make one that has it"));
    }
    let surplus: Vec<&str> = scopes.iter().copied().filter(|scope| is_surplus(scope)).collect();
    if !surplus.is_empty() {
        found.push(Finding::warn("token scopes", format!("never used: {}; make one without them", surplus.join(", "))));
    }
    if found.is_empty() {
        found.push(Finding::good("token scopes", scopes.join(", ")));
    }
    found.push(lasts(own.body["expires_at"].as_str(), now));
    found
}

fn is_surplus(scope: &str) -> bool {
    matches!(scope, "sudo" | "admin_mode" | "create_runner" | "manage_runner" | "write_registry" | "k8s_proxy")
}

fn lasts(until: Option<&str>, now: Time) -> Finding {
    let end: Option<Time> = until.and_then(|day| format!("{day}T00:00:00Z").parse().ok());
    match (until, end) {
        (Some(day), Some(end)) if end <= now.plus_seconds(SOON) => {
            Finding::warn("token life", format!("it ends on {day}: rotate it and replace token_file"))
        }
        (Some(day), _) => Finding::good("token life", format!("until {day}")),
        (None, _) => Finding::warn("token life", "it never ends: give it an end and rotate it"),
    }
}

fn member(project: &str, answer: &Answer) -> Finding {
    if answer.status != 200 {
        let sentence = format!("GitLab answers {} for project {project}: add the token's user to it", answer.status);
        return Finding::bad("project", sentence);
    }
    let level = |of: &str| answer.body["permissions"][of]["access_level"].as_u64().unwrap_or_default();
    let level = level("project_access").max(level("group_access"));
    let name = answer.body["path_with_namespace"].as_str().unwrap_or(project);
    match level {
        0..DEVELOPER => {
            Finding::bad("project", format!("{name}: the token's user is less than Developer (30): raise it"))
        }
        50.. => {
            Finding::warn("project", format!("{name}: the token's user is Owner: Developer or Maintainer is enough"))
        }
        _ => Finding::good("project", format!("{name}, access level {level}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::inspect::Level;
    use serde_json::json;

    fn now() -> Time {
        "2026-11-21T00:00:00Z".parse().expect("a time")
    }

    fn answer(body: Value) -> Answer {
        Answer { status: 200, date: None, body }
    }

    fn worst(own: Value) -> Level {
        rights(&answer(own), now()).into_iter().map(|finding| finding.level).max().expect("a finding")
    }

    #[test]
    fn scopes_and_life_are_judged() {
        assert_eq!(worst(json!({"scopes": ["api"], "expires_at": "2027-06-01"})), Level::Good);
        assert_eq!(worst(json!({"scopes": ["api", "sudo"], "expires_at": "2027-06-01"})), Level::Warn);
        assert_eq!(worst(json!({"scopes": ["read_api"], "expires_at": "2027-06-01"})), Level::Bad);
        assert_eq!(worst(json!({"scopes": ["api"], "expires_at": "2026-12-01"})), Level::Warn);
        assert_eq!(worst(json!({"scopes": ["api"], "expires_at": null})), Level::Warn);
    }

    #[test]
    fn a_member_who_may_not_push_is_found() {
        let of = |level: u64| {
            let access =
                json!({"path_with_namespace": "a/b", "permissions": {"project_access": {"access_level": level}}});
            member("7", &answer(access)).level
        };
        assert_eq!([of(20), of(30), of(40), of(50)], [Level::Bad, Level::Good, Level::Good, Level::Warn]);
        assert_eq!(member("7", &Answer { status: 404, ..answer(Value::Null) }).level, Level::Bad);
    }
}
