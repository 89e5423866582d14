//! What becomes of a request, whether its connection goes on as HTTP or is taken over.

use std::rc::Rc;

use actix_codec::Framed;
use actix_cors::Cors;
use actix_http::{
    HttpService, HttpServiceBuilder, Request,
    body::BoxBody,
    h1::{Codec, ExpectHandler, UpgradeHandler},
};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt,
    boxed::{self, BoxServiceFactory},
    fn_factory, fn_service, map_config,
};
use actix_web::{
    App, HttpResponse,
    dev::{AppConfig, ServiceResponse},
    http::{Method, header},
    middleware::from_fn,
    rt::net::ActixStream,
    web::{self, ServiceConfig},
};

use crate::{
    http::{self, Services, client::Secured},
    ws::upgrade,
};

/// How long a browser may go by what it was told about another origin's calls.
const PREFLIGHT_LIFE: usize = 600;

/// The middleware and the routes.
pub(super) type Application = BoxServiceFactory<(), Request, ServiceResponse<BoxBody>, HttpResponse, ()>;
/// What takes a connection over that asks for it.
pub(super) type Upgrades<T> = BoxServiceFactory<(), (Request, Framed<T, Codec>), (), actix_web::Error, ()>;

/// Has connections of one worker served: by one application as plain requests, by its like when they ask for an upgrade.
pub(super) fn serve<T: ActixStream + 'static>(
    connections: HttpServiceBuilder<T, Application, ExpectHandler, UpgradeHandler>,
    services: &Services,
    is_tls: bool,
    table: impl Fn(&mut ServiceConfig),
) -> HttpService<T, Application, BoxBody, ExpectHandler, Upgrades<T>> {
    let application = || application(services, is_tls, &table);
    connections.upgrade(upgrades(application())).finish(application())
}

fn application(services: &Services, is_tls: bool, table: impl Fn(&mut ServiceConfig)) -> Application {
    let app = App::new()
        .app_data(web::Data::new(services.clone()))
        .app_data(Secured(is_tls))
        .wrap(from_fn(http::rate_limit))
        .wrap(cors(&services.allowed_origins))
        .wrap(from_fn(http::request_scope))
        .configure(table);
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    boxed::factory(app.map(ServiceResponse::map_into_boxed_body).map_err(|error: actix_web::Error| error.error_response()))
}

fn upgrades<T: ActixStream + 'static>(application: Application) -> Upgrades<T> {
    boxed::factory(fn_factory(move || {
        let starting = application.new_service(());
        async move {
            let application = Rc::new(starting.await?);
            Ok::<_, ()>(fn_service(move |(request, framed): (Request, Framed<T, Codec>)| {
                let application = Rc::clone(&application);
                async move {
                    upgrade::mark(&request);
                    let response = application.call(request).await;
                    if let Err(error) = upgrade::answer(response, framed).await {
                        tracing::debug!(%error, "connection.lost");
                    }
                    Ok(())
                }
            }))
        }
    }))
}

/// Pages of the allowed origins may call us with a token; cookies are for our own alone.
fn cors(origins: &[String]) -> Cors {
    let names = ["idempotency-key", "x-request-id", "traceparent", "tracestate"];
    let shown = ["x-request-id", "retry-after", "ratelimit", "ratelimit-policy", "traceresponse"];
    let limits = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .allowed_headers(names)
        .expose_headers(shown.into_iter().chain(limits))
        .max_age(PREFLIGHT_LIFE);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
