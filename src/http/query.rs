//! Query parameters, told by name when they are wrong.

use std::{collections::HashMap, str::FromStr};

use actix_web::{HttpRequest, web};

use crate::domain::{refusal::Refusal, text::TextResult};

/// The parameters of a request's query.
pub(super) struct Query(HashMap<String, String>);

impl Query {
    /// Reads them; of a repeated one the last counts.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        web::Query::<HashMap<String, String>>::from_query(request.query_string())
            .map(|query| Self(query.into_inner()))
            .map_err(|_| Refusal::Malformed("The query is not well-formed".into()))
    }

    /// A text without U+0000, which no column can hold.
    pub(super) fn text(&self, name: &str, max: usize) -> TextResult<Option<String>> {
        match self.0.get(name) {
            Some(text) if text.contains('\0') => Err("must not contain the character U+0000".into()),
            Some(text) if text.chars().count() > max => Err(format!("must be at most {max} characters long")),
            text => Ok(text.cloned()),
        }
    }

    /// A value of a kind that is read from text.
    pub(super) fn parsed<T: FromStr>(&self, name: &str, expectation: &str) -> TextResult<Option<T>> {
        self.0.get(name).map(|text| text.parse().map_err(|_| expectation.to_owned())).transpose()
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, name: &str, min: i64, max: i64) -> TextResult<Option<i64>> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            _ => Err(format!("must be a whole number from {min} to {max}")),
        }
    }
}
