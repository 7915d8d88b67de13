//! Who may report outcomes, and what each proves itself with.
//!
//! Must not hold a secret in the settings: it names a file, or keeps the digest of a token.

use super::secret::{read_file, token_digest};
use crate::domain::attest::KeySet;
use crate::domain::ids::Digest;
use anyhow::{Context as _, bail, ensure};
use ed25519_dalek::VerifyingKey;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The most bytes a public key's file may have.
const MOST: u64 = 4 * 1024;

/// Who may report outcomes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    /// Who.
    pub id: String,
    /// How it proves itself.
    pub kind: ReporterKind,
    /// SHA-256 of its token, for `bearer`.
    #[serde(default)]
    pub sha256: Option<Digest>,
    /// A file with its token, its shared secret, or its public key in PEM form.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

/// How a reporter proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReporterKind {
    /// With a bearer token.
    Bearer,
    /// With a signature over the body.
    Ed25519,
    /// With an HMAC-SHA256 over the body.
    Hmac,
}

/// What a reporter is known by.
#[derive(Clone, Debug)]
pub enum Proof {
    /// SHA-256 of its token.
    Bearer(Digest),
    /// The secret that it shares.
    Hmac(SecretString),
    /// Its public key.
    Ed25519(VerifyingKey),
}

impl Reporter {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let id = &self.id;
        let named = (1..=128).contains(&id.len()) && id.chars().all(|c| !c.is_control()) && id.trim() == id;
        ensure!(named, "a reporter's id must be 1 to 128 characters on one line");
        match (self.kind, &self.sha256, &self.key_file) {
            (ReporterKind::Bearer, Some(_), None) | (_, None, Some(_)) => Ok(()),
            (ReporterKind::Bearer, ..) => bail!("reporter `{id}`: give either sha256 or key_file"),
            (ReporterKind::Hmac, ..) => {
                bail!("reporter `{id}`: kind = \"hmac\" needs key_file = \"...\" with the shared secret, and no sha256")
            }
            (ReporterKind::Ed25519, ..) => {
                bail!("reporter `{id}`: kind = \"ed25519\" needs key_file = \"...\" with the public key, and no sha256")
            }
        }
    }

    /// What it is known by, read from its file.
    pub fn proof(&self) -> anyhow::Result<Proof> {
        let proof = match (self.kind, &self.sha256, &self.key_file) {
            (ReporterKind::Bearer, Some(digest), _) => Ok(Proof::Bearer(*digest)),
            (ReporterKind::Bearer, None, Some(path)) => {
                read_file(path).map(|token| Proof::Bearer(token_digest(&token)))
            }
            (ReporterKind::Hmac, _, Some(path)) => read_file(path).map(Proof::Hmac),
            (ReporterKind::Ed25519, _, Some(path)) => public_key(path).map(Proof::Ed25519),
            (_, _, None) => Err(anyhow::anyhow!("it has no key")),
        };
        proof.with_context(|| format!("reporter `{}`", self.id))
    }
}

/// Reads a public key; others may read it too.
fn public_key(path: &Path) -> anyhow::Result<VerifyingKey> {
    let place = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read the public key {place}"))?.len();
    ensure!(size <= MOST, "the public key {place} has more than {MOST} bytes");
    let pem = std::fs::read_to_string(path).with_context(|| format!("cannot read the public key {place}"))?;
    let set = KeySet::from_pem(&pem).map_err(|fault| anyhow::anyhow!("{place}: {fault}"))?;
    set.keys.first().map(|public| public.key).with_context(|| format!("{place}: no key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attest::Signer;
    use ed25519_dalek::pkcs8::EncodePublicKey as _;
    use std::os::unix::fs::PermissionsExt as _;

    fn reporter(kind: ReporterKind, sha256: bool, key_file: Option<PathBuf>) -> Reporter {
        Reporter { id: "argocd".into(), kind, sha256: sha256.then(|| Digest::of(b"token")), key_file }
    }

    #[test]
    fn each_kind_takes_its_own_key_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let (secret, public) = (folder.path().join("secret"), folder.path().join("public.pem"));
        std::fs::write(&secret, "a secret of the two").expect("written");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("mode");
        let key = Signer::from_seed(&[5; 32]).public();
        std::fs::write(&public, key.to_public_key_pem(Default::default()).expect("a PEM")).expect("written");
        let proof = |kind, sha256, file: &PathBuf| {
            let reporter = reporter(kind, sha256, Some(file.clone()));
            reporter.check().and_then(|()| reporter.proof())
        };
        assert!(matches!(proof(ReporterKind::Bearer, false, &secret), Ok(Proof::Bearer(_))));
        assert!(matches!(proof(ReporterKind::Hmac, false, &secret), Ok(Proof::Hmac(_))));
        assert!(matches!(proof(ReporterKind::Ed25519, false, &public), Ok(Proof::Ed25519(found)) if found == key));
        let told = |found: anyhow::Result<Proof>| format!("{:#}", found.expect_err("refused"));
        assert!(told(proof(ReporterKind::Ed25519, false, &secret)).contains("not an Ed25519 public key"));
        assert!(told(proof(ReporterKind::Hmac, false, &public)).contains("chmod 600"), "a secret others may read");
        assert!(told(proof(ReporterKind::Bearer, true, &secret)).contains("either sha256 or key_file"));
        for kind in [ReporterKind::Hmac, ReporterKind::Ed25519] {
            let why = reporter(kind, true, None).check().expect_err("a digest proves no body").to_string();
            assert!(why.contains("key_file") && why.contains("argocd"), "{why}");
            assert!(reporter(kind, true, Some(secret.clone())).check().is_err());
        }
    }
}
