//! Behaviour through the wire, on SQLite and on PostgreSQL from the same source. Each test owns its world: a
//! server on a port of its own, a database of its own, and at the end nothing may be left running.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, unreachable_pub, missing_docs)]

#[macro_use]
mod support;

mod accounts;
mod acks;
mod audit;
mod backlog;
mod backup;
mod browser;
mod chaos;
mod client;
mod configuration;
mod conformance;
mod contract;
mod conversations;
mod counters;
mod counts;
mod crash;
mod database_tls;
mod description;
mod docs;
mod doors;
mod edges;
mod examples;
mod fastchat;
mod goodbye;
mod guest_limits;
mod guest_logins;
mod guest_refusals;
mod guest_sweep;
mod guests;
mod guests_and_members;
mod heartbeat;
mod hostile;
mod layers;
mod limits;
mod live;
mod logins;
mod logs;
mod members;
mod membership;
mod messages;
mod metrics;
mod nodes;
mod outage;
mod pages;
mod presence;
mod probes;
mod read_marks;
mod restored;
mod resume;
mod rooms;
mod scrape;
mod slow_readers;
mod sockets;
mod startup;
mod traces;
mod typing;
mod writer;
