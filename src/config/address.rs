//! Which addresses countersign may be told to speak to.
//!
//! Must not resolve a name: what a name stands for is checked where a connection is made.

use crate::domain::ids::is_nobodys;
use anyhow::{Context as _, bail, ensure};
use std::net::IpAddr;
use url::{Host, Url};

/// Names under which clouds hand out credentials to whoever asks.
const METADATA: [&str; 4] = ["metadata", "metadata.google.internal", "metadata.goog", "instance-data"];

/// Refuses an address that is not `https`, except one of this very machine by its number, and every one that belongs to a
/// cloud's metadata service.
pub(super) fn check(place: &str, text: &str) -> anyhow::Result<()> {
    let url =
        Url::parse(text).with_context(|| format!("{place}: `{text}` is no address such as https://git.example"))?;
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "{place}: keep the user and password out of the address"
    );
    ensure!(url.fragment().is_none(), "{place}: an address has no fragment");
    let host = url.host().with_context(|| format!("{place}: `{text}` names no host"))?;
    let here = check_host(place, &host)?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if here => Ok(()),
        scheme => bail!("{place}: `{scheme}` is not taken: write https://..."),
    }
}

/// A host by its name alone.
pub(super) fn check_name(place: &str, name: &str) -> anyhow::Result<()> {
    let host = Host::parse(name).with_context(|| format!("{place}: `{name}` is no name of a host"))?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
    ensure!(plain, "{place}: `{name}` is no name of a host");
    check_host(place, &host).map(|_| ())
}

/// Whether it is this machine, by number.
fn check_host<S: AsRef<str>>(place: &str, host: &Host<S>) -> anyhow::Result<bool> {
    let forbidden = "belongs to a cloud's metadata service or to nobody: write another";
    let address = match host {
        Host::Domain(name) => {
            let name = name.as_ref().trim_end_matches('.').to_ascii_lowercase();
            ensure!(!METADATA.contains(&name.as_str()), "{place}: `{name}` {forbidden}");
            ensure!(
                name != "localhost" && !name.ends_with(".localhost"),
                "{place}: `{name}` is a name that others may answer to: write 127.0.0.1 or [::1]"
            );
            return Ok(false);
        }
        Host::Ipv4(address) => IpAddr::V4(*address),
        Host::Ipv6(address) => IpAddr::V6(*address),
    };
    ensure!(!is_nobodys(address), "{place}: {address} {forbidden}");
    Ok(address.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tm99_addresses_that_no_forge_has_are_refused() {
        let bad = [
            "http://169.254.169.254/latest/meta-data",
            "https://169.254.169.254",
            "https://[::ffff:169.254.169.254]",
            "https://2852039166",
            "https://0xa9.0xfe.0xa9.0xfe",
            "https://[fe80::1]",
            "https://[fd00:ec2::254]",
            "https://metadata.google.internal",
            "https://METADATA.google.internal.",
            "https://100.100.100.200",
            "http://localhost:8080",
            "https://localhost",
            "https://x.localhost",
            "http://git.example",
            "http://10.0.0.7",
            "file:///etc/passwd",
            "ftp://git.example",
            "gopher://git.example",
            "https://user:secret@git.example",
            "https://token@git.example",
            "https://0.0.0.0",
            "https://git.example/#x",
            "git.example",
            "",
        ];
        for text in bad {
            assert!(check("api", text).is_err(), "{text}");
        }
        for text in ["https://git.example", "https://10.0.0.7/api/v3", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            check("api", text).unwrap();
        }
        for name in ["git.example/x", "a@b", "169.254.169.254", "localhost", "metadata", "a b", ""] {
            assert!(check_name("host", name).is_err(), "{name}");
        }
        for name in ["github.com", "git.corp.example", "10.0.0.7"] {
            check_name("host", name).unwrap();
        }
    }
}
