//! What a device speaks.

/// The languages of the socket's, and their shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Pneumatic's first one: `joined`, `message` and `error`.
    V1,
    /// Pneumatic's own: all there is.
    V2,
    /// FastChat's, as its front end speaks it: the fields beside the type.
    Flat,
    /// FastChat's, as its documents have it: the fields in `data`.
    Enveloped,
}

impl Dialect {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::V1, Self::V2, Self::Flat, Self::Enveloped];

    /// Its name, in figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Flat | Self::Enveloped => "fastchat",
        }
    }

    /// Whether it is one of FastChat's.
    pub fn is_chat(self) -> bool {
        matches!(self, Self::Flat | Self::Enveloped)
    }
}
