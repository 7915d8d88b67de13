//! Every request that was sent to the GitHub of the tests, and every answer that it gave, against GitHub's published
//! description. It is read from `../shared/forge-contracts`, or from where `COUNTERSIGN_CONTRACTS` points.

use crate::fake::log::Exchange;
use crate::stand::ID;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// What the description does not hold, and why it is asked for all the same.
const ELSEWHERE: [(&str, &str, &str); 4] = [
    ("GET", "/users/{}", "the number of the App's user"),
    ("GET", "/repos/{}/{}/issues/{}", "who closed a pull request"),
    ("GET", "/repos/{}/{}/deployments", "what a landed commit was deployed to"),
    ("GET", "/repos/{}/{}/deployments/{}/statuses", "how that went"),
];

/// Where the real GitHub's answers do not fit its own description: operation, place in the answer, why.
const WAIVED: [(&str, &str, &str); 2] = [
    ("GET /repos/{}/{}/pulls", "/{}/labels/{}/description", "a label without a description has null"),
    ("POST /repos/{}/{}/pulls/{}/requested_reviewers", "/labels/{}/description", "the same"),
];

/// Requests and answers that were checked, in all tests so far.
pub static CHECKED: AtomicUsize = AtomicUsize::new(0);

struct Operation {
    queries: Vec<String>,
    request: Option<Validator>,
    answers: HashMap<u16, Option<Validator>>,
}

pub struct Contract {
    description: Value,
    components: Value,
    operations: Mutex<HashMap<(String, String), std::sync::Arc<Operation>>>,
}

/// The description, if it is there.
pub fn published() -> Option<&'static Contract> {
    static CONTRACT: OnceLock<Option<Contract>> = OnceLock::new();
    CONTRACT.get_or_init(load).as_ref()
}

fn load() -> Option<Contract> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/forge-contracts");
    let folder = std::env::var_os("COUNTERSIGN_CONTRACTS").map_or(default, PathBuf::from);
    let text = std::fs::read(folder.join("github/openapi-subset.json")).ok()?;
    let description: Value = serde_json::from_slice(&text).unwrap();
    let mut components = description["components"].clone();
    convert(&mut components);
    Some(Contract { description, components, operations: Mutex::default() })
}

/// OpenAPI 3.0 says `nullable` where JSON Schema has a type.
fn convert(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(convert),
        Value::Object(map) => {
            map.values_mut().for_each(convert);
            map.remove("example");
            if map.remove("nullable") == Some(true.into()) {
                let inner = Value::Object(std::mem::take(map));
                map.insert("anyOf".into(), json!([inner, {"type": "null"}]));
            }
        }
        _ => {}
    }
}

/// A path whose parameters have no names.
fn shape(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

impl Contract {
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(at) => self.resolved(self.description.pointer(at.trim_start_matches('#')).expect("a reference")),
            None => value,
        }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        convert(&mut schema);
        let mut root = Map::new();
        root.insert("components".into(), self.components.clone());
        root.insert("allOf".into(), json!([schema]));
        jsonschema::draft202012::new(&Value::Object(root)).expect("a schema")
    }

    fn operation(&self, method: &str, path: &str) -> Option<std::sync::Arc<Operation>> {
        let key = (method.to_owned(), path.to_owned());
        if let Some(known) = self.operations.lock().unwrap().get(&key) {
            return Some(known.clone());
        }
        let paths = self.description["paths"].as_object().unwrap();
        let (_, item) =
            paths.iter().find(|(name, item)| shape(name) == path && item.get(method.to_lowercase()).is_some())?;
        let found = &item[method.to_lowercase()];
        let parameters = [&item["parameters"], &found["parameters"]].into_iter().filter_map(Value::as_array).flatten();
        let queries = parameters.map(|it| self.resolved(it)).filter(|it| it["in"] == "query");
        let queries = queries.map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        let body = |holder: &Value| {
            let schema = &self.resolved(holder)["content"]["application/json"]["schema"];
            (!schema.is_null()).then(|| self.validator(schema))
        };
        let answers = found["responses"].as_object().unwrap();
        let answers =
            answers.iter().filter_map(|(status, answer)| Some((status.parse().ok()?, body(answer)))).collect();
        let operation = std::sync::Arc::new(Operation { queries, request: body(&found["requestBody"]), answers });
        self.operations.lock().unwrap().insert(key, operation.clone());
        Some(operation)
    }

    /// What does not fit in these exchanges; counts those that were looked at.
    pub fn faults(&self, exchanges: &[Exchange]) -> Vec<String> {
        let mut faults = Vec::new();
        for exchange in exchanges {
            let Some(path) = exchange.route.strip_prefix("/api/v3") else { continue };
            let path = shape(path.trim_end_matches('/')).replacen(&format!("/repositories/{ID}"), "/repos/{}/{}", 1);
            let name = format!("{} {path}", exchange.method);
            let Some(operation) = self.operation(&exchange.method, &path) else {
                if !ELSEWHERE.iter().any(|(method, known, _)| exchange.method == *method && path == *known) {
                    faults.push(format!("{name} is not in the description"));
                }
                continue;
            };
            CHECKED.fetch_add(1, Ordering::Relaxed);
            faults.extend(operation.faults(&name, exchange).into_iter().map(|fault| format!("{name}: {fault}")));
        }
        faults
    }
}

impl Operation {
    fn faults(&self, name: &str, exchange: &Exchange) -> Vec<String> {
        let mut faults = Vec::new();
        let query = exchange.uri.split_once('?').map(|(_, query)| query).unwrap_or_default();
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !self.queries.contains(&name.to_string()) {
                faults.push(format!("there is no parameter {name}"));
            }
        }
        match (&self.request, exchange.body.is_empty()) {
            (Some(validator), false) => faults.extend(told(name, "sent", validator, &exchange.json())),
            (None, false) => faults.push("it takes no body".into()),
            (_, true) => {}
        }
        if exchange.planned || exchange.status == 304 {
            return faults;
        }
        let refused = exchange.status >= 400;
        match self.answers.get(&exchange.status) {
            Some(Some(validator)) => {
                let answer = serde_json::from_slice(&exchange.answer).unwrap_or(Value::Null);
                faults.extend(told(name, "answered", validator, &answer));
            }
            Some(None) => {}
            // What any request can meet is not written at each operation.
            None if refused && matches!(exchange.status, 401 | 403 | 404 | 422) => {}
            None => faults.push(format!("it is not answered with {}", exchange.status)),
        }
        faults
    }
}

fn told(name: &str, what: &str, validator: &Validator, value: &Value) -> Vec<String> {
    let all = validator.iter_errors(value).map(|error| (error.instance_path().to_string(), error.to_string()));
    let real = all.filter(|(at, _)| !waived(name, at));
    real.map(|(at, error)| format!("{what} {at}: {}", error.chars().take(300).collect::<String>())).collect()
}

/// Whether this place of this operation is on the list; positions in lists do not count.
fn waived(name: &str, at: &str) -> bool {
    let parts = at.split('/').map(|part| if part.parse::<usize>().is_ok() { "{}" } else { part });
    let place = parts.collect::<Vec<_>>().join("/");
    WAIVED.iter().any(|(operation, pointer, _)| *operation == name && *pointer == place)
}

/// Fails the test whose exchanges do not fit.
pub fn keeps_to_the_contract(exchanges: &[Exchange]) {
    if let Some(contract) = published() {
        let faults = contract.faults(exchanges);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

/// Stands that play now; when none is left, the number of what was checked is told past the harness's capture.
pub static PLAYING: AtomicUsize = AtomicUsize::new(0);

/// A stand has ended.
pub fn ended() {
    if PLAYING.fetch_sub(1, Ordering::Relaxed) == 1 {
        let line = match published() {
            Some(_) => format!("contract: {} requests and answers validated\n", CHECKED.load(Ordering::Relaxed)),
            None => {
                "skipped: there is no ../shared/forge-contracts; COUNTERSIGN_CONTRACTS names another place\n".into()
            }
        };
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    }
}

#[test]
fn the_check_finds_what_does_not_fit() {
    let Some(contract) = published() else {
        return println!("skipped: there is no ../shared/forge-contracts; set COUNTERSIGN_CONTRACTS to its place");
    };
    let exchange = |method: &str, rest: &str, body: &str, status: u16, answer: &str| Exchange {
        method: method.into(),
        route: format!("/api/v3/repositories/{ID}{rest}"),
        uri: format!("/api/v3/repositories/{ID}{rest}"),
        headers: Default::default(),
        body: body.to_owned().into(),
        status,
        answer_headers: Default::default(),
        answer: answer.to_owned().into(),
        planned: false,
    };
    let found = |exchange| contract.faults(&[exchange]).len();
    let blob = r#"{"sha":"a","url":"https://x"}"#;
    assert_eq!(found(exchange("POST", "/git/blobs", r#"{"content":"a"}"#, 201, blob)), 0);
    assert_eq!(found(exchange("POST", "/git/blobs", r#"{"contents":"a"}"#, 201, blob)), 1, "a wrong request");
    assert_eq!(found(exchange("POST", "/git/blobs", r#"{"content":"a"}"#, 201, "{}")), 2, "a wrong answer");
    assert_eq!(found(exchange("POST", "/git/blobs", r#"{"content":"a"}"#, 200, blob)), 1, "a wrong status");
    assert_eq!(found(exchange("GET", "/git/nothing", "", 200, "{}")), 1, "no such operation");
}
