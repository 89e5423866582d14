//! The fields of a client's frame, read one by one, so that everything that is wrong with it is told by name at once.

use chrono::SubsecRound;
use serde_json::{Map, Value};

use super::pneumatic::{
    Cursors,
    v2::{MAX_CURSORS, MAX_USERS},
};
use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, Epoch, Rev, Seq, UserId},
    text::{Content, Fields, MessageId, TextResult},
};

/// What a field of a frame can hold.
pub(super) trait Field: Sized {
    /// Parses it; none is a field that isn't there.
    fn read(value: Option<Value>) -> TextResult<Self>;
}

fn text(value: Option<Value>) -> TextResult<String> {
    match value {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err("must be a string".into()),
        None => Err("is required".into()),
    }
}

/// What may be left out, or be null.
impl<T: Field> Field for Option<T> {
    fn read(value: Option<Value>) -> TextResult<Self> {
        match value {
            None | Some(Value::Null) => Ok(None),
            value => T::read(value).map(Some),
        }
    }
}

macro_rules! id_fields {
    ($($name:ident),*) => {
        $(impl Field for $name {
            fn read(value: Option<Value>) -> TextResult<Self> {
                text(value)?.parse().map_err(|_| "must be a UUID".into())
            }
        })*
    };
}
id_fields!(ConversationId, UserId, Epoch);

impl Field for bool {
    fn read(value: Option<Value>) -> TextResult<Self> {
        match value {
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err("must be true or false".into()),
            None => Err("is required".into()),
        }
    }
}

impl Field for Seq {
    fn read(value: Option<Value>) -> TextResult<Self> {
        let number = value.ok_or("is required")?;
        number.as_i64().filter(|number| *number >= 0).map(Self).ok_or_else(|| "must be a whole number, not negative".into())
    }
}

impl Field for Timestamp {
    fn read(value: Option<Value>) -> TextResult<Self> {
        let time = text(value)?.parse::<Self>().map_err(|_| "must be a time, such as 2026-11-21T12:00:00Z".to_owned())?;
        // The databases count from year 1 at the earliest.
        let known = Self::UNIX_EPOCH..Self::from_timestamp_nanos(i64::MAX);
        if known.contains(&time) { Ok(time.trunc_subsecs(6)) } else { Err("must be a time of our age".into()) }
    }
}

impl Field for Vec<UserId> {
    fn read(value: Option<Value>) -> TextResult<Self> {
        let Some(Value::Array(items)) = value else { return Err("must be a list of UUIDs".into()) };
        if items.len() > MAX_USERS {
            return Err(format!("must name at most {MAX_USERS}"));
        }
        items.into_iter().map(|item| UserId::read(Some(item))).collect()
    }
}

impl Field for Cursors {
    fn read(value: Option<Value>) -> TextResult<Self> {
        let wrong = || "must be an object of conversation ids and whole numbers from 0".to_owned();
        let Some(Value::Object(cursors)) = value else { return Err(wrong()) };
        if cursors.len() > MAX_CURSORS {
            return Err(format!("must be at most {MAX_CURSORS}"));
        }
        let cursor = |(id, rev): (String, Value)| {
            let rev = rev.as_i64().filter(|rev| *rev >= 0).map(Rev);
            id.parse().ok().zip(rev).ok_or_else(wrong)
        };
        cursors.into_iter().map(cursor).collect()
    }
}

impl Field for MessageId {
    fn read(value: Option<Value>) -> TextResult<Self> {
        text(value).and_then(Self::parse)
    }
}

impl Field for Content {
    fn read(value: Option<Value>) -> TextResult<Self> {
        text(value).and_then(Self::parse)
    }
}

/// Takes one field out of a frame, or notes what is wrong with it.
pub(super) fn take<T: Field>(frame: &mut Map<String, Value>, name: &str, fields: &mut Fields) -> Option<T> {
    fields.check(name, T::read(frame.remove(name)))
}

/// The frames of a client: an enum, its schema, and how to read one, from one list. Each variant names its `type`.
macro_rules! frames {
    (
        $(#[$doc:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident = $kind:tt { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* },)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, utoipa::ToSchema)]
        #[schema(as = $name)]
        #[serde(tag = "type")]
        $vis enum $name {
            $($(#[$variant_doc])* #[serde(rename = $kind)] $variant { $($(#[$field_doc])* $field: $type,)* },)+
        }

        impl $name {
            /// Reads the fields of a frame of this type; none when the type isn't known.
            fn read(kind: &str, frame: &mut serde_json::Map<String, serde_json::Value>) -> Option<Result<Self, Refusal>> {
                #[allow(unused_mut, unreachable_patterns)]
                match kind {
                    $($kind => Some({
                        let mut fields = Fields::default();
                        $(let $field = $crate::wire::fields::take(frame, stringify!($field), &mut fields);)*
                        match ($($field,)*) {
                            ($(Some($field),)*) => Ok(Self::$variant { $($field),* }),
                            _ => Err(fields.refusal()),
                        }
                    }),)+
                    _ => None,
                }
            }
        }
    };
}
pub(super) use frames;
