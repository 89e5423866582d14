//! What a batch of posts reads and writes: few statements, whatever the number of posts, and one value as the answer to each. The
//! way to PostgreSQL and back, and that of each row from SQLite's thread, take longer than the work itself.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use uuid::Uuid;

use super::{
    Failure,
    messages::Draft,
    rows::{Column, Rows},
    sequencer::{Counters, Locked, Plan, RepeatKey},
    values::one_value,
};
use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, MessageKey, Rev, Seq},
    message::Message,
    text::Content,
};

/// Rows, and what to do with them: a statement that is handed what to write after `FROM`.
type Change = (Rows, fn(&str) -> String);

/// Locks the batch's conversations in id order (two nodes can't deadlock), then reads what the plan needs: by another statement,
/// which sees what those committed who had the locks.
pub(super) async fn lock(transaction: &DatabaseTransaction, drafts: &[Draft]) -> Result<Locked, Failure> {
    let backend = transaction.get_database_backend();
    let conversations: BTreeSet<Uuid> = drafts.iter().map(|draft| draft.post.conversation_id.0).collect();
    let rows = Rows(vec![("id", Column::Uuid(conversations.into_iter().collect()))]);
    let (counter, lock) = match backend {
        DbBackend::Postgres => ("json_agg(json_build_array(l.id, l.last_seq, l.rev))::text", "FOR UPDATE OF c"),
        _ => ("json_group_array(json_array(hex(l.id), l.last_seq, l.rev))", ""),
    };
    let locking = rows.statement(backend, |source| {
        format!(
            "SELECT {counter} FROM (SELECT c.id, c.last_seq, c.rev FROM {source} CROSS JOIN conversations c \
             WHERE c.id = r.id ORDER BY c.id {lock}) l"
        )
    });
    let counters: Vec<(Uuid, i64, i64)> = one_value(transaction.query_one_raw(locking).await?.as_ref(), 0)?;
    let counter = |(id, seq, rev)| (ConversationId(id), Counters { last_seq: Seq(seq), rev: Rev(rev) });

    let rows = Rows(vec![
        ("place", Column::Int((0..drafts.len() as i64).collect())),
        ("conversation_id", Column::Uuid(drafts.iter().map(|d| d.post.conversation_id.0).collect())),
        ("sender_id", Column::Uuid(drafts.iter().map(|d| d.post.sender_id.0).collect())),
        ("message_id", Column::Text(drafts.iter().map(|d| d.post.message_id.as_str().to_owned()).collect())),
    ]);
    let (place, repeat) = match backend {
        DbBackend::Postgres => {
            ("json_agg(r.place)::text", "json_agg(json_build_array(r.place, m.id, m.content, m.created_at, m.seq, m.rev))::text")
        }
        _ => (
            "json_group_array(r.place)",
            "json_group_array(json_array(r.place, hex(m.id), m.content, m.created_at, m.seq, m.rev))",
        ),
    };
    let known = rows.statement(backend, |source| {
        format!(
            "SELECT (SELECT {place} FROM {source} CROSS JOIN conversation_members v \
             WHERE v.conversation_id = r.conversation_id AND v.user_id = r.sender_id), \
             (SELECT {repeat} FROM {source} CROSS JOIN messages m \
             WHERE m.conversation_id = r.conversation_id AND m.sender_id = r.sender_id AND m.message_id = r.message_id)"
        )
    });
    let row = transaction.query_one_raw(known).await?;
    let members: Vec<usize> = one_value(row.as_ref(), 0)?;
    let stored: Vec<Repeated> = one_value(row.as_ref(), 1)?;
    let member = |place: usize| (drafts[place].post.conversation_id, drafts[place].post.sender_id);
    Ok(Locked {
        counters: counters.into_iter().map(counter).collect(),
        members: members.into_iter().map(member).collect(),
        stored: stored.into_iter().map(|repeated| repeat_of(drafts, repeated)).collect(),
    })
}

/// A message that is stored already, as the databases write it: the place of the draft, `id`, `content`, `created_at`, `seq`, `rev`.
type Repeated = (usize, Uuid, String, Timestamp, i64, i64);

fn repeat_of(drafts: &[Draft], (place, id, content, created_at, seq, rev): Repeated) -> (RepeatKey, Message) {
    let post = &drafts[place].post;
    let message = Message {
        id: MessageKey(id),
        message_id: post.message_id.clone(),
        sender_id: post.sender_id,
        conversation_id: post.conversation_id,
        content: Content::from_stored(content),
        created_at,
        seq: Seq(seq),
        rev: Rev(rev),
    };
    ((post.conversation_id, post.sender_id, post.message_id.clone()), message)
}

/// Writes a plan. PostgreSQL takes all of it as one statement
/// (<https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING>); no part depends on what another one writes.
pub(super) async fn write(transaction: &DatabaseTransaction, plan: &Plan) -> Result<(), Failure> {
    let backend = transaction.get_database_backend();
    let changes = [advance(plan), insert(plan), mark_read(plan)];
    if backend == DbBackend::Postgres {
        let (mut parts, mut values) = (Vec::new(), Vec::new());
        for (rows, sql) in changes {
            let (source, more) = rows.unnest(values.len());
            parts.push(sql(&source));
            values.extend(more);
        }
        let together = format!("WITH a AS ({}), b AS ({}) {}", parts[0], parts[1], parts[2]);
        transaction.execute_raw(Statement::from_sql_and_values(backend, together, values)).await?;
        return Ok(());
    }
    for (rows, sql) in changes {
        transaction.execute_raw(rows.statement(backend, sql)).await?;
    }
    Ok(())
}

fn advance(plan: &Plan) -> Change {
    let now = plan.inserts.iter().map(|m| (m.conversation_id, m.created_at)).collect::<HashMap<_, _>>();
    let (mut ids, mut seqs, mut revs, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, at) in now {
        let standing = plan.advanced[&id];
        ids.push(id.0);
        seqs.push(standing.last_seq.0);
        revs.push(standing.rev.0);
        times.push(at);
    }
    let rows = Rows(vec![
        ("id", Column::Uuid(ids)),
        ("last_seq", Column::Int(seqs)),
        ("rev", Column::Int(revs)),
        ("at", Column::Time(times)),
    ]);
    (rows, |source| {
        format!(
            "UPDATE conversations SET last_seq = r.last_seq, rev = r.rev, last_message_at = r.at \
             FROM {source} WHERE conversations.id = r.id"
        )
    })
}

fn insert(plan: &Plan) -> Change {
    let rows = &plan.inserts;
    let rows = Rows(vec![
        ("id", Column::Uuid(rows.iter().map(|m| m.id.0).collect())),
        ("message_id", Column::Text(rows.iter().map(|m| m.message_id.as_str().to_owned()).collect())),
        ("sender_id", Column::Uuid(rows.iter().map(|m| m.sender_id.0).collect())),
        ("conversation_id", Column::Uuid(rows.iter().map(|m| m.conversation_id.0).collect())),
        ("content", Column::Text(rows.iter().map(|m| m.content.as_str().to_owned()).collect())),
        ("created_at", Column::Time(rows.iter().map(|m| m.created_at).collect())),
        ("seq", Column::Int(rows.iter().map(|m| m.seq.0).collect())),
        ("rev", Column::Int(rows.iter().map(|m| m.rev.0).collect())),
    ]);
    (rows, |source| {
        format!(
            "INSERT INTO messages (id, message_id, sender_id, conversation_id, content, created_at, seq, rev) \
             SELECT r.id, r.message_id, r.sender_id, r.conversation_id, r.content, r.created_at, r.seq, r.rev FROM {source}"
        )
    })
}

/// Posting means having read up to one's own message, so that what is unread counts nothing of one's own.
fn mark_read(plan: &Plan) -> Change {
    let mut marks: HashMap<(Uuid, Uuid), i64> = HashMap::new();
    for message in &plan.inserts {
        marks.insert((message.conversation_id.0, message.sender_id.0), message.seq.0);
    }
    let (mut conversations, mut users, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
    for ((conversation, user), seq) in marks {
        conversations.push(conversation);
        users.push(user);
        seqs.push(seq);
    }
    let rows = Rows(vec![
        ("conversation_id", Column::Uuid(conversations)),
        ("user_id", Column::Uuid(users)),
        ("seq", Column::Int(seqs)),
    ]);
    (rows, |source| {
        format!(
            "UPDATE conversation_members SET last_read_seq = r.seq FROM {source} \
             WHERE conversation_members.conversation_id = r.conversation_id AND conversation_members.user_id = r.user_id"
        )
    })
}
