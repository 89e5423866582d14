//! Several nodes as one: on one PostgreSQL and one Redis.

mod degraded;
mod limits;
mod people;
mod restarts;
mod sharded;
mod together;
