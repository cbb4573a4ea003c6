//! Handlers, a file per noun.

pub mod operators;
