//! The life of keys: the next one is published before it signs, the old one verifies what it signed, a lost one nothing.
//!
//! Must not overwrite a key, nor leave a purpose without the key that signs for it.

use super::keys::{Index, Listed, PUBLISHED, make, read_private, replace};
use crate::domain::attest::{KeyState, ListedKey, Listing, Purpose, Revocation};
use crate::domain::ids::Time;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::path::Path;

/// How long a key is published before it signs, seconds.
const AHEAD: i64 = 86_400;

/// What a rotation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// A key was made that will sign from this moment on, once it is rotated again.
    Prepared(Listed, Time),
    /// The prepared key signs now; the one before verifies what it signed.
    Activated(Listed),
}

/// Every key of a folder, in the order they were made, and the list's version.
pub fn listed(folder: &Path) -> anyhow::Result<(u64, Vec<Listed>)> {
    let index = Index::read(folder)?;
    Ok((index.version, index.keys))
}

/// Prepares the next key of a purpose, or lets the prepared one sign; `at_once` does not wait for those who fetch lists.
pub fn rotate(folder: &Path, purpose: Purpose, at_once: bool, now: Time) -> anyhow::Result<Rotated> {
    let mut index = Index::read(folder)?;
    let mut prepared = index.keys.iter().position(|key| key.purpose == purpose && key.state == KeyState::Next);
    if prepared.is_none() {
        index.keys.push(next(folder, purpose, now)?);
        prepared = at_once.then(|| index.keys.len() - 1);
    }
    index.version += 1;
    let rotated = match prepared.and_then(|at| Some((at, index.keys.get(at)?.created.plus_seconds(AHEAD)))) {
        None => {
            let made = index.keys.last().context("no key")?.clone();
            let from = made.created.plus_seconds(AHEAD);
            Rotated::Prepared(made, from)
        }
        Some((at, from)) => {
            anyhow::ensure!(
                from <= now || at_once,
                "the next {} key was made less than 24 hours ago: rotate again after {from}, or use --at-once",
                purpose.word()
            );
            Rotated::Activated(activate(&mut index, at, now)?)
        }
    };
    index.write(folder)?;
    Ok(rotated)
}

fn next(folder: &Path, purpose: Purpose, now: Time) -> anyhow::Result<Listed> {
    let day: String = now.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    make(folder, purpose, &format!("{}-{day}", purpose.word()), KeyState::Next, now)
}

/// Lets a key sign and retires the one that did.
fn activate(index: &mut Index, at: usize, now: Time) -> anyhow::Result<Listed> {
    let purpose = index.keys.get(at).context("no key")?.purpose;
    for key in index.keys.iter_mut().filter(|key| key.purpose == purpose && key.state == KeyState::Active) {
        (key.state, key.retired) = (KeyState::Retired, Some(now.whole_second()));
    }
    let key = index.keys.get_mut(at).context("no key")?;
    key.state = KeyState::Active;
    Ok(key.clone())
}

/// Revokes a key for good; where it signed, the prepared key or a new one takes its place at once.
pub fn revoke(folder: &Path, kid: &str, reason: &str, now: Time) -> anyhow::Result<Listed> {
    let plain = !reason.trim().is_empty() && reason.len() <= 200 && !reason.contains(char::is_control);
    anyhow::ensure!(plain, "--reason: write one line of 1 to 200 bytes; it is published");
    let mut index = Index::read(folder)?;
    let at = index.keys.iter().position(|key| key.kid.as_str() == kid);
    let at = at.with_context(|| format!("no key {kid} here: `countersign keys list` names them"))?;
    let key = index.keys.get(at).context("no key")?.clone();
    anyhow::ensure!(key.state != KeyState::Revoked, "key {kid} was revoked before");
    if key.state == KeyState::Active {
        let prepared =
            index.keys.iter().position(|other| other.purpose == key.purpose && other.state == KeyState::Next);
        let place = match prepared {
            Some(place) => place,
            None => {
                index.keys.push(next(folder, key.purpose, now)?);
                index.keys.len() - 1
            }
        };
        activate(&mut index, place, now)?;
    }
    let key = index.keys.get_mut(at).context("no key")?;
    key.state = KeyState::Revoked;
    key.revoked = Some(Revocation { at: now.whole_second().to_string(), reason: reason.to_owned() });
    let revoked = key.clone();
    index.version += 1;
    index.write(folder)?;
    Ok(revoked)
}

/// Signs the list of keys with the key-set key and puts it where the service serves it from.
pub fn publish(folder: &Path, instance: &str, days: u32, now: Time) -> anyhow::Result<Listing> {
    anyhow::ensure!((1..=400).contains(&days), "--days: write 1 to 400");
    let index = Index::read(folder)?;
    let signer = index.active(folder, Purpose::Keyset).context(
        "the list is signed with a key of its own: `countersign keys rotate --purpose keyset --at-once` makes one",
    )?;
    let mut keys = Vec::new();
    for key in index.keys.iter().filter(|key| key.purpose != Purpose::Keyset) {
        let public = read_private(&folder.join(&key.file))?.public();
        keys.push(ListedKey {
            kid: key.kid.to_string(),
            purpose: key.purpose,
            x: URL_SAFE_NO_PAD.encode(public.as_bytes()),
            state: key.state,
            retired: key.retired.map(|at| at.whole_second().to_string()),
            revoked: key.revoked.clone(),
        });
    }
    let (issued, expires) = (now.whole_second(), now.whole_second().plus_seconds(i64::from(days) * 86_400));
    let listing = Listing {
        v: 1,
        instance: instance.to_owned(),
        version: index.version,
        issued: issued.to_string(),
        expires: expires.to_string(),
        keys,
    };
    replace(&folder.join(PUBLISHED), &listing.seal(&signer))?;
    Ok(listing)
}
