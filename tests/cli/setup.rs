//! Making countersign known to a forge, and finding out what does not fit.

use crate::fake::Fake;
use crate::folders::put;
use crate::run::{binary, collect, countersign, ended, text};
use crate::site::Site;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

const CODE: &str = "/app-manifests/a-code-of-github/conversions";

/// A registration that waits for its button.
struct Registration {
    child: Child,
    err: BufReader<ChildStderr>,
    here: String,
}

impl Registration {
    fn start(api: &str, home: &Path, more: &[&str]) -> Registration {
        let mut command = binary();
        let secrets = text(home.join("secrets"));
        command.args(["--output", "json", "init", "github", "--api", api, "--directory", &secrets]).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        let here = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}")).split('/').next().unwrap();
        Registration { here: here.to_owned(), child, err }
    }

    /// What the browser gets.
    fn get(&self, path: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.here).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let shown = answer.replace("&#x2f;", "/").replace("&quot;", "\"");
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), shown)
    }

    fn page(&self) -> String {
        let (status, page) = self.get("/", &self.here);
        assert_eq!(status, 200, "{page}");
        page
    }

    /// The state that the form carries.
    fn state(&self) -> String {
        let page = self.page();
        page.split("?state=").nth(1).unwrap().split(['"', '&']).next().unwrap().to_owned()
    }

    fn ends(mut self, code: i32) -> Value {
        let out = collect(self.child.stdout.take().unwrap());
        assert_eq!(ended(&mut self.child), code);
        let mut rest = String::new();
        self.err.read_to_string(&mut rest).unwrap();
        assert!(!rest.contains("PRIVATE KEY"), "{rest}");
        serde_json::from_str(&out.join().unwrap()).unwrap_or(Value::Null)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn converted() -> Value {
    json!({
        "id": 4711, "slug": "acme-countersign", "html_url": "https://github.acme.example/apps/acme-countersign",
        "pem": rsa(), "webhook_secret": "made-by-github-0123456789", "client_secret": "never-kept", "owner": {"login": "acme"},
    })
}

/// An RSA key, PKCS#8 PEM.
fn rsa() -> String {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use base64::Engine as _;
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_app_is_registered_with_one_button_and_its_key_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let github = Fake::start(vec![(CODE, 201, converted())]);
    let more = ["--host", "github.acme.example", "--organization", "acme", "--url", "https://cs.acme.example/"];
    let registration = Registration::start(&github.url, home.path(), &more);
    let page = registration.page();
    assert!(page.contains("https://github.acme.example/organizations/acme/settings/apps/new?state="), "{page}");
    assert!(page.contains("form-action https://github.acme.example"), "{page}");
    let manifest = page.split("name=\"manifest\" value=\"").nth(1).unwrap().split("\">\n<button").next().unwrap();
    let manifest: Value = serde_json::from_str(manifest).unwrap();
    assert_eq!(manifest["hook_attributes"]["url"], "https://cs.acme.example/webhooks/github");
    assert_eq!(manifest["redirect_url"], format!("http://{}/callback", registration.here));
    for never in ["workflows", "administration", "issues"] {
        assert!(manifest["default_permissions"].get(never).is_none(), "{never}");
    }
    let state = registration.state();
    let (status, done) =
        registration.get(&format!("/callback?code=a-code-of-github&state={state}"), &registration.here);
    assert_eq!(status, 200, "{done}");
    assert!(done.contains("/apps/acme-countersign/installations/new"), "{done}");
    assert!(!done.contains("PRIVATE KEY") && !done.contains("made-by-github"), "nothing of it reaches the browser");
    let answer = registration.ends(0);
    let folder = home.path().join("secrets/github-app-4711");
    assert_eq!(mode(&folder), 0o700);
    for name in ["private-key.pem", "webhook-secret"] {
        assert_eq!(mode(folder.join(name)), 0o600, "{name}");
    }
    assert_eq!(std::fs::read_to_string(folder.join("webhook-secret")).unwrap(), "made-by-github-0123456789\n");
    // What it says to write is what the settings take.
    let settings = format!("instance = \"x\"\n{}", answer["settings"].as_str().unwrap());
    let file = put(home.path(), "settings.toml", settings);
    countersign(["config", "check", &text(file)]).code(0);
    let left: Vec<_> = std::fs::read_dir(home.path().join("secrets")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing else is left: {left:?}");
    assert_eq!(github.asked().len(), 1);
}

#[test]
fn a_code_without_the_state_or_from_another_page_is_not_taken() {
    let home = tempfile::tempdir().unwrap();
    let github = Fake::start(vec![(CODE, 201, converted())]);
    let registration = Registration::start(&github.url, home.path(), &[]);
    let state = registration.state();
    let callback = |query: String, host: &str| registration.get(&format!("/callback?{query}"), host).0;
    let here = registration.here.clone();
    assert_eq!(callback("code=a-code-of-github".into(), &here), 400);
    assert_eq!(callback(format!("code=a-code-of-github&state={}", "0".repeat(32)), &here), 400);
    assert_eq!(callback(format!("code=..%2Fx&state={state}"), &here), 400);
    assert_eq!(callback(format!("code=a-code-of-github&state={state}"), "evil.example"), 421);
    assert_eq!(registration.get("/", "evil.example").0, 421, "a name that was made to point here sees no state");
    assert!(github.asked().is_empty());
    // A code that GitHub does not take leaves the registration open.
    assert_eq!(callback(format!("code=an-old-code&state={state}"), &here), 502);
    assert_eq!(callback(format!("code=a-code-of-github&state={state}"), &here), 200);
    registration.ends(0);
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_anybody_presses_a_button() {
    let home = tempfile::tempdir().unwrap();
    let file = put(home.path(), "secrets", "not a folder");
    countersign(["init", "github", "--directory", &text(file)]).fails_with(&["secrets"]);
    countersign(["init", "github", "--host", "https://github.com/x"]).code(2);
}

fn token(home: &Path) -> String {
    let file = put(home, "gitlab.token", "glpat-0123456789abcdef\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    text(file)
}

fn gitlab(scopes: &[&str]) -> Fake {
    Fake::start(vec![
        ("/api/v4/user", 200, json!({"id": 9, "username": "project_5_bot", "bot": true})),
        ("/api/v4/personal_access_tokens/self", 200, json!({"scopes": scopes, "expires_at": "2099-01-01"})),
        (
            "/api/v4/projects/acme%2Fgitops",
            200,
            json!({"id": 5, "path_with_namespace": "acme/gitops", "permissions": {"project_access": {"access_level": 40}}}),
        ),
    ])
}

#[test]
fn gitlab_is_checked_and_gets_a_webhook_secret() {
    let home = tempfile::tempdir().unwrap();
    let (lab, token, secrets) = (gitlab(&["api"]), token(home.path()), text(home.path().join("secrets")));
    let given = ["--url", &lab.url, "--token-file", &token, "--project", "acme/gitops"];
    let more = ["--service", "https://cs.acme.example", "--directory", &secrets];
    let ran = countersign(["init", "gitlab"].into_iter().chain(given).chain(more)).code(0);
    assert!(ran.out.contains("https://cs.acme.example/webhooks/gitlab"), "{}", ran.out);
    assert!(ran.out.contains("name = \"acme/gitops\"\nid = 5"), "{}", ran.out);
    let secret = home.path().join("secrets/gitlab-127.0.0.1/webhook-secret");
    assert_eq!(mode(&secret), 0o600);
    let secret = std::fs::read_to_string(secret).unwrap();
    assert!(secret.trim().len() >= 40 && !ran.out.contains(secret.trim()), "made, and not printed");
    assert!(!ran.out.contains("glpat-"), "{}", ran.out);
    assert!(lab.asked().iter().all(|head| head.starts_with("GET ") && head.contains("private-token: glpat-")));
}

#[test]
fn a_gitlab_token_that_is_not_enough_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let (lab, token) = (gitlab(&["read_api"]), token(home.path()));
    let ran = countersign(["init", "gitlab", "--url", &lab.url, "--token-file", &token, "--output", "json"]).code(3);
    let found = ran.json();
    assert!(found["findings"].to_string().contains("lacks the scope"), "{found}");
    assert_eq!(found["settings"], Value::Null);
    let wrong = Fake::start(vec![("/api/v4/user", 401, json!({}))]);
    let ran = countersign(["init", "gitlab", "--url", &wrong.url, "--token-file", &token]).code(3);
    assert!(ran.out.contains("wrong, expired or revoked"), "{}", ran.out);
}

/// The findings of a check that are not good, `check: level`.
fn troubles(found: &Value) -> Vec<String> {
    let all = found["findings"].as_array().unwrap().iter();
    let bad = all.filter(|finding| finding["level"] != "good");
    bad.map(|finding| format!("{} {}", finding["check"].as_str().unwrap(), finding["level"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_local_deployment_is_healthy() {
    let site = Site::set();
    let data = site.path("data");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
    let found = site.run(&["doctor"]).code(0).json();
    assert_eq!((found["healthy"].as_bool(), troubles(&found)), (Some(true), Vec::new()), "{found}");
    let plain = countersign(["--config", &text(site.settings()), "doctor"]).code(0);
    assert!(plain.out.contains("good local:acme/shop: config: .github/countersign.yaml can be used"), "{}", plain.out);
    assert!(plain.out.lines().last().unwrap().ends_with("0 to look at, 0 bad"), "{}", plain.out);
}

#[test]
fn what_does_not_fit_is_found_and_ends_with_code_3() {
    let site = Site::set();
    let data = site.path("data");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::remove_dir_all(data.join("keys")).unwrap();
    site.change_settings("repos/shop.git", "repos/nowhere.git");
    let reporter =
        "[[tenant.reporter]]\nid = \"probe\"\nkind = \"ed25519\"\nkey_file = \"nowhere.pem\"\n\n[[tenant.repository]]";
    site.change_settings("[[tenant.repository]]", reporter);
    let found = site.run(&["doctor"]).code(3).json();
    assert_eq!(troubles(&found), ["data folder warn", "keys bad", "reporters bad", "repository bad"], "{found}");
    assert!(found.to_string().contains("reporter `probe`: cannot read the public key"), "{found}");
    assert!(found.to_string().contains("countersign keys generate"), "each says what to do: {found}");
    site.change_settings("instance = \"cli.tests\"", "instance = \"\"");
    let found = site.run(&["doctor"]).code(3).json();
    assert_eq!(troubles(&found), ["settings bad"], "{found}");
}

#[test]
fn an_app_is_looked_at_with_its_rights_its_webhook_and_its_installation() {
    let site = Site::set();
    let key = put(&site.path(""), "app.pem", rsa());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let enough = json!({"metadata": "read", "contents": "write", "pull_requests": "write", "checks": "write", "statuses": "read"});
    let mut much = enough.clone();
    much["workflows"] = json!("write");
    much["deployments"] = json!("read");
    let github = Fake::start(vec![
        ("/app", 200, json!({"id": 7, "slug": "cs", "permissions": much, "events": ["push"]})),
        (
            "/app/hook/config",
            200,
            json!({"url": "https://old.example/hook", "content_type": "form", "insecure_ssl": "0", "secret": "********"}),
        ),
        ("/app/hook/deliveries?per_page=20", 200, json!([{"status_code": 401}, {"status_code": 202}])),
        ("/app/installations/8", 200, json!({"suspended_at": "2026-01-01T00:00:00Z", "permissions": enough})),
    ]);
    let mut settings = std::fs::read_to_string(site.settings()).unwrap();
    settings.push_str(&format!(
        "\n[[tenant.repository]]\nforge = \"github\"\nname = \"acme/gitops\"\nid = 1\ninstallation = 8\n\n[[github]]\napi = \"{}\"\n\
         app = 7\nprivate_key_file = \"app.pem\"\nwebhook_secret_files = [\"webhook.secret\"]\n",
        github.url
    ));
    std::fs::write(site.settings(), settings).unwrap();
    let found = site.run(&["doctor"]).code(3).json();
    let told = troubles(&found);
    for expected in [
        "app permissions warn",
        "app events warn",
        "webhook bad",
        "webhook deliveries warn",
        "installation bad",
        "repository bad",
    ] {
        assert!(told.contains(&expected.to_owned()), "{expected}: {found}");
    }
    assert!(found.to_string().contains("never used, take them away: workflows: write"), "{found}");
    assert!(!told.contains(&"clock bad".to_owned()), "{found}");
    // A token for the one repository is asked for; nothing is changed.
    let reads =
        |head: &String| head.starts_with("GET ") || head.starts_with("POST /app/installations/8/access_tokens ");
    assert!(github.asked().iter().all(reads), "{:?}", github.asked());
    let offline = site.run(&["doctor", "--offline"]).json();
    assert!(!offline.to_string().contains("installation"), "{offline}");
}
