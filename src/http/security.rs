//! What every answer tells a browser to keep it safe, and what a request may be before anybody looks at it.

use std::rc::Rc;

use actix_web::{
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};

use super::client::Client;
use crate::{
    domain::refusal::Refusal,
    limits::connections::{Admission, Connection},
};

/// Most bytes of a request's headers.
const MAX_HEADERS: usize = 32 << 10;
/// Most bytes of its address.
const MAX_URI: usize = 8 << 10;

/// For what isn't a page: nothing may be loaded, and nobody may frame it.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Whether a request may come in at all.
///
/// # Errors
/// [`Refusal::TooManyConnections`], [`Refusal::UriTooLong`], [`Refusal::HeadersTooLarge`].
pub(super) fn admit(request: &ServiceRequest) -> Result<(), Refusal> {
    let admission = request.conn_data::<Rc<Connection>>().map_or(Admission::Admitted, |connection| connection.admission);
    // Probes come through whatever the load.
    if admission != Admission::Admitted && !matches!(request.path(), "/health" | "/ready") {
        return Err(Refusal::TooManyConnections);
    }
    if request.uri().path_and_query().map_or(0, |uri| uri.as_str().len()) > MAX_URI {
        return Err(Refusal::UriTooLong);
    }
    let bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEADERS { Err(Refusal::HeadersTooLarge) } else { Ok(()) }
}

/// Adds what is missing of the security headers; ends the connection of a request that was refused unseen.
pub(super) fn finish<B>(response: &mut ServiceResponse<B>, client: Client, admitted: bool) {
    if !admitted {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    protect(response.headers_mut(), client);
}

/// Adds what is missing of the security headers.
pub(super) fn protect(headers: &mut HeaderMap, client: Client) {
    let mut add = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    add(header::CONTENT_SECURITY_POLICY, NOTHING);
    add(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    add(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // What is said to one caller is for nobody else, and not for later.
    add(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if client.secure {
        // RFC 6797; one year. Subdomains are others' business.
        add(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
