//! The scope of one request: its id, its client, its span, its line in the log, its problem document.

use std::{panic::AssertUnwindSafe, sync::Arc};

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Services,
    client::Client,
    error::{self, Problem},
    idle::Idle,
    security,
};
use crate::{
    auth::token::Claims,
    domain::refusal::Refusal,
    metrics::{Door, Metrics},
    telemetry::traces,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every request.
///
/// # Errors
/// A panic below, as the finished answer; those of middleware below this one. Handlers' errors come as answers.
pub async fn request_scope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(&request);
    let busy = request.conn_data::<Idle>().map(Idle::begin);
    let proxies = request.app_data::<web::Data<Services>>().map(|services| services.trusted_proxies.clone());
    let client = Client::attach(&request, proxies.as_deref().unwrap_or_default());
    // The path alone: a query may carry a token.
    let (method, path, kind) = (request.method().as_str(), request.path(), tracing::field::Empty);
    let span = tracing::info_span!("request", request_id = id, method, path, otel.kind = kind);
    traces::take_up(&span, request.headers());
    let started = std::time::Instant::now();
    let metrics = request.app_data::<web::Data<Services>>().map(|services| Arc::clone(&services.metrics));
    async move {
        let method = request.method().clone();
        let admitted = security::admit(&request);
        let is_admitted = admitted.is_ok();
        let response = match admitted {
            Ok(()) => match AssertUnwindSafe(next.call(request)).catch_unwind().await {
                Ok(response) => response?.map_into_boxed_body(),
                Err(_) => {
                    if let Some(metrics) = metrics {
                        metrics.refused(Door::Http, &Refusal::Internal, None);
                        metrics.answered(method.as_str(), None, 500, started.elapsed());
                    }
                    return Err(panicked(&id, client));
                }
            },
            Err(refusal) => ServiceResponse::from_err(Problem(refusal), request.into_parts().0),
        };
        let mut response = problem(response, &id, metrics.as_deref());
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        if let (Some(busy), BodySize::Sized(bytes)) = (&busy, response.response().body().size()) {
            busy.sends(bytes);
        }
        security::finish(&mut response, client, is_admitted);
        if let Some(trace) = traces::answer(response.request(), response.status()) {
            response.headers_mut().insert(traces::TRACERESPONSE, trace);
        }
        let (status, micros) = (response.status().as_u16(), started.elapsed().as_micros() as u64);
        if let Some(metrics) = metrics {
            metrics.answered(method.as_str(), response.request().match_pattern(), status, started.elapsed());
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

/// The request has gone with whatever panicked; the answer goes out by itself.
fn panicked(id: &str, client: Client) -> Error {
    tracing::error!("request.panicked");
    let mut response = error::render(&Refusal::Internal, StatusCode::INTERNAL_SERVER_ERROR, id);
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    security::protect(response.headers_mut(), client);
    InternalError::from_response("panicked", response).into()
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
        // The rate limit has read the token.
        let user = response.request().extensions().get::<Claims>().map(|claims| claims.sub);
        metrics.refused(Door::Http, &refusal, user);
        if refusal == Refusal::TooManyConnections {
            metrics.limited("connections");
        }
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

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, middleware::from_fn, test};

    use super::*;

    #[actix_web::test]
    async fn a_panic_is_a_problem_too() {
        let broken = web::get().to(async || -> HttpResponse { panic!("on purpose") });
        let app = App::new().wrap(from_fn(request_scope)).route("/broken", broken);
        let app = test::init_service(app).await;
        let request = test::TestRequest::get().uri("/broken").insert_header((REQUEST_ID, "abc")).to_request();
        let error = test::try_call_service(&app, request).await.map(|_| ()).unwrap_err();
        let answer = error.error_response();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
        assert_eq!(answer.headers().get("x-request-id").unwrap(), "abc");
        assert_eq!(answer.headers().get("x-content-type-options").unwrap(), "nosniff");
        let request = test::TestRequest::get().uri("/nowhere").to_request();
        assert_eq!(test::call_service(&app, request).await.status(), StatusCode::NOT_FOUND, "the next one is served");
    }
}
