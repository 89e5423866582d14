//! Pneumatic's schema, one migration per change. sea-orm-migration takes no lock of its own, so the
//! store runs [`Migrator`] under one (see `pneumatic::store::connect`).

mod m20261121_000001_accounts;
mod m20261121_000002_conversations;
mod m20261121_000003_audit;
mod m20261121_000004_counters;
mod m20261121_000005_presence;
mod m20261121_000006_joined;
mod m20261122_000007_members_together;
mod m20261122_000008_marked;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_accounts::Migration),
            Box::new(m20261121_000002_conversations::Migration),
            Box::new(m20261121_000003_audit::Migration),
            Box::new(m20261121_000004_counters::Migration),
            Box::new(m20261121_000005_presence::Migration),
            Box::new(m20261121_000006_joined::Migration),
            Box::new(m20261122_000007_members_together::Migration),
            Box::new(m20261122_000008_marked::Migration),
        ]
    }
}
