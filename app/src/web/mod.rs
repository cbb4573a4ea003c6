//! HTTP: the whole route table, and what every answer has in common.
//!
//! A handler reads, asks `core`, answers; its signature says who may come in (see `extract`).

pub mod assets;
pub mod body;
pub mod extract;
pub mod layers;
pub mod page;
pub mod routes;
