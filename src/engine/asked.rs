//! Reads what people ask for in comments, and answers them.
//!
//! Must not take a comment from anywhere but the forge: a webhook only says where to look.

use super::{Engine, Trouble};
use crate::domain::audit::Event;
use crate::domain::facts::{Asked, Comment, Pull, PullState, Right, User};
use crate::domain::ids::Time;
use crate::domain::lifecycle::command::{Answer, Effect, Successor, heard, heeds, listens};
use crate::domain::lifecycle::{Case, Done, Record, Stage};
use crate::domain::policy::verdict::Verdict;
use crate::domain::proposal::ActionKind;
use crate::forge::{Forge, ForgeError};
use crate::render;
use crate::store::{Received, StoreError};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::{debug, warn};
use uuid::{NoContext, Timestamp, Uuid};

/// The key of the one comment that answers commands.
const KEY: &str = "command";
/// The key of the one comment on a landed change that tells of its revert.
pub(super) const REVERT: &str = "revert";

/// The principals that users of forges are known as, by tenant and `github:1234`.
pub type People = BTreeMap<(String, String), Vec<String>>;

/// The most users whose rights are asked for in one turn.
const MOST_WRITERS: usize = 50;

/// The most characters that are kept of a parting comment.
const PARTING: usize = 500;

/// What whoever closed a pull request wrote last on it, command or not; nothing once it was taken note of.
pub(super) async fn parting(
    forge: &Arc<dyn Forge>,
    record: &Record,
    pull: Option<&Pull>,
    bot: &User,
) -> Result<Option<String>, Trouble> {
    let closed = pull.filter(|pull| pull.state == PullState::Closed && record.stage == Stage::Open);
    let Some((pull, by)) = closed.and_then(|pull| Some((pull, pull.closed_by.as_ref()?))) else { return Ok(None) };
    if by.id == bot.id {
        return Ok(None);
    }
    let comments = match forge.comments(pull.number).await {
        Ok(comments) => comments,
        // The reason is for people; without the right to read it the no stands all the same.
        Err(ForgeError::Denied(_) | ForgeError::NotFound(_)) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let last = comments.iter().rev().find(|comment| comment.by.id == by.id && heard(comment, bot.id).is_none());
    let text = last.map(|comment| comment.text.trim().chars().take(PARTING).collect::<String>());
    Ok(text.filter(|text| !text.is_empty()))
}

impl Engine {
    /// The oldest comment on a pull request that asks for something and was not answered.
    pub(super) async fn asked(
        &self,
        forge: &Arc<dyn Forge>,
        record: &Record,
        bot: &User,
    ) -> Result<Option<Asked>, Trouble> {
        let Some(number) = record.pull.filter(|_| listens(record)) else { return Ok(None) };
        let handled = &record.commands.handled;
        let comments = match forge.comments(number).await {
            Ok(comments) => comments,
            // Without the right to read comments nobody is heard, and everything else goes on.
            Err(ForgeError::Denied(why)) => {
                debug!(number, %why, "comments cannot be read");
                return Ok(None);
            }
            Err(other) => return Err(other.into()),
        };
        let new = |comment: &&Comment| !handled.contains(&comment.id) && heard(comment, bot.id).is_some();
        let Some((comment, right)) = first_heeded(forge, record, comments.iter().filter(new)).await? else {
            return Ok(None);
        };
        let user = format!("{}:{}", record.binding.forge, comment.by.id);
        let known = self.people.get(&(record.binding.tenant.to_string(), user.clone()));
        let principals = std::iter::once(user).chain(known.into_iter().flatten().cloned()).collect();
        let mut comment = comment.clone();
        comment.text = self.voice(record).say(comment.text);
        Ok(Some(Asked { comment, right, principals }))
    }

    /// Takes in the proposal that follows, if one does, and writes the answer; both can be repeated.
    pub(super) async fn reply(
        &self,
        forge: &Arc<dyn Forge>,
        case: &Case<'_>,
        answer: &Answer,
        verdict: &Verdict,
    ) -> Result<Done, Trouble> {
        let mut answer = answer.clone();
        let mut follows = None;
        if let Effect::Succeed { successor, .. } = answer.effect.clone() {
            follows = Some(self.follow(case, &successor).await?);
        }
        if let Some(id) = &follows {
            answer.sentence = format!("{} (proposal {id})", answer.sentence);
        }
        if let Some(number) = case.record.pull {
            let text = self.voice(case.record).say(render::answer(&answer, verdict));
            tell(forge, number, KEY, &text).await?;
        }
        Ok(Done::Answered(follows))
    }

    /// Takes in the proposal that takes a landed change back, and says so on its pull request; both can be repeated.
    pub(super) async fn take_back(
        &self,
        forge: &Arc<dyn Forge>,
        case: &Case<'_>,
        successor: &Successor,
    ) -> Result<Done, Trouble> {
        let id = self.follow(case, successor).await?;
        if let Some(number) = case.record.pull {
            let text = self.voice(case.record).say(render::redressed(case.record, &id));
            tell(forge, number, REVERT, &text).await?;
        }
        Ok(Done::Following(id))
    }

    async fn follow(&self, case: &Case<'_>, successor: &Successor) -> Result<String, Trouble> {
        let taken = match self.succeed(case, successor).await {
            // Somebody else has the name: it follows without one.
            Err(StoreError::Duplicate { .. }) => self.succeed(case, &successor.unnamed()?).await,
            other => other,
        };
        Ok(taken?)
    }

    /// Takes a successor in, once: the same comment gives the same bytes.
    async fn succeed(&self, case: &Case<'_>, successor: &Successor) -> Result<String, StoreError> {
        let now = case.facts.now;
        let (sealed, first) = (&successor.sealed, case.record);
        let mut record = Record::received(new_id(now), first.binding.clone(), sealed, &successor.principal, now);
        if record.action_kind == ActionKind::Rollback {
            record.relations.reverts = Some(first.id.clone());
        }
        let payload = json!({
            "digest": record.digest, "name": record.name, "repository": record.binding.to_string(),
            "actionKind": record.action_kind, "target": record.target, "follows": first.id,
        });
        let event = Event { actor: successor.principal.clone(), ..Event::note("proposal.received", payload) };
        let id = record.id.clone();
        match self.store.receive(&record, &sealed.bytes, &[], vec![event], now).await? {
            Received::New => Ok(id),
            Received::Known(known) => Ok(known),
        }
    }
}

/// The oldest comment of somebody who is still answered: who writes without end holds nobody up.
async fn first_heeded<'a>(
    forge: &Arc<dyn Forge>,
    record: &Record,
    comments: impl Iterator<Item = &'a Comment>,
) -> Result<Option<(&'a Comment, Right)>, Trouble> {
    let mut rights = BTreeMap::new();
    for comment in comments {
        let right = match rights.get(&comment.by.id) {
            Some(right) => *right,
            None if rights.len() >= MOST_WRITERS => return Ok(None),
            None => match forge.right(&comment.by).await {
                Ok(right) => right,
                Err(ForgeError::NotFound(_) | ForgeError::Denied(_)) => Right::None,
                Err(other) => return Err(other.into()),
            },
        };
        rights.insert(comment.by.id, right);
        if heeds(record, right) {
            return Ok(Some((comment, right)));
        }
    }
    Ok(None)
}

/// Writes a comment of ours; one that cannot be written is let be: what it tells of is written down.
pub(super) async fn tell(forge: &Arc<dyn Forge>, number: u64, key: &str, text: &str) -> Result<(), Trouble> {
    match forge.comment(number, key, text).await {
        Ok(()) => Ok(()),
        Err(ForgeError::Denied(why) | ForgeError::Rejected(why) | ForgeError::NotFound(why)) => {
            warn!(number, key, %why, "a comment cannot be written");
            Ok(())
        }
        Err(other @ (ForgeError::RateLimited(_) | ForgeError::Transient(_))) => Err(other.into()),
    }
}

fn new_id(now: Time) -> String {
    let micros = u64::try_from(now.0).unwrap_or_default();
    let nanos = u32::try_from(micros % 1_000_000).unwrap_or_default() * 1_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, micros / 1_000_000, nanos)).to_string()
}
