//! `/conversations`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Services, body::Body, error::Problem, identity::Identity, query::Query};
use crate::domain::{
    conversation::{Conversation, NewConversation, Started},
    ids::{ConversationId, Seq, UserId},
    message::{Message, Page},
    refusal::Refusal,
    text::{Fields, IdempotencyKey, Title},
};

/// Messages on a page when the caller doesn't say.
const PAGE: i64 = 50;
/// Most messages on a page.
const MAX_PAGE: i64 = 200;

#[derive(Serialize)]
struct Listed {
    conversations: Vec<Conversation>,
}

/// `GET /conversations`.
pub(super) async fn list(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let conversations = services.writer.conversations(caller.user_id).await?;
    Ok(HttpResponse::Ok().json(Listed { conversations }))
}

#[derive(Deserialize)]
pub(super) struct Start {
    title: Option<String>,
    member_ids: Vec<UserId>,
}

/// `POST /conversations`.
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
        return Err(fields.finish().err().unwrap_or(Refusal::Internal).into());
    };
    let new = NewConversation::new(caller.user_id, body.member_ids, title, key)?;
    Ok(match services.writer.start_conversation(new).await? {
        Started::New(conversation) => HttpResponse::Created().json(conversation),
        Started::Existing(conversation) => HttpResponse::Ok().json(conversation),
    })
}

/// An id that isn't one names nothing.
fn conversation_id(path: &str) -> Result<ConversationId, Refusal> {
    path.parse().map_err(|_| Refusal::UnknownConversation)
}

#[derive(Serialize)]
struct History {
    messages: Vec<Message>,
}

/// `GET /conversations/{id}/messages?limit=&before_seq=&after_seq=`.
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
        return Err(fields.finish().err().unwrap_or(Refusal::Internal).into());
    };
    let page = match (before, after) {
        (Some(seq), _) => Page::Before(Seq(seq)),
        (None, Some(seq)) => Page::After(Seq(seq)),
        (None, None) => Page::Latest,
    };
    let limit = limit.unwrap_or(PAGE) as u64;
    let messages = services.writer.history(conversation_id(&path)?, caller.user_id, page, limit).await?;
    Ok(HttpResponse::Ok().json(History { messages }))
}

#[derive(Deserialize)]
pub(super) struct MarkRead {
    seq: i64,
}

/// `PUT /conversations/{id}/read` `{seq}`: the caller has read up to there. Never moves backwards.
pub(super) async fn mark_read(
    caller: Identity,
    path: web::Path<String>,
    Body(body): Body<MarkRead>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    if body.seq < 0 {
        return Err(Refusal::field("seq", "must not be negative").into());
    }
    let id = conversation_id(&path)?;
    let last_read_seq = services.writer.mark_read(id, caller.user_id, Seq(body.seq)).await?;
    Ok(HttpResponse::Ok().json(json!({ "conversation_id": id, "last_read_seq": last_read_seq })))
}
