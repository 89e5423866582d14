//! Fuzz targets of Pneumatic: each calls one `check`.

pub mod properties;
