//! The App's own proof of who it is: a short-lived RS256 token.
//!
//! Must not outlive ten minutes in GitHub's eyes, whichever way our clock stands.

use crate::domain::ids::Time;
use crate::forge::ForgeError;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::SecretString;
use serde::Serialize;

/// Seconds in the past that a token begins: GitHub's clock may stand behind ours.
const EARLIER: i64 = 60;
/// Seconds until a token ends; GitHub takes ten minutes from its own now at most.
const LIFE: i64 = 8 * 60;

#[derive(Serialize)]
struct Claims {
    iss: String,
    iat: i64,
    exp: i64,
}

/// Signs a token of this App for this moment.
pub(super) fn sign(app: u64, key: &EncodingKey, now: Time) -> Result<SecretString, ForgeError> {
    let seconds = now.seconds();
    let claims = Claims { iss: app.to_string(), iat: seconds - EARLIER, exp: seconds + LIFE };
    let signed = encode(&Header::new(Algorithm::RS256), &claims, key);
    signed.map(SecretString::from).map_err(|e| ForgeError::Denied(format!("the App's private key signs nothing: {e}")))
}
