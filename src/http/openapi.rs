//! What is true of many operations, told once: the answers that all of a kind can give, and their headers. What is
//! true of one stands above its handler.

use utoipa::openapi::{
    Content, Header, HttpMethod, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ServerBuilder,
    path::{Operation, Parameter, ParameterIn},
    schema::{Schema, SchemaType, Type},
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::error::Document;
use crate::domain::refusal::{Code, FieldError};

/// Tags, each with what it gathers.
const TAGS: &[(&str, &str)] = &[
    ("accounts", "Signing up, in and out."),
    ("administration", "For admins."),
    ("users", "Who is there."),
    ("conversations", "Groups and 1-on-1s, and what was said in them."),
    (PRESENCE, "Who is online."),
    (PROBES, "For operators and their tools; never limited."),
    (DESCRIPTION, "This description; never limited."),
];

/// The tag of who is here.
pub(super) const PRESENCE: &str = "presence";
/// The tag of what operators ask.
pub(super) const PROBES: &str = "operations";
/// The tag of what describes the API.
pub(super) const DESCRIPTION: &str = "description";
/// The name of the security scheme.
const BEARER: &str = "bearer";

const ABOUT: &str = "Self-hosted real-time chat. Every path exists at the root and, the same, under `/api/v1`. The socket is \
    described in [`asyncapi.json`](asyncapi.json).\n\nEvery id is a UUID; times are RFC 3339 in UTC and end in `Z`; text is \
    UTF-8 without U+0000, and lengths count Unicode characters. `seq` numbers a conversation's messages, `rev` its changes. \
    Fields are only ever added.\n\nErrors are problem documents (RFC 9457) with a stable `code`.";

/// An answer that many operations can give.
struct Common {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    headers: &'static [&'static str],
}

const COMMON: &[Common] = &[
    Common { status: "400", name: "Malformed", description: "`malformed`: the request isn't well-formed.", headers: &[] },
    Common {
        status: "401",
        name: "NotAuthenticated",
        description: "`not_authenticated`: no access token, or one that isn't good any more.",
        headers: &["WWW-Authenticate"],
    },
    Common {
        status: "408",
        name: "RequestTimeout",
        description: "`request_timeout`: the body took too long to arrive.",
        headers: &[],
    },
    Common { status: "413", name: "TooLarge", description: "`too_large`: the body is over 256 KiB.", headers: &[] },
    Common { status: "414", name: "UriTooLong", description: "`uri_too_long`: the request's address is too long.", headers: &[] },
    Common {
        status: "415",
        name: "UnsupportedMediaType",
        description: "`unsupported_media_type`: the body isn't `application/json`.",
        headers: &[],
    },
    Common {
        status: "422",
        name: "Invalid",
        description: "`invalid`: `errors` names each field that breaks its rules.",
        headers: &[],
    },
    Common {
        status: "429",
        name: "RateLimited",
        description: "`rate_limited`: too many requests; `Retry-After` says when to come back.",
        headers: &["Retry-After"],
    },
    Common { status: "431", name: "HeadTooLarge", description: "`too_large`: the request's head is too large.", headers: &[] },
    Common {
        status: "500",
        name: "Internal",
        description: "`internal`: a fault of ours, logged with the request's id.",
        headers: &[],
    },
    Common {
        status: "503",
        name: "Unavailable",
        description: "`busy`, `unavailable`, `shutting_down`: try again after `Retry-After`.",
        headers: &["Retry-After"],
    },
];

/// Headers of answers: name, type, meaning.
const HEADERS: &[(&str, Type, &str)] = &[
    ("X-Request-Id", Type::String, "The request's id: the caller's own when it is a plain one, else a new one."),
    ("WWW-Authenticate", Type::String, "`Bearer` (RFC 6750)."),
    ("Retry-After", Type::Integer, "Seconds after which to try again."),
    ("X-RateLimit-Limit", Type::Integer, "Requests a minute. Absent where no limit is set."),
    ("X-RateLimit-Remaining", Type::Integer, "Requests left at the moment. Absent where no limit is set."),
    (
        "X-RateLimit-Reset",
        Type::Integer,
        "When all of them are there again, in seconds of Unix time. Absent where no limit is set.",
    ),
];

/// Completes what the handlers say of themselves.
pub(super) fn complete(mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title("Pneumatic")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build();
    api.servers = Some(vec![ServerBuilder::new().url("./").description(Some("Where this description was read.")).build()]);
    api.tags = Some(TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build()).collect());
    for item in api.paths.paths.values_mut() {
        for (method, operation) in [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Head, &mut item.head),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ] {
            if let Some(operation) = operation {
                complete_operation(operation);
                if matches!(method, HttpMethod::Head) {
                    behead(operation);
                }
            }
        }
    }
    let components = api.components.get_or_insert_default();
    components.schemas.insert(Document::name().into(), Document::schema());
    components.schemas.insert(FieldError::name().into(), FieldError::schema());
    components.schemas.insert(Code::name().into(), Code::schema());
    for common in COMMON {
        let mut response = Response::new(common.description);
        for name in common.headers {
            response.headers.insert((*name).into(), header(name));
        }
        finish_response(common.status, &mut response, !matches!(common.status, "414" | "431" | "500"));
        components.responses.insert(common.name.into(), response.into());
    }
    for (name, kind, meaning) in HEADERS {
        let mut header = Header::new(ObjectBuilder::new().schema_type(kind.clone()));
        header.description = Some((*meaning).into());
        components.headers.insert((*name).into(), header.into());
    }
    let mut bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    bearer = bearer.description(Some("The access token of `POST /auth/login`."));
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    api
}

fn header(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn complete_operation(operation: &mut Operation) {
    let is_tagged = |tag| operation.tags.iter().flatten().any(|known| known == tag);
    let is_limited = !is_tagged(PROBES) && !is_tagged(DESCRIPTION);
    let mut statuses = vec!["414", "431", "500"];
    if operation.security.iter().flatten().next().is_some() {
        statuses.push("401");
    }
    if operation.request_body.is_some() {
        statuses.extend(["400", "408", "413", "415", "422"]);
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            if matches!(parameter.parameter_in, ParameterIn::Query) {
                statuses.extend(["400", "422"]);
            }
            never_null(parameter);
        }
    }
    if is_limited {
        statuses.extend(["429", "503"]);
    }
    let responses = &mut operation.responses.responses;
    for common in COMMON {
        let is_general = statuses.contains(&common.status);
        match responses.get_mut(common.status) {
            Some(RefOr::T(own)) => {
                if is_general {
                    own.description = format!("{} {}", common.description, own.description);
                }
                own.headers.extend(common.headers.iter().map(|name| ((*name).into(), header(name))));
            }
            None if is_general => {
                responses.insert(common.status.into(), RefOr::Ref(Ref::from_response_name(common.name)));
            }
            Some(RefOr::Ref(_)) | None => {}
        }
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response {
            finish_response(status, response, is_limited);
        }
    }
}

/// Headers that every answer has; and an error without a body of its own is a problem document.
fn finish_response(status: &str, response: &mut Response, is_limited: bool) {
    response.headers.insert("X-Request-Id".into(), header("X-Request-Id"));
    if is_limited {
        for (name, ..) in HEADERS.iter().filter(|(name, ..)| name.starts_with("X-RateLimit-")) {
            response.headers.insert((*name).into(), header(name));
        }
    }
    if status.starts_with(['4', '5']) && response.content.is_empty() {
        let problem = Content::new(Some(Ref::from_schema_name(Document::name())));
        response.content.insert("application/problem+json".into(), problem.into());
    }
}

/// A parameter is there or it isn't; it is never null.
fn never_null(parameter: &mut Parameter) {
    if let Some(RefOr::T(schema)) = &mut parameter.schema {
        match schema {
            Schema::Object(object) => {
                if let SchemaType::Array(types) = &mut object.schema_type {
                    types.retain(|kind| *kind != Type::Null);
                    if let [only] = types.as_slice() {
                        object.schema_type = SchemaType::Type(only.clone());
                    }
                }
            }
            Schema::OneOf(one) => {
                if let Some(RefOr::Ref(reference)) = one.items.iter().find(|item| matches!(item, RefOr::Ref(_))) {
                    parameter.schema = Some(RefOr::Ref(reference.clone()));
                }
            }
            _ => {}
        }
    }
}

/// The answers to HEAD are those to GET without their bodies.
fn behead(operation: &mut Operation) {
    if let Some(id) = &mut operation.operation_id {
        id.push_str("_head");
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::Ref(_) = response
            && let Some(common) = COMMON.iter().find(|common| common.status == status)
        {
            *response = Response::new(common.description).into();
        }
        if let RefOr::T(response) = response {
            response.content.clear();
            response.headers.insert("X-Request-Id".into(), header("X-Request-Id"));
        }
    }
}
