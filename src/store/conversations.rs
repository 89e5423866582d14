//! Conversations: starting, listing, membership, read marks.

use std::collections::HashMap;

use chrono::Duration;
use entity::{conversation, conversation_member, idempotency_key, message};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Set, Statement,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
};
use crate::domain::{
    clock::Timestamp,
    conversation::{Conversation, Head, NewConversation, Started},
    ids::{ConversationId, Rev, Seq, UserId},
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
        let rows = Rows(vec![
            (
                "role",
                Column::Text(new.members.iter().map(|m| if *m == new.creator { "owner" } else { "member" }.to_owned()).collect()),
            ),
            ("conversation_id", Column::Uuid(vec![id.0; members.len()])),
            ("joined_at", Column::Time(vec![now; members.len()])),
            ("user_id", Column::Uuid(members)),
        ]);
        let insert = rows.statement(self.backend(), |source| {
            format!(
                "INSERT INTO conversation_members (conversation_id, user_id, role, joined_at, last_read_seq) \
                 SELECT r.conversation_id, r.user_id, r.role, r.joined_at, 0 FROM {source}"
            )
        });
        transaction.execute_raw(insert).await?;
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
        let mut members: HashMap<Uuid, Vec<UserId>> = HashMap::new();
        let mut read: HashMap<Uuid, i64> = HashMap::new();
        for membership in memberships {
            if membership.user_id == viewer.0 {
                read.insert(membership.conversation_id, membership.last_read_seq);
            }
            members.entry(membership.conversation_id).or_default().push(UserId(membership.user_id));
        }
        let mut newest = self.newest_messages(&rows).await?;
        Ok(rows
            .into_iter()
            .map(|row| Conversation {
                id: ConversationId(row.id),
                title: row.title.map(Title::from_stored),
                direct: row.direct_key.is_some(),
                members: members.remove(&row.id).unwrap_or_default(),
                last_seq: Seq(row.last_seq),
                rev: Rev(row.rev),
                // Read a moment later than the row: one's own post may have come between.
                last_read_seq: Seq(read.get(&row.id).copied().unwrap_or_default().min(row.last_seq)),
                created_at: row.created_at,
                last_message_at: row.last_message_at,
                last_message: newest.remove(&row.id),
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

    /// Where each of `viewer`'s conversations stands.
    pub async fn heads(&self, viewer: UserId) -> Result<Vec<Head>, Failure> {
        let heads = Statement::from_sql_and_values(
            self.backend(),
            "SELECT c.id, c.rev FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id WHERE m.user_id = $1",
            [viewer.0.into()],
        );
        let rows = self.reading.query_all_raw(heads).await?;
        rows.iter()
            .map(|row| Ok(Head { conversation_id: ConversationId(row.try_get_by_index(0)?), rev: Rev(row.try_get_by_index(1)?) }))
            .collect()
    }

    /// The `rev` of a conversation's newest change.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`].
    pub async fn rev(&self, id: ConversationId) -> Result<Rev, Failure> {
        let rev: Option<i64> = conversation::Entity::find_by_id(id.0)
            .select_only()
            .column(conversation::Column::Rev)
            .into_tuple()
            .one(&self.reading)
            .await?;
        rev.map(Rev).ok_or(Failure::Refused(Refusal::UnknownConversation))
    }

    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn require_member(&self, id: ConversationId, user: UserId) -> Result<(), Failure> {
        let lookup = Statement::from_sql_and_values(
            self.backend(),
            "SELECT m.user_id FROM conversations c \
             LEFT JOIN conversation_members m ON m.conversation_id = c.id AND m.user_id = $2 WHERE c.id = $1",
            [id.0.into(), user.0.into()],
        );
        let row = self.reading.query_one_raw(lookup).await?.ok_or(Refusal::UnknownConversation)?;
        let member: Option<Uuid> = row.try_get_by_index(0)?;
        member.map(drop).ok_or(Failure::Refused(Refusal::NotAMember))
    }

    /// Moves a member's read mark forward, never back and never past the newest message; returns where it stands.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn mark_read(&self, id: ConversationId, user: UserId, seq: Seq) -> Result<Seq, Failure> {
        self.require_member(id, user).await?;
        // No lock is needed: the newest message only ever moves away.
        let row: Option<i64> = conversation::Entity::find_by_id(id.0)
            .select_only()
            .column(conversation::Column::LastSeq)
            .into_tuple()
            .one(&self.reading)
            .await?;
        let seq = seq.0.min(row.ok_or(Refusal::UnknownConversation)?);
        self.transact(Repeat::Always, async |transaction| {
            conversation_member::Entity::update_many()
                .col_expr(conversation_member::Column::LastReadSeq, Expr::value(seq))
                .filter(conversation_member::Column::ConversationId.eq(id.0))
                .filter(conversation_member::Column::UserId.eq(user.0))
                .filter(conversation_member::Column::LastReadSeq.lt(seq))
                .exec(transaction)
                .await?;
            let member = conversation_member::Entity::find_by_id((id.0, user.0)).one(transaction).await?;
            Ok(Seq(member.ok_or(Refusal::NotAMember)?.last_read_seq))
        })
        .await
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

async fn require_users(transaction: &DatabaseTransaction, ids: &[Uuid]) -> Result<(), Failure> {
    let rows = Rows(vec![("id", Column::Uuid(ids.to_vec()))]);
    let known = rows.statement(transaction.get_database_backend(), |source| {
        format!("SELECT u.id FROM {source} CROSS JOIN users u WHERE u.id = r.id")
    });
    let known = transaction.query_all_raw(known).await?;
    if known.len() == ids.len() { Ok(()) } else { Err(Refusal::UnknownMember.into()) }
}
