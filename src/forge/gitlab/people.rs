//! Who may do what, by number.
//!
//! Must not give a right by a name: names are only looked up to ask people for a review.

use super::answers::{Member, Person};
use super::{GitlabForge, answers, built, found};
use crate::domain::facts::Right;
use crate::forge::ForgeError;
use gitlab::api::projects::members::AllProjectMember;
use gitlab::api::users::Users;
use std::collections::BTreeSet;
use std::sync::PoisonError;

/// GitLab's roles.
const GUEST: u32 = 10;
const DEVELOPER: u32 = 30;
const MAINTAINER: u32 = 40;
const OWNER: u32 = 50;
/// How many users are kept as bots or people.
const KNOWN: usize = 10_000;

impl GitlabForge {
    /// The role of a user in the project, by itself or through groups; none if there is none.
    pub(super) async fn role(&self, user: u64) -> Result<Option<u32>, ForgeError> {
        let endpoint = built(AllProjectMember::builder().project(self.project).user(user).build())?;
        let member: Option<Member> = found(self.one(endpoint).await)?;
        let active = |member: &Member| member.id == user && member.state.as_deref().is_none_or(|it| it == "active");
        Ok(member.filter(active).map(|member| member.access_level))
    }

    /// Whether a user may push branches, which is what GitLab asks of an approver.
    pub(super) async fn can_write(&self, user: u64) -> Result<bool, ForgeError> {
        Ok(self.role(user).await?.is_some_and(|role| role >= DEVELOPER))
    }

    /// What a user may do. A developer writes only where developers may merge into the default branch: what
    /// countersign does for a person must not be more than that person could do.
    pub(super) async fn right_of(&self, user: u64) -> Result<Right, ForgeError> {
        let Some(role) = self.role(user).await? else { return Ok(Right::None) };
        Ok(match role {
            OWNER.. => Right::Admin,
            MAINTAINER.. => Right::Write,
            DEVELOPER.. if self.developers_merge().await? => Right::Write,
            GUEST.. => Right::Read,
            _ => Right::None,
        })
    }

    async fn developers_merge(&self) -> Result<bool, ForgeError> {
        let Some(name) = self.project().await?.default_branch else { return Ok(false) };
        let branch = self.branch(&name).await?;
        Ok(branch.is_some_and(|branch| !branch.protected || branch.developers_can_merge))
    }

    /// The numbers of the people to ask for a review; groups, and names that nobody has, are left out.
    pub(super) async fn reviewers(&self, names: &[String]) -> Result<BTreeSet<u64>, ForgeError> {
        let bot = self.bot().await?.id;
        let mut asked = BTreeSet::new();
        for name in names.iter().map(|name| name.trim_start_matches('@')) {
            if name.is_empty() || name.contains('/') {
                continue;
            }
            let endpoint = built(Users::builder().username(name).build())?;
            let users: Vec<Person> = self.list(endpoint, 2).await?;
            asked.extend(users.into_iter().filter(|user| user.username == name && user.id != bot).map(|user| user.id));
        }
        Ok(asked)
    }

    /// Whether a user is a bot; one that cannot be asked for is taken for one, because nothing is obeyed from bots.
    pub(super) async fn is_bot(&self, user: u64) -> Result<bool, ForgeError> {
        if let Some(known) = self.bots.lock().unwrap_or_else(PoisonError::into_inner).get(&user) {
            return Ok(*known);
        }
        let endpoint = built(gitlab::api::users::User::builder().user(user).build())?;
        let profile: Option<answers::Profile> = found(self.one(endpoint).await)?;
        let bot = profile.is_none_or(|profile| profile.id != user || profile.bot.unwrap_or(false));
        let mut known = self.bots.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(user, bot);
        Ok(bot)
    }
}
