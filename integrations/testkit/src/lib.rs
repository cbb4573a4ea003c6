//! For tests of partner crates and of the host: what every partner must pass ([`contract`]), recorded calls
//! ([`Fixture`]), an HTTP handle and a ledger without a network or a database, and a partner that does as it is told
//! ([`FakePartner`]).
//!
//! Never a dependency of anything but tests, so what can't go on panics with a sentence.

pub mod contract;
mod fake;
mod fixture;
mod http;
mod ledger;

pub use fake::{Acted, Click, FakeItem, FakePartner, Heard, ItemCall, Post, Subscription, Trouble};
pub use fixture::{Fixture, fixtures};
pub use http::{Answers, ScriptedAnswer, ScriptedHttp, Sent, reply, reply_json};
pub use ledger::MemoryLedger;
