//! The API's handlers, by what they are about.
//!
//! Must not know the list of routes.

pub(super) mod adapters;
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod feedback;
pub(super) mod meta;
pub(super) mod outcome;
pub(super) mod proposals;
pub(super) mod rearm;
pub(super) mod reports;
pub(super) mod tokens;
pub(super) mod trust;
pub(super) mod withdraw;

pub(super) use approvals::booth;
pub(super) use proposals::{Which, find, query};
pub(super) use trust::{ClassView, all, one};
