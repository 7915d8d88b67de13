//! The same tokens, read by a common JWT library.

use super::*;
use ed25519_dalek::pkcs8::{EncodePrivateKey as _, KeypairBytes};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};

fn theirs(token: &str, n: u8) -> Result<Claims, jsonwebtoken::errors::Error> {
    let key = DecodingKey::from_ed_components(&part(signer(n).public().as_bytes()))?;
    let mut rules = Validation::new(Algorithm::EdDSA);
    // Their clock is the machine's: times are compared by ours alone.
    (rules.validate_exp, rules.validate_nbf) = (false, false);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&["https://id.example"]);
    rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    decode::<Claims>(token, &key, &rules).map(|data| data.claims)
}

#[test]
fn what_we_mint_they_read_alike() {
    for n in 0..50_u64 {
        let mut claims: Claims = serde_json::from_value(good()).unwrap();
        (claims.exp, claims.jti) = (NOW as u64 + 60 + n, format!("01890a5d-ac96-774b-bcce-b302099a{n:04}"));
        let text = mint(&claims, Alg::EdDSA, &signer(1));
        assert_eq!(theirs(&text, 1).expect("they read it"), claims);
        assert!(judged(&text).is_ok());
        assert!(theirs(&text, 2).is_err());
    }
}

#[test]
fn what_they_mint_we_read_alike() {
    let der = KeypairBytes { secret_key: [1; 32], public_key: None }.to_pkcs8_der().unwrap();
    let mut header = Header::new(Algorithm::EdDSA);
    (header.typ, header.kid) = (Some(TYPE.into()), Some(signer(1).id().to_string()));
    let text = encode(&header, &good(), &EncodingKey::from_ed_der(der.as_bytes())).expect("they mint");
    assert_eq!(judged(&text).expect("we read it").redeemed.approver, "dana");
    let (body, _) = text.rsplit_once('.').unwrap();
    assert_eq!(text.len() - body.len() - 1, 86);
}

/// What they refuse we refuse; where we are stricter is written down here.
#[test]
fn where_they_refuse_we_refuse() {
    let text = token(&good());
    let mut stricter = 0;
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(other) = String::from_utf8(bytes) else { continue };
        assert!(judged(&other).is_err(), "byte {at}");
        stricter += usize::from(theirs(&other, 1).is_ok());
    }
    // The key's name and type are not theirs to check once the signature holds; a flipped header breaks the signature.
    assert_eq!(stricter, 0);
    let aud = token(&with("aud", json!([AUDIENCE])));
    assert!(judged(&aud).is_err());
}
