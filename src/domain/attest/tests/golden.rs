//! Vectors: what is signed, byte for byte, under the key of RFC 8032, TEST 1.

use super::*;

const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

fn hex_of(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// Type, body, the encoding that is signed (none where the table names it elsewhere), signature.
const VECTORS: [(&str, &str, &str, &str); 7] = [
    (
        "",
        "",
        "445353457631203020203020",
        "f814eebe6c0b24cb85d6ac3a7730869209223ea9feaea470160ce97a9b5b17980a84893f5a2c6d554689c329e89eeaac6167cd58a5317a0f798d6fbff21d0f00",
    ),
    (
        "application/vnd.in-toto+json",
        "7b7d",
        "445353457631203238206170706c69636174696f6e2f766e642e696e2d746f746f2b6a736f6e2032207b7d",
        "bd6f220e84bea5022b3bc1bda55f951d519cbd8fd7706321daf7d6a49270c2b1ff9b809166cc2c97dc080122ff9f65cded148d22a762a20c1892ab240c566201",
    ),
    (
        "http://example.com/HelloWorld",
        "68656c6c6f20776f726c64",
        "",
        "e031d7dd99f8aa904abc48fb99a13c3bdbbd6e35c49cf2cb9f25d5509d8f5c947c0d22dc2f7403a45bdf24e8f7a41fd23c7b25e898386e8c6c31be8abee60007",
    ),
    (
        "application/vnd.in-toto+json",
        "68c3a96c6c6f20e29c93",
        "445353457631203238206170706c69636174696f6e2f766e642e696e2d746f746f2b6a736f6e2031302068c3a96c6c6f20e29c93",
        "58ac1f6c0e47ab0d4c2150149f9fdcaf42131e67e18e9fd46be4b9000c99b7e7622fe49160f931ac661fcfe23068ac4acfe09813ba556360d2dbe9260648d004",
    ),
    (
        "a 1 b",
        "63",
        "445353457631203520612031206220312063",
        "d28505f2d1a41ce0e28ba88a51a28206c3ff6a9def37a1731d3ea7e076ebd4d2200a85faf087b0c13cce5adb5152d949c20b6f6fdea8ae4b62352b26794ad905",
    ),
    (
        "\u{e9}",
        "78",
        "445353457631203220c3a920312078",
        "6bb4b17c23e7a39ca66b9923ba6f542a90eb2a56b65e3dc4d2a8b3d52b68a8be615be98049dbc557027b7109c1cc520a830ed31e149610b1b43542008c28b001",
    ),
    (
        "application/example",
        "000d0aff",
        "445353457631203139206170706c69636174696f6e2f6578616d706c65203420000d0aff",
        "e5f81aaaa8c58ebe6872c850565cadb863f743088b5a84fde422b2e2df28ed2b4b401c97112138a1c356741da4b79d605d7746d11e21f8565406387b376b360e",
    ),
];

fn test_one() -> Signer {
    let mut seed = [0; 32];
    hex::decode_to_slice(SEED, &mut seed).unwrap();
    Signer::from_seed(&seed)
}

#[test]
fn the_encoding_and_the_signatures_are_the_published_ones() {
    let signer = test_one();
    assert_eq!(hex_of(signer.public().as_bytes()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_eq!(signer.id().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    for (kind, body, encoded, signature) in VECTORS {
        let signed = pae(kind, &hex::decode(body).unwrap());
        if !encoded.is_empty() {
            assert_eq!(hex_of(&signed), encoded, "{kind}");
        }
        assert_eq!(hex_of(&signer.sign(&signed)), signature, "{kind}");
        assert!(super::super::keys::verify(&signer.public(), &signed, &hex::decode(signature).unwrap()));
    }
    let hello = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(hello, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(Digest::of(&hello).to_string(), "217751fac2c4f14edb2c9297fbc34abcb016ba88e74757e875ec4ac16fb6b6a1");
}

/// What is signed for one purpose begins in a way that nothing else does.
#[test]
fn no_signature_serves_two_purposes() {
    let encoded = pae(PAYLOAD_TYPE, b"{}");
    assert!(encoded.starts_with(b"DSSEv1 ") && pae(KEYSET_TYPE, b"{}").starts_with(b"DSSEv1 "));
    assert_ne!(pae(PAYLOAD_TYPE, b"{}"), pae(KEYSET_TYPE, b"{}"));
    // A token is signed over base64url JSON, a checkpoint over its origin, which holds no blank.
    assert!(!encoded.starts_with(b"eyJ"));
    let first = encoded.split(|b| *b == b'\n').next().unwrap();
    assert!(first.contains(&b' '), "an origin has no blank");
}
