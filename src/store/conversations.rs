//! Conversations: starting, finding, listing.

use std::collections::HashMap;

use chrono::Duration;
use entity::{conversation, conversation_member, idempotency_key, message};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, Set, Statement, sea_query::Query,
};
use uuid::Uuid;

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
};
use crate::domain::{
    clock::Timestamp,
    conversation::{Conversation, ConversationState, NewConversation, Started},
    ids::{ConversationId, Rev, Seq, UserId},
    membership::Role,
    message::Message,
    refusal::Refusal,
    text::Title,
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
        let mine = || {
            let mut mine = Query::select();
            mine.column(conversation_member::Column::ConversationId)
                .from(conversation_member::Entity)
                .and_where(conversation_member::Column::UserId.eq(viewer.0));
            if let Some(id) = only {
                mine.and_where(conversation_member::Column::ConversationId.eq(id.0));
            }
            mine
        };
        let rows = conversation::Entity::find()
            .filter(conversation::Column::Id.in_subquery(mine()))
            .order_by_desc(conversation::Column::LastMessageAt)
            .order_by_desc(conversation::Column::Id)
            .all(&self.reading)
            .await?;
        let memberships = conversation_member::Entity::find()
            .filter(conversation_member::Column::ConversationId.in_subquery(mine()))
            .order_by_asc(conversation_member::Column::UserId)
            .all(&self.reading)
            .await?;
        let mut members: HashMap<Uuid, Vec<conversation_member::Model>> = HashMap::new();
        for membership in memberships {
            members.entry(membership.conversation_id).or_default().push(membership);
        }
        let mut newest = self.newest_messages(&rows).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let newest = newest.remove(&row.id);
                let members = members.remove(&row.id).unwrap_or_default();
                state(row, members).seen_by(viewer, newest)
            })
            .collect())
    }

    async fn newest_messages(&self, conversations: &[conversation::Model]) -> Result<HashMap<Uuid, Message>, Failure> {
        let (ids, seqs) = conversations.iter().filter(|c| c.last_seq > 0).map(|c| (c.id, c.last_seq)).unzip();
        let rows = Rows(vec![("id", Column::Uuid(ids)), ("seq", Column::Int(seqs))]);
        let newest = rows.statement(self.backend(), |source| {
            format!("SELECT m.* FROM {source} CROSS JOIN messages m WHERE m.conversation_id = r.id AND m.seq = r.seq")
        });
        let rows = self.reading.query_all_raw(newest).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "conversation_id")?, message::Model::from_query_result(row, "")?.into())))
            .collect()
    }

    /// A conversation's present state, with the `rev` at which title or members last changed; and its newest `rev` of that moment.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`].
    pub(super) async fn state(&self, id: ConversationId) -> Result<(ConversationState, Rev), Failure> {
        // One statement, so that no change falls between the row and its members.
        let together = Statement::from_sql_and_values(
            self.backend(),
            "SELECT c.*, m.user_id, m.role, m.joined_at, m.last_read_seq, m.read_at, c.id AS conversation_id \
             FROM conversations c LEFT JOIN conversation_members m ON m.conversation_id = c.id \
             WHERE c.id = $1 ORDER BY m.user_id",
            [id.0.into()],
        );
        let rows = self.reading.query_all_raw(together).await?;
        let first = rows.first().ok_or(Refusal::UnknownConversation)?;
        let conversation = conversation::Model::from_query_result(first, "")?;
        let mut members = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.try_get::<Option<Uuid>>("", "user_id")?.is_some() {
                members.push(conversation_member::Model::from_query_result(row, "")?);
            }
        }
        let (rev, head) = (Rev(conversation.meta_rev), Rev(conversation.rev));
        Ok((ConversationState { rev, ..state(conversation, members) }, head))
    }
}

/// What all members see of a conversation, from its row and its members' in the order of their ids.
pub(super) fn state(row: conversation::Model, members: Vec<conversation_member::Model>) -> ConversationState {
    let owners = members.iter().filter(|member| Role::from_stored(&member.role) == Role::Owner);
    let reads = members.iter().filter(|member| member.last_read_seq > 0);
    ConversationState {
        id: ConversationId(row.id),
        title: row.title.map(Title::from_stored),
        direct: row.direct_key.is_some(),
        owners: owners.map(|member| UserId(member.user_id)).collect(),
        // They may have been read a moment later than the row: a message may have come between.
        reads: reads.map(|member| (UserId(member.user_id), Seq(member.last_read_seq.min(row.last_seq)))).collect(),
        members: members.iter().map(|member| UserId(member.user_id)).collect(),
        last_seq: Seq(row.last_seq),
        rev: Rev(row.rev),
        created_at: row.created_at,
        last_message_at: row.last_message_at,
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
