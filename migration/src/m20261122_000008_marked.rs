//! When somebody last read in a conversation, so that whoever comes back looks at the members of those alone in which somebody has.

use std::time::{Duration, SystemTime};

use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, Statement, prelude::DateTimeUtc},
};

/// For so long nodes of the release before, which know nothing of the column, may go on beside this one.
const BESIDE: Duration = Duration::from_secs(3_600);

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("conversations").add_column(timestamp_with_time_zone_null("marked_at")).to_owned())
            .await?;
        let connection = manager.get_connection();
        let everywhere = Statement::from_sql_and_values(
            connection.get_database_backend(),
            "UPDATE conversations SET marked_at = $1 WHERE last_seq > 0",
            [DateTimeUtc::from(SystemTime::now() + BESIDE).into()],
        );
        connection.execute_raw(everywhere).await?;
        Ok(())
    }
}
