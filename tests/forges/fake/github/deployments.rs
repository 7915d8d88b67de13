//! Deployments of commits, and what became of each.

use super::checks::page;
use super::hub::{At, Hub, Said, not_found, ok};
use super::objects::date;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use countersign::domain::ids::{Oid, Time};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A deployment; its statuses are in the order in which they were written.
#[derive(Clone)]
pub struct Deployed {
    commit: String,
    environment: String,
    statuses: Vec<&'static str>,
    at: Time,
}

impl Hub {
    /// Somebody deploys a commit.
    pub fn deploys(&self, commit: &Oid, environment: &str, statuses: &[&'static str]) {
        let (commit, environment, at) = (commit.to_string(), environment.to_owned(), self.clock.now());
        self.extra().deployments.push(Deployed { commit, environment, statuses: statuses.to_vec(), at });
    }

    /// The installation grants that deployments are read.
    pub fn grants_deployments(&self) {
        self.mood().grants.insert("deployments".into(), "read".into());
    }
}

fn object(hub: &Hub, number: usize, deployed: &Deployed) -> Value {
    let at = hub.api(&format!("/deployments/{number}"));
    json!({
        "url": at, "id": number, "node_id": format!("DE_{number}"), "task": "deploy", "sha": deployed.commit, "ref": "main",
        "original_environment": deployed.environment, "environment": deployed.environment, "description": null,
        "payload": {}, "creator": null, "created_at": date(deployed.at), "updated_at": date(deployed.at),
        "statuses_url": format!("{at}/statuses"), "repository_url": hub.api(""), "transient_environment": false,
        "production_environment": deployed.environment == "production"
    })
}

pub async fn list(State(hub): At, Query(query): Query<BTreeMap<String, String>>, headers: HeaderMap) -> Said {
    hub.may(&headers, "deployments", "read")?;
    let all = hub.extra().deployments.clone();
    let fits = |it: &Deployed| {
        query.get("sha").is_none_or(|sha| *sha == it.commit)
            && query.get("environment").is_none_or(|name| *name == it.environment)
    };
    let found = all.iter().enumerate().rev().filter(|(_, it)| fits(it));
    ok(page(found.map(|(place, it)| object(&hub, place + 1, it)).collect(), &query).into())
}

pub async fn statuses(
    State(hub): At,
    Path(number): Path<usize>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Said {
    hub.may(&headers, "deployments", "read")?;
    let found = number.checked_sub(1).and_then(|place| hub.extra().deployments.get(place).cloned());
    let deployed = found.ok_or_else(not_found)?;
    let at = hub.api(&format!("/deployments/{number}"));
    let object = |(place, state): (usize, &&str)| {
        let id = number * 100 + place;
        json!({
            "url": format!("{at}/statuses/{id}"), "id": id, "node_id": format!("DS_{id}"), "state": state, "creator": null,
            "description": "", "environment": deployed.environment, "target_url": "", "created_at": date(deployed.at),
            "updated_at": date(deployed.at), "deployment_url": at, "repository_url": hub.api(""), "environment_url": "",
            "log_url": ""
        })
    };
    ok(page(deployed.statuses.iter().enumerate().rev().map(object).collect(), &query).into())
}
