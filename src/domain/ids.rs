//! Names of things: times, digests, object ids, tenants, repositories.
//!
//! Must not ask the clock or the disk for anything: these are values only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// Tells the time; built by the composition root and by nothing below it.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// The moment this many seconds later; saturates.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Time {
        Time(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The same moment without its fraction of a second.
    #[must_use]
    pub fn whole_second(self) -> Time {
        Time(self.seconds().saturating_mul(1_000_000))
    }

    /// The UTC day, counted from the epoch.
    pub fn day(self) -> i64 {
        self.seconds().div_euclid(86_400)
    }

    /// The moment for the time-zone library; the far past and future are cut to what it can hold.
    pub fn timestamp(self) -> jiff::Timestamp {
        let edge = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(edge)
    }
}

impl fmt::Display for Time {
    /// RFC 3339, UTC, whole seconds.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.whole_second().timestamp();
        write!(out, "{whole}")
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        let at: jiff::Timestamp =
            text.parse().map_err(|_| format!("`{text}` is not an RFC 3339 time such as 2026-12-04T10:00:00Z"))?;
        Ok(Time(at.as_microsecond()))
    }
}

/// A SHA-256, printed as 64 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The digest of several fields, each preceded by its length, so that no two lists collide.
    pub fn of_fields(domain: &str, fields: &[&[u8]]) -> Digest {
        let mut hash = Sha256::new();
        for field in std::iter::once(&domain.as_bytes()).chain(fields) {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        Digest(hash.finalize().into())
    }

    /// The first `digits` hex digits.
    pub fn short(&self, digits: usize) -> String {
        self.to_string().chars().take(digits).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Digest, String> {
        let lower = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 32];
        match lower.then(|| hex::decode_to_slice(text, &mut bytes)) {
            Some(Ok(())) => Ok(Digest(bytes)),
            _ => Err(format!("`{text}` is not a SHA-256 of 64 lowercase hex digits")),
        }
    }
}

/// A git object id: 40 or 64 lowercase hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(String);

impl Oid {
    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Oid {
    type Err = String;

    fn from_str(text: &str) -> Result<Oid, String> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex && matches!(text.len(), 40 | 64) {
            Ok(Oid(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a git object id of 40 or 64 lowercase hex digits"))
        }
    }
}

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(Digest, Oid, TenantId);

/// A tenant's name: lowercase letters, digits and `-`, at most 40 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(String);

impl TenantId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for TenantId {
    type Err = String;

    fn from_str(text: &str) -> Result<TenantId, String> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=40).contains(&text.len()) && text.bytes().all(good) && !text.starts_with('-') {
            Ok(TenantId(text.to_owned()))
        } else {
            Err(format!("tenant `{text}`: use 1 to 40 lowercase letters, digits and `-`, not beginning with `-`"))
        }
    }
}

/// Which kind of forge holds a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ForgeKind {
    /// GitHub or GitHub Enterprise.
    Github,
    /// GitLab.
    Gitlab,
    /// A bare repository on this machine.
    Local,
}

impl fmt::Display for ForgeKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

/// How the commits of a pull request reach its base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MergeMethod {
    /// A merge commit with two parents.
    Merge,
    /// One new commit with all of it.
    #[default]
    Squash,
    /// The commits themselves, on top of the base.
    Rebase,
}

/// A repository as a tenant knows it; the number is its identity, the name is for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Binding {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The forge's kind.
    pub forge: ForgeKind,
    /// The forge's host name; `local` for local repositories.
    pub host: String,
    /// The forge's number for the repository.
    pub id: u64,
    /// Its name, `owner/name`.
    pub name: String,
}

impl Binding {
    /// The identity without tenant and name.
    pub fn key(&self) -> String {
        format!("{}:{}:{}", self.forge, self.host, self.id)
    }
}

impl fmt::Display for Binding {
    /// The locator without a number: `local:acme/shop`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.forge, self.name)
    }
}

/// Whether no forge can be there: link-local, unspecified, broadcast and multicast addresses, and those under which clouds
/// hand out credentials to whoever asks.
pub fn is_nobodys(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_nobodys_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4() {
            Some(v4) if !v6.is_loopback() => is_nobodys_v4(v4),
            Some(_) | None => is_nobodys_v6(v6),
        },
    }
}

fn is_nobodys_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || address == Ipv4Addr::new(100, 100, 100, 200)
        || address == Ipv4Addr::new(192, 0, 0, 192)
}

fn is_nobodys_v6(address: Ipv6Addr) -> bool {
    address.is_unspecified()
        || address.is_multicast()
        || address.segments()[0] & 0xffc0 == 0xfe80
        || address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_and_read_whole_seconds() {
        let at: Time = "2026-12-04T10:00:00Z".parse().expect("reads");
        assert_eq!(at.to_string(), "2026-12-04T10:00:00Z");
        assert_eq!(Time(at.0 + 999_999).to_string(), "2026-12-04T10:00:00Z");
        assert!("2026-12-04".parse::<Time>().is_err());
        assert_eq!(Time(-1).day(), -1);
        assert!(!Time(i64::MAX).to_string().is_empty());
    }

    #[test]
    fn fields_do_not_collide() {
        assert_ne!(Digest::of_fields("x", &[b"ab", b"c"]), Digest::of_fields("x", &[b"a", b"bc"]));
    }

    #[test]
    fn only_lowercase_hex_is_an_id() {
        assert!("A94a8fe5ccb19ba61c4c0873d391e987982fbbd3".parse::<Oid>().is_err());
        assert!("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3".parse::<Oid>().is_ok());
        assert!("AA".repeat(32).parse::<Digest>().is_err());
    }

    #[test]
    fn tm62_tenant_names_have_one_form() {
        for bad in ["", "a/b", "a|b", "A", "аcme", "-a", "a b", &"a".repeat(41)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
        assert!("acme-2".parse::<TenantId>().is_ok());
    }
}
