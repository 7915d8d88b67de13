//! Fetches one document from an address: bounded, without a credential, and not followed elsewhere.
//!
//! Must not show more of an address than its host, nor wait for ever.

use super::resolve::Guarded;
use reqwest::{Client, StatusCode, Url, redirect};
use std::time::Duration;

/// The longest that it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The document at an address, of at most so many bytes.
pub async fn fetch(url: &str, most: usize) -> Result<Vec<u8>, String> {
    let url = Url::parse(url).map_err(|error| format!("the address cannot be read: {error}"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let failed = |error: reqwest::Error| format!("no answer from {host}: {}", cause(&error));
    let client = Client::builder()
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .dns_resolver(Guarded)
        .user_agent("countersign")
        .build()
        .map_err(failed)?;
    let mut answer = client.get(url).send().await.map_err(failed)?;
    match answer.status() {
        StatusCode::OK => {}
        status if status.is_redirection() => return Err(format!("{host} points elsewhere: write the address itself")),
        status => return Err(format!("{host} answers {status}")),
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > most {
            return Err(format!("{host} answers with more than {most} bytes"));
        }
    }
    Ok(bytes)
}

/// The innermost cause: the outer ones repeat the address.
pub fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    inner.to_string()
}
