//! What was said before anybody listened: written straight into the database, because there is much of it.

use entity::{conversation, conversation_member, message};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, TransactionTrait, sea_query::Expr};
use uuid::Uuid;

use super::{database::Database, person::Person};

/// Rows in one statement.
const AT_ONCE: usize = 500;

impl Database {
    /// So many messages of somebody in each of these conversations, in which nothing had happened but their making. No device may
    /// be connected: nobody is told.
    pub async fn write_past(&self, conversations: &[String], sender: &Person, each: i64, content: &str) {
        let connection = self.connect().await;
        let transaction = connection.begin().await.unwrap();
        let (ids, sender_id) = (conversations.iter().map(|id| id.parse().unwrap()), sender.id.parse().unwrap());
        let ids: Vec<Uuid> = ids.collect();
        let now = chrono::Utc::now();
        let rows = ids.iter().flat_map(|id| (1..=each).map(move |seq| (*id, seq)));
        let rows = rows.map(|(conversation_id, seq)| message::ActiveModel {
            id: Set(Uuid::now_v7()),
            message_id: Set(Uuid::new_v4().to_string()),
            sender_id: Set(sender_id),
            conversation_id: Set(conversation_id),
            content: Set(content.to_owned()),
            created_at: Set(now),
            seq: Set(seq),
            rev: Set(seq + 1),
        });
        let rows: Vec<message::ActiveModel> = rows.collect();
        for rows in rows.chunks(AT_ONCE) {
            message::Entity::insert_many(rows.to_vec()).exec_without_returning(&transaction).await.unwrap();
        }
        let counters = conversation::Entity::update_many()
            .col_expr(conversation::Column::LastSeq, Expr::value(each))
            .col_expr(conversation::Column::Rev, Expr::value(each + 1))
            .filter(conversation::Column::Id.is_in(ids.clone()));
        let touched = counters.exec(&transaction).await.unwrap();
        assert_eq!(touched.rows_affected, ids.len() as u64);
        let mark = conversation_member::Entity::update_many()
            .col_expr(conversation_member::Column::LastReadSeq, Expr::value(each))
            .filter(conversation_member::Column::ConversationId.is_in(ids))
            .filter(conversation_member::Column::UserId.eq(sender_id));
        mark.exec(&transaction).await.unwrap();
        transaction.commit().await.unwrap();
        connection.close().await.unwrap();
    }
}
