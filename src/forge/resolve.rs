//! Names become addresses here, for every client: a name that turns out to mean nobody's address is not spoken to.
//!
//! Must not remember an answer: the address that is checked is the one that is connected to.

use crate::domain::ids::is_nobodys;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// Resolves as the system does, and leaves out addresses that belong to nobody or to a cloud's metadata service.
#[derive(Clone, Copy, Debug)]
pub struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(kept(name.as_str(), found)?.into_iter()) as Addrs)
        })
    }
}

fn kept(name: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    let kept: Vec<SocketAddr> = found.filter(|address| !is_nobodys(address.ip())).collect();
    if kept.is_empty() {
        return Err(format!("`{name}` means an address that belongs to nobody: correct the name or its DNS record"));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tm99_a_name_that_turns_to_the_metadata_service_is_not_spoken_to() {
        let of = |list: &[&str]| {
            let parsed: Vec<SocketAddr> = list.iter().map(|text| text.parse().expect("an address")).collect();
            kept("git.example", parsed.into_iter()).map(|kept| kept.len())
        };
        assert!(of(&["169.254.169.254:0"]).is_err());
        assert!(of(&["[fe80::1]:0", "[fd00:ec2::254]:0", "0.0.0.0:0", "[::ffff:169.254.169.254]:0"]).is_err());
        assert!(of(&[]).is_err());
        assert_eq!(of(&["169.254.169.254:0", "10.0.0.7:0"]), Ok(1), "the good one of two");
        assert_eq!(of(&["127.0.0.1:0", "[::1]:0", "93.184.216.34:0"]), Ok(3));
    }
}
