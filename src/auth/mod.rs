//! Who somebody is: passwords, tokens, and the flows of logging in and out. Part of the edge.

pub mod guest;
pub mod login;
pub mod password;
pub mod ticket;
pub mod token;
