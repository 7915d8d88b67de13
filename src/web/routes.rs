//! Every route and the document that describes them, made from the same list.
//!
//! Must not hold a route that the document does not name.

use super::api::{
    adapters, approvals, audit, feedback, meta, outcome, proposals, rearm, reports, tokens, trust, withdraw,
};
use super::problem::Document;
use super::{Shared, hooks, pages};
use crate::domain::ids::ForgeKind;
use crate::domain::proposal::Proposal;
use axum::Router;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The head of the document.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "countersign", description = "Turns approved remediation proposals into attested pull requests on GitOps repositories."),
    components(schemas(Document)),
    modifiers(&Schemes),
    tags(
        (name = "proposals", description = "Sending and reading proposals."),
        (name = "adapters", description = "What other tools emit, translated into proposals."),
        (name = "reports", description = "What Argo CD, Flux and Alertmanager say of what runs; for registered reporters."),
        (name = "trust", description = "What classes of changes have earned."),
        (name = "audit", description = "The tamper-evident log."),
        (name = "tokens", description = "Who may use the API; for admins."),
        (name = "hooks", description = "Hints from forges."),
        (name = "pages", description = "Read-only pages for people; HTTP Basic with a token as the password works too."),
        (name = "service", description = "What machines ask of a service; no token is needed."),
    )
)]
struct Head;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        components.add_security_scheme("browser", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// The router and its document; `told` says whether any repository of a kind of forge could be told about.
pub(super) fn assemble(told: impl Fn(ForgeKind) -> bool) -> (Router<Arc<Shared>>, String) {
    let (router, document) = described(told).split_for_parts();
    (router, complete(&document).to_string())
}

/// The OpenAPI 3.1 document of the whole surface.
pub fn openapi() -> Value {
    let (_, document) = described(|_| true).split_for_parts();
    complete(&document)
}

fn described(told: impl Fn(ForgeKind) -> bool) -> OpenApiRouter<Arc<Shared>> {
    let mut router = OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(proposals::send, proposals::list))
        .routes(routes!(proposals::one))
        .routes(routes!(proposals::diff))
        .routes(routes!(proposals::attestation))
        .routes(routes!(approvals::approve, approvals::list))
        .routes(routes!(approvals::reject))
        .routes(routes!(outcome::report))
        .routes(routes!(withdraw::withdraw))
        .routes(routes!(reports::of_argocd))
        .routes(routes!(reports::of_flux))
        .routes(routes!(reports::of_alertmanager))
        .routes(routes!(adapters::srenix))
        .routes(routes!(adapters::kubernaut))
        .routes(routes!(adapters::alertmanager))
        .routes(routes!(feedback::feedback))
        .routes(routes!(trust::classes))
        .routes(routes!(trust::class))
        .routes(routes!(rearm::rearm))
        .routes(routes!(tokens::make, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::events))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(audit::export))
        .routes(routes!(audit::proof))
        .routes(routes!(meta::healthz))
        .routes(routes!(meta::readyz))
        .routes(routes!(meta::metrics))
        .routes(routes!(meta::document))
        .routes(routes!(meta::proposal_schema))
        .routes(routes!(meta::config_schema))
        .routes(routes!(meta::jwks))
        .routes(routes!(meta::keyset))
        .routes(routes!(meta::attestation_pem))
        .routes(routes!(meta::log_pem))
        .routes(routes!(pages::style))
        .routes(routes!(pages::proposals))
        .routes(routes!(pages::proposal))
        .routes(routes!(pages::approve::show, pages::approve::take))
        .routes(routes!(pages::classes))
        .routes(routes!(pages::class))
        .routes(routes!(pages::audit));
    if told(ForgeKind::Local) {
        router = router.routes(routes!(hooks::local));
    }
    if told(ForgeKind::Github) {
        router = router.routes(routes!(hooks::github));
    }
    if told(ForgeKind::Gitlab) {
        router = router.routes(routes!(hooks::gitlab));
    }
    router
}

/// Adds the schema of the proposal, which its own types make.
fn complete(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let root = generator.subschema_for::<Proposal>();
    let definitions = generator.take_definitions(true);
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        for (name, schema) in definitions {
            schemas.insert(rename(&name), prefixed(schema));
        }
        schemas.insert("SentProposal".into(), prefixed(root.to_value()));
    }
    document
}

/// Names of the proposal's types, kept apart from the names of answers.
fn rename(name: &str) -> String {
    format!("Sent.{name}")
}

fn prefixed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let target = value.as_str().and_then(|text| text.strip_prefix("#/components/schemas/")).map(rename);
                match target {
                    Some(target) if key == "$ref" => *value = json!(format!("#/components/schemas/{target}")),
                    Some(_) | None => *value = prefixed(value.take()),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = prefixed(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}
