use super::*;
use crate::domain::facts::{FileSummary, Touch};
use crate::domain::lifecycle::Reason;
use crate::domain::policy::verdict::Verdict;

const HOSTILE: &str = "\"'></title></pre><script>alert(1)</script><img src=x onerror=alert(1)><a href=javascript:alert(1)>{{ 7*7 }}{% x %}&lt;\u{202e}\u{200b}";

const TAGS: [&str; 32] = [
    "html", "head", "meta", "title", "link", "body", "a", "header", "nav", "span", "main", "h1", "h2", "p", "div",
    "table", "thead", "tbody", "tr", "th", "td", "br", "time", "code", "dl", "dt", "dd", "section", "ul", "li",
    "strong", "pre",
];
const ATTRIBUTES: [&str; 14] = [
    "lang",
    "charset",
    "name",
    "content",
    "rel",
    "href",
    "class",
    "id",
    "aria-label",
    "aria-current",
    "scope",
    "tabindex",
    "role",
    "datetime",
];

/// Only tags and attributes of our own templates, and links within the site.
fn inert(html: &str) {
    assert!(!html.contains(['\u{202e}', '\u{200b}']));
    let html = html.strip_prefix("<!doctype html>").expect("a page");
    for part in html.split('<').skip(1) {
        let tag = part.split_once('>').expect("a closed tag").0;
        let (name, rest) = tag.split_once(' ').unwrap_or((tag.trim_start_matches('/'), ""));
        assert!(TAGS.contains(&name), "<{tag}>");
        let pieces: Vec<&str> = rest.split('"').collect();
        for pair in pieces.chunks_exact(2) {
            let attribute = pair[0].trim().strip_suffix('=').expect("an attribute");
            assert!(ATTRIBUTES.contains(&attribute), "<{tag}>");
            assert!(attribute != "href" || pair[1].replace("&#x2f;", "/").starts_with(['/', '#']), "<{tag}>");
        }
        assert!(pieces.len() % 2 == 1 && pieces.last().is_some_and(|rest| rest.trim().is_empty()), "<{tag}>");
    }
}

fn hostile_proposal() -> Value {
    // One-line fields of a proposal hold no control characters; the bidirectional ones are no control characters.
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "actionKind": "SetImage",
        "repository": {"forge": "local", "name": "acme/shop", "base": HOSTILE},
        "environment": &HOSTILE[..60],
        "target": {"kind": &HOSTILE[..100], "namespace": &HOSTILE[..100], "name": HOSTILE},
        "changes": [{"manifest": {"file": HOSTILE, "set": {"a": HOSTILE}}}],
        "reason": HOSTILE,
        "evidence": [{"title": HOSTILE, "url": format!("https://{HOSTILE}"), "digest": &HOSTILE[..70]}],
        "blastRadius": {"environments": [&HOSTILE[..60]], "objects": [{"kind": &HOSTILE[..100], "name": HOSTILE}]},
        "rollback": {"description": HOSTILE},
        "plan": {"id": &HOSTILE[..60], "step": 1},
        "proposer": {"id": "agent:sender", "display": &HOSTILE[..110]},
        "fingerprint": &HOSTILE[..110],
    })
}

fn deface(record: &mut Record) {
    let hostile = || Some(HOSTILE.to_owned());
    land(record);
    record.environment = hostile();
    record.branch = hostile();
    record.base = hostile();
    record.reason = Some(Reason::new(HOSTILE, HOSTILE));
    let touched = vec![Touch { path: HOSTILE.into(), before: hostile(), after: None }];
    record.summary = vec![FileSummary { path: HOSTILE.into(), added: 1, removed: 1, touched }];
    let child = Verdict::wait(HOSTILE, HOSTILE, HOSTILE);
    record.verdict = Some(Verdict::all(HOSTILE, vec![Verdict::all("inner", vec![child])]));
    if let Some(class) = &mut record.class {
        class.environment = HOSTILE.into();
        class.action_kind = HOSTILE.into();
    }
}

#[tokio::test]
async fn tm82_foreign_text_is_shown_not_meant() {
    let s = scene().await;
    let id = s.proposed(&hostile_proposal()).await;
    let diff = format!("--- a/{HOSTILE}\n+++ b/{HOSTILE}\n@@ {HOSTILE}\n-{HOSTILE}\n+{HOSTILE}\n {HOSTILE}\n");
    s.drive(&id, Stage::Merged, deface, &[("diff", diff.as_bytes()), ("envelope", b"{}")]).await;
    s.propose(&with("a", HOSTILE, json!(1))).await;
    let page = s.get(&format!("/proposals/{id}"), "cs_acme_read").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    inert(&page.text());
    assert!(page.text().matches("&lt;script&gt;").count() >= 25, "{}", page.text());
    assert!(page.text().contains("\\u{202e}") && page.text().contains("{{ 7*7 }}{% x %}&amp;lt;"), "{}", page.text());
    for path in ["/", "/classes", "/audit", "/?stage=merged"] {
        let page = s.get(path, "cs_acme_read").await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text());
        inert(&page.text());
    }
    let whole = s.get(&format!("/v1/proposals/{id}/diff"), "cs_acme_read").await;
    assert_eq!(whole.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn tm82_queries_are_not_shown_as_html() {
    let s = scene().await;
    for path in [
        "/?before=%22%3E%3Cscript%3E",
        "/?repository=%3Cscript%3E",
        "/?stage=%3Cscript%3E",
        "/proposals/%22%3E%3Cscript%3E",
        "/%3Cscript%3E",
    ] {
        let request = Request::builder().uri(path).header(header::ACCEPT, "text/html");
        let request =
            request.header(header::AUTHORIZATION, "Bearer cs_acme_read").body(Body::empty()).expect("a request");
        inert(&s.send(request).await.text());
    }
}

#[tokio::test]
async fn a_page_shows_the_story_in_words() {
    let s = scene().await;
    let id = s.merged("fix-1").await;
    let page = s.get(&format!("/proposals/{id}"), "cs_acme_read").await.shown();
    for text in [
        "Deployment shop/web",
        "because",
        "set it back",
        "proposal.received",
        "stage.changed",
        "as attested",
        "+acme-canary",
        "2026-11-20 10:00:00 UTC",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let list = s.get("/", "cs_acme_read").await.shown();
    for text in ["fix-1", "merged", "#7", "local:acme/shop", "2026-11-20 10:00:00 UTC"] {
        assert!(list.contains(text), "{text}: {list}");
    }
}

#[tokio::test]
async fn a_thousand_proposals_are_paged() {
    let s = scene().await;
    for n in 0..1000 {
        let bytes = proposal(&format!("p-{n}")).to_string();
        s.site.intake().receive(&tenant("acme"), "agent:sender", bytes.as_bytes(), now()).await.expect("taken in");
    }
    let (mut path, mut pages, mut seen) = ("/?limit=200".to_owned(), 0, 0);
    loop {
        let html = s.get(&path, "cs_acme_read").await.text();
        (pages, seen) = (pages + 1, seen + html.matches("<tr>").count() - 1);
        let Some(at) = html.find("\" rel=\"next\"") else { break };
        let start = html[..at].rfind("href=\"").expect("a link") + 6;
        path = html[start..at].replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3f;", "?");
    }
    assert_eq!((pages, seen), (5, 1000));
    let log = s.get("/audit", "cs_acme_read").await.text();
    assert_eq!(log.matches("<tr>").count(), 101);
    assert!(log.contains("/audit?before=901") || log.contains("before=901"), "{}", &log[log.len() - 600..]);
}

#[tokio::test]
async fn a_change_and_what_takes_it_back_link_to_each_other() {
    let s = scene().await;
    let (first, back) = (s.proposed(&proposal("first")).await, s.proposed(&proposal("back")).await);
    for (id, link, word) in [(&first, &back, "revertedBy"), (&back, &first, "reverts")] {
        let relate = |record: &mut Record| match word {
            "reverts" => record.relations.reverts = Some(link.clone()),
            _ => record.relations.reverted_by = Some(link.clone()),
        };
        s.drive(id, Stage::Open, relate, &[]).await;
        let shown = s.get(&format!("/v1/proposals/{id}"), "cs_acme_read").await.json();
        assert_eq!(shown["relations"], json!({word: link}));
        let page = s.get(&format!("/proposals/{id}"), "cs_acme_read").await.text();
        assert!(page.contains(&format!("href=\"/proposals/{link}\"")), "{page}");
    }
}
