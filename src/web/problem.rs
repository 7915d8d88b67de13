//! Errors as RFC 9457 problem documents.
//!
//! Must not show a cause: what went wrong inside is logged once, under the id of the request.

use super::intake::Refused;
use crate::domain::canon::Malformed;
use crate::domain::ids::Time;
use crate::domain::redact;
use crate::store::StoreError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The content type of a problem document.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// What is sent when a request fails (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document {
    /// `urn:countersign:problem:<code>`; the code is stable.
    #[serde(rename = "type")]
    #[schema(example = "urn:countersign:problem:malformed")]
    pub(super) kind: String,
    /// The problem in a few words.
    pub(super) title: String,
    /// The HTTP status.
    pub(super) status: u16,
    /// What happened and what to do.
    pub(super) detail: String,
    /// The request, as it stands in the service's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) instance: Option<String>,
    /// Where in the document the fault is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
}

/// Why a request fails.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
    pub(super) path: Option<String>,
    /// For the log only.
    pub(super) cause: Option<String>,
    /// Whether HTTP Basic is offered as well.
    pub(super) basic: bool,
    /// When the same request may succeed; boxed, so that a problem stays small.
    pub(super) retry: Option<Box<Time>>,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        let detail = redact::owned(detail.into());
        Problem { status, code, title, detail, path: None, cause: None, basic: false, retry: None }
    }

    /// No token, or one that is not known.
    pub(super) fn unknown_caller(basic: bool) -> Problem {
        let detail = "send a token that `countersign token create` made, as `Authorization: Bearer ...`";
        Problem {
            basic,
            ..Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "The caller is not known", detail)
        }
    }

    /// A known token that may not do this.
    pub(super) fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "The token may not do this", detail)
    }

    /// Nothing there, whoever else may have such a thing.
    pub(super) fn missing(what: &str) -> Problem {
        let detail = format!("there is no such {what} in this tenant: check the id and the token");
        Problem::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// A body over the limit.
    pub(super) fn too_large(limit: usize) -> Problem {
        let detail = format!("the body may have {limit} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large", detail)
    }

    /// A request that cannot be understood.
    pub(super) fn bad(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, "The request is not understood", detail)
    }

    /// A document that is not one.
    pub(super) fn malformed(error: &Malformed) -> Problem {
        let path = Some(cut(&error.path, 500)).filter(|path| !path.is_empty());
        let title = "The document is not understood";
        Problem { path, ..Problem::new(StatusCode::BAD_REQUEST, "malformed", title, cut(&error.reason, 2000)) }
    }

    /// An approval token that is not taken, whatever the reason: the log has it, for those who may read it.
    pub(super) fn untaken() -> Problem {
        let detail = "the token was not taken and not used up; the reason stands in the proposal's log                       (GET /v1/audit/events?proposal=...): mend what it names, or mint another";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "approval_refused", "The token is not taken", detail)
    }

    /// A request that is understood and cannot be done.
    pub(super) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The request cannot be done", detail)
    }

    /// A fault of ours.
    pub(super) fn internal(cause: impl std::fmt::Display) -> Problem {
        let detail = "the service failed; its log has the cause under the id of this request";
        let title = "Internal error";
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title, detail);
        Problem { cause: Some(cause.to_string()), ..problem }
    }

    /// The document; `request` is the id in the log.
    pub(super) fn document(&self, request: Option<&str>) -> Document {
        Document {
            kind: format!("urn:countersign:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            instance: request.map(|id| format!("urn:uuid:{id}")),
            path: self.path.clone(),
        }
    }
}

/// The date of HTTP, `Fri, 04 Dec 2026 10:00:00 GMT`, rounded up to the second.
fn http_date(at: Time) -> String {
    Time(at.0.saturating_add(999_999)).timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Text that repeats what was sent, up to a length.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

impl IntoResponse for Problem {
    /// The document without the request's id, which the outermost layer adds.
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.document(None)).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"countersign\""));
            if self.basic {
                let basic = HeaderValue::from_static("Basic realm=\"countersign\", charset=\"UTF-8\"");
                headers.append(header::WWW_AUTHENTICATE, basic);
            }
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        let later = self.retry.as_deref().and_then(|at| HeaderValue::from_str(&http_date(*at)).ok());
        later.and_then(|date| headers.insert(header::RETRY_AFTER, date));
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match &error {
            StoreError::NotFound(_) => Problem::missing("thing"),
            StoreError::Conflict(_) | StoreError::Duplicate { .. } => {
                Problem::new(StatusCode::CONFLICT, "conflict", "Changed meanwhile", error.to_string())
            }
            StoreError::Busy | StoreError::ReadOnly(_) | StoreError::Unreachable(_) => Problem {
                cause: Some(error.to_string()),
                ..Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "The database does not answer",
                    "the database does not answer now: try again later",
                )
            },
            StoreError::Replayed => Problem::untaken(),
            StoreError::Spent(again) => Problem {
                retry: Some(Box::new(*again)),
                ..Problem::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "approval_budget",
                    "Too many approvals",
                    error.to_string(),
                )
            },
            StoreError::NewerSchema { .. } | StoreError::Invalid(_) | StoreError::Other(_) => Problem::internal(error),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let (status, title) = match &refused {
            Refused::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The proposal is too large"),
            Refused::ForeignTenant | Refused::ForeignProposer | Refused::OwnName => {
                (StatusCode::FORBIDDEN, "The token may not do this")
            }
            Refused::UnknownRepository(_) => (StatusCode::NOT_FOUND, "The repository is not listed"),
            Refused::Expired(_) => (StatusCode::UNPROCESSABLE_ENTITY, "The proposal has expired"),
            Refused::NameTaken { .. } => (StatusCode::CONFLICT, "The id is taken"),
            Refused::Malformed(error) => return Problem::malformed(error),
            Refused::Store(_) => return Problem::of_store(refused),
        };
        Problem::new(status, refused.code(), title, cut(&refused.to_string(), 2000))
    }
}

impl Problem {
    fn of_store(refused: Refused) -> Problem {
        match refused {
            Refused::Store(error) => Problem::from(error),
            other => Problem::internal(other),
        }
    }
}
