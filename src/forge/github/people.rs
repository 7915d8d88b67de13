//! What people may do, and what they said: rights and reviews.
//!
//! Must not take a login for a person: the answer's number must be the one that was asked about.

use super::GithubForge;
use super::route::segment;
use super::shape::{Permission, ReviewAnswer, ghost};
use crate::domain::facts::{Opinion, Review, Right, User};
use crate::domain::ids::Oid;
use crate::forge::ForgeError;
use std::collections::BTreeMap;

impl GithubForge {
    pub(super) async fn right_of(&self, user: &User) -> Result<Right, ForgeError> {
        let what = format!("the right of user {}", user.id);
        let route = self.talk.at(&format!("/collaborators/{}/permission", segment(&user.login)));
        let Some(found) = self.talk.get_if::<Permission>(&what, &route).await? else { return Ok(Right::None) };
        if found.user.is_none_or(|answered| answered.id != user.id) {
            return Ok(Right::None);
        }
        Ok(match (found.permission.as_str(), found.role_name.as_str()) {
            ("admin", _) => Right::Admin,
            ("write", _) => Right::Write,
            ("read", _) => Right::Read,
            _ => Right::None,
        })
    }

    /// The reviews of a pull request, oldest first, each with the reviewer's right of now.
    pub(super) async fn reviews(&self, number: u64, head: &Oid) -> Result<Vec<Review>, ForgeError> {
        let what = format!("the reviews of #{number}");
        let route = self.talk.at(&format!("/pulls/{number}/reviews"));
        let found: Vec<ReviewAnswer> = self.talk.list(&what, &route, |page: Vec<ReviewAnswer>| page).await?;
        let (mut rights, mut reviews) = (BTreeMap::new(), Vec::new());
        for review in found {
            let Some(opinion) = opinion(&review.state) else { continue };
            let by = review.user.map_or_else(ghost, super::shape::Bot::user);
            let can_write = match rights.get(&by.id) {
                Some(known) => *known,
                None => self.right_of(&by).await? >= Right::Write,
            };
            rights.insert(by.id, can_write);
            let looked_at = review.commit_id.unwrap_or_else(|| head.clone());
            let at = review.submitted_at.map(|at| at.0).unwrap_or_default();
            reviews.push(Review { by, can_write, opinion, head: looked_at, at });
        }
        reviews.sort_by_key(|review| review.at);
        Ok(reviews)
    }
}

/// A review that was not handed in yet says nothing. A word we do not know blocks, because it may be an objection.
fn opinion(state: &str) -> Option<Opinion> {
    match state {
        "APPROVED" => Some(Opinion::Approve),
        "COMMENTED" => Some(Opinion::Comment),
        "DISMISSED" => Some(Opinion::Dismissed),
        "PENDING" => None,
        _ => Some(Opinion::RequestChanges),
    }
}
