//! Who calls: tokens by their digest, in constant time, with their tenant and roles.
//!
//! Must not keep, print or compare a token itself, and must not tell tenants apart to a stranger.

use super::Shared;
use super::problem::Problem;
use crate::config::{Proof, Role, Settings, token_digest};
use crate::domain::ids::{Digest, TenantId};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Somebody with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The tenant; every answer is about it alone.
    pub(super) tenant: TenantId,
    /// The name the token was made for.
    pub(super) principal: String,
    /// What it may do.
    pub(super) roles: Vec<Role>,
    /// Whether it is a registered reporter, who may call an outcome good.
    pub(super) reporter: bool,
}

impl Identity {
    /// Refuses who has none of the wanted role and `admin`.
    pub(super) fn demand(&self, role: Role) -> Result<(), Problem> {
        if self.roles.iter().any(|mine| *mine == role || *mine == Role::Admin) {
            return Ok(());
        }
        let word = word(role);
        Err(Problem::forbidden(format!("this needs the role `{word}`: use a token that has it")))
    }
}

/// Every token of the settings.
#[derive(Debug, Default)]
pub(super) struct Directory(Vec<(Digest, Identity)>);

impl Directory {
    /// Reads the settings; a reporter whose token cannot be read is left out and logged.
    pub(super) fn of(settings: &Settings) -> Directory {
        let mut known = Vec::new();
        for tenant in &settings.tenants {
            for token in &tenant.tokens {
                let principal = token.principal.clone();
                let roles = token.roles.clone();
                known.push((token.sha256, Identity { tenant: tenant.id.clone(), principal, roles, reporter: false }));
            }
        }
        let reporters = registered(settings).into_iter().filter_map(|(identity, proof)| match proof {
            Proof::Bearer(digest) => Some((digest, identity)),
            // Their keys prove bodies; sent as a token they prove nothing.
            Proof::Hmac(_) | Proof::Ed25519(_) => None,
        });
        known.extend(reporters);
        Directory(known)
    }

    /// Whose token this is; every digest is looked at, whichever fits.
    fn find(&self, token: &SecretString) -> Option<&Identity> {
        let digest = token_digest(token);
        let mut found = None;
        for (known, identity) in &self.0 {
            if bool::from(known.0.ct_eq(&digest.0)) {
                found = Some(identity);
            }
        }
        found
    }
}

/// Somebody with a bearer token.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) Identity);

/// Somebody who may read: with a bearer token, or with one as the password of HTTP Basic, for browsers.
#[derive(Clone, Debug)]
pub(super) struct Reader(pub(super) Identity);

/// The words of roles, as they are kept.
pub(super) fn roles_text(roles: &[Role]) -> String {
    let mut words: Vec<&str> = roles.iter().map(|role| word(*role)).collect();
    words.sort_unstable();
    words.dedup();
    words.join(",")
}

/// The roles of kept words; one that is not known gives nothing.
pub(super) fn roles_of(words: &str) -> Vec<Role> {
    let all = [Role::Propose, Role::Read, Role::Report, Role::Admin];
    words.split(',').filter_map(|name| all.into_iter().find(|role| word(*role) == name)).collect()
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Propose => "propose",
        Role::Read => "read",
        Role::Report => "report",
        Role::Admin => "admin",
    }
}

/// The fewest characters of a token that is looked for in the database.
const LEAST: usize = 40;

/// Whose token this is: one of the settings, or one made over the API that still counts.
async fn identify(shared: &Shared, token: Option<SecretString>) -> Result<Option<Identity>, Problem> {
    let Some(token) = token else { return Ok(None) };
    if let Some(found) = shared.directory.find(&token) {
        return Ok(Some(found.clone()));
    }
    if token.expose_secret().len() < LEAST {
        return Ok(None);
    }
    let kept = shared.store().token(token_digest(&token)).await?;
    // A tenant that the settings do not name any more has no callers.
    let live = kept.filter(|kept| kept.counts(shared.now()) && shared.site.settings.tenant(&kept.tenant).is_some());
    Ok(live.map(|kept| Identity {
        roles: roles_of(&kept.roles),
        tenant: kept.tenant,
        principal: kept.principal,
        reporter: false,
    }))
}

/// Every registered reporter with what it is known by.
pub(super) fn registered(settings: &Settings) -> Vec<(Identity, Proof)> {
    let mut known = Vec::new();
    for tenant in &settings.tenants {
        for reporter in &tenant.reporters {
            let (tenant, principal) = (tenant.id.clone(), reporter.id.clone());
            match reporter.proof() {
                Ok(proof) => {
                    let roles = vec![Role::Report];
                    known.push((Identity { tenant, principal, roles, reporter: true }, proof));
                }
                Err(error) => tracing::error!(%tenant, reporter = principal, "a reporter is left out: {error:#}"),
            }
        }
    }
    known
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Caller, Problem> {
        caller(shared, &parts.headers).await.map(Caller)
    }
}

/// Whose token these headers hold.
pub(super) async fn caller(shared: &Shared, headers: &HeaderMap) -> Result<Identity, Problem> {
    identify(shared, bearer(headers)).await?.ok_or_else(|| Problem::unknown_caller(false))
}

impl FromRequestParts<Arc<Shared>> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Reader, Problem> {
        let found = identify(shared, bearer(&parts.headers).or_else(|| basic(&parts.headers))).await?;
        let identity = found.ok_or_else(|| Problem::unknown_caller(true))?;
        identity.demand(Role::Read)?;
        Ok(Reader(identity))
    }
}

fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    credentials(headers, "bearer").map(|token| SecretString::from(token.to_owned()))
}

/// The password; whatever the user name.
fn basic(headers: &HeaderMap) -> Option<SecretString> {
    let bytes = STANDARD.decode(credentials(headers, "basic")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(_, password)| SecretString::from(password.to_owned()))
}

/// What follows the scheme's name; exactly one header counts.
fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (headers.next(), headers.next()) else { return None };
    let (name, rest) = only.to_str().ok()?.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim()).filter(|rest| !rest.is_empty())
}
