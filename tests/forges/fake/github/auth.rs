//! Who asks, and what they may: the App by its signature, an installation by a token that was narrowed.

use super::hub::{At, Hub, Said, created, not_found, refusal};
use super::{APP, INSTALLATION, keys};
use crate::stand::ID;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a token is good for.
#[derive(Clone, Debug)]
pub struct Grant {
    pub repositories: Vec<u64>,
    pub permissions: BTreeMap<String, String>,
    pub ends: i64,
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get("authorization")?.to_str().ok()?;
    sent.strip_prefix("Bearer ").or_else(|| sent.strip_prefix("token "))
}

impl Hub {
    /// The App itself: its signature verifies, and its token is neither old nor dated ahead.
    pub fn app(&self, headers: &HeaderMap) -> Result<(), Response> {
        let token = bearer(headers).ok_or_else(|| refusal(401, "A JSON web token could not be decoded"))?;
        let key = DecodingKey::from_rsa_pem(keys().1.as_bytes()).unwrap();
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        let claims = decode::<Value>(token, &key, &rules);
        let claims = claims.map_err(|_| refusal(401, "A JSON web token could not be decoded"))?.claims;
        let (now, number) = (self.seconds(), |name: &str| claims[name].as_i64().unwrap_or_default());
        if claims["iss"].as_str() != Some(&APP.to_string()) {
            return Err(refusal(401, "'Issuer' claim ('iss') must be the App's number"));
        }
        if number("iat") > now {
            return Err(refusal(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ));
        }
        if number("exp") > now + 600 {
            return Err(refusal(401, "'Expiration time' claim ('exp') is too far in the future"));
        }
        if number("exp") <= now {
            return Err(refusal(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ));
        }
        Ok(())
    }

    /// An installation's token with this permission.
    pub fn may(&self, headers: &HeaderMap, permission: &str, level: &str) -> Result<(), Response> {
        self.token_may(bearer(headers).unwrap_or_default(), permission, level)
    }

    pub fn token_may(&self, token: &str, permission: &str, level: &str) -> Result<(), Response> {
        let grant = self.extra().tokens.get(token).cloned();
        let grant = grant.filter(|grant| self.seconds() < grant.ends && !self.mood().suspended);
        let grant = grant.ok_or_else(|| refusal(401, "Bad credentials"))?;
        if !grant.repositories.contains(&ID) {
            return Err(not_found());
        }
        let granted = grant.permissions.get(permission).map(String::as_str).unwrap_or_default();
        if granted == level || (granted == "write" && level == "read") {
            return Ok(());
        }
        Err(refusal(403, "Resource not accessible by integration"))
    }

    /// Ends every token now.
    pub fn revoke(&self) {
        self.extra().tokens.clear();
    }
}

/// A new token, as narrow as it was asked for.
pub async fn mint(State(hub): At, Path(installation): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.app(&headers)?;
    if installation != INSTALLATION {
        return Err(not_found());
    }
    if hub.mood().suspended {
        return Err(refusal(403, "This installation has been suspended"));
    }
    let repositories: Vec<u64> = serde_json::from_value(body["repository_ids"].clone()).unwrap_or_default();
    if repositories != [ID] {
        return Err(refusal(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        ));
    }
    let wanted: BTreeMap<String, String> = serde_json::from_value(body["permissions"].clone()).unwrap_or_default();
    let grants = hub.mood().grants.clone();
    let granted =
        |(name, level): (&String, &String)| grants.get(name).is_some_and(|has| has == level || has == "write");
    if wanted.is_empty() || !wanted.iter().all(granted) {
        return Err(refusal(422, "The permissions requested are not granted to this installation."));
    }
    let ends = hub.seconds() + 3_600;
    let long = hub.mood().long_tokens;
    let mut extra = hub.extra();
    extra.minted += 1;
    let tail = if long { "x".repeat(600) } else { "x".repeat(20) };
    let token = format!("ghs_{:016}{tail}", extra.minted);
    extra.tokens.insert(token.clone(), Grant { repositories, permissions: wanted.clone(), ends });
    let ends = jiff::Timestamp::from_second(ends).unwrap().to_string();
    created(json!({"token": token, "expires_at": ends, "permissions": wanted, "repository_selection": "selected"}))
}
