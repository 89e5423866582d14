//! Who belongs to a conversation, and changing that and its title.

use std::collections::HashSet;

use entity::{conversation, conversation_member};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect, Set, Statement,
};
use uuid::Uuid;

use super::{
    Failure, Repeat, Store,
    conversations::{insert_members, require_users},
    state::{Membership, state},
};
use crate::domain::{
    clock::Timestamp,
    conversation::{ConversationState, Joined, Participants},
    ids::{ConversationId, Rev, Seq, UserId},
    membership::{ConversationEdit, Effect, Member, Role},
    refusal::Refusal,
};

/// What became of a request to change a conversation.
#[derive(Debug)]
pub struct Edited {
    /// The conversation now.
    pub state: ConversationState,
    /// What was changed; nothing when it was so already.
    pub effect: Effect,
}

impl Store {
    /// Whether a user may see a conversation.
    ///
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

    /// Changes title or members, which takes a `rev`. It holds the lock that posts take, so none slips past a removal.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::UnknownMember`], and those of [`ConversationEdit::decide`].
    pub async fn edit_conversation(&self, edit: &ConversationEdit) -> Result<Edited, Failure> {
        // A second time it would find nothing to change, and nobody would be told of the first.
        let outcome = self
            .transact(Repeat::BeforeCommit, async |transaction| {
                let row = conversation::Entity::find_by_id(edit.id.0).lock_exclusive().one(transaction).await?;
                let row = row.ok_or(Refusal::UnknownConversation)?;
                let rows = members(transaction, edit.id).await?;
                let known: Vec<Member> = rows.iter().map(member).collect();
                let title = row.title.clone().map(crate::domain::text::Title::from_stored);
                let effect = edit.decide(row.direct_key.is_some(), title.as_ref(), &known)?;
                if effect.is_empty() {
                    return Ok(Edited { state: state(row, &memberships(rows)), effect });
                }
                let row = self.apply(transaction, row, rows, &effect).await?;
                let rows = members(transaction, edit.id).await?;
                Ok(Edited { state: state(row, &memberships(rows)), effect })
            })
            .await;
        self.pages.changed(edit.id);
        outcome
    }

    async fn apply(
        &self,
        transaction: &DatabaseTransaction,
        row: conversation::Model,
        rows: Vec<conversation_member::Model>,
        effect: &Effect,
    ) -> Result<conversation::Model, Failure> {
        if !effect.added.is_empty() {
            require_users(transaction, &effect.added.iter().map(|user| user.0).collect::<Vec<_>>()).await?;
            let joining: Vec<(UserId, Role)> = effect.added.iter().map(|user| (*user, Role::Member)).collect();
            insert_members(transaction, ConversationId(row.id), &joining, Seq(row.last_seq), self.clock.now()).await?;
        }
        for member in rows {
            let user = Some(UserId(member.user_id));
            if user == effect.removed {
                member.delete(transaction).await?;
            } else if user == effect.promoted {
                let mut member = member.into_active_model();
                member.role = Set(Role::Owner.name().to_owned());
                member.update(transaction).await?;
            }
        }
        let rev = row.rev + 1;
        let mut row = row.into_active_model();
        row.rev = Set(rev);
        row.meta_rev = Set(rev);
        if let Some(title) = &effect.title {
            row.title = Set(title.as_ref().map(|title| title.as_str().to_owned()));
        }
        Ok(row.update(transaction).await?)
    }

    /// Who has become a member since then.
    pub async fn joined_since(&self, since: Timestamp) -> Result<Vec<Joined>, Failure> {
        let joined = Statement::from_sql_and_values(
            self.backend(),
            "SELECT m.conversation_id, m.user_id, c.meta_rev \
             FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id WHERE m.joined_at > $1",
            [since.into()],
        );
        let rows = self.reading.query_all_raw(joined).await?;
        rows.iter()
            .map(|row| {
                Ok(Joined {
                    conversation_id: ConversationId(row.try_get_by_index(0)?),
                    user_id: UserId(row.try_get_by_index(1)?),
                    meta_rev: Rev(row.try_get_by_index(2)?),
                })
            })
            .collect()
    }

    /// Everybody with whom a user shares a conversation.
    pub async fn peers(&self, user: UserId) -> Result<HashSet<UserId>, Failure> {
        let peers = Statement::from_sql_and_values(
            self.backend(),
            "SELECT DISTINCT o.user_id FROM conversation_members m \
             JOIN conversation_members o ON o.conversation_id = m.conversation_id \
             WHERE m.user_id = $1 AND o.user_id <> $1",
            [user.0.into()],
        );
        let rows = self.reading.query_all_raw(peers).await?;
        rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
    }

    /// Who is in a conversation, with the names that they are called by, in the order of their ids.
    pub async fn participants(&self, id: ConversationId) -> Result<Participants, Failure> {
        let named = Statement::from_sql_and_values(
            self.backend(),
            "SELECT u.id, COALESCE(u.full_name, u.username), c.direct_key FROM conversation_members m \
             JOIN users u ON u.id = m.user_id JOIN conversations c ON c.id = m.conversation_id \
             WHERE m.conversation_id = $1 ORDER BY u.id",
            [id.0.into()],
        );
        let rows = self.reading.query_all_raw(named).await?;
        let mut participants = Participants::default();
        for row in &rows {
            participants.direct = row.try_get_by_index::<Option<String>>(2)?.is_some();
            participants.named.push((UserId(row.try_get_by_index(0)?), row.try_get_by_index(1)?));
        }
        Ok(participants)
    }
}

async fn members(transaction: &DatabaseTransaction, id: ConversationId) -> Result<Vec<conversation_member::Model>, Failure> {
    Ok(conversation_member::Entity::find()
        .filter(conversation_member::Column::ConversationId.eq(id.0))
        .order_by_asc(conversation_member::Column::UserId)
        .all(transaction)
        .await?)
}

fn memberships(rows: Vec<conversation_member::Model>) -> Vec<Membership> {
    rows.into_iter().map(Membership::from).collect()
}

fn member(row: &conversation_member::Model) -> Member {
    Member { user_id: UserId(row.user_id), role: Role::from_stored(&row.role), joined_at: row.joined_at }
}
