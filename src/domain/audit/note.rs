//! Checkpoints as C2SP signed notes: origin, size and root, signed by the log's key.

use crate::domain::attest::Signer;
use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

/// The four bytes that name a key in a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 4]);

impl KeyHash {
    /// The name of an Ed25519 key under an origin.
    pub fn of(origin: &str, key: &VerifyingKey) -> KeyHash {
        let digest = Digest::of(&[origin.as_bytes(), b"\n\x01", key.as_bytes()].concat());
        let [a, b, c, d, ..] = digest.0;
        KeyHash([a, b, c, d])
    }
}

/// The verifier key in the form that other tools of this standard read: `origin+hash+key`.
pub fn verifier_key(origin: &str, key: &VerifyingKey) -> String {
    let body = [&[1], key.as_bytes().as_slice()].concat();
    format!("{origin}+{}+{}", hex::encode(KeyHash::of(origin, key).0), STANDARD.encode(body))
}

/// How large a log was and what its root was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// Their root.
    pub root: Digest,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// The signed note.
    pub fn sign(&self, signer: &Signer) -> String {
        let text = self.text();
        let hash = KeyHash::of(&self.origin, &signer.public());
        let line = STANDARD.encode([hash.0.as_slice(), signer.sign(text.as_bytes()).as_slice()].concat());
        format!("{text}\n\u{2014} {} {line}\n", self.origin)
    }

    /// Reads a note and verifies that this key signed it.
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Checkpoint, String> {
        let (text, signatures) = note.split_once("\n\n").ok_or("the checkpoint has no signature")?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err("the checkpoint does not have three lines".into());
        };
        let size: u64 =
            size.parse().ok().filter(|n: &u64| n.to_string() == size).ok_or("the checkpoint's size is no number")?;
        let bytes: [u8; 32] = STANDARD
            .decode(root)
            .ok()
            .filter(|bytes| STANDARD.encode(bytes) == root)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or("the checkpoint's root is not 32 bytes of base64")?;
        let checkpoint = Checkpoint { origin: origin.to_owned(), size, root: Digest(bytes) };
        if signatures.lines().any(|line| checkpoint.signed_by(line, key)) {
            Ok(checkpoint)
        } else {
            Err("no signature of the checkpoint fits the key".into())
        }
    }

    fn signed_by(&self, line: &str, key: &VerifyingKey) -> bool {
        let Some(text) = line.strip_prefix("\u{2014} ").and_then(|rest| rest.strip_prefix(self.origin.as_str())) else {
            return false;
        };
        let Ok(bytes) = STANDARD.decode(text.trim_start()) else { return false };
        let Some((hash, signature)) = bytes.split_first_chunk::<4>() else { return false };
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        *hash == KeyHash::of(&self.origin, key).0 && key.verify_strict(self.text().as_bytes(), &signature).is_ok()
    }
}
