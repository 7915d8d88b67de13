//! Who reports: somebody with a token, or a registered reporter whose signature or HMAC proves the body.
//!
//! Must not look into a body before it is proven, and must not tell tenants or reporters apart to a stranger.

use super::auth::{self, Identity, registered};
use super::hooks::only;
use super::problem::Problem;
use super::{Shared, edge};
use crate::config::{Proof, Role, Settings};
use crate::domain::attest::verify;
use crate::forge::hook;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The header with the HMAC-SHA256 of a body: `sha256=` and lower-case hex, as Flux sends it.
pub(super) const HMAC: &str = "X-Signature";
/// The header with the Ed25519 signature of a body, base64.
pub(super) const ED25519: &str = "X-Countersign-Signature-Ed25519";

/// The registered reporters that prove bodies; those with tokens are in the directory of tokens.
#[derive(Debug, Default)]
pub(super) struct Reporters(Vec<(Proof, Identity)>);

/// A report with who sent it.
pub(super) struct Proven {
    /// Who.
    pub(super) caller: Identity,
    /// The body, proven where it was signed.
    pub(super) body: Bytes,
    /// Whether the body itself was proven, and not only who sent it.
    pub(super) signed: bool,
}

impl Reporters {
    /// Reads the settings; a reporter whose key cannot be read is left out and logged.
    pub(super) fn of(settings: &Settings) -> Reporters {
        let mut known = Vec::new();
        for (identity, proof) in registered(settings) {
            match proof {
                Proof::Bearer(_) => {}
                Proof::Hmac(_) | Proof::Ed25519(_) => known.push((proof, identity)),
            }
        }
        Reporters(known)
    }

    /// Whose body this is; every key is tried, and what two of them prove is nobody's.
    fn find(&self, headers: &HeaderMap, body: &[u8]) -> Option<&Identity> {
        let (hmac, signature) = (only(headers, HMAC), only(headers, ED25519));
        let mut found = self.0.iter().filter(|(proof, _)| match proof {
            Proof::Bearer(_) => false,
            Proof::Hmac(secret) => hook::verify(std::slice::from_ref(secret), hmac, body),
            Proof::Ed25519(key) => {
                let signature = signature.and_then(|text| STANDARD.decode(text).ok());
                signature.is_some_and(|signature| verify(key, body, &signature))
            }
        });
        match (found.next(), found.next()) {
            (Some((_, identity)), None) => Some(identity),
            (Some((_, one)), Some((_, other))) => {
                tracing::error!(%one.tenant, one = one.principal, %other.tenant, other = other.principal, "two reporters have one key: neither is heard");
                None
            }
            (None, _) => None,
        }
    }
}

/// Reads a report's body and says who sent it; exactly one proof is taken.
pub(super) async fn proven(shared: &Shared, request: Request) -> Result<Proven, Problem> {
    let headers = request.headers().clone();
    let given = |name: &str| headers.get_all(name).iter().count();
    match given(AUTHORIZATION.as_str()) + given(HMAC) + given(ED25519) {
        0 => return Err(Problem::unknown_caller(false)),
        1 => {}
        _ => return Err(unproven()),
    }
    if headers.contains_key(AUTHORIZATION) {
        let caller = auth::caller(shared, &headers).await?;
        caller.demand(Role::Report)?;
        return Ok(Proven { caller, body: edge::body(request).await?, signed: false });
    }
    let body = edge::body(request).await?;
    let caller = shared.reporters.find(&headers, &body).cloned().ok_or_else(unproven)?;
    Ok(Proven { caller, body, signed: true })
}

fn unproven() -> Problem {
    let detail = "send one proof: `Authorization: Bearer <token>`, `X-Signature: sha256=<hex>` or \
                  `X-Countersign-Signature-Ed25519: <base64>`, of a [[tenant.reporter]] of that kind";
    Problem::new(StatusCode::UNAUTHORIZED, "reporter_unproven", "Nothing proves this report", detail)
}
