//! `/conversations`.

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Services, body::Body, error::Problem, identity::Identity, query::Query};
use crate::domain::{
    conversation::{Conversation, NewConversation, ReadMark, Started},
    ids::{ConversationId, Seq, UserId},
    message::{Message, Page},
    refusal::Refusal,
    text::{Fields, IdempotencyKey, Title},
};

/// Messages on a page when the caller doesn't say.
const PAGE: i64 = 50;
/// Most messages on a page.
const MAX_PAGE: i64 = 200;

#[derive(Serialize, ToSchema)]
#[schema(as = Conversations)]
struct Listed {
    conversations: Vec<Conversation>,
}

/// The caller's conversations.
///
/// The most recently active first.
#[utoipa::path(
    get,
    path = "/conversations",
    tag = "conversations",
    operation_id = "list_conversations",
    security(("bearer" = [])),
    responses((status = 200, description = "All of them.", body = Listed))
)]
pub(super) async fn list(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let conversations = services.writer.conversations(caller.user_id).await?;
    Ok(HttpResponse::Ok().json(Listed { conversations }))
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewConversation, examples(json!({ "title": "Friday lunch", "member_ids": ["0192a1b2-c3d4-7e5f-8a6b-1c2d3e4f5a6b"] })))]
pub(super) struct Start {
    #[schema(value_type = Option<Title>)]
    title: Option<String>,
    /// The others; at most 5,000 members in all.
    #[schema(max_items = 5_000)]
    member_ids: Vec<UserId>,
}

/// Start a conversation.
///
/// The caller is added. Exactly two members make a 1-on-1, of which there is one; fewer or more make a group, a new
/// one each time, unless an `Idempotency-Key` of the last 24 hours names one already made.
#[utoipa::path(
    post,
    path = "/conversations",
    tag = "conversations",
    operation_id = "start_conversation",
    security(("bearer" = [])),
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header, description = "The request's own name.")),
    request_body = Start,
    responses(
        (status = 201, description = "It is new.", body = Conversation),
        (status = 200, description = "It was there before.", body = Conversation),
        (status = 400, description = "`unknown_member`: one of the members doesn't exist."),
    )
)]
pub(super) async fn start(
    caller: Identity,
    request: HttpRequest,
    Body(body): Body<Start>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let title = fields.check("title", body.title.as_deref().map_or(Ok(None), Title::parse));
    let key = match request.headers().get("idempotency-key") {
        None => Some(None),
        Some(key) => {
            let key = key.to_str().map_err(|_| "must be plain ASCII".to_owned());
            fields.check("Idempotency-Key", key.and_then(IdempotencyKey::parse)).map(Some)
        }
    };
    let (Some(title), Some(key)) = (title, key) else {
        return Err(fields.refusal().into());
    };
    let new = NewConversation::new(caller.user_id, body.member_ids, title, key)?;
    Ok(match services.writer.start_conversation(new).await? {
        Started::New(state) => HttpResponse::Created().json(state.seen_by(caller.user_id, None)),
        Started::Existing(conversation) => HttpResponse::Ok().json(conversation),
    })
}

/// One of the caller's conversations.
#[utoipa::path(
    get,
    path = "/conversations/{id}",
    tag = "conversations",
    operation_id = "get_conversation",
    security(("bearer" = [])),
    params(("id" = ConversationId, Path, description = "Which conversation.")),
    responses(
        (status = 200, description = "It.", body = Conversation),
        (status = 403, description = "`not_a_member`."),
        (status = 404, description = "`unknown_conversation`."),
    )
)]
pub(super) async fn one(
    caller: Identity,
    path: web::Path<String>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let conversation = services.writer.conversation(conversation_id(&path)?, caller.user_id).await?;
    Ok(HttpResponse::Ok().json(conversation))
}

/// An id that isn't one names nothing.
pub(super) fn conversation_id(path: &str) -> Result<ConversationId, Refusal> {
    path.parse().map_err(|_| Refusal::UnknownConversation)
}

#[derive(Serialize, ToSchema)]
#[schema(as = Messages)]
struct History<'a> {
    /// Ascending by `seq`.
    messages: &'a [Message],
}

/// A page of what was said.
///
/// The latest messages, or the latest before `before_seq`, or the first after `after_seq`; always ascending.
#[utoipa::path(
    get,
    path = "/conversations/{id}/messages",
    tag = "conversations",
    operation_id = "list_messages",
    security(("bearer" = [])),
    params(
        ("id" = ConversationId, Path, description = "Which conversation."),
        ("limit" = Option<i64>, Query, description = "Most messages in the answer; 50 when it isn't given.", minimum = 1, maximum = 200),
        ("before_seq" = Option<Seq>, Query, description = "Only messages below this; not together with `after_seq`."),
        ("after_seq" = Option<Seq>, Query, description = "Only messages above this."),
    ),
    responses(
        (status = 200, description = "The page.", body = History),
        (status = 403, description = "`not_a_member`."),
        (status = 404, description = "`unknown_conversation`."),
    )
)]
pub(super) async fn history(
    caller: Identity,
    path: web::Path<String>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request)?;
    let mut fields = Fields::default();
    let limit = fields.check("limit", query.number("limit", 1, MAX_PAGE));
    let before = fields.check("before_seq", query.number("before_seq", 0, i64::MAX));
    let mut after = fields.check("after_seq", query.number("after_seq", 0, i64::MAX));
    if let (Some(Some(_)), Some(Some(_))) = (before, after) {
        after = fields.check("after_seq", Err("can't be combined with before_seq".into()));
    }
    let (Some(limit), Some(before), Some(after)) = (limit, before, after) else {
        return Err(fields.refusal().into());
    };
    let page = match (before, after) {
        (Some(seq), _) => Page::Before(Seq(seq)),
        (None, Some(seq)) => Page::After(Seq(seq)),
        (None, None) => Page::Latest,
    };
    let limit = limit.unwrap_or(PAGE) as u64;
    let page = services.writer.history(conversation_id(&path)?, caller.user_id, page, limit).await?;
    let json = page.json(|messages| serde_json::to_vec(&History { messages })).map_err(|error| {
        tracing::error!(%error, "history.not_written");
        Refusal::Internal
    })?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(json))
}

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "seq": 17 })))]
pub(super) struct MarkRead {
    #[schema(value_type = Seq)]
    seq: i64,
}

/// How far the caller has read.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadMark)]
struct Marked {
    conversation_id: ConversationId,
    last_read_seq: Seq,
}

/// Say how far one has read.
///
/// The mark never moves backwards, and never past the last message.
#[utoipa::path(
    put,
    path = "/conversations/{id}/read",
    tag = "conversations",
    security(("bearer" = [])),
    params(("id" = ConversationId, Path, description = "Which conversation.")),
    request_body = MarkRead,
    responses(
        (status = 200, description = "Where the mark is now.", body = Marked),
        (status = 403, description = "`not_a_member`."),
        (status = 404, description = "`unknown_conversation`."),
    )
)]
pub(super) async fn mark_read(
    caller: Identity,
    path: web::Path<String>,
    Body(body): Body<MarkRead>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    if body.seq < 0 {
        return Err(Refusal::field("seq", "must not be negative").into());
    }
    let conversation_id = conversation_id(&path)?;
    let mark = ReadMark { conversation_id, user_id: caller.user_id, seq: Seq(body.seq) };
    let last_read_seq = services.writer.mark_read(mark).await?;
    Ok(HttpResponse::Ok().json(Marked { conversation_id, last_read_seq }))
}
