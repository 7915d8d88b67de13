//! The repository and its objects: real blobs, trees and commits in the bare repository.

use super::bot;
use super::hub::{At, Hub, Said, created, not_found, ok, refusal};
use super::objects::LONG_AGO;
use crate::fake::git_http;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::{ObjectType, Oid};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub async fn repository(State(hub): At, headers: HeaderMap) -> Said {
    hub.may(&headers, "metadata", "read")?;
    ok(hub.repository())
}

fn object(hub: &Hub, sha: &str, kind: ObjectType) -> Option<Oid> {
    let id = Oid::from_str(sha).ok().filter(|_| sha.len() == 40)?;
    let repo = hub.git();
    let (_, found) = repo.odb().unwrap().read_header(id).ok()?;
    (found == kind).then_some(id)
}

fn reference_object(hub: &Hub, name: &str, sha: &str) -> Value {
    json!({
        "ref": name, "node_id": format!("REF_{name}"), "url": hub.api(&format!("/git/{name}")),
        "object": {"sha": sha, "type": "commit", "url": hub.api(&format!("/git/commits/{sha}"))}
    })
}

pub async fn reference(State(hub): At, Path(name): Path<String>, headers: HeaderMap) -> Said {
    hub.may(&headers, "contents", "read")?;
    let name = format!("refs/{name}");
    match hub.bare().reference(&name) {
        Ok(Some(sha)) => ok(reference_object(&hub, &name, sha.as_str())),
        _ => Err(not_found()),
    }
}

pub async fn make_reference(State(hub): At, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "contents", "write")?;
    let (Some(name), Some(sha)) = (body["ref"].as_str(), body["sha"].as_str()) else {
        return Err(refusal(422, "Invalid request.\n\n\"ref\", \"sha\" weren't supplied."));
    };
    if !name.starts_with("refs/heads/") {
        return Err(refusal(422, "Reference name must start with 'refs/heads/'"));
    }
    if object(&hub, sha, ObjectType::Commit).is_none() {
        return Err(refusal(422, "Object does not exist"));
    }
    match hub.bare().move_reference(name, None, Some(&sha.parse().unwrap())) {
        Ok(true) => created(reference_object(&hub, name, sha)),
        Ok(false) => Err(refusal(422, "Reference already exists")),
        Err(_) => Err(refusal(422, "Reference name is not valid")),
    }
}

pub async fn make_blob(State(hub): At, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "contents", "write")?;
    let content = body["content"].as_str().ok_or_else(|| refusal(422, "content is missing"))?;
    let bytes = match body["encoding"].as_str() {
        Some("base64") => STANDARD.decode(content).map_err(|_| refusal(422, "content is not valid Base64"))?,
        _ => content.as_bytes().to_vec(),
    };
    let sha = hub.git().blob(&bytes).unwrap().to_string();
    created(json!({"sha": sha, "url": hub.api(&format!("/git/blobs/{sha}"))}))
}

pub async fn make_tree(State(hub): At, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "contents", "write")?;
    let repo = hub.git();
    let base = body["base_tree"].as_str().and_then(|sha| object(&hub, sha, ObjectType::Tree));
    let base =
        base.and_then(|id| repo.find_tree(id).ok()).ok_or_else(|| refusal(422, "base_tree is not a valid tree"))?;
    let mut update = git2::build::TreeUpdateBuilder::new();
    for entry in body["tree"].as_array().into_iter().flatten() {
        let path = entry["path"].as_str().ok_or_else(|| refusal(422, "tree.path is missing"))?;
        if path.starts_with(".github/workflows/") {
            return Err(refusal(403, "Resource not accessible by integration"));
        }
        match entry["sha"].as_str() {
            Some(sha) => {
                let id = object(&hub, sha, ObjectType::Blob);
                let id = id.ok_or_else(|| refusal(422, "tree.sha does not exist"))?;
                let mode = match entry["mode"].as_str() {
                    Some("100644") => git2::FileMode::Blob,
                    Some("100755") => git2::FileMode::BlobExecutable,
                    _ => return Err(refusal(422, "tree.mode is not valid")),
                };
                update.upsert(path, id, mode);
            }
            None => {
                update.remove(path);
            }
        }
    }
    let made = update.create_updated(&repo, &base).map_err(|_| refusal(422, "GitRPC::BadObjectState"))?;
    let made = repo.find_tree(made).unwrap();
    let entries: Vec<Value> = made
        .iter()
        .map(|entry| {
            let kind = if entry.kind() == Some(ObjectType::Tree) { "tree" } else { "blob" };
            json!({
                "path": entry.name().unwrap(), "mode": format!("{:06o}", entry.filemode()), "type": kind,
                "sha": entry.id().to_string(), "url": hub.api(&format!("/git/{kind}s/{}", entry.id()))
            })
        })
        .collect();
    let sha = made.id().to_string();
    created(json!({"sha": sha, "url": hub.api(&format!("/git/trees/{sha}")), "tree": entries, "truncated": false}))
}

pub async fn make_commit(State(hub): At, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "contents", "write")?;
    let repo = hub.git();
    let tree = body["tree"].as_str().and_then(|sha| object(&hub, sha, ObjectType::Tree));
    let tree = tree.and_then(|id| repo.find_tree(id).ok()).ok_or_else(|| refusal(422, "Tree SHA does not exist"))?;
    let mut parents = Vec::new();
    for parent in body["parents"].as_array().into_iter().flatten() {
        let id = object(&hub, parent.as_str().unwrap_or_default(), ObjectType::Commit);
        let id = id.ok_or_else(|| refusal(422, "Parent SHA does not exist or is not a commit object"))?;
        parents.push(repo.find_commit(id).unwrap());
    }
    let message = body["message"].as_str().ok_or_else(|| refusal(422, "message is missing"))?;
    let signed = hub.mood().signs && body["author"].is_null() && body["committer"].is_null();
    let time = git2::Time::new(hub.seconds(), 0);
    let who = bot();
    let author = format!("{}+{}@users.noreply.github.com", who.id, who.login);
    let author = git2::Signature::new(&who.login, &author, &time).unwrap();
    let committer = git2::Signature::new("GitHub", "noreply@github.com", &time).unwrap();
    let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
    let id = repo.commit(None, &author, &committer, message, &tree, &parents).unwrap();
    let mut answer = git_commit(&hub, id);
    let (sha, seen) = (id.to_string(), LONG_AGO);
    answer["sha"] = sha.clone().into();
    answer["node_id"] = format!("C_{sha}").into();
    answer["url"] = hub.api(&format!("/git/commits/{sha}")).into();
    answer["html_url"] = hub.html(&format!("/commit/{sha}")).into();
    answer["parents"] = parents
        .iter()
        .map(|parent| {
            let sha = parent.id().to_string();
            json!({"sha": sha, "url": hub.api(&format!("/git/commits/{sha}")), "html_url": hub.html(&format!("/commit/{sha}"))})
        })
        .collect();
    answer["verification"] = if signed {
        json!({"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----", "payload": "tree", "verified_at": seen})
    } else {
        json!({"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null})
    };
    answer.as_object_mut().unwrap().remove("comment_count");
    created(answer)
}

/// The part of a commit that git knows.
fn git_commit(hub: &Hub, id: Oid) -> Value {
    let repo = hub.git();
    let commit = repo.find_commit(id).unwrap();
    let person = |by: git2::Signature<'_>| {
        let at = jiff::Timestamp::from_second(by.when().seconds()).unwrap().to_string();
        json!({"name": by.name().unwrap(), "email": by.email().unwrap(), "date": at})
    };
    let tree = commit.tree_id().to_string();
    json!({
        "url": hub.api(&format!("/git/commits/{id}")), "author": person(commit.author()),
        "committer": person(commit.committer()), "message": commit.message().unwrap(), "comment_count": 0,
        "tree": {"sha": tree, "url": hub.api(&format!("/git/trees/{tree}"))}
    })
}

/// A commit with the people GitHub knows by their addresses.
pub fn commit_object(hub: &Hub, id: Oid) -> Value {
    let (repo, sha) = (hub.git(), id.to_string());
    let commit = repo.find_commit(id).unwrap();
    let known = |by: git2::Signature<'_>| {
        let email = by.email().unwrap_or_default().to_owned();
        let number = email.split('+').next().and_then(|number| number.parse().ok());
        number.and_then(|number| hub.somebody(number)).map_or(Value::Null, |user| hub.user(&user))
    };
    let parents: Vec<Value> = commit
        .parent_ids()
        .map(|id| json!({"sha": id.to_string(), "url": hub.api(&format!("/commits/{id}")), "html_url": hub.html(&format!("/commit/{id}"))}))
        .collect();
    json!({
        "sha": sha, "node_id": format!("C_{sha}"), "url": hub.api(&format!("/commits/{sha}")),
        "html_url": hub.html(&format!("/commit/{sha}")), "comments_url": hub.api(&format!("/commits/{sha}/comments")),
        "commit": git_commit(hub, id), "author": known(commit.author()), "committer": known(commit.committer()),
        "parents": parents, "stats": {"total": 0, "additions": 0, "deletions": 0}, "files": []
    })
}

pub async fn commit(State(hub): At, Path(sha): Path<String>, headers: HeaderMap) -> Said {
    hub.may(&headers, "contents", "read")?;
    match object(&hub, &sha, ObjectType::Commit) {
        Some(id) => ok(commit_object(&hub, id)),
        None => Err(refusal(422, &format!("No commit found for SHA: {sha}"))),
    }
}

/// Git over HTTP with the same tokens; an old name is pointed to the new one.
fn opened(hub: &Hub, name: &str, headers: &HeaderMap, level: &str) -> Result<(), Response> {
    let Some((user, token)) = git_http::basic(headers) else { return Err(git_http::status(401)) };
    if user != "x-access-token" || hub.token_may(&token, "contents", level).is_err() {
        return Err(git_http::status(401));
    }
    if format!("acme/{name}") != format!("{}.git", hub.mood().name) {
        return Err(git_http::status(404));
    }
    Ok(())
}

pub async fn advertise(
    State(hub): At,
    Path(name): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Said {
    let service = query.get("service").cloned().unwrap_or_default();
    opened(&hub, &name, &headers, if service == "git-receive-pack" { "write" } else { "read" })?;
    Ok(git_http::refs(&hub.place.path, &service).await)
}

pub async fn upload_pack(State(hub): At, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Said {
    opened(&hub, &name, &headers, "read")?;
    Ok(git_http::exchange(&hub.place.path, "git-upload-pack", body).await)
}

pub async fn receive_pack(State(hub): At, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Said {
    opened(&hub, &name, &headers, "write")?;
    Ok(git_http::exchange(&hub.place.path, "git-receive-pack", body).await)
}
