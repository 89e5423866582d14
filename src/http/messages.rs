//! `/messages`: the REST door to the same command that the socket makes.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{Services, body::Body, error::Problem, identity::Identity};
use crate::domain::{
    ids::{ConversationId, UserId},
    message::{NewMessage, Posted},
    refusal::Refusal,
    text::{Content, Fields, MessageId},
};

#[derive(Deserialize)]
pub(super) struct Send {
    message_id: String,
    conversation_id: ConversationId,
    content: String,
    sender_id: Option<UserId>,
}

/// `POST /messages`: 201 when it is new, 200 when it is a repeat.
pub(super) async fn send(
    caller: Identity,
    Body(body): Body<Send>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let message_id = fields.check("message_id", MessageId::parse(body.message_id));
    let content = fields.check("content", Content::parse(body.content));
    let (Some(message_id), Some(content)) = (message_id, content) else {
        return Err(fields.finish().err().unwrap_or(Refusal::Internal).into());
    };
    if body.sender_id.is_some_and(|sender| sender != caller.user_id) {
        return Err(Refusal::SenderMismatch.into());
    }
    let post = NewMessage { message_id, conversation_id: body.conversation_id, sender_id: caller.user_id, content };
    Ok(match services.writer.post(post).await? {
        Posted::New(message) => HttpResponse::Created().json(message),
        Posted::Repeat(message) => HttpResponse::Ok().json(message),
    })
}
