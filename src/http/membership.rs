//! Changing a conversation's title and members.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Services, body::Body, conversations::conversation_id, error::Problem, identity::Identity};
use crate::domain::{
    conversation::{Conversation, MAX_MEMBERS},
    ids::{ConversationId, UserId},
    membership::{ConversationEdit, Edit},
    refusal::Refusal,
    text::Title,
};

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "title": "Friday lunch" })))]
pub(super) struct Rename {
    /// None takes it away.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<Title>, required = true)]
    title: Option<String>,
}

/// Change a conversation's title.
///
/// For its owners; in a 1-on-1 for both.
#[utoipa::path(
    patch,
    path = "/conversations/{id}",
    tag = "conversations",
    operation_id = "rename_conversation",
    security(("bearer" = [])),
    params(("id" = ConversationId, Path, description = "Which conversation.")),
    request_body = Rename,
    responses(
        (status = 200, description = "What it is now.", body = Conversation),
        (status = 403, description = "`not_a_member`, `not_an_owner`."),
        (status = 404, description = "`unknown_conversation`."),
    )
)]
pub(super) async fn rename(
    caller: Identity,
    path: web::Path<String>,
    Body(body): Body<Rename>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let title = body.title.as_deref().map_or(Ok(None), Title::parse);
    let title = title.map_err(|message| Refusal::field("title", message))?;
    edit(caller, &path, Edit::Rename(title), &services).await
}

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "user_ids": ["0192a1b2-c3d4-7e5f-8a6b-1c2d3e4f5a6b"] })))]
pub(super) struct Add {
    /// Who; at most 5,000 members in all.
    #[schema(min_items = 1, max_items = 5_000)]
    user_ids: Vec<UserId>,
}

/// Add members.
///
/// For the conversation's owners. Whoever is a member already stays one. Newcomers have read everything up to now.
#[utoipa::path(
    post,
    path = "/conversations/{id}/members",
    tag = "conversations",
    operation_id = "add_members",
    security(("bearer" = [])),
    params(("id" = ConversationId, Path, description = "Which conversation.")),
    request_body = Add,
    responses(
        (status = 200, description = "What it is now.", body = Conversation),
        (status = 400, description = "`unknown_member`: one of them doesn't exist."),
        (status = 403, description = "`not_a_member`, `not_an_owner`."),
        (status = 404, description = "`unknown_conversation`."),
        (status = 409, description = "`direct_conversation`: a 1-on-1 has the members that it has."),
    )
)]
pub(super) async fn add(
    caller: Identity,
    path: web::Path<String>,
    Body(Add { mut user_ids }): Body<Add>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    if user_ids.is_empty() || user_ids.len() > MAX_MEMBERS {
        return Err(Refusal::field("user_ids", format!("must name 1 to {MAX_MEMBERS} users")).into());
    }
    user_ids.sort_unstable();
    user_ids.dedup();
    edit(caller, &path, Edit::Add(user_ids), &services).await
}

async fn edit(caller: Identity, path: &str, edit: Edit, services: &Services) -> Result<HttpResponse, Problem> {
    let (id, actor) = (conversation_id(path)?, caller.user_id);
    services.writer.edit_conversation(ConversationEdit { id, actor, edit }).await?;
    Ok(HttpResponse::Ok().json(services.writer.conversation(id, actor).await?))
}

/// Remove a member, or leave.
///
/// Owners may remove anybody; everybody may leave. When the last owner leaves, whoever is a member longest becomes one.
#[utoipa::path(
    delete,
    path = "/conversations/{id}/members/{user_id}",
    tag = "conversations",
    operation_id = "remove_member",
    security(("bearer" = [])),
    params(
        ("id" = ConversationId, Path, description = "Which conversation."),
        ("user_id" = UserId, Path, description = "Who; oneself to leave."),
    ),
    responses(
        (status = 204, description = "They aren't a member any more."),
        (status = 403, description = "`not_a_member`, `not_an_owner`."),
        (status = 404, description = "`unknown_conversation`, `no_such_member`."),
        (status = 409, description = "`direct_conversation`: a 1-on-1 has the members that it has."),
    )
)]
pub(super) async fn remove(
    caller: Identity,
    path: web::Path<(String, String)>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let (id, user) = path.into_inner();
    let (id, actor) = (conversation_id(&id)?, caller.user_id);
    let user = user.parse().map_err(|_| Refusal::NoSuchMember)?;
    services.writer.edit_conversation(ConversationEdit { id, actor, edit: Edit::Remove(user) }).await?;
    Ok(HttpResponse::NoContent().finish())
}
