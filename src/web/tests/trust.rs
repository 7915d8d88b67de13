use super::*;
use crate::domain::trust::{Demand, Terms, Threshold};

const WISH: &str = r#"{"reason": "the cause is mended"}"#;

/// A proposal that was merged without a person and went well.
async fn settled(s: &Scene, name: &str) -> String {
    let id = s.proposed(&proposal(name)).await;
    let alone = |record: &mut Record| {
        record.auto = true;
        land(record);
    };
    s.drive(&id, Stage::Settled, alone, &[]).await;
    id
}

async fn says(s: &Scene, id: &str, token: &str, body: Value) -> Answer {
    s.post(&format!("/v1/proposals/{id}/outcome"), token, body.to_string()).await
}

/// The only class there is, as the API shows it.
async fn class(s: &Scene) -> Value {
    s.get("/v1/trust", "cs_acme_read").await.json()["classes"][0].clone()
}

fn later(s: &Scene, seconds: i64) -> Router {
    router(Site { clock: Arc::new(move || now().plus_seconds(seconds)), ..s.site.clone() })
}

#[tokio::test]
async fn s14_a_bad_report_after_the_soak_takes_the_success_back() {
    let s = scene().await;
    let id = settled(&s, "a").await;
    assert_eq!((class(&s).await["good"].clone(), class(&s).await["demoted"].clone()), (json!(1), json!(false)));
    let bad = json!({"result": "bad", "revision": LANDED, "note": "it leaks"});
    assert_eq!(says(&s, &id, REPORTER, bad.clone()).await.status, StatusCode::ACCEPTED);
    let now = class(&s).await;
    assert_eq!((now["good"].clone(), now["bad"].clone(), now["demoted"].clone()), (json!(0), json!(1), json!(true)));
    let record = s.record(&id).await;
    assert_eq!((record.stage, record.outcome), (Stage::Settled, Some(Judgement::Bad)));
    assert!(s.story("acme").await.contains(&("outcome.withdrawn".into(), "reported_bad_late".into())));
    let again = says(&s, &id, REPORTER, json!({"result": "bad", "revision": LANDED, "note": "again"})).await;
    assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "settled"));
}

#[tokio::test]
async fn s14_the_failure_of_a_change_that_a_person_merged_demotes_nobody() {
    let s = scene().await;
    let id = s.proposed(&proposal("a")).await;
    s.drive(&id, Stage::Settled, land, &[]).await;
    says(&s, &id, REPORTER, json!({"result": "bad", "revision": LANDED})).await;
    let now = class(&s).await;
    assert_eq!((now["bad"].clone(), now["demoted"].clone()), (json!(1), json!(false)));
}

#[tokio::test]
async fn s20_nobody_turns_an_outcome_into_a_success() {
    let s = scene().await;
    let (merged, done) = (s.merged("a").await, settled(&s, "b").await);
    says(&s, &done, REPORTER, json!({"result": "bad", "revision": LANDED})).await;
    for token in ["cs_acme_admin", "cs_acme_report", "cs_acme_propose", "cs_acme_read"] {
        let answer = says(&s, &merged, token, json!({"result": "good", "revision": LANDED})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token}");
    }
    for token in ["cs_acme_admin", REPORTER] {
        let answer = says(&s, &done, token, json!({"result": "good", "revision": LANDED})).await;
        assert!(matches!(answer.status.as_u16(), 403 | 409), "{token}: {}", answer.text());
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        for path in [format!("/v1/proposals/{done}/outcome"), "/v1/trust".to_owned()] {
            let answer = s.ask(method.clone(), &path, "cs_acme_admin", r#"{"result": "good"}"#).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    assert_eq!((class(&s).await["good"].clone(), class(&s).await["bad"].clone()), (json!(0), json!(1)));
    let document = crate::web::openapi();
    let paths = document["paths"].as_object().expect("paths");
    let writing: Vec<&String> = paths
        .iter()
        .filter(|(path, ops)| path.starts_with("/v1/trust") && ops.get("post").is_some())
        .map(|(path, _)| path)
        .collect();
    assert_eq!(writing, ["/v1/trust/{class}/rearm"], "nothing else of a record can be written");
}

#[tokio::test]
async fn a_class_is_shown_with_its_outcomes_and_its_curve() {
    let s = scene().await;
    settled(&s, "a").await;
    let key = class(&s).await["key"].as_str().expect("a key").to_owned();
    for path in [format!("/v1/trust/{key}"), format!("/v1/trust/{}", &key[..12])] {
        let shown = s.get(&path, "cs_acme_read").await.json();
        let outcome = &shown["outcomes"][0];
        assert_eq!((shown["key"].as_str(), outcome["result"].as_str()), (Some(key.as_str()), Some("good")), "{shown}");
        assert_eq!(
            (outcome["at"].as_str(), outcome["evidence"].as_str()),
            (Some("2026-11-20T10:00:00Z"), Some("argocd"))
        );
    }
    let page = s.get(&format!("/classes/{key}"), "cs_acme_read").await;
    let html = page.shown();
    assert_eq!(page.status, StatusCode::OK, "{html}");
    for part in [
        "<svg class=\"plot\"",
        "role=\"img\"",
        "1 good, 0 bad, 0 unknown",
        "The lower bound is 0.206 now, needed 0.95",
        "73",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<script") && !html.contains(" style="), "{html}");
    assert!(s.get("/classes", "cs_acme_read").await.shown().contains(&format!("href=\"/classes/{}\"", &key[..16])));
    for path in [format!("/v1/trust/{key}"), format!("/classes/{key}")] {
        assert_eq!(s.get(&path, "cs_rival_read").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/v1/trust/zzz", "/classes/0123456789ab", &format!("/v1/trust/{}", &key[..11])] {
        assert_eq!(s.get(path, "cs_acme_read").await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_class_is_judged_under_what_its_repository_demands() {
    let s = scene().await;
    let id = s.proposed(&proposal("a")).await;
    let demand = Demand {
        threshold: "0.80".parse::<Threshold>().expect("a threshold"),
        last: 50,
        within: 86_400 * 30,
        targets: 3,
        days: 3,
        soak: 3_600,
    };
    let terms = Terms { demand, epoch: "edits@1 acme".into() };
    s.drive(
        &id,
        Stage::Settled,
        |record| {
            land(record);
            record.terms = Some(terms.clone());
        },
        &[],
    )
    .await;
    let shown = class(&s).await;
    assert_eq!((shown["needed"].as_str(), shown["demand"]["last"].as_u64()), (Some("0.80"), Some(50)), "{shown}");
    assert_eq!(shown["standing"]["good"], 1);
}

#[tokio::test]
async fn an_admin_rearms_a_class_after_the_cool_down() {
    let s = scene().await;
    let id = settled(&s, "a").await;
    let path = format!("/v1/trust/{}/rearm", class(&s).await["key"].as_str().expect("a key"));
    let not_demoted = s.post(&path, "cs_acme_admin", WISH).await;
    assert_eq!((not_demoted.status.as_u16(), not_demoted.problem().as_str()), (409, "not_rearmed"));
    says(&s, &id, REPORTER, json!({"result": "bad", "revision": LANDED})).await;
    for (token, body, status) in [
        ("cs_acme_report", WISH, 403),
        ("cs_acme_admin", "{}", 400),
        ("cs_acme_admin", r#"{"reason": " "}"#, 400),
        ("cs_rival_admin", WISH, 404),
        ("cs_acme_admin", WISH, 409),
    ] {
        let answer = s.post(&path, token, body).await;
        assert_eq!(answer.status.as_u16(), status, "{token} {body}: {}", answer.text());
    }
    let tomorrow =
        Scene { router: later(&s, 86_401), site: s.site.clone(), _dir: tempfile::tempdir().expect("a directory") };
    let answer = tomorrow.post(&path, "cs_acme_admin", WISH).await;
    assert_eq!((answer.status.as_u16(), answer.json()["state"].as_str()), (200, Some("lifted")), "{}", answer.text());
    assert_eq!(class(&s).await["demoted"], false);
    assert!(s.story("acme").await.iter().any(|(kind, _)| kind == "trust.rearmed"));
}

#[tokio::test]
async fn after_a_severe_failure_two_persons_have_to_ask() {
    let s = scene().await;
    let id = settled(&s, "a").await;
    let path = format!("/v1/trust/{}/rearm", class(&s).await["key"].as_str().expect("a key"));
    says(&s, &id, "cs_acme_report", json!({"result": "bad", "revision": LANDED, "severe": true})).await;
    let gaps = class(&s).await["standing"]["gaps"][0].as_str().expect("a gap").to_owned();
    assert!(gaps.contains("two persons"), "{gaps}");
    let tomorrow =
        Scene { router: later(&s, 86_401), site: s.site.clone(), _dir: tempfile::tempdir().expect("a directory") };
    let first = tomorrow.post(&path, "cs_acme_admin", WISH).await;
    assert_eq!(first.json()["state"], "asked", "{}", first.text());
    let same = tomorrow.post(&path, "cs_acme_admin", WISH).await;
    assert_eq!((same.status.as_u16(), same.problem().as_str()), (409, "not_rearmed"));
    assert_eq!(class(&s).await["demoted"], true);
}

#[tokio::test]
async fn a_settled_proposal_without_a_class_is_taken_back_too() {
    let s = scene().await;
    let id = s.proposed(&proposal("a")).await;
    let classless = |record: &mut Record| {
        land(record);
        record.class = None;
    };
    s.drive(&id, Stage::Settled, classless, &[]).await;
    let answer = says(&s, &id, REPORTER, json!({"result": "bad", "revision": LANDED})).await;
    assert_eq!((answer.status, s.record(&id).await.outcome), (StatusCode::ACCEPTED, Some(Judgement::Bad)));
}

/// Eighty days of outcomes on five targets, among them three failures and four unknown ones.
async fn season(s: &Scene) {
    for n in 0..130_i64 {
        let id = s.proposed(&proposal(&format!("season-{n}"))).await;
        let result = match n {
            7 | 30 | 100 => Judgement::Bad,
            12 | 40 | 41 | 90 => Judgement::Neutral,
            _ => Judgement::Good,
        };
        let change = |record: &mut Record| {
            land(record);
            record.target = format!("overlays/staging/app-{}/kustomization.yaml", n % 5);
            record.outcome = record.outcome.map(|_| result);
            if let Some(landed) = &mut record.landed {
                landed.at = now().plus_seconds((n - 130) * 53_000);
            }
        };
        s.drive(&id, Stage::Settled, change, &[]).await;
    }
}

/// With `COUNTERSIGN_TEST_PAGES` set to a folder, the page is kept there to be looked at.
#[tokio::test]
async fn the_plot_marks_failures_and_what_is_not_known() {
    let s = scene().await;
    season(&s).await;
    let key = class(&s).await["key"].as_str().expect("a key").to_owned();
    let html = s.get(&format!("/classes/{key}"), "cs_acme_read").await.shown();
    let svg = &html[html.find("<svg class=\"plot\"").expect("a plot")..html.find("</svg>").expect("its end")];
    assert_eq!((svg.matches("class=\"bad\"").count(), svg.matches("class=\"unknown\"").count()), (3, 4), "{svg}");
    assert!(html.contains("130 outcomes from 2026-09-01 to 2026-11-20: 123 good, 3 bad, 4 unknown."), "{html}");
    assert!(svg.contains(">0.95</text>") && svg.contains(">0.5</text>") && !svg.contains("NaN"), "{svg}");
    if let Ok(folder) = std::env::var("COUNTERSIGN_TEST_PAGES") {
        let style = s.get("/style.css", "cs_acme_read").await.text();
        std::fs::write(format!("{folder}/style.css"), style).expect("written");
        let page = html.replace("/style.css", "style.css");
        std::fs::write(format!("{folder}/class.html"), page).expect("written");
        let list = s.get("/classes", "cs_acme_read").await.shown().replace("/style.css", "style.css");
        std::fs::write(format!("{folder}/classes.html"), list).expect("written");
    }
}
