//! The published list of keys, and what an old, skipped or foreign one is worth.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const P256: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEr1PwCaJUl4x1/hHZMpMw+O+hpo6r\nAyZblrTXX1PdEcmKNWMqDt7qnfh/onJzI+VvgFDFhGsU+2wMcrwKkMgzOQ==\n-----END PUBLIC KEY-----\n";

fn root() -> Signer {
    Signer::from_seed(&[21; 32])
}

fn listed(signer: &Signer, state: KeyState) -> ListedKey {
    ListedKey {
        kid: signer.id().to_string(),
        purpose: Purpose::Attestation,
        x: URL_SAFE_NO_PAD.encode(signer.public().as_bytes()),
        state,
        retired: (state == KeyState::Retired).then(|| "2026-01-05T08:30:00Z".to_owned()),
        revoked: None,
    }
}

fn listing(version: u64) -> Listing {
    Listing {
        v: 1,
        instance: "countersign.acme.internal".into(),
        version,
        issued: "2026-01-01T00:00:00Z".into(),
        expires: "2026-04-01T00:00:00Z".into(),
        keys: vec![listed(&signer(), KeyState::Active)],
    }
}

fn code(result: Result<Listing, Fault>) -> String {
    result.map_or_else(|fault| fault.code, |_| "opened".into())
}

#[test]
fn a_published_list_verifies_what_its_keys_signed() {
    let sealed = listing(3).seal(&root());
    let opened = Listing::open(&sealed, &root().public(), Some(2)).unwrap();
    assert_eq!(opened, listing(3));
    let keys = opened.keys(Purpose::Attestation).unwrap();
    assert_eq!((keys.version, keys.keys.len(), keys.expires), (3, 1, Some(at("2026-04-01T00:00:00Z"))));
    assert!(prove(&body(), &keys, at(NOW)).is_ok());
    assert!(opened.keys(Purpose::Log).unwrap().keys.is_empty(), "a key serves its purpose only");
}

#[test]
fn tm40_an_expired_skipped_or_older_list_is_refused() {
    let sealed = |version| listing(version).seal(&root());
    let open = |version, seen| code(Listing::open(&sealed(version), &root().public(), seen));
    assert_eq!(open(3, None), "opened");
    assert_eq!((open(3, Some(3)), open(4, Some(3))), ("opened".into(), "opened".into()));
    assert_eq!(open(5, Some(3)), "keyset.skipped");
    assert_eq!(open(2, Some(3)), "keyset.rolled_back");
    let keys = listing(3).keys(Purpose::Attestation).unwrap();
    let at_time = |time: &str| prove(&body(), &keys, at(time)).expect_err("refused").code;
    assert_eq!(at_time("2026-04-01T00:00:00Z"), "keyset.expired");
    assert_ne!(at_time("2026-03-31T23:59:59Z"), "keyset.expired");
}

#[test]
fn tm41_a_list_that_only_a_new_root_signed_is_refused() {
    let fresh = Signer::from_seed(&[22; 32]);
    let sealed = listing(4).seal(&fresh);
    assert_eq!(code(Listing::open(&sealed, &root().public(), Some(3))), "keyset.signature");
    assert_eq!(code(Listing::open(&sealed, &fresh.public(), Some(3))), "opened", "who pins the new one");
    let mut bytes = listing(4).seal(&root());
    for place in (0..bytes.len()).step_by(7) {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            assert!(Listing::open(&bytes, &root().public(), None).is_err(), "byte {place} bit {bit}");
            bytes[place] ^= 1 << bit;
        }
    }
}

#[test]
fn tm27_a_revoked_key_proves_nothing_it_ever_signed() {
    let mut list = listing(4);
    list.keys[0].state = KeyState::Revoked;
    list.keys[0].revoked = Some(Revocation { at: "2026-01-09T00:00:00Z".into(), reason: "laptop stolen".into() });
    let keys = list.keys(Purpose::Attestation).unwrap();
    assert_eq!(prove(&body(), &keys, at(NOW)).expect_err("revoked").code, "key.revoked", "issued before, all the same");
}

#[test]
fn tm26_what_a_retired_key_signed_before_still_proves() {
    let mut list = listing(4);
    list.keys = vec![listed(&signer(), KeyState::Retired), listed(&root(), KeyState::Active)];
    let keys = list.keys(Purpose::Attestation).unwrap();
    assert!(prove(&body(), &keys, at(NOW)).is_ok(), "issued half an hour before it was retired");
    list.keys[0].retired = Some("2026-01-05T07:59:59Z".into());
    let keys = list.keys(Purpose::Attestation).unwrap();
    assert_eq!(prove(&body(), &keys, at(NOW)).expect_err("later").code, "key.retired");
    list.keys[0].retired = None;
    assert_eq!(list.keys(Purpose::Attestation).expect_err("since when").code, "keyset.malformed");
}

#[test]
fn tm31_keys_of_other_kinds_are_no_keys() {
    assert_eq!(KeySet::from_pem(P256).expect_err("P-256").code, "key.unreadable");
    let with = |change: &dyn Fn(&mut ListedKey)| {
        let mut list = listing(4);
        change(&mut list.keys[0]);
        list.keys(Purpose::Attestation).expect_err("refused").code
    };
    // Another key under our name, a key of small order, a point that is none, no key at all.
    let stranger = URL_SAFE_NO_PAD.encode(Signer::from_seed(&[8; 32]).public().as_bytes());
    assert_eq!(with(&|key| key.x.clone_from(&stranger)), "keyset.malformed");
    for x in [[0; 32], [1; 32], [0xff; 32]] {
        assert_eq!(with(&|key| key.x = URL_SAFE_NO_PAD.encode(x)), "keyset.malformed", "{x:?}");
    }
    assert_eq!(with(&|key| key.x.push('=')), "keyset.malformed");
}
