//! Comments on a pull request.
//!
//! Must not edit a comment that is not ours: by our number and by the mark in its first line.

use super::GithubForge;
use super::shape::{CommentAnswer, ghost};
use super::talk::Verb;
use crate::domain::facts::Comment;
use crate::forge::ForgeError;
use serde_json::{Value, json};

impl GithubForge {
    pub(super) async fn read_comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        let bot = self.talk.bot().await?;
        let what = format!("the comments of #{number}");
        let route = self.talk.at(&format!("/issues/{number}/comments"));
        let found: Vec<CommentAnswer> = self.talk.list(&what, &route, |page: Vec<CommentAnswer>| page).await?;
        let comments = found.into_iter().map(|said| {
            let machine = said.user.as_ref().is_some_and(|by| by.kind == "Bot");
            let by = said.user.map_or_else(ghost, super::shape::Bot::user);
            Comment {
                id: said.id,
                bot: machine || by.id == bot.id,
                by,
                text: said.body.unwrap_or_default(),
                at: said.created_at.0,
                edited: (said.updated_at.0 != said.created_at.0).then_some(said.updated_at.0),
            }
        });
        Ok(comments.collect())
    }

    pub(super) async fn write_comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError> {
        let (bot, mark) = (self.talk.bot().await?, format!("<!-- countersign {key} -->\n"));
        let text = format!("{mark}{text}");
        let comments = self.read_comments(number).await?;
        let ours = |said: &&Comment| said.by.id == bot.id && said.text.replace("\r\n", "\n").starts_with(&mark);
        let (what, body) = (format!("our comment on #{number}"), json!({"body": text}));
        let (verb, route) = match comments.iter().find(ours) {
            Some(said) if said.text == text => return Ok(()),
            Some(said) => (Verb::Patch, self.talk.at(&format!("/issues/comments/{}", said.id))),
            None => (Verb::Post, self.talk.at(&format!("/issues/{number}/comments"))),
        };
        self.talk.write::<Value>(&what, verb, &route, &body).await.map(|_| ())
    }
}
