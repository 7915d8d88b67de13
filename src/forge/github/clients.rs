//! The clients that carry one secret.
//!
//! Must not retry, follow a redirect or keep an answer.

use crate::forge::ForgeError;
use octocrab::Octocrab;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Two clients with one secret: the REST API's and GraphQL's.
#[derive(Clone)]
pub(super) struct Octo {
    pub(super) rest: Octocrab,
    pub(super) graph: Octocrab,
}

impl Octo {
    /// Clients with this secret for the REST API and GraphQL at these addresses.
    pub(super) fn new(client: &Client, api: &Url, graphql: &Url, secret: &SecretString) -> Result<Octo, ForgeError> {
        let made = |address: &Url| {
            let builder = Octocrab::builder().personal_token(secret.expose_secret().to_owned());
            let builder = builder.base_uri(address.as_str())?.upload_uri(address.as_str())?;
            builder.build_with_reqwest(client.clone())
        };
        let both = made(api).and_then(|rest| Ok(Octo { rest, graph: made(graphql)? }));
        both.map_err(|e| ForgeError::Rejected(format!("no client for {api}: {e}")))
    }
}
