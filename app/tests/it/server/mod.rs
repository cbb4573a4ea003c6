//! The server room: connections with deadlines and limits, what every answer has in common, what operators see, and the
//! binary itself from start to stop.

mod answers;
mod connections;
mod operators;
pub mod process;
mod raw;
mod rotation;
mod settings;
mod starts;
mod stops;
