//! How many pull requests there are, and how many there may be: in whole numbers, in a repository and in its tenant.
//!
//! Must not count anything itself: the store does, where nobody else can write meanwhile.

use serde::{Deserialize, Serialize};

/// How much is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pull requests of ours in the repository that are open or announced.
    pub open: u64,
    /// Those of them opened or announced in the last hour.
    pub last_hour: u64,
    /// The same in all repositories of the tenant.
    pub tenant_open: u64,
    /// Those of them opened or announced in the last hour.
    pub tenant_last_hour: u64,
    /// Other merges of ours into the same base that are under way.
    pub merging: u64,
}

/// How much may be going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Quota {
    /// Pull requests open at once in the repository.
    pub open: u64,
    /// Pull requests opened in an hour in the repository.
    pub per_hour: u64,
    /// Pull requests open at once in the tenant, if that is limited.
    pub tenant_open: Option<u64>,
    /// Pull requests opened in an hour in the tenant, if that is limited.
    pub tenant_per_hour: Option<u64>,
}

impl Quota {
    /// Which limit leaves no room for one more: its code and a sentence.
    pub fn full(&self, counts: &Counts) -> Option<(&'static str, String)> {
        let (here, tenant) = ("this repository", "all repositories of the tenant");
        let limits = [
            ("open_pull_requests", counts.open, Some(self.open), "open", here),
            ("pull_requests_per_hour", counts.last_hour, Some(self.per_hour), "opened in the last hour", here),
            ("tenant_open_pull_requests", counts.tenant_open, self.tenant_open, "open", tenant),
            (
                "tenant_pull_requests_per_hour",
                counts.tenant_last_hour,
                self.tenant_per_hour,
                "opened in the last hour",
                tenant,
            ),
        ];
        limits.into_iter().find_map(|(code, found, most, what, place)| {
            let most = most.filter(|most| found >= *most)?;
            Some((code, format!("{found} pull requests are {what} in {place}, at most {most} may")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_limit_that_is_reached_is_named() {
        let quota = Quota { open: 3, per_hour: 2, tenant_open: Some(5), tenant_per_hour: None };
        let code = |counts: Counts| quota.full(&counts).map(|(code, _)| code);
        let counts = Counts { open: 2, last_hour: 1, tenant_open: 4, tenant_last_hour: 999, merging: 0 };
        assert_eq!(code(counts), None);
        assert_eq!(code(Counts { open: 3, ..counts }), Some("open_pull_requests"));
        assert_eq!(code(Counts { last_hour: 2, ..counts }), Some("pull_requests_per_hour"));
        assert_eq!(code(Counts { tenant_open: 5, ..counts }), Some("tenant_open_pull_requests"));
        let none = Quota { tenant_per_hour: Some(0), ..quota };
        assert_eq!(none.full(&counts).map(|(code, _)| code), Some("tenant_pull_requests_per_hour"));
    }
}
