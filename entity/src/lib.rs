//! Pneumatic's tables as sea-orm entities. Columns and keys only: rules live in `pneumatic::domain`,
//! statements in `pneumatic::store`. What each column means is written in `docs/data.md`.

pub mod audit_entry;
pub mod conversation;
pub mod conversation_member;
pub mod counter_hour;
pub mod counter_total;
pub mod epoch;
pub mod idempotency_key;
pub mod login;
pub mod message;
pub mod refresh_token;
pub mod user;
pub mod user_counter;
