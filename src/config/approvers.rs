//! Who may approve for a tenant: people with the public keys that their tokens are verified with.
//!
//! Must not hold a private key and must not fetch anything: a key set lies in the settings or in a file.

use super::Tenant;
use crate::domain::approval::{self, Alg, Approvers};
use crate::domain::attest::KeyId;
use anyhow::{Context as _, bail, ensure};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most bytes a key set's file may have.
const MOST: u64 = 64 * 1024;

/// Somebody who may approve proposals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// Who: the `sub` of this approver's tokens.
    pub id: String,
    /// The `iss` of this approver's tokens; the id when left out.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The person, where one has several ids; the id when left out.
    #[serde(default)]
    pub person: Option<String>,
    /// The same person at a forge, `github:1234`.
    #[serde(default)]
    pub forge_user: Option<String>,
    /// Principals of tokens that are the same person: nobody approves what they proposed.
    #[serde(default)]
    pub principals: Vec<String>,
    /// How tokens write the algorithm; pinned.
    #[serde(default)]
    pub alg: Alg,
    /// The public key.
    #[serde(default)]
    pub jwk: Option<BTreeMap<String, String>>,
    /// A file with a JWK set: this approver's public keys.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// Not supported; named so that it is refused with what to do instead.
    #[serde(default, skip_serializing)]
    pub jwks_url: Option<String>,
    /// Nothing this approver says, or said about a proposal that is still open, counts any more.
    #[serde(default)]
    pub revoked: bool,
}

/// A JWK set.
#[derive(Deserialize)]
struct Set {
    keys: Vec<BTreeMap<String, Value>>,
}

impl Approver {
    fn read(&self) -> anyhow::Result<approval::Approver> {
        let id = &self.id;
        let named = |text: &str| (1..=128).contains(&text.len()) && !text.contains(char::is_control);
        ensure!(named(id), "an approver's id must be 1 to 128 characters on one line");
        if self.jwks_url.is_some() {
            bail!("approver `{id}`: jwks_url is not supported: save the key set and name the file as jwks_file");
        }
        let keys = match (&self.jwk, &self.jwks_file) {
            (Some(jwk), None) => {
                vec![Approvers::key(jwk).map_err(|reason| anyhow::anyhow!("approver `{id}`: {reason}"))?]
            }
            (None, Some(path)) => read_set(path).with_context(|| format!("approver `{id}`"))?,
            (Some(_), Some(_)) | (None, None) => bail!("approver `{id}`: give either jwk or jwks_file"),
        };
        Ok(approval::Approver {
            issuer: self.issuer.clone().unwrap_or_else(|| id.clone()),
            person: self.person.clone().unwrap_or_else(|| id.clone()),
            id: id.clone(),
            forge_user: self.forge_user.clone(),
            principals: self.principals.clone(),
            alg: self.alg,
            revoked: self.revoked,
            keys,
        })
    }
}

/// Reads a JWK set; every key in it must be one that can verify approvals.
fn read_set(path: &Path) -> anyhow::Result<Vec<(KeyId, VerifyingKey)>> {
    let place = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read the key set {place}"))?.len();
    ensure!(size <= MOST, "the key set {place} has more than {MOST} bytes");
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the key set {place}"))?;
    let set: Set = serde_json::from_slice(&bytes).with_context(|| format!("{place} is not a JWK set"))?;
    ensure!(!set.keys.is_empty(), "the key set {place} holds no key");
    set.keys.into_iter().map(|jwk| read_member(jwk).with_context(|| format!("the key set {place}"))).collect()
}

/// Members that are no text belong to other kinds of use, such as `key_ops`; they say nothing that is asked here.
fn read_member(jwk: BTreeMap<String, Value>) -> anyhow::Result<(KeyId, VerifyingKey)> {
    let texts = jwk.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    Approvers::key(&texts).map_err(|reason| anyhow::anyhow!(reason))
}

impl Tenant {
    /// Everybody who may approve, with their keys.
    pub fn approvers(&self) -> anyhow::Result<Approvers> {
        let list = self.approvers.iter().map(Approver::read).collect::<anyhow::Result<Vec<_>>>()?;
        Approvers::new(list).map_err(|reason| anyhow::anyhow!(reason))
    }
}

/// A list of approvers in a file of its own, `[[approver]]` tables as in the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    #[serde(rename = "approver")]
    approvers: Vec<Approver>,
}

/// Reads such a file; key sets that it names lie beside it.
pub fn approvers_of(path: &Path) -> anyhow::Result<Approvers> {
    let place = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the approvers {place}"))?;
    let mut listed: Listed = toml::from_str(&text).map_err(|error| anyhow::anyhow!("{place}: {error}"))?;
    for file in listed.approvers.iter_mut().filter_map(|approver| approver.jwks_file.as_mut()) {
        *file = path.parent().unwrap_or(Path::new(".")).join(&*file);
    }
    let list = listed.approvers.iter().map(Approver::read).collect::<anyhow::Result<Vec<_>>>();
    Approvers::new(list.with_context(|| place.to_string())?).map_err(|reason| anyhow::anyhow!("{place}: {reason}"))
}
