//! Health: how accounts, links and mirrors fare, and the one thing to do about each that does not simply work.
//!
//! [`next_step`] says what that is, from the state alone. [`standing`] gathers what it has to know of the links of a page,
//! [`troubles`] what is broken of a person's, for every page. Who is told by mail is in [`super::mail::health`].

pub mod next_step;
pub mod standing;
pub mod troubles;

pub use next_step::{By, Deed, NextStep};
pub use standing::{Held, Standing, Standings};
pub use troubles::{Kind, Recovered, Trouble, Troubles};
