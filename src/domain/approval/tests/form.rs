//! Headers, segments and signatures.

use super::*;
use hmac::{Hmac, KeyInit as _, Mac as _};

fn with_header(header: &Value) -> String {
    signed(header.to_string().as_bytes(), good().to_string().as_bytes(), 1)
}

fn header_with(member: &str, value: impl Into<Value>) -> Value {
    let mut header = header(1);
    header[member] = value.into();
    header
}

#[test]
fn j1_only_the_pinned_algorithm_is_taken() {
    for alg in ["none", "None", "ES256", "RS256", "eddsa", "EDDSA", "Ed25519", "HS256", ""] {
        assert_eq!(code(&with_header(&header_with("alg", alg))), "token.alg", "{alg}");
    }
    // The public key as the secret of an HMAC.
    let text = format!("{}.{}", part(header_with("alg", "HS256").to_string()), part(good().to_string()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(signer(1).public().as_bytes()).unwrap();
    mac.update(text.as_bytes());
    assert_eq!(code(&format!("{text}.{}", part(mac.finalize().into_bytes()))), "token.form");
    let unsigned = format!("{}.{}.", part(header_with("alg", "none").to_string()), part(good().to_string()));
    assert_eq!(code(&unsigned), "token.form");
    // The other spelling, where it is the pinned one.
    let mut pinned = approver("dana", 1);
    pinned.alg = Alg::Ed25519;
    let (tenant, approvers) = (tenant(), Approvers::new(vec![pinned]).unwrap());
    let judge = |token: String| verify(&token, &approvers, &expected(&tenant));
    assert!(judge(with_header(&header_with("alg", "Ed25519"))).is_ok());
    assert_eq!(judge(token(&good())).unwrap_err().code, "token.alg");
}

#[test]
fn j2_a_header_without_an_algorithm_is_refused() {
    for member in ["alg", "kid", "typ"] {
        let mut header = header(1);
        header.as_object_mut().unwrap().shift_remove(member);
        assert_eq!(code(&with_header(&header)), "token.header", "{member}");
    }
    assert_eq!(code(&with_header(&header_with("alg", Value::Null))), "token.header");
}

#[test]
fn j3_other_members_of_the_header_are_refused() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": part(signer(9).public().as_bytes())});
    let extra = [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/x")),
        ("x5c", json!(["a"])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ];
    for (member, value) in extra {
        assert_eq!(code(&with_header(&header_with(member, value))), "token.header", "{member}");
    }
    let twice = format!(r#"{{"alg":"EdDSA","alg":"none","kid":"{}","typ":"{TYPE}"}}"#, signer(1).id());
    assert_eq!(code(&signed(twice.as_bytes(), good().to_string().as_bytes(), 1)), "token.header");
}

#[test]
fn j4_the_type_is_ours() {
    for typ in ["JWT", "jwt", "at+jwt", "", "application/remediation-approval+jwt", "Remediation-Approval+JWT"] {
        assert_eq!(code(&with_header(&header_with("typ", typ))), "token.type", "{typ}");
    }
}

#[test]
fn j5_the_key_is_a_registered_thumbprint() {
    let unknown = signer(9).id().to_string();
    for kid in [unknown.as_str(), "", "dana", "../../etc/passwd", "0", &"a".repeat(43), "' OR 1=1 --"] {
        assert_eq!(code(&with_header(&header_with("kid", kid))), "token.key_unknown", "{kid}");
    }
    assert_eq!(code(&with_header(&header_with("kid", "k".repeat(10 * 1024)))), "token.too_large");
    // What is no thumbprint is called that, and is not looked for.
    let says = |kid: &str| judged(&with_header(&header_with("kid", kid))).expect_err("refused").sentence;
    for kid in ["a".repeat(42), "a".repeat(44), format!("{}.", "a".repeat(42)), "\u{e4}".repeat(21) + "a"] {
        assert!(says(&kid).contains("RFC 7638"), "{kid}: {}", says(&kid));
    }
    assert!(says(&unknown).contains("no approver"), "{}", says(&unknown));
    // The name of one key over the signature of another.
    assert_eq!(code(&with_header(&header_with("kid", signer(2).id().to_string()))), "token.signature");
    assert_eq!(code(&signed(header(2).to_string().as_bytes(), good().to_string().as_bytes(), 2)), "token.subject");
}

/// The order of the group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn j6_a_signature_has_one_form() {
    let text = token(&good());
    let (body, signature) = text.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let judge = |bytes: &[u8]| code(&format!("{body}.{}", part(bytes)));
    assert_eq!(judge(&signature[..63]), "token.form");
    assert_eq!(judge(&[&signature[..], &[0]].concat()), "token.form");
    assert_eq!(judge(&[0; 64]), "token.signature");
    // S + L says the same to a reader that does not reduce.
    let mut malleable = signature.clone();
    let mut carry = 0;
    for n in 0..32 {
        let sum = u16::from(malleable[32 + n]) + u16::from(ORDER[n]) + carry;
        malleable[32 + n] = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_ne!(malleable, signature);
    assert_eq!(judge(&malleable), "token.signature");
    // A key of small order cannot be registered: it would verify anything.
    for weak in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let members = [("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", part(weak))];
        let members = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        assert!(Approvers::key(&members).unwrap_err().contains("anybody"));
    }
}

#[test]
fn j7_a_token_has_one_spelling() {
    let text = token(&good());
    let [header, payload, signature]: [&str; 3] = text.split('.').collect::<Vec<_>>().try_into().unwrap();
    let standard = |part: &str| part.replace('-', "+").replace('_', "/");
    let spoiled = [
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!(" {text}"),
        format!("{text}\n"),
        format!("{header}. {payload}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{text}."),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        String::new(),
        "..".into(),
        json!({"payload": payload, "protected": header, "signature": signature}).to_string(),
        json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}).to_string(),
    ];
    for token in spoiled {
        assert!(judged(&token).is_err(), "{token}");
    }
    // Some signature holds a character that the two alphabets spell differently.
    let other = (0..64u64).map(|n| token(&with("exp", NOW as u64 + 500 + n))).find(|token| *token != standard(token));
    let other = other.expect("one of 64 does");
    assert!(judged(&other).is_ok());
    assert_eq!(code(&standard(&other)), "token.form");
}

#[test]
fn j8_no_bits_are_left_over() {
    let text = token(&good());
    let last = text.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    // 64 bytes leave four bits of the last character, which must be zero: its neighbours decode to the same bytes.
    assert_eq!(at % 16, 0);
    for slack in 1..16 {
        let other = format!("{}{}", &text[..text.len() - 1], &alphabet[at + slack..=at + slack]);
        assert_eq!(code(&other), "token.form", "{slack}");
    }
}

#[test]
fn a_token_of_the_most_bytes_is_taken_apart_and_one_more_is_not() {
    let longest = "a".repeat(MAX_TOKEN);
    assert_eq!(code(&longest), "token.form");
    assert_eq!(code(&format!("{longest}a")), "token.too_large");
}

#[test]
fn claims_begin_and_end_with_their_braces() {
    let claims = good().to_string();
    for around in [format!("{claims}\n"), format!(" {claims}"), format!("\t{claims} ")] {
        assert_eq!(code(&signed(header(1).to_string().as_bytes(), around.as_bytes(), 1)), "token.claims", "{around:?}");
    }
}
