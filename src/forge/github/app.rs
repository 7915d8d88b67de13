//! The App on one host: its key, its address, the client that all of its repositories share.
//!
//! Must not follow a redirect by itself: where a token goes is decided in one place, `talk`.

use super::clients::Octo;
use super::jwt;
use super::shape::Bot;
use crate::domain::facts::User;
use crate::domain::ids::{Clock, Time};
use crate::forge::ForgeError;
use jsonwebtoken::EncodingKey;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use url::Url;

/// An App on one host.
pub struct App {
    pub(super) id: u64,
    pub(super) api: Url,
    pub(super) client: Client,
    pub(super) clock: Clock,
    key: EncodingKey,
    /// Seconds that GitHub's clock stands before ours, as it last said.
    skew: AtomicI64,
    bot: OnceCell<User>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "App({} at {})", self.id, self.api)
    }
}

impl App {
    /// The App with this number and private key (PEM, PKCS#1 or PKCS#8) whose REST API is at this address.
    pub fn new(id: u64, key: &SecretString, api: &str, clock: Clock) -> Result<App, String> {
        let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes())
            .map_err(|e| format!("the App's private key is not an RSA key in PEM: {e}"))?;
        let api = Url::parse(api).map_err(|e| format!("{api:?} is not an address of an API: {e}"))?;
        if !matches!(api.scheme(), "http" | "https") || api.host_str().is_none() {
            return Err(format!("{api} is not an address of an API: it must begin with https://"));
        }
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(crate::forge::resolve::Guarded)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| format!("the client cannot be made: {e}"))?;
        Ok(App { id, api, client, clock, key, skew: AtomicI64::new(0), bot: OnceCell::new() })
    }

    /// Our moment.
    pub(super) fn now(&self) -> Time {
        (self.clock)()
    }

    /// A client that speaks as the App itself, for its tokens and deliveries.
    pub(super) fn as_app(&self) -> Result<Octo, ForgeError> {
        let now = self.now().plus_seconds(self.skew.load(Ordering::Relaxed));
        self.clients(&jwt::sign(self.id, &self.key, now)?)
    }

    /// Clients with this secret.
    pub(super) fn clients(&self, secret: &SecretString) -> Result<Octo, ForgeError> {
        Octo::new(&self.client, &self.api, &self.graphql(), secret)
    }

    /// Takes the moment that GitHub says it is; answers whether tokens will be dated otherwise from now on.
    pub(super) fn their_clock(&self, theirs: Time) -> bool {
        let skew = theirs.seconds() - self.now().seconds();
        let old = self.skew.swap(skew, Ordering::Relaxed);
        (old - skew).abs() > 30
    }

    /// Where git speaks: the web's address, which is beside the API's.
    pub(super) fn web(&self) -> String {
        let port = self.api.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = self.api.host_str().unwrap_or_default();
        let host = if host == "api.github.com" { "github.com" } else { host };
        format!("{}://{host}{port}", self.api.scheme())
    }

    /// Where GraphQL is: beside `/v3` on an Enterprise Server, below the API elsewhere.
    pub(super) fn graphql(&self) -> Url {
        let mut address = self.api.clone();
        let path = self.api.path().trim_end_matches('/').trim_end_matches("/v3").to_owned();
        address.set_path(&path);
        address
    }

    /// Who we are in comments and reviews; asked once.
    pub(super) async fn bot(&self, ask: impl Future<Output = Result<Bot, ForgeError>>) -> Result<User, ForgeError> {
        let known = self.bot.get_or_try_init(|| async {
            let bot = ask.await?;
            Ok(User { id: bot.id, login: bot.login })
        });
        known.await.cloned()
    }
}
