//! Traces: what happened to each event of a link, for the people who want to know why something came or did not.
//!
//! [`note`] writes down, in the commit that reads a hook, what it led to. [`list`] is everything that came in and went out
//! through a link, as one timeline; [`search`] finds in it by any id that people have in hand; [`arrived`] and [`told`] tell
//! the whole story of one. [`mod@payload`] makes what came fit to be looked at.

mod activity;
mod outcome;
pub mod payload;
mod story;

pub use activity::{Arrived, Direction, Ended, Event, Filter, Listing, What, list, search};
pub use outcome::{Outcome, Thing, note};
pub use story::{ArrivedStory, Delivery, ToldStory, arrived, told};
