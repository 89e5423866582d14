//! The scope of one request: its id, its span, its line in the log, its problem document.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web,
};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Services,
    error::{self, Problem},
    identity::Identity,
};
use crate::metrics::{Door, Metrics};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every request.
///
/// # Errors
/// Those of middleware below this one; handlers' errors come as answers.
pub async fn request_scope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(&request);
    // The path alone: a query may carry a token.
    let span = tracing::info_span!("request", request_id = id, method = %request.method(), path = request.path());
    let started = std::time::Instant::now();
    let metrics = request.app_data::<web::Data<Services>>().map(|services| Arc::clone(&services.metrics));
    async move {
        let mut response = problem(next.call(request).await?.map_into_boxed_body(), &id, metrics.as_deref());
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let (status, micros) = (response.status().as_u16(), started.elapsed().as_micros() as u64);
        if let Some(metrics) = metrics {
            let request = response.request();
            metrics.answered(request.method().as_str(), request.match_pattern(), status, started.elapsed());
        }
        if response.status().is_server_error() {
            tracing::warn!(status, micros, "request.answered");
        } else {
            tracing::debug!(status, micros, "request.answered");
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

/// The caller's own id for the request when it is a plain one, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    match given {
        Some(id) if (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) => {
            id.to_owned()
        }
        _ => Uuid::new_v4().simple().to_string(),
    }
}

/// Turns every error into a problem document: our own refusals, and the statuses that libraries chose.
fn problem(response: ServiceResponse, id: &str, metrics: Option<&Metrics>) -> ServiceResponse {
    let status = response.status();
    let ours = response.response().error().and_then(|error| error.as_error::<Problem>()).map(|problem| problem.0.clone());
    let bare = status.is_client_error() || status.is_server_error();
    let refusal = match ours {
        Some(refusal) => refusal,
        None if bare && response.headers().get("content-type").is_none_or(|kind| kind != "application/json") => {
            if status.is_server_error() {
                tracing::error!(error = ?response.response().error(), "request.failed");
            }
            error::from_status(status)
        }
        None => return response,
    };
    if let Some(metrics) = metrics {
        let user = response.request().extensions().get::<Identity>().map(|caller| caller.user_id);
        metrics.refused(Door::Http, &refusal, user);
    }
    let rendered = error::render(&refusal, status, id);
    // What a library said about how to do better (`Allow`, `Sec-WebSocket-Version`) stays.
    let (request, old) = response.into_parts();
    let mut rendered = rendered;
    for (name, value) in old.headers() {
        if !rendered.headers().contains_key(name) && name != "content-length" {
            rendered.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, rendered)
}
