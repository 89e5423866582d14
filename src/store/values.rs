//! Lists that a database has put together as one value of JSON: SQLite's driver hands each row from thread to thread, which takes
//! longer than all the rest.

use sea_orm::{DbErr, QueryResult};
use serde::de::DeserializeOwned;

use super::Failure;

/// The list in a column of a row; of no rows a database makes none.
pub(super) fn one_value<T: DeserializeOwned>(row: Option<&QueryResult>, column: usize) -> Result<Vec<T>, Failure> {
    let value: Option<String> = row.map_or(Ok(None), |row| row.try_get_by_index(column))?;
    list(value.as_deref())
}

/// The same of a value that was read already.
pub(super) fn list<T: DeserializeOwned>(value: Option<&str>) -> Result<Vec<T>, Failure> {
    let list = value.map_or(Ok(Vec::new()), serde_json::from_str);
    list.map_err(|error| DbErr::Type(error.to_string()).into())
}
