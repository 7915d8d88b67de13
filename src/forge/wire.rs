//! Git's smart protocol over HTTP, with one authorization and our own rules.
//!
//! Must not follow a redirect, must not send its secret to any other address, and must not read without a bound.

use super::ForgeError;
use super::wait;
use crate::domain::ids::Time;
use crate::git::{Speech, Wire};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

/// A list of refs over so many bytes is refused.
const REFS: u64 = 64 << 20;

/// One repository at a forge, over HTTP. Works on blocking threads of the runtime it was made on.
pub(super) struct HttpWire {
    client: Client,
    address: String,
    user: &'static str,
    secret: SecretString,
    limit: u64,
    now: Time,
    runtime: Handle,
    trouble: Mutex<Option<ForgeError>>,
}

impl HttpWire {
    /// The wire to the repository at this address, `https://host/owner/name.git`; more than `limit` bytes in one answer
    /// are an error. The client must not follow redirects.
    pub(super) fn new(
        client: Client,
        address: String,
        (user, secret): (&'static str, SecretString),
        limit: u64,
        now: Time,
    ) -> HttpWire {
        let runtime = Handle::current();
        HttpWire { client, address, user, secret, limit, now, runtime, trouble: Mutex::default() }
    }

    /// Why the last exchange failed, in the words of the port; libgit2 keeps a text only.
    pub(super) fn trouble(&self) -> Option<ForgeError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the last exchange failed.
    pub(super) fn met_trouble(&self) -> bool {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn send(&self, request: RequestBuilder, wanted: &str, limit: u64) -> io::Result<Box<dyn Read + Send>> {
        let request = request.basic_auth(self.user, Some(self.secret.expose_secret()));
        let answered = self.runtime.block_on(request.send());
        let checked = answered
            .map_err(|e| ForgeError::Transient(format!("git over http: {}", e.without_url())))
            .and_then(|response| self.check(response, wanted));
        match checked {
            Ok(response) => {
                let runtime = self.runtime.clone();
                Ok(Box::new(Answer { runtime, response, chunk: Vec::new(), at: 0, left: limit }))
            }
            Err(trouble) => {
                let text = trouble.to_string();
                *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
                Err(io::Error::other(text))
            }
        }
    }

    fn check(&self, response: Response, wanted: &str) -> Result<Response, ForgeError> {
        let status = response.status();
        let said = format!("git over http: {status}");
        match status {
            StatusCode::OK => {
                let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
                let fits = kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind == wanted);
                if fits { Ok(response) } else { Err(ForgeError::Transient(format!("{said}, not of git's media type"))) }
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(ForgeError::Denied(said)),
            StatusCode::NOT_FOUND => Err(ForgeError::NotFound(said)),
            StatusCode::TOO_MANY_REQUESTS => {
                Err(ForgeError::RateLimited(wait::sane(wait::retry_after(response.headers(), self.now), self.now)))
            }
            status if status.is_redirection() => Err(ForgeError::Denied(format!("{said}: it points elsewhere"))),
            _ => Err(ForgeError::Transient(said)),
        }
    }
}

impl Wire for HttpWire {
    fn refs(&self, speech: Speech) -> io::Result<Box<dyn Read + Send>> {
        let service = speech.service();
        let request = self.client.get(format!("{}/info/refs?service={service}", self.address));
        self.send(request, &format!("application/x-{service}-advertisement"), REFS)
    }

    fn exchange(&self, speech: Speech, body: Vec<u8>) -> io::Result<Box<dyn Read + Send>> {
        let service = speech.service();
        let request = self.client.post(format!("{}/{service}", self.address));
        let request = request.header("Content-Type", format!("application/x-{service}-request"));
        let result = format!("application/x-{service}-result");
        self.send(request.header("Accept", result.clone()).body(body), &result, self.limit)
    }
}

/// The body of an answer, read as it comes.
struct Answer {
    runtime: Handle,
    response: Response,
    chunk: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            let next = self.runtime.block_on(self.response.chunk());
            match next.map_err(|e| io::Error::other(e.without_url()))? {
                None => return Ok(0),
                Some(chunk) => {
                    let size = chunk.len() as u64;
                    self.left =
                        self.left.checked_sub(size).ok_or_else(|| io::Error::other("the answer is too large"))?;
                    self.chunk = chunk.to_vec();
                    self.at = 0;
                }
            }
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let size = rest.len().min(buffer.len());
        let (Some(from), Some(to)) = (rest.get(..size), buffer.get_mut(..size)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.at += size;
        Ok(size)
    }
}
