//! map
pub mod domain;
pub mod store;
pub mod actors;
pub mod auth;
pub mod metrics;
pub mod wire;
