//! Everything the service can say no with: a closed list with stable codes. A refusal goes to the
//! client; a failure (a bug, a broken disk) is logged once and reaches the client only as
//! [`Refusal::Unavailable`] or [`Refusal::Internal`].

use std::{fmt, time::Duration};

use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's name on the wire.
    pub field: String,
    /// A plain sentence without the field's name.
    pub message: String,
}

impl FieldError {
    /// Names the field and what it must be.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The closed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request isn't well-formed (JSON, UTF-8, a frame of an unknown kind); says how.
    Malformed(String),
    /// Well-formed, but fields break their rules; never empty.
    Invalid(Vec<FieldError>),
    /// The type of a WebSocket frame isn't one we know.
    UnknownType(String),
    /// The username is taken.
    UsernameTaken,
    /// A wrong name and a wrong password alike.
    BadCredentials,
    /// No usable access token.
    NotAuthenticated,
    /// A refresh token that is unknown, expired, or of an ended login.
    BadRefreshToken,
    /// A refresh token came a second time; its login is ended.
    RefreshTokenReused,
    /// The present password, given to set another, isn't right.
    WrongPassword,
    /// A password was to be set for an account that has none and needs none: a guest's.
    NoPassword,
    /// An operator has switched the account off.
    AccountDisabled,
    /// Guests aren't let in on this server.
    GuestsNotAllowed,
    /// The call is for admins.
    NotAnAdmin,
    /// No such login among the caller's own.
    UnknownLogin,
    /// A page of another origin made a call that only our own pages may make.
    ForeignOrigin,
    /// The message names a sender who isn't the caller.
    SenderMismatch,
    /// No such conversation.
    UnknownConversation,
    /// The conversation exists, the caller isn't in it.
    NotAMember,
    /// The conversation's title and members are for its owners to change.
    NotAnOwner,
    /// A 1-on-1 has the members that it has.
    DirectConversation,
    /// Who shall be removed isn't a member.
    NoSuchMember,
    /// A conversation was asked for with somebody who doesn't exist.
    UnknownMember,
    /// No such user.
    UnknownUser,
    /// No such path.
    NotFound,
    /// The path exists, for other methods.
    MethodNotAllowed,
    /// The body took too long to arrive.
    RequestTimeout,
    /// The body is over its bound.
    TooLarge,
    /// The request's address is over its bound.
    UriTooLong,
    /// The request's headers are over their bound.
    HeadersTooLarge,
    /// The body isn't JSON by its own account.
    UnsupportedMediaType,
    /// The caller asks more often than is allowed; after this long one more is.
    RateLimited(Duration),
    /// The caller's address, or all together, have as many connections open as are allowed.
    TooManyConnections,
    /// A queue is full; trying again shortly is right.
    Busy,
    /// The database can't be reached; trying again later is right.
    Unavailable,
    /// The server is going away.
    ShuttingDown,
    /// A fault of ours, logged with the request's id.
    Internal,
}

/// One line for each kind of refusal: its stable name. Makes the list of all of them and the way to each.
macro_rules! codes {
    (match self { $($refusal:pat => $code:literal,)* }) => {
        /// Every code there is.
        pub const CODES: &[&str] = &[$($code),*];

        /// The stable name that programs compare.
        pub fn code(&self) -> &'static str {
            match self {
                $($refusal => $code,)*
            }
        }
    };
}

impl Refusal {
    /// One broken field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    codes! {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Invalid(_) => "invalid",
            Self::UnknownType(_) => "unknown_type",
            Self::UsernameTaken => "username_taken",
            Self::BadCredentials => "bad_credentials",
            Self::NotAuthenticated => "not_authenticated",
            Self::BadRefreshToken => "bad_refresh_token",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::WrongPassword => "wrong_password",
            Self::NoPassword => "no_password",
            Self::AccountDisabled => "account_disabled",
            Self::GuestsNotAllowed => "guests_not_allowed",
            Self::NotAnAdmin => "not_an_admin",
            Self::UnknownLogin => "unknown_login",
            Self::ForeignOrigin => "foreign_origin",
            Self::SenderMismatch => "sender_mismatch",
            Self::UnknownConversation => "unknown_conversation",
            Self::NotAMember => "not_a_member",
            Self::NotAnOwner => "not_an_owner",
            Self::DirectConversation => "direct_conversation",
            Self::NoSuchMember => "no_such_member",
            Self::UnknownMember => "unknown_member",
            Self::UnknownUser => "unknown_user",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::TooLarge => "too_large",
            Self::UriTooLong => "uri_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited(_) => "rate_limited",
            Self::TooManyConnections => "too_many_connections",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::ShuttingDown => "shutting_down",
            Self::Internal => "internal",
        }
    }

    /// After how long the same request may be tried again, where waiting helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) => Some(*wait),
            Self::TooManyConnections => Some(Duration::from_secs(5)),
            Self::Busy | Self::Unavailable | Self::ShuttingDown => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The broken fields; empty unless [`Refusal::Invalid`].
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Invalid(fields) => fields,
            _ => &[],
        }
    }
}

/// The closed list of codes, for the API's description.
#[derive(Clone, Copy, Debug)]
pub struct Code;

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What was refused, for programs to compare: a closed list."))
            .enum_values(Some(Refusal::CODES.iter().copied()))
            .into()
    }
}

impl ToSchema for Code {}

/// The plain sentence that clients show.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(how) => f.write_str(how),
            Self::Invalid(fields) => {
                for (i, FieldError { field, message }) in fields.iter().enumerate() {
                    let separator = if i == 0 { "" } else { "; " };
                    write!(f, "{separator}{field}: {message}")?;
                }
                Ok(())
            }
            Self::UnknownType(kind) => write!(f, "Unknown message type: {kind}"),
            Self::UsernameTaken => f.write_str("Username already registered"),
            Self::BadCredentials => f.write_str("Incorrect username or password"),
            Self::NotAuthenticated => f.write_str("Could not validate credentials"),
            Self::BadRefreshToken => f.write_str("Invalid refresh token"),
            Self::RefreshTokenReused => f.write_str("Refresh token was used before; this login has been ended"),
            Self::WrongPassword => f.write_str("The present password is not right"),
            Self::NoPassword => f.write_str("A guest has no password"),
            Self::AccountDisabled => f.write_str("This account has been disabled"),
            Self::GuestsNotAllowed => f.write_str("Guests are not let in here"),
            Self::NotAnAdmin => f.write_str("Only an admin may do this"),
            Self::UnknownLogin => f.write_str("No such login of yours"),
            Self::ForeignOrigin => f.write_str("This call is not allowed from another origin"),
            Self::SenderMismatch => f.write_str("sender_id must match authenticated user"),
            Self::UnknownConversation => f.write_str("Conversation not found"),
            Self::NotAMember => f.write_str("You are not a member of this conversation"),
            Self::NotAnOwner => f.write_str("Only an owner of this conversation may do this"),
            Self::DirectConversation => f.write_str("The members of a 1-on-1 conversation can't be changed"),
            Self::NoSuchMember => f.write_str("This user is not a member of the conversation"),
            Self::UnknownMember => f.write_str("One of the members does not exist"),
            Self::UnknownUser => f.write_str("User not found"),
            Self::NotFound => f.write_str("Not found"),
            Self::MethodNotAllowed => f.write_str("This method is not allowed here"),
            Self::RequestTimeout => f.write_str("The request body took too long to arrive"),
            Self::TooLarge => f.write_str("The request is too large"),
            Self::UriTooLong => f.write_str("The request's address is too long"),
            Self::HeadersTooLarge => f.write_str("The request's headers are too large"),
            Self::UnsupportedMediaType => f.write_str("The body must be application/json"),
            Self::RateLimited(wait) => {
                let seconds = whole_seconds(*wait);
                let unit = if seconds == 1 { "second" } else { "seconds" };
                write!(f, "Too many requests, please try again in {seconds} {unit}")
            }
            Self::TooManyConnections => f.write_str("Too many connections are open, please try again later"),
            Self::Busy => f.write_str("The server is busy, please try again in a moment"),
            Self::Unavailable => f.write_str("The database is unavailable, please try again later"),
            Self::ShuttingDown => f.write_str("The server is restarting, please try again in a moment"),
            Self::Internal => f.write_str("Something went wrong on our side"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A wait in whole seconds, at least one: whoever keeps to it doesn't come too early.
pub fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_millis().div_ceil(1_000) as u64).max(1)
}
