//! `/messages`: the REST door to the same command that the socket makes.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Services, body::Body, error::Problem, identity::Identity};
use crate::domain::{
    ids::{ConversationId, UserId},
    message::{Message, NewMessage, Posted},
    refusal::Refusal,
    text::{Content, Fields, MessageId},
};

#[derive(Deserialize, ToSchema)]
#[schema(as = NewMessage, examples(json!({
    "message_id": "9b2f6a70-5b0c-4b5e-9c2e-2f1f4f1c7a10",
    "conversation_id": "0192a1b2-c3d4-7e5f-8a6b-1c2d3e4f5a6b",
    "content": "Shall we meet at noon?",
})))]
pub(super) struct Send {
    #[schema(value_type = MessageId)]
    message_id: String,
    conversation_id: ConversationId,
    #[schema(value_type = Content)]
    content: String,
    /// The caller, if it is given at all.
    sender_id: Option<UserId>,
}

/// Send a message.
///
/// The answer comes when it is committed. The same `message_id` again, from the same sender to the same conversation,
/// gives the stored message, whatever the new text says.
#[utoipa::path(
    post,
    path = "/messages",
    tag = "conversations",
    operation_id = "send_message",
    security(("bearer" = [])),
    request_body = Send,
    responses(
        (status = 201, description = "It is stored.", body = Message),
        (status = 200, description = "It was stored before.", body = Message),
        (status = 403, description = "`not_a_member`, or `sender_mismatch`: `sender_id` isn't the caller."),
        (status = 404, description = "`unknown_conversation`."),
    )
)]
pub(super) async fn send(
    caller: Identity,
    Body(body): Body<Send>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let message_id = fields.check("message_id", MessageId::parse(body.message_id));
    let content = fields.check("content", Content::parse(body.content));
    let (Some(message_id), Some(content)) = (message_id, content) else {
        return Err(fields.refusal().into());
    };
    if body.sender_id.is_some_and(|sender| sender != caller.user_id) {
        return Err(Refusal::SenderMismatch.into());
    }
    let post = NewMessage { message_id, conversation_id: body.conversation_id, sender_id: caller.user_id, content };
    Ok(match services.writer.post(post, None).await? {
        Posted::New(message) => HttpResponse::Created().json(message),
        Posted::Repeat(message) => HttpResponse::Ok().json(message),
    })
}
