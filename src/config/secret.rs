//! Tokens and other secrets: made from the system's randomness, kept hashed, never printed twice.

use crate::domain::ids::Digest;
use anyhow::{Context as _, ensure};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// A token that was just made.
#[derive(Debug)]
pub struct NewToken {
    /// The token; shown once.
    pub secret: SecretString,
    /// What is kept of it.
    pub sha256: Digest,
}

impl NewToken {
    /// Makes a token from 32 random bytes.
    pub fn make() -> anyhow::Result<NewToken> {
        let secret = SecretString::from(format!("cs_{}", URL_SAFE_NO_PAD.encode(random::<32>()?)));
        let sha256 = token_digest(&secret);
        Ok(NewToken { secret, sha256 })
    }
}

/// What is kept of a token.
pub fn token_digest(token: &SecretString) -> Digest {
    Digest::of(token.expose_secret().as_bytes())
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes)
}

/// 16 random bytes as 32 hex digits.
pub fn random_hex() -> anyhow::Result<String> {
    Ok(hex::encode(random::<16>()?))
}

/// Reads `NAME`, or the file that `NAME_FILE` names.
pub fn read_secret(name: &str, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Option<String>> {
    match (env(name), env(&format!("{name}_FILE"))) {
        (Some(_), Some(_)) => anyhow::bail!("{name} and {name}_FILE are both set; keep one"),
        (Some(value), None) => Ok(Some(value)),
        (None, Some(path)) => Ok(Some(read_file(Path::new(&path))?.expose_secret().to_owned())),
        (None, None) => Ok(None),
    }
}

/// Reads a secret's file; it must belong to its owner alone and hold at least 16 characters.
pub fn read_file(path: &Path) -> anyhow::Result<SecretString> {
    check_mode(path)?;
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the secret {}", path.display()))?;
    let text = text.trim();
    ensure!(text.len() >= 16, "the secret {} is empty or shorter than 16 characters", path.display());
    Ok(SecretString::from(text.to_owned()))
}

/// A folder beside its later place, into which secrets are written before it is moved there as a whole.
#[derive(Debug)]
pub struct Vault(tempfile::TempDir);

impl Vault {
    /// Makes the folder, readable by its owner alone, in a folder that is made too.
    pub fn make(parent: &Path) -> anyhow::Result<Vault> {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let own = std::fs::Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix(".countersign-").permissions(own).tempdir_in(parent);
        made.map(Vault).with_context(|| format!("cannot write into {}", parent.display()))
    }

    /// Writes these files, readable by their owner alone, and moves all of them to their place or none.
    pub fn keep(self, place: &Path, files: &[(&str, &SecretString)]) -> anyhow::Result<()> {
        for (name, secret) in files {
            let path = self.0.path().join(name);
            let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let written = open.and_then(|mut file| {
                file.write_all(secret.expose_secret().trim_end().as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            });
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        ensure!(!place.exists(), "{} exists already: a secret is never overwritten", place.display());
        let folder = self.0.keep();
        std::fs::rename(&folder, place).with_context(|| {
            format!(
                "cannot move {} to {}: move it by hand, the secrets are not given again",
                folder.display(),
                place.display()
            )
        })
    }
}

/// Refuses a file that others may read.
pub(super) fn check_mode(path: &Path) -> anyhow::Result<()> {
    let meta = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mode = meta.permissions().mode() & 0o777;
    ensure!(
        mode & 0o077 == 0,
        "{} has the mode {mode:03o}: others may read it; run `chmod 600 {}`",
        path.display(),
        path.display()
    );
    Ok(())
}
