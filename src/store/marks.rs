//! How far members have read: many marks in one transaction.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult};
use uuid::Uuid;

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
};
use crate::domain::{
    clock::Timestamp,
    conversation::ReadMark,
    ids::{ConversationId, Seq, UserId},
    refusal::Refusal,
};

/// Where a mark stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// It.
    pub mark: ReadMark,
    /// Whether it has moved.
    pub moved: bool,
}

impl Store {
    /// The read marks of others in these of a member's conversations that have moved since then, or all there are, by conversation
    /// and user, after that one.
    pub async fn marks(
        &self,
        viewer: UserId,
        conversations: &[ConversationId],
        since: Option<Timestamp>,
        after: Option<(ConversationId, UserId)>,
        limit: u64,
    ) -> Result<Vec<ReadMark>, Failure> {
        let begin = |id: ConversationId| after.filter(|(last, _)| *last == id).map_or(Uuid::nil(), |(_, user)| user.0);
        let ids: Vec<ConversationId> =
            conversations.iter().copied().filter(|id| after.is_none_or(|(last, _)| *id >= last)).collect();
        let mut asked = vec![
            ("id", Column::Uuid(ids.iter().map(|id| id.0).collect())),
            ("viewer", Column::Uuid(vec![viewer.0; ids.len()])),
            ("after", Column::Uuid(ids.iter().map(|id| begin(*id)).collect())),
        ];
        let moved = match since {
            None => "o.last_read_seq > 0",
            Some(since) => {
                asked.push(("since", Column::Time(vec![since - ReadMark::LOOK_BACK; ids.len()])));
                "o.read_at > r.since"
            }
        };
        let marks = Rows(asked).statement(self.backend(), |source| {
            format!(
                "SELECT o.conversation_id, o.user_id, o.last_read_seq \
                 FROM {source} CROSS JOIN conversation_members m CROSS JOIN conversation_members o \
                 WHERE m.conversation_id = r.id AND m.user_id = r.viewer \
                 AND o.conversation_id = r.id AND o.user_id > r.after AND o.user_id <> r.viewer AND {moved} \
                 ORDER BY o.conversation_id, o.user_id LIMIT {limit}"
            )
        });
        let rows = self.reading.query_all_raw(marks).await?;
        rows.iter().map(read_mark).collect()
    }

    /// The marks in these conversations that have moved since then.
    pub async fn marks_since(&self, conversations: &[ConversationId], since: Timestamp) -> Result<Vec<ReadMark>, Failure> {
        let rows = Rows(vec![
            ("id", Column::Uuid(conversations.iter().map(|id| id.0).collect())),
            ("since", Column::Time(vec![since; conversations.len()])),
            ("noted", Column::Time(vec![since - ReadMark::NOTED_WITHIN; conversations.len()])),
        ]);
        let marks = rows.statement(self.backend(), |source| {
            format!(
                "SELECT m.conversation_id, m.user_id, m.last_read_seq \
                 FROM {source} CROSS JOIN conversations c CROSS JOIN conversation_members m \
                 WHERE c.id = r.id AND c.marked_at > r.noted AND m.conversation_id = r.id AND m.read_at > r.since"
            )
        });
        let rows = self.reading.query_all_raw(marks).await?;
        rows.iter().map(read_mark).collect()
    }

    /// Moves read marks forward, never back and never past the newest message. One answer per mark, in their order; no two
    /// marks may be of one member.
    ///
    /// # Errors
    /// For all of them. Each has its own refusal: [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn mark_read(&self, marks: &[ReadMark]) -> Result<Vec<Result<Marked, Refusal>>, Failure> {
        let backend = self.backend();
        let rows = |marks: &[ReadMark]| {
            vec![
                ("conversation_id", Column::Uuid(marks.iter().map(|mark| mark.conversation_id.0).collect())),
                ("user_id", Column::Uuid(marks.iter().map(|mark| mark.user_id.0).collect())),
                ("seq", Column::Int(marks.iter().map(|mark| mark.seq.0).collect())),
            ]
        };
        self.transact(Repeat::Always, async |transaction| {
            let mut asked = rows(marks);
            asked.push(("place", Column::Int((0..marks.len() as i64).collect())));
            let standing = Rows(asked).statement(backend, |source| {
                format!(
                    "SELECT r.place, c.last_seq, m.user_id, m.last_read_seq, c.marked_at FROM {source} \
                     JOIN conversations c ON c.id = r.conversation_id \
                     LEFT JOIN conversation_members m ON m.conversation_id = r.conversation_id AND m.user_id = r.user_id"
                )
            });
            let now = self.clock.now();
            let mut unnoted = BTreeSet::new();
            let mut outcomes: Vec<Result<Marked, Refusal>> = marks.iter().map(|_| Err(Refusal::UnknownConversation)).collect();
            for row in transaction.query_all_raw(standing).await? {
                let place = row.try_get_by_index::<i64>(0)? as usize;
                let (last, member): (i64, Option<Uuid>) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
                outcomes[place] = match member {
                    None => Err(Refusal::NotAMember),
                    Some(_) => {
                        // The newest message only ever moves away, and marks that another node moves meanwhile stay.
                        let read: i64 = row.try_get_by_index(3)?;
                        let seq = marks[place].seq.0.min(last);
                        let noted: Option<Timestamp> = row.try_get_by_index(4)?;
                        if seq > read && noted.is_none_or(|noted| noted < now - ReadMark::NOTED_WITHIN) {
                            unnoted.insert(marks[place].conversation_id);
                        }
                        Ok(Marked { mark: ReadMark { seq: Seq(seq.max(read)), ..marks[place] }, moved: seq > read })
                    }
                };
            }
            let moved = outcomes.iter().flatten().filter(|marked| marked.moved);
            let moved: Vec<ReadMark> = moved.map(|marked| marked.mark).collect();
            if !unnoted.is_empty() {
                note(transaction, &unnoted, now).await?;
            }
            if !moved.is_empty() {
                let mut moving = rows(&moved);
                moving.push(("at", Column::Time(vec![now; moved.len()])));
                let update = Rows(moving).statement(backend, |source| {
                    format!(
                        "UPDATE conversation_members SET last_read_seq = r.seq, read_at = r.at FROM {source} \
                         WHERE conversation_members.conversation_id = r.conversation_id \
                         AND conversation_members.user_id = r.user_id AND conversation_members.last_read_seq < r.seq"
                    )
                });
                transaction.execute_raw(update).await?;
            }
            Ok(outcomes)
        })
        .await
    }
}

/// Notes that marks move in these conversations. They are locked in id order, as posts lock them, and before any member.
async fn note(
    transaction: &DatabaseTransaction,
    conversations: &BTreeSet<ConversationId>,
    now: Timestamp,
) -> Result<(), Failure> {
    let backend = transaction.get_database_backend();
    let rows = Rows(vec![
        ("id", Column::Uuid(conversations.iter().map(|id| id.0).collect())),
        ("at", Column::Time(vec![now; conversations.len()])),
        ("stale", Column::Time(vec![now - ReadMark::NOTED_WITHIN; conversations.len()])),
    ]);
    let lock = if backend == DbBackend::Postgres { "FOR UPDATE OF c" } else { "" };
    let noting = rows.statement(backend, |source| {
        format!(
            "WITH l AS (SELECT c.id, r.at, r.stale FROM {source} CROSS JOIN conversations c WHERE c.id = r.id ORDER BY c.id {lock}) \
             UPDATE conversations SET marked_at = l.at FROM l \
             WHERE conversations.id = l.id AND (conversations.marked_at IS NULL OR conversations.marked_at < l.stale)"
        )
    });
    transaction.execute_raw(noting).await?;
    Ok(())
}

/// From a row of conversation, user and number.
fn read_mark(row: &QueryResult) -> Result<ReadMark, Failure> {
    Ok(ReadMark {
        conversation_id: ConversationId(row.try_get_by_index(0)?),
        user_id: UserId(row.try_get_by_index(1)?),
        seq: Seq(row.try_get_by_index(2)?),
    })
}
