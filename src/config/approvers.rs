//! Who may approve for a tenant: people with the public keys that their tokens are verified with.
//!
//! Must not hold a private key and must not fetch anything: what was found at an address is handed in.

use super::address;
use crate::domain::approval::{self, Alg, Approvers};
use crate::domain::attest::KeyId;
use anyhow::{Context as _, bail, ensure};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The most bytes a key set may have.
pub const MOST: usize = 64 * 1024;
/// The most keys of one approver.
const MOST_KEYS: usize = 16;

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
    /// Where a JWK set with this approver's public keys is fetched.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The thumbprints (RFC 7638) of the keys that count of what is found there: the set can withdraw a key, not add one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbprints: Vec<String>,
    /// Nothing this approver says, or said about a proposal that is still open, counts any more.
    #[serde(default)]
    pub revoked: bool,
}

/// A JWK set.
#[derive(Deserialize)]
struct Set {
    keys: Vec<BTreeMap<String, Value>>,
}

/// An approver as the settings say, and where the keys are found that the settings only name.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) approver: approval::Approver,
    pub(super) remote: Option<Remote>,
}

/// Keys at an address.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) url: String,
    pub(super) thumbprints: BTreeSet<KeyId>,
}

impl Approver {
    fn read(&self) -> anyhow::Result<Listed> {
        let id = &self.id;
        let named = |text: &str| (1..=128).contains(&text.len()) && !text.contains(char::is_control);
        ensure!(named(id), "an approver's id must be 1 to 128 characters on one line");
        ensure!(
            self.thumbprints.is_empty() || self.jwks_url.is_some(),
            "approver `{id}`: thumbprints belong to a jwks_url"
        );
        let (keys, remote) = match (&self.jwk, &self.jwks_file, &self.jwks_url) {
            (Some(jwk), None, None) => {
                (vec![Approvers::key(jwk).map_err(|reason| anyhow::anyhow!("approver `{id}`: {reason}"))?], None)
            }
            (None, Some(path), None) => (read_set(path).with_context(|| format!("approver `{id}`"))?, None),
            (None, None, Some(url)) => (Vec::new(), Some(self.remote(url)?)),
            _ => bail!("approver `{id}`: give either jwk or jwks_file, or jwks_url with thumbprints"),
        };
        let approver = approval::Approver {
            issuer: self.issuer.clone().unwrap_or_else(|| id.clone()),
            person: self.person.clone().unwrap_or_else(|| id.clone()),
            id: id.clone(),
            forge_user: self.forge_user.clone(),
            principals: self.principals.clone(),
            alg: self.alg,
            revoked: self.revoked,
            keys,
            awaited: remote.iter().flat_map(|remote| remote.thumbprints.iter().cloned()).collect(),
        };
        Ok(Listed { approver, remote })
    }

    fn remote(&self, url: &str) -> anyhow::Result<Remote> {
        let id = &self.id;
        address::check(&format!("approver `{id}`: jwks_url"), url)?;
        ensure!(
            (1..=MOST_KEYS).contains(&self.thumbprints.len()),
            "approver `{id}`: list the RFC 7638 thumbprints of the keys that count, 1 to {MOST_KEYS} of them"
        );
        let read = |text: &String| {
            let no = || format!("approver `{id}`: `{text}` is no thumbprint: 43 characters of base64url");
            let kid = KeyId::read(text).with_context(no)?;
            ensure!(
                kid.is_plain(),
                "approver `{id}`: {kid} reads like a secret and would be taken out: make another key"
            );
            Ok(kid)
        };
        let thumbprints = self.thumbprints.iter().map(read).collect::<anyhow::Result<_>>()?;
        Ok(Remote { url: url.to_owned(), thumbprints })
    }
}

/// Everybody of a list; every id stands once and every key has one owner, whether it is held or only named.
pub(super) fn read(list: &[Approver]) -> anyhow::Result<Vec<Listed>> {
    let listed = list.iter().map(Approver::read).collect::<anyhow::Result<Vec<_>>>()?;
    let all = listed.iter().map(|listed| listed.approver.clone()).collect();
    Approvers::new(all).map_err(|reason| anyhow::anyhow!(reason))?;
    Ok(listed)
}

/// The keys of a set that was found at an address; those of other kinds belong to others, and are left out.
pub(super) fn usable(bytes: &[u8]) -> Result<Vec<(KeyId, VerifyingKey)>, String> {
    if bytes.len() > MOST {
        return Err(format!("it has more than {MOST} bytes"));
    }
    let set: Set = serde_json::from_slice(bytes).map_err(|error| format!("it is not a JWK set: {error}"))?;
    // A provider names its keys as it likes; what counts here is the key's own thumbprint.
    let plain = |mut jwk: BTreeMap<String, Value>| {
        jwk.retain(|name, _| ["kty", "crv", "x", "d", "use"].contains(&name.as_str()));
        read_member(jwk).ok()
    };
    Ok(set.keys.into_iter().filter_map(plain).collect())
}

/// Reads a JWK set; every key in it must be one that can verify approvals.
fn read_set(path: &Path) -> anyhow::Result<Vec<(KeyId, VerifyingKey)>> {
    let place = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read the key set {place}"))?.len();
    ensure!(size <= MOST as u64, "the key set {place} has more than {MOST} bytes");
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

/// A list of approvers in a file of its own, `[[approver]]` tables as in the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproversFile {
    #[serde(rename = "approver")]
    approvers: Vec<Approver>,
}

/// Reads such a file; key sets that it names lie beside it.
pub fn approvers_of(path: &Path) -> anyhow::Result<Approvers> {
    let place = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the approvers {place}"))?;
    let mut listed: ApproversFile = toml::from_str(&text).map_err(|error| anyhow::anyhow!("{place}: {error}"))?;
    for file in listed.approvers.iter_mut().filter_map(|approver| approver.jwks_file.as_mut()) {
        *file = path.parent().unwrap_or(Path::new(".")).join(&*file);
    }
    let listed = read(&listed.approvers).with_context(|| place.to_string())?;
    if let Some(far) = listed.iter().find(|listed| listed.remote.is_some()) {
        let id = &far.approver.id;
        bail!(
            "{place}: approver `{id}`: what was approved is not verified with what an address answers today: save \
            the key set and name it as jwks_file"
        );
    }
    let list = listed.into_iter().map(|listed| listed.approver).collect();
    Approvers::new(list).map_err(|reason| anyhow::anyhow!("{place}: {reason}"))
}
