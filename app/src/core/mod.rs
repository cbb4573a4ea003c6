//! Our nouns and their rules. `web` and `jobs` come in here; nothing here knows HTTP routes or pages.
//!
//! Who is asking comes right after the tools: a [`people::Member`] where the question is about one organization.

use std::sync::Arc;

use url::Url;

use crate::{clock::Clock, db::Db, queue::Queue};

pub mod attempts;
pub mod entries;
mod error;
pub mod inbox;
pub mod instance;
pub mod invitations;
mod naming;
pub mod organizations;
mod passwords;
pub mod people;
pub mod rotation;
pub mod sealing;
pub mod sessions;
pub mod teams;
pub mod users;

pub use error::{Error, Result};

/// The tools that everything in this room works with. Cheap to clone.
#[derive(Clone)]
pub struct Core(Arc<Inner>);

struct Inner {
    tools: Tools,
    passwords: passwords::Passwords,
    attempts: attempts::Attempts,
}

/// See [`Core`].
pub struct Tools {
    /// The rows.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// What seals secrets.
    pub vault: sealing::Vault,
    /// Where work is put that others wait for.
    pub queue: Queue,
    /// What this installation is called and where it is reached.
    pub site: Site,
}

/// What this installation is called and where it is reached.
#[derive(Clone, Debug)]
pub struct Site {
    /// Stands in page titles and in "Add to {site name}".
    pub name: String,
    /// The only source of our own addresses: never the request's Host header.
    pub public_url: Url,
}

impl Core {
    /// Puts the tools together.
    pub fn new(tools: Tools) -> Self {
        Self(Arc::new(Inner {
            tools,
            passwords: passwords::Passwords::default(),
            attempts: attempts::Attempts::default(),
        }))
    }
}

impl std::ops::Deref for Core {
    type Target = Tools;

    fn deref(&self) -> &Tools {
        &self.0.tools
    }
}
