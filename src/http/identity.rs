//! Who calls: the access token of the `Authorization` header.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web};

use super::{Services, error::Problem};
use crate::{
    auth::token::Claims,
    domain::{
        ids::{LoginId, UserId},
        refusal::Refusal,
    },
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
        // The rate limit has read the token already.
        let known = request.extensions().get::<Claims>().cloned();
        let services = request.app_data::<web::Data<Services>>();
        let claims = match (known, services, bearer(request)) {
            (Some(claims), ..) => Ok(claims),
            (None, Some(services), Some(token)) => services.logins.authenticate(token),
            _ => Err(Refusal::NotAuthenticated),
        };
        ready(claims.map(|claims| Self { user_id: claims.sub, login_id: claims.sid }).map_err(Problem))
    }
}

/// An authenticated caller who is an admin. That is asked of the database each time: such calls are few, and a right
/// that was taken away is gone at once.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub Identity);

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Identity::from_request(request, payload);
        let services = request.app_data::<web::Data<Services>>().cloned();
        Box::pin(async move {
            let caller = caller.await?;
            let services = services.ok_or(Refusal::Internal)?;
            if services.writer.is_admin(caller.user_id).await? { Ok(Self(caller)) } else { Err(Refusal::NotAnAdmin.into()) }
        })
    }
}
