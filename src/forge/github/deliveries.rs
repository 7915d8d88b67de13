//! The App's webhook deliveries: which ones failed, and asking for them again.
//!
//! Must not read what they said: a delivery is a hint, and this only asks that the hint be given again.

use super::app::App;
use super::shape::When;
use super::talk::{Talk, Verb};
use crate::domain::ids::Time;
use crate::forge::ForgeError;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pages of deliveries that are looked at.
const PAGES: usize = 10;

/// One delivery of a webhook.
#[derive(Deserialize)]
struct Delivery {
    /// GitHub's number for this attempt.
    id: u64,
    /// The id that stays the same when it is sent again.
    guid: String,
    /// When it was sent.
    delivered_at: When,
    /// What we answered; 0 where nothing came.
    status_code: u16,
}

impl App {
    /// Asks for every delivery since this moment to be sent again whose attempts all failed; answers how many.
    pub async fn redeliver(self: &Arc<App>, since: Time) -> Result<usize, ForgeError> {
        // Deliveries belong to the App, not to a repository: none is asked about.
        let talk = Talk::new(self.clone(), 0, 0);
        let found = deliveries(&talk, since).await?;
        let arrived: BTreeSet<&str> =
            found.iter().filter(|it| (200..300).contains(&it.status_code)).map(|it| it.guid.as_str()).collect();
        let mut asked = BTreeSet::new();
        for lost in found.iter().filter(|it| !arrived.contains(it.guid.as_str())) {
            if asked.insert(lost.guid.as_str()) {
                let what = format!("delivery {} again", lost.id);
                let route = format!("/app/hook/deliveries/{}/attempts", lost.id);
                let answer = talk.as_app(&what, Verb::Post, &route, None).await?;
                talk.wanted(&what, &answer, &[202])?;
            }
        }
        Ok(asked.len())
    }
}

/// The deliveries since a moment, newest first.
async fn deliveries(talk: &Talk, since: Time) -> Result<Vec<Delivery>, ForgeError> {
    let (what, mut all, mut cursor) = ("the deliveries", Vec::<Delivery>::new(), String::new());
    for _ in 0..PAGES {
        let route = format!("/app/hook/deliveries?per_page=100{cursor}");
        let answer = talk.as_app(what, Verb::Get, &route, None).await?;
        talk.wanted(what, &answer, &[200])?;
        let page: Vec<Delivery> = answer.read(what)?;
        let older = page.iter().any(|delivery| delivery.delivered_at.0 < since);
        all.extend(page.into_iter().filter(|delivery| delivery.delivered_at.0 >= since));
        let link = answer.headers.get("link").and_then(|link| link.to_str().ok());
        match link.and_then(next_cursor) {
            Some(next) if !older => cursor = format!("&cursor={}", super::route::segment(&next)),
            _ => break,
        }
    }
    Ok(all)
}

/// The cursor of the link to the next page.
fn next_cursor(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let address = next.split(['<', '>']).nth(1)?;
    let (_, query) = address.split_once('?')?;
    let cursor = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cursor")?;
    Some(cursor.1.into_owned())
}
