//! What GitHub is asked and what it answers, as the wire has it.
//!
//! Must not judge an answer: `error` and those who asked do.

use crate::forge::ForgeError;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

/// How a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Patch,
    Put,
}

impl Verb {
    /// As HTTP spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Patch => "PATCH",
            Verb::Put => "PUT",
        }
    }
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as what was asked for; anything else cannot be trusted.
    pub(super) fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, ForgeError> {
        serde_json::from_slice(&self.body).map_err(|e| {
            ForgeError::Transient(format!("{what}: {} with an answer that cannot be read: {e}", self.status))
        })
    }
}
