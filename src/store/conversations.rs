//! Conversations: starting, finding, listing.

use std::collections::HashMap;

use chrono::Duration;
use entity::{conversation, idempotency_key, message};
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult,
    IntoActiveModel, QueryFilter, Set, Statement,
};
use uuid::Uuid;

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
    state,
};
use crate::domain::{
    clock::Timestamp,
    conversation::{Conversation, ConversationState, NewConversation, Started},
    ids::{ConversationId, Seq, UserId},
    membership::Role,
    message::Message,
    refusal::Refusal,
};

/// How long a caller's key for a request is remembered.
pub(super) const KEY_LIFE: Duration = Duration::hours(24);

/// What a request to start a conversation came upon.
enum Found {
    /// It was made, at this time.
    Made(Timestamp),
    Known(ConversationId),
}

impl Store {
    /// Starts a conversation, or finds the 1-on-1 (or the answer to a repeated request) that exists. Its making
    /// is its first change: it starts at `rev` 1.
    ///
    /// # Errors
    /// [`Refusal::UnknownMember`].
    pub async fn start_conversation(&self, new: &NewConversation) -> Result<Started, Failure> {
        // Drawn before the first try: when the answer to a commit is lost, the next try knows its own row.
        let id = ConversationId::fresh();
        let found = self.transact(Repeat::Always, async |transaction| self.find_or_insert(transaction, id, new).await).await?;
        match found {
            Found::Made(at) => Ok(Started::New(new.made(id, at))),
            Found::Known(id) => Ok(Started::Existing(self.conversation(id, new.creator).await?)),
        }
    }

    /// Two that race for the same 1-on-1 or key collide on a unique column; the loser's next try finds the winner's.
    async fn find_or_insert(
        &self,
        transaction: &DatabaseTransaction,
        id: ConversationId,
        new: &NewConversation,
    ) -> Result<Found, Failure> {
        let now = self.clock.now();
        if let Some(made) = conversation::Entity::find_by_id(id.0).one(transaction).await? {
            return Ok(Found::Made(made.created_at));
        }
        if let Some(known) = remembered(transaction, new, now).await? {
            return Ok(Found::Known(known));
        }
        let direct_key = new.direct_key();
        if let Some(key) = &direct_key {
            let existing = conversation::Entity::find().filter(conversation::Column::DirectKey.eq(key)).one(transaction).await?;
            if let Some(existing) = existing {
                return Ok(Found::Known(ConversationId(existing.id)));
            }
        }
        let members: Vec<Uuid> = new.members.iter().map(|id| id.0).collect();
        require_users(transaction, &members).await?;
        let row = conversation::ActiveModel {
            id: Set(id.0),
            title: Set(new.title.as_ref().map(|title| title.as_str().to_owned())),
            direct_key: Set(direct_key),
            last_seq: Set(0),
            rev: Set(1),
            meta_rev: Set(1),
            created_at: Set(now),
            last_message_at: Set(now),
            marked_at: NotSet,
        };
        conversation::Entity::insert(row).exec_without_returning(transaction).await?;
        let role = |user| if user == new.creator { Role::Owner } else { Role::Member };
        let joining: Vec<(UserId, Role)> = new.members.iter().map(|user| (*user, role(*user))).collect();
        insert_members(transaction, id, &joining, Seq(0), now).await?;
        if let Some(key) = &new.idempotency_key {
            let row = idempotency_key::ActiveModel {
                user_id: Set(new.creator.0),
                key: Set(key.as_str().to_owned()),
                conversation_id: Set(id.0),
                created_at: Set(now),
            };
            idempotency_key::Entity::insert(row).exec_without_returning(transaction).await?;
        }
        Ok(Found::Made(now))
    }

    /// A conversation as `viewer` sees it.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn conversation(&self, id: ConversationId, viewer: UserId) -> Result<Conversation, Failure> {
        self.require_member(id, viewer).await?;
        let found = self.conversations_where(viewer, Some(id)).await?.pop();
        found.ok_or(Failure::Refused(Refusal::UnknownConversation))
    }

    /// All of `viewer`'s conversations, most recently active first.
    pub async fn conversations(&self, viewer: UserId) -> Result<Vec<Conversation>, Failure> {
        self.conversations_where(viewer, None).await
    }

    async fn conversations_where(&self, viewer: UserId, only: Option<ConversationId>) -> Result<Vec<Conversation>, Failure> {
        let members = state::members(self.backend());
        let mut values = vec![viewer.0.into()];
        values.extend(only.map(|id| id.0.into()));
        let which = if only.is_some() { "AND v.conversation_id = $2" } else { "" };
        let mine = Statement::from_sql_and_values(
            self.backend(),
            format!(
                "SELECT c.*, {members} FROM conversation_members v JOIN conversations c ON c.id = v.conversation_id \
                 WHERE v.user_id = $1 {which} ORDER BY c.last_message_at DESC, c.id DESC"
            ),
            values,
        );
        let mut states = Vec::new();
        for row in self.reading.query_all_raw(mine).await? {
            let (state, head) = state::from_row(&row)?;
            states.push(ConversationState { rev: head, ..state });
        }
        let mut newest = self.newest_messages(&states).await?;
        let seen = |state: ConversationState| {
            let newest = newest.remove(&state.id);
            state.seen_by(viewer, newest)
        };
        Ok(states.into_iter().map(seen).collect())
    }

    async fn newest_messages(&self, states: &[ConversationState]) -> Result<HashMap<ConversationId, Message>, Failure> {
        let spoken_in = states.iter().filter(|state| state.last_seq > Seq(0));
        let (ids, seqs) = spoken_in.map(|state| (state.id.0, state.last_seq.0)).unzip();
        let rows = Rows(vec![("id", Column::Uuid(ids)), ("seq", Column::Int(seqs))]);
        let newest = rows.statement(self.backend(), |source| {
            format!("SELECT m.* FROM {source} CROSS JOIN messages m WHERE m.conversation_id = r.id AND m.seq = r.seq")
        });
        let rows = self.reading.query_all_raw(newest).await?;
        let messages = rows.iter().map(|row| Ok(Message::from(message::Model::from_query_result(row, "")?)));
        messages.map(|message| message.map(|message| (message.conversation_id, message))).collect()
    }
}

/// What the caller's key has made within its life. An outlived key is forgotten, so that it can be used anew.
async fn remembered(
    transaction: &DatabaseTransaction,
    new: &NewConversation,
    now: Timestamp,
) -> Result<Option<ConversationId>, Failure> {
    let Some(key) = &new.idempotency_key else { return Ok(None) };
    let known = idempotency_key::Entity::find_by_id((new.creator.0, key.as_str().to_owned())).one(transaction).await?;
    let Some(known) = known else { return Ok(None) };
    if now - known.created_at < KEY_LIFE {
        return Ok(Some(ConversationId(known.conversation_id)));
    }
    known.into_active_model().delete(transaction).await?;
    Ok(None)
}

/// Makes users members, who have read everything up to `read`.
pub(super) async fn insert_members(
    transaction: &DatabaseTransaction,
    id: ConversationId,
    joining: &[(UserId, Role)],
    read: Seq,
    now: Timestamp,
) -> Result<(), Failure> {
    let rows = Rows(vec![
        ("conversation_id", Column::Uuid(vec![id.0; joining.len()])),
        ("user_id", Column::Uuid(joining.iter().map(|(user, _)| user.0).collect())),
        ("role", Column::Text(joining.iter().map(|(_, role)| role.name().to_owned()).collect())),
        ("joined_at", Column::Time(vec![now; joining.len()])),
        ("last_read_seq", Column::Int(vec![read.0; joining.len()])),
    ]);
    let insert = rows.statement(transaction.get_database_backend(), |source| {
        format!(
            "INSERT INTO conversation_members (conversation_id, user_id, role, joined_at, last_read_seq) \
             SELECT r.conversation_id, r.user_id, r.role, r.joined_at, r.last_read_seq FROM {source}"
        )
    });
    transaction.execute_raw(insert).await?;
    Ok(())
}

pub(super) async fn require_users(transaction: &DatabaseTransaction, ids: &[Uuid]) -> Result<(), Failure> {
    let rows = Rows(vec![("id", Column::Uuid(ids.to_vec()))]);
    let known = rows.statement(transaction.get_database_backend(), |source| {
        // A guest who has been forgotten is nobody.
        format!("SELECT u.id FROM {source} CROSS JOIN users u WHERE u.id = r.id AND (u.kind <> 'guest' OR u.disabled_at IS NULL)")
    });
    let known = transaction.query_all_raw(known).await?;
    if known.len() == ids.len() { Ok(()) } else { Err(Refusal::UnknownMember.into()) }
}
