//! Many rows as one parameter: the same set-based statement on both databases, whatever the number of
//! rows, so that it is parsed once. PostgreSQL takes an array per column (`unnest`), SQLite one JSON
//! document (`json_each`).

use chrono::SecondsFormat;
use sea_orm::{DbBackend, Statement, Value, sea_query::ArrayType};
use uuid::Uuid;

use crate::domain::clock::Timestamp;

/// A column's values, one per row.
pub(super) enum Column {
    Uuid(Vec<Uuid>),
    Text(Vec<String>),
    Int(Vec<i64>),
    Time(Vec<Timestamp>),
}

/// Named columns of equal length; the statement sees them as the table `r`.
pub(super) struct Rows(pub(super) Vec<(&'static str, Column)>);

impl Rows {
    /// Builds the statement; `sql` is handed what to write after `FROM`.
    pub(super) fn statement(self, backend: DbBackend, sql: impl FnOnce(&str) -> String) -> Statement {
        match backend {
            DbBackend::Postgres => {
                let (source, values) = self.unnest(0);
                Statement::from_sql_and_values(backend, sql(&source), values)
            }
            _ => {
                let columns: Vec<String> =
                    self.0.iter().enumerate().map(|(i, (name, column))| column.sqlite_expression(i, name)).collect();
                let source = format!("(SELECT {} FROM json_each($1)) AS r", columns.join(", "));
                Statement::from_sql_and_values(backend, sql(&source), [Value::from(self.into_json())])
            }
        }
    }

    /// What to write after `FROM` on PostgreSQL, and the parameters, of which so many others come before.
    pub(super) fn unnest(self, before: usize) -> (String, Vec<Value>) {
        let number = |i: usize| before + i + 1;
        let columns = self.0.iter().enumerate();
        let arguments: Vec<String> =
            columns.map(|(i, (_, column))| format!("${}::{}[]", number(i), column.postgres_type())).collect();
        let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
        let source = format!("unnest({}) AS r({})", arguments.join(", "), names.join(", "));
        (source, self.0.into_iter().map(|(_, column)| column.into_array()).collect())
    }

    fn into_json(self) -> String {
        let rows = self.0.first().map_or(0, |(_, column)| column.len());
        let mut table: Vec<Vec<serde_json::Value>> = (0..rows).map(|_| Vec::with_capacity(self.0.len())).collect();
        for (_, column) in self.0 {
            for (row, cell) in table.iter_mut().zip(column.into_cells()) {
                row.push(cell);
            }
        }
        serde_json::Value::from(table.into_iter().map(serde_json::Value::from).collect::<Vec<_>>()).to_string()
    }
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Uuid(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Int(v) => v.len(),
            Self::Time(v) => v.len(),
        }
    }

    fn postgres_type(&self) -> &'static str {
        match self {
            Self::Uuid(_) => "uuid",
            Self::Text(_) => "text",
            Self::Int(_) => "bigint",
            Self::Time(_) => "timestamptz",
        }
    }

    fn into_array(self) -> Value {
        fn array<T: Into<Value>>(kind: ArrayType, values: Vec<T>) -> Value {
            Value::Array(kind, Some(Box::new(values.into_iter().map(Into::into).collect())))
        }
        match self {
            Self::Uuid(v) => array(ArrayType::Uuid, v),
            Self::Text(v) => array(ArrayType::String, v),
            Self::Int(v) => array(ArrayType::BigInt, v),
            Self::Time(v) => array(ArrayType::ChronoDateTimeUtc, v),
        }
    }

    /// uuids are stored as BLOBs, times in the text form that the driver writes.
    fn sqlite_expression(&self, index: usize, name: &str) -> String {
        match self {
            Self::Uuid(_) => format!("unhex(value->>{index}) AS {name}"),
            _ => format!("value->>{index} AS {name}"),
        }
    }

    fn into_cells(self) -> Vec<serde_json::Value> {
        match self {
            Self::Uuid(v) => v.into_iter().map(|id| id.simple().to_string().into()).collect(),
            Self::Text(v) => v.into_iter().map(Into::into).collect(),
            Self::Int(v) => v.into_iter().map(Into::into).collect(),
            Self::Time(v) => v.into_iter().map(|t| t.to_rfc3339_opts(SecondsFormat::AutoSi, false).into()).collect(),
        }
    }
}
