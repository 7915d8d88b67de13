//! Key files: one Ed25519 key for each purpose, PKCS#8 PEM, readable by their owner alone.

use super::secret::{check_mode, random};
use crate::domain::attest::{KeyId, KeySet, KeyState, PublicKey, Purpose, Revocation, Signer};
use crate::domain::ids::Time;
use anyhow::Context as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes};
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// There are none.
    #[error("there is no key in {0}: run `countersign keys generate`")]
    Missing(PathBuf),
    /// There are some already.
    #[error("{0} exists already: a key is never overwritten")]
    Exists(PathBuf),
}

/// What is known of a key beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its thumbprint.
    pub kid: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// What it may be used for now.
    pub state: KeyState,
    /// Its file, beside the list.
    pub file: String,
    /// When it was made.
    pub created: Time,
    /// When another took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Time>,
    /// When and why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) version: u64,
    pub(super) keys: Vec<Listed>,
}

/// The list of the keys, and the signed one that is published.
const INDEX: &str = "keys.json";
pub(super) const PUBLISHED: &str = "keyset.json";

impl Index {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Index> {
        let path = folder.join(INDEX);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(KeyFault::Missing(folder.into()).into());
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        serde_json::from_slice(&text).with_context(|| format!("{} cannot be read as a list of keys", path.display()))
    }

    /// Replaces the list in one step.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        replace(&folder.join(INDEX), &serde_json::to_vec_pretty(self)?)
    }

    /// The one key that signs for a purpose.
    pub(super) fn active(&self, folder: &Path, purpose: Purpose) -> anyhow::Result<Signer> {
        let path = folder.join(INDEX);
        let active = |key: &&Listed| key.purpose == purpose && key.state == KeyState::Active;
        let listed = self
            .keys
            .iter()
            .find(active)
            .with_context(|| format!("{} names no active key for {purpose:?}", path.display()))?;
        let signer = read_private(&folder.join(&listed.file))?;
        anyhow::ensure!(
            *signer.id() == listed.kid,
            "{} is not the key {} that {} names",
            listed.file,
            listed.kid,
            path.display()
        );
        Ok(signer)
    }
}

/// Writes a file beside the old one and puts it in its place.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    let written = std::fs::File::create(&fresh).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// The keys of this deployment.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Signs attestations.
    pub attestation: Signer,
    /// Signs checkpoints.
    pub log: Signer,
    /// What attestations are verified with.
    pub set: KeySet,
    /// The signed list of keys as it was last published.
    pub published: Option<Vec<u8>>,
}

impl Keys {
    /// Makes the keys; refuses when there are some.
    pub fn generate(folder: &Path, now: Time) -> anyhow::Result<Keys> {
        let index = folder.join(INDEX);
        if index.exists() {
            return Err(KeyFault::Exists(index).into());
        }
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut keys = Vec::new();
        for purpose in [Purpose::Attestation, Purpose::Log, Purpose::Keyset] {
            keys.push(make(folder, purpose, purpose.word(), KeyState::Active, now)?);
        }
        let text = serde_json::to_vec_pretty(&Index { version: 1, keys })?;
        write_new(&index, &text, 0o644)?;
        Keys::load(folder)
    }

    /// Reads the keys of a folder.
    pub fn load(folder: &Path) -> anyhow::Result<Keys> {
        let index = Index::read(folder)?;
        let attestation = index.active(folder, Purpose::Attestation)?;
        let log = index.active(folder, Purpose::Log)?;
        let mut keys = Vec::new();
        for listed in index.keys.iter().filter(|key| key.purpose == Purpose::Attestation) {
            let public = read_private(&folder.join(&listed.file))?;
            keys.push(PublicKey {
                id: listed.kid.clone(),
                key: public.public(),
                state: listed.state,
                retired: listed.retired,
            });
        }
        let set = KeySet { version: index.version, keys, expires: None };
        let published = std::fs::read(folder.join(PUBLISHED)).ok();
        Ok(Keys { attestation, log, set, published })
    }
}

/// Makes one key in two new files, the secret one for its owner only.
pub(super) fn make(folder: &Path, purpose: Purpose, name: &str, state: KeyState, now: Time) -> anyhow::Result<Listed> {
    let (seed, signer) = fresh()?;
    let file = format!("{name}.key");
    write_new(&folder.join(&file), &private_pem(&seed)?, 0o600)?;
    write_new(&folder.join(format!("{name}.pem")), public_pem(&signer)?.as_bytes(), 0o644)?;
    Ok(Listed { kid: signer.id().clone(), purpose, state, file, created: now, retired: None, revoked: None })
}

/// Makes an approver's key in a new file that only its owner may read.
pub fn generate_approver(path: &Path) -> anyhow::Result<Signer> {
    let (seed, signer) = fresh()?;
    write_new(path, &private_pem(&seed)?, 0o600)?;
    Ok(signer)
}

/// A new key and its seed; not one whose id would be taken for an option, or for a secret and out of every text.
fn fresh() -> anyhow::Result<(Zeroizing<[u8; 32]>, Signer)> {
    loop {
        let seed = Zeroizing::new(random::<32>()?);
        let signer = Signer::from_seed(&seed);
        if signer.id().is_plain() && !signer.id().as_str().starts_with('-') {
            return Ok((seed, signer));
        }
    }
}

/// Reads a private key of an approver.
pub fn read_signer(path: &Path) -> anyhow::Result<Signer> {
    read_private(path)
}

/// The public half in PEM form.
pub fn public_pem(signer: &Signer) -> anyhow::Result<String> {
    key_pem(&signer.public())
}

/// A public key in PEM form.
pub fn key_pem(key: &VerifyingKey) -> anyhow::Result<String> {
    key.to_public_key_pem(LineEnding::LF).context("the public key cannot be written")
}

/// PKCS#8 version 1, without the public key: the form that OpenSSL 3.0 reads.
fn private_pem(seed: &[u8; 32]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let pair = KeypairBytes { secret_key: *seed, public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF).context("the key cannot be written")?;
    Ok(Zeroizing::new(pem.as_bytes().to_vec()))
}

pub(super) fn read_private(path: &Path) -> anyhow::Result<Signer> {
    check_mode(path)?;
    let text = Zeroizing::new(
        std::fs::read_to_string(path).with_context(|| format!("cannot read the key {}", path.display()))?,
    );
    let key = SigningKey::from_pkcs8_pem(&text)
        .map_err(|_| anyhow::anyhow!("{} is not an Ed25519 key in PKCS#8 PEM form", path.display()))?;
    Ok(Signer::from_seed(key.as_bytes()))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = match open {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(KeyFault::Exists(path.into()).into());
        }
        other => other.with_context(|| format!("cannot write {}", path.display()))?,
    };
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))
}
