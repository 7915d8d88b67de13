//! The problems that routes have in common, as the API's document names them.
//!
//! Must not make an answer: it only describes them.

use super::problem::PROBLEM_JSON;
use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};

type Responses = BTreeMap<String, RefOr<utoipa::openapi::Response>>;

fn problems(list: &[(&str, &str)]) -> Responses {
    let problem = |text: &str| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        RefOr::T(ResponseBuilder::new().description(text).content(PROBLEM_JSON, content).build())
    };
    list.iter().map(|(status, text)| ((*status).to_owned(), problem(text))).collect()
}

/// The problems of every route that needs a token.
pub(super) struct Guarded;

impl IntoResponses for Guarded {
    fn responses() -> Responses {
        problems(&[
            ("401", "No token, or one that is not known."),
            ("403", "A token without the role, or in another's name."),
            ("500", "A fault of the service; `instance` names the request in its log."),
            ("503", "The database does not answer, or it took too long; try again."),
        ])
    }
}

/// What is not there, or belongs to another tenant.
pub(super) struct Missing;

impl IntoResponses for Missing {
    fn responses() -> Responses {
        problems(&[("404", "Nothing there in this tenant.")])
    }
}

/// A query that cannot be understood.
pub(super) struct BadQuery;

impl IntoResponses for BadQuery {
    fn responses() -> Responses {
        problems(&[("400", "The query is not understood.")])
    }
}

/// A body that cannot be taken.
pub(super) struct BadBody;

impl IntoResponses for BadBody {
    fn responses() -> Responses {
        problems(&[
            ("400", "The document is not understood; `path` says where."),
            ("413", "More than 1 MiB."),
            ("422", "Understood, and cannot be done."),
        ])
    }
}

/// A state that does not allow it.
pub(super) struct Clash;

impl IntoResponses for Clash {
    fn responses() -> Responses {
        problems(&[("409", "What is there does not allow it.")])
    }
}

/// More than is allowed in an hour.
pub(super) struct Spent;

impl IntoResponses for Spent {
    fn responses() -> Responses {
        problems(&[("429", "As many as an hour allows; `Retry-After` says when to come back.")])
    }
}
