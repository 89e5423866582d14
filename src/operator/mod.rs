//! What an operator does on the command line, beside a running server or without one.

pub mod accounts;
pub mod keeping;

use crate::{config::Config, domain::clock::Clock, store::Store};

async fn open(config: &Config) -> Result<Store, String> {
    let opened = Store::connect(&config.database, config.pools, Clock::system()).await;
    opened.map_err(|error| format!("the database can't be used: {error}; check DATABASE_URL and DATA_DIR"))
}
