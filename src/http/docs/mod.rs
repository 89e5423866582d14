//! The API's description, for programs and for people (Swagger UI).

use std::sync::{Arc, LazyLock};

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use utoipa_swagger_ui::Config;

use super::{
    Services,
    error::Problem,
    openapi::{self, DESCRIPTION},
    page::Page,
};
use crate::{domain::refusal::Refusal, wire::asyncapi};

/// As for our own pages, but that Swagger UI writes its own HTML: no Trusted Types.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files of Swagger UI that the page asks for.
const ASSETS: &[&str] = &["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// Made when first asked for; the same as long as the program runs.
static PAGE: LazyLock<Page> = LazyLock::new(|| Page::new("text/html; charset=utf-8", include_str!("index.html").into()));
static START: LazyLock<Page> = LazyLock::new(|| Page::new("text/javascript; charset=utf-8", include_str!("start.js").into()));
static OPENAPI: LazyLock<Page> = LazyLock::new(|| Page::json(&openapi::complete(super::described())));
static ASYNCAPI: LazyLock<Page> = LazyLock::new(|| Page::json(&asyncapi::document()));
static SWAGGER_UI: LazyLock<Vec<(&str, Page)>> = LazyLock::new(|| {
    let config = Arc::new(Config::from("openapi.json"));
    let load = |name: &'static str| {
        let file = utoipa_swagger_ui::serve(name, Arc::clone(&config)).ok()??;
        Some((name, Page::new(file.content_type, Bytes::from(file.bytes.into_owned()))))
    };
    ASSETS.iter().copied().filter_map(load).collect()
});

/// This description, to read and to try.
#[utoipa::path(
    method(get, head),
    path = "/docs",
    tag = DESCRIPTION,
    responses((status = 200, description = "A page.", body = String, content_type = "text/html"), (status = 304, description = "As before."))
)]
pub(super) async fn page(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    PAGE.answer(&request, &services, CONTENT_SECURITY_POLICY).await
}

/// What the page needs.
#[utoipa::path(
    get,
    path = "/docs/{file}",
    tag = DESCRIPTION,
    params(("file" = String, Path, description = "A script, a style sheet or an icon.", example = "swagger-ui.css")),
    responses(
        (status = 200, description = "The file.", content(("text/css"), ("text/javascript"), ("image/png"))),
        (status = 304, description = "As before."),
        (status = 404, description = "`not_found`: no such file."),
    )
)]
pub(super) async fn asset(
    request: HttpRequest,
    file: web::Path<String>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let page = match file.as_str() {
        "start.js" => Some(&*START),
        name => SWAGGER_UI.iter().find(|(known, _)| *known == name).map(|(_, page)| page),
    };
    Ok(page.ok_or(Refusal::NotFound)?.answer(&request, &services, CONTENT_SECURITY_POLICY).await)
}

/// The REST API as OpenAPI 3.1.
#[utoipa::path(
    method(get, head),
    path = "/openapi.json",
    tag = DESCRIPTION,
    responses((status = 200, description = "An OpenAPI document.", body = Object), (status = 304, description = "As before."))
)]
pub(super) async fn openapi(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    OPENAPI.answer(&request, &services, super::pages::CONTENT_SECURITY_POLICY).await
}

/// The socket as AsyncAPI 3.0.
#[utoipa::path(
    method(get, head),
    path = "/asyncapi.json",
    tag = DESCRIPTION,
    operation_id = "asyncapi",
    responses((status = 200, description = "An AsyncAPI document.", body = Object), (status = 304, description = "As before."))
)]
pub(super) async fn sockets(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    ASYNCAPI.answer(&request, &services, super::pages::CONTENT_SECURITY_POLICY).await
}
