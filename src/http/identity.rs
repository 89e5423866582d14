//! Who calls: the access token of the `Authorization` header.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};

use super::{Services, error::Problem};
use crate::domain::{
    ids::{LoginId, UserId},
    refusal::Refusal,
};

/// An authenticated caller.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Who.
    pub user_id: UserId,
    /// By which login.
    pub login_id: LoginId,
}

/// The bearer token (RFC 6750, section 2.1), if there is one.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequest for Identity {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let services = request.app_data::<web::Data<Services>>();
        let claims = match (services, bearer(request)) {
            (Some(services), Some(token)) => services.logins.authenticate(token),
            _ => Err(Refusal::NotAuthenticated),
        };
        ready(claims.map(|claims| Self { user_id: claims.sub, login_id: claims.sid }).map_err(Problem))
    }
}
