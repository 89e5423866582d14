//! What all members see of a conversation, read so that no change falls between its row and its members. The members of a
//! row come as one value.

use entity::{conversation, conversation_member};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement};
use uuid::Uuid;

use super::{Failure, Store, values::list};
use crate::domain::{
    conversation::ConversationState,
    ids::{ConversationId, Rev, Seq, UserId},
    membership::Role,
    refusal::Refusal,
    text::Title,
};

/// Of a member of a conversation, what everybody sees.
#[derive(Debug)]
pub(super) struct Membership {
    user_id: UserId,
    role: Role,
    last_read_seq: Seq,
}

impl From<conversation_member::Model> for Membership {
    fn from(row: conversation_member::Model) -> Self {
        Self { user_id: UserId(row.user_id), role: Role::from_stored(&row.role), last_read_seq: Seq(row.last_read_seq) }
    }
}

impl Store {
    /// A conversation's present state, with the `rev` at which title or members last changed; and its newest `rev` of that moment.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`].
    pub(super) async fn state(&self, id: ConversationId) -> Result<(ConversationState, Rev), Failure> {
        let members = members(self.backend());
        let together = Statement::from_sql_and_values(
            self.backend(),
            format!("SELECT c.*, {members} FROM conversations c WHERE c.id = $1"),
            [id.0.into()],
        );
        let row = self.reading.query_one_raw(together).await?.ok_or(Refusal::UnknownConversation)?;
        from_row(&row)
    }
}

/// The members of the conversation `c`, as a value for [`from_row`].
pub(super) fn members(backend: DbBackend) -> String {
    let members = match backend {
        DbBackend::Postgres => "json_agg(json_build_array(m.user_id, m.role, m.last_read_seq))::text",
        _ => "json_group_array(json_array(hex(m.user_id), m.role, m.last_read_seq))",
    };
    format!("(SELECT {members} FROM conversation_members m WHERE m.conversation_id = c.id) AS members")
}

/// What [`Store::state`] is, from a conversation's row with its [`members`].
pub(super) fn from_row(row: &QueryResult) -> Result<(ConversationState, Rev), Failure> {
    let members: Option<String> = row.try_get("", "members")?;
    let members: Vec<(Uuid, String, i64)> = list(members.as_deref())?;
    let members = members.into_iter().map(|(user, role, seq)| Membership {
        user_id: UserId(user),
        role: Role::from_stored(&role),
        last_read_seq: Seq(seq),
    });
    let mut members: Vec<Membership> = members.collect();
    members.sort_unstable_by_key(|member| member.user_id);
    let conversation = conversation::Model::from_query_result(row, "")?;
    let (rev, head) = (Rev(conversation.meta_rev), Rev(conversation.rev));
    Ok((ConversationState { rev, ..state(conversation, &members) }, head))
}

/// What all members see of a conversation, from its row and its members in the order of their ids.
pub(super) fn state(row: conversation::Model, members: &[Membership]) -> ConversationState {
    let owners = members.iter().filter(|member| member.role == Role::Owner);
    let reads = members.iter().filter(|member| member.last_read_seq > Seq(0));
    ConversationState {
        id: ConversationId(row.id),
        title: row.title.map(Title::from_stored),
        direct: row.direct_key.is_some(),
        owners: owners.map(|member| member.user_id).collect(),
        // Whatever is stored, nobody has read what wasn't said.
        reads: reads.map(|member| (member.user_id, member.last_read_seq.min(Seq(row.last_seq)))).collect(),
        members: members.iter().map(|member| member.user_id).collect(),
        last_seq: Seq(row.last_seq),
        rev: Rev(row.rev),
        created_at: row.created_at,
        last_message_at: row.last_message_at,
    }
}
