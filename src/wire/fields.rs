//! The fields of a client's frame, read one by one, so that everything that is wrong with it is told by name at once.

use serde_json::{Map, Value};

use crate::domain::{
    ids::ConversationId,
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

impl Field for ConversationId {
    fn read(value: Option<Value>) -> TextResult<Self> {
        text(value)?.parse().map_err(|_| "must be a UUID".into())
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
                let mut fields = Fields::default();
                match kind {
                    $($kind => Some({
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
