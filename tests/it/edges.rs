//! The edges: what is too large, too slow, from elsewhere, or without TLS.
