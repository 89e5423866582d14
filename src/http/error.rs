//! How a refusal looks over HTTP: a problem document (RFC 9457).

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::refusal::{Code, FieldError, Refusal, whole_seconds};

/// A refusal as the error of a handler. The request's scope renders it, because only that knows the request's id.
#[derive(Debug)]
pub struct Problem(pub Refusal);

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The status of each refusal, in one place.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Malformed(_) | Refusal::UnknownType(_) | Refusal::UsernameTaken | Refusal::UnknownMember => {
            StatusCode::BAD_REQUEST
        }
        Refusal::BadCredentials | Refusal::NotAuthenticated | Refusal::BadRefreshToken | Refusal::RefreshTokenReused => {
            StatusCode::UNAUTHORIZED
        }
        Refusal::ForeignOrigin
        | Refusal::SenderMismatch
        | Refusal::NotAMember
        | Refusal::NotAnOwner
        | Refusal::WrongPassword
        | Refusal::NoPassword
        | Refusal::AccountDisabled
        | Refusal::GuestsNotAllowed
        | Refusal::NotAnAdmin => StatusCode::FORBIDDEN,
        Refusal::UnknownConversation
        | Refusal::NoSuchMember
        | Refusal::UnknownUser
        | Refusal::UnknownLogin
        | Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::DirectConversation => StatusCode::CONFLICT,
        Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::UriTooLong => StatusCode::URI_TOO_LONG,
        Refusal::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Refusal::RateLimited(_) | Refusal::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
        Refusal::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Busy | Refusal::Unavailable | Refusal::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// The refusal that stands for a status that some library chose.
pub fn from_status(status: StatusCode) -> Refusal {
    match status {
        StatusCode::NOT_FOUND => Refusal::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Refusal::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => Refusal::RequestTimeout,
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        StatusCode::URI_TOO_LONG => Refusal::UriTooLong,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Refusal::HeadersTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Refusal::UnsupportedMediaType,
        status if status.is_client_error() => Refusal::Malformed("The request is not valid".into()),
        _ => Refusal::Internal,
    }
}

/// What went wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document<'a> {
    /// Always `about:blank`: the status and `code` say it all.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status once more.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A plain sentence, fit to be shown.
    detail: String,
    #[schema(value_type = Code)]
    code: &'static str,
    /// The same as in `X-Request-Id`; the server's log names it.
    request_id: &'a str,
    /// With `invalid`: every field that breaks its rules.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// The whole answer.
pub fn render(refusal: &Refusal, status: StatusCode, request_id: &str) -> HttpResponse {
    let document = Document {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: refusal.to_string(),
        code: refusal.code(),
        request_id,
        errors: refusal.fields(),
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    if let Some(wait) = refusal.retry_after() {
        response.insert_header((header::RETRY_AFTER, whole_seconds(wait)));
    }
    // The content type that is set first stays.
    response.content_type("application/problem+json").json(document)
}
