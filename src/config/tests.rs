use super::*;
use std::os::unix::fs::PermissionsExt as _;

const GOOD: &str = r#"
instance = "bot.example"
[[tenant]]
id = "acme"
[[tenant.token]]
principal = "agent:x"
roles = ["propose", "read"]
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
[[tenant.repository]]
forge = "local"
name = "acme/shop"
id = 1
path = "shop.git"
"#;

fn load(text: &str) -> anyhow::Result<Settings> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, text).expect("written");
    Settings::load(&path, &|_| None)
}

#[test]
fn settings_are_read_and_paths_resolved() {
    let settings = load(GOOD).expect("good");
    assert!(settings.data.is_absolute() || settings.data.starts_with("/"));
    let (tenant, repository) = settings.find(ForgeKind::Local, "acme/shop").expect("listed");
    assert_eq!(repository.binding(&tenant.id).key(), "local:local:1");
    assert!(repository.path.as_ref().is_some_and(|path| path.is_absolute()));
}

#[test]
fn tm59_faults_name_their_place() {
    let second = "[[tenant.repository]]\nforge = \"local\"\nname = \"acme/other\"\nid = 1\npath = \"x\"\n";
    let other =
        "[[tenant]]\nid = \"b\"\n[[tenant.repository]]\nforge = \"local\"\nname = \"b/x\"\nid = 1\npath = \"x\"\n";
    let cases = [
        (format!("{GOOD}{second}"), "stands twice"),
        (format!("{GOOD}{other}"), "tenant `b`"),
        (format!("{GOOD}colour = 1\n"), "colour"),
        (GOOD.replace("bot.example", ""), "instance"),
        (GOOD.replace("\"read\"", "\"root\""), "root"),
        (GOOD.replace("id = 1", "id = 0"), "at least 1"),
        (GOOD.replace("path = \"shop.git\"\n", ""), "needs path"),
        (GOOD.replace("\"local\"", "\"github\""), "installation = <number>"),
        (GOOD.replace("\"local\"", "\"gitlab\""), "no [[gitlab]] with host"),
        (GOOD.replace("aaaa", "AAAA"), "SHA-256"),
        (GOOD.replace("id = \"acme\"", "id = \"a/b\""), "tenant `a/b`"),
        (format!("listen = \"nowhere\"\n{GOOD}"), "listen"),
        (format!("database = \"mysql://x\"\n{GOOD}"), "database"),
    ];
    for (text, wanted) in cases {
        let error = format!("{:#}", load(&text).expect_err(wanted));
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}

#[test]
fn the_environment_overrides() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, GOOD).expect("written");
    let env = |name: &str| (name == "COUNTERSIGN_INSTANCE").then(|| "other.example".to_owned());
    assert_eq!(Settings::load(&path, &env).expect("good").instance, "other.example");
    let both = |name: &str| name.starts_with("COUNTERSIGN_DATABASE").then(|| "x".to_owned());
    assert!(Settings::load(&path, &both).is_err());
}

#[test]
fn keys_are_made_once_and_kept_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    assert!(Keys::load(&keys).expect_err("none").to_string().contains("keys generate"));
    let made = Keys::generate(&keys, crate::domain::ids::Time(0)).expect("made");
    assert_eq!(Keys::load(&keys).expect("read").attestation.id(), made.attestation.id());
    assert!(Keys::generate(&keys, crate::domain::ids::Time(0)).is_err());
    let private = keys.join("attestation.key");
    let text = std::fs::read_to_string(&private).expect("pem");
    assert!(text.contains("BEGIN PRIVATE KEY"));
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o644)).expect("mode");
    assert!(format!("{:#}", Keys::load(&keys).expect_err("open to others")).contains("chmod 600"));
}

#[test]
fn tokens_are_random_and_kept_hashed() {
    let (one, two) = (NewToken::make().expect("made"), NewToken::make().expect("made"));
    assert_ne!(one.sha256, two.sha256);
    assert_eq!(token_digest(&one.secret), one.sha256);
    assert!(!format!("{one:?}").contains("cs_"));
}

mod roster;

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const OTHER_X: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

/// A key whose thumbprint begins with `sk-`, as a token of somebody else does.
const SECRETIVE_X: &str = "RnzsBLBBcaRQoubeUNEm_2h2R7oBaJ7QKlnxfLfa920";

fn with_approver(more: &str) -> String {
    let start = "[[tenant.repository]]";
    GOOD.replacen(start, &format!("[[tenant.approver]]\nid = \"dana\"\n{more}\n{start}"), 1)
}

fn jwk(x: &str) -> String {
    format!("jwk = {{kty = \"OKP\", crv = \"Ed25519\", x = \"{x}\"}}")
}

fn everybody(settings: &Settings) -> crate::domain::approval::Approvers {
    Roster::of(settings).expect("good").approvers(&settings.tenants[0].id, crate::domain::ids::Time(0))
}

#[test]
fn approvers_are_people_with_keys_of_their_own() {
    let settings = load(&with_approver(&jwk(X))).expect("good");
    let approvers = everybody(&settings);
    let dana = approvers.iter().next().expect("one");
    assert_eq!(
        (dana.id.as_str(), dana.issuer.as_str(), dana.person.as_str(), dana.keys.len()),
        ("dana", "dana", "dana", 1)
    );
    let second = format!("{}\n[[tenant.approver]]\nid = \"kim\"\n{}", jwk(X), jwk(X));
    let twice = format!("{}\n[[tenant.approver]]\nid = \"dana\"\n{}", jwk(X), jwk(OTHER_X));
    let cases = [
        (String::new(), "either jwk or jwks_file"),
        (format!("{}\njwks_file = \"a.json\"", jwk(X)), "either jwk or jwks_file"),
        (jwk("short"), "43 characters"),
        (jwk(SECRETIVE_X), "make another key"),
        (jwk(X).replace("}", &format!(", d = \"{X}\"}}")), "private key"),
        (jwk(X).replace("Ed25519", "X25519"), "Ed25519"),
        (format!("{}\nalg = \"HS256\"", jwk(X)), "HS256"),
        (second, "one owner"),
        (twice, "stands twice"),
        ("jwks_file = \"nowhere.json\"".to_owned(), "nowhere.json"),
        (format!("{}\ncolour = 1", jwk(X)), "colour"),
    ];
    for (text, wanted) in cases {
        let error = format!("{:#}", load(&with_approver(&text)).expect_err(wanted));
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}

#[test]
fn an_approvers_keys_may_lie_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let set = |keys: &str| {
        std::fs::write(folder.path().join("dana.json"), format!("{{\"keys\": [{keys}]}}")).expect("written")
    };
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, with_approver("jwks_file = \"dana.json\"")).expect("written");
    let key = |x: &str| {
        format!(
            "{{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"x\": \"{x}\", \"use\": \"sig\", \"key_ops\": [\"verify\"]}}"
        )
    };
    set(&format!("{}, {}", key(X), key(OTHER_X)));
    let settings = Settings::load(&path, &|_| None).expect("good");
    assert_eq!(everybody(&settings).iter().next().expect("one").keys.len(), 2);
    for (keys, wanted) in
        [(String::new(), "holds no key"), (key(X).replace("OKP", "RSA"), "jwk must be"), ("7".into(), "JWK set")]
    {
        set(&keys);
        let error = format!("{:#}", Settings::load(&path, &|_| None).expect_err(wanted));
        assert!(error.contains(wanted) && error.contains("dana"), "{wanted}: {error}");
    }
}
