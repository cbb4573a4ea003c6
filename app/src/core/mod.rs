//! Our nouns and their rules. `web` and `jobs` come in here; nothing here knows HTTP routes or pages.
//!
//! Who is asking comes right after the tools: a [`people::Member`] where the question is about one organization.

use std::sync::Arc;

use url::Url;

use crate::{clock::Clock, db::Db, queue::Queue};

pub mod actions;
pub mod attempts;
pub mod audit;
pub mod deletions;
pub mod departures;
pub mod entries;
mod error;
pub mod happenings;
pub mod health;
pub mod inbox;
pub mod instance;
pub mod integration_links;
pub mod integration_users;
pub mod invitations;
pub mod items;
pub mod ledger;
pub mod link_forms;
pub mod live;
pub mod mail;
pub mod mirrors;
mod naming;
pub mod organizations;
pub mod outbox;
mod partner_http;
pub mod partners;
pub mod password_links;
mod passwords;
pub mod people;
pub mod previews;
pub mod retention;
pub mod rotation;
pub mod sealing;
pub mod sessions;
pub mod teams;
pub mod traces;
pub mod users;

pub use error::{Barrier, Error, Result};

/// The tools that everything in this room works with. Cheap to clone.
#[derive(Clone)]
pub struct Core(Arc<Inner>);

struct Inner {
    tools: Tools,
    passwords: passwords::Passwords,
    attempts: attempts::Attempts,
    inbox: inbox::Inbox,
    breakers: outbox::Breakers,
    live: live::Live,
    looks: integration_links::Looks,
    link_forms: link_forms::LinkForms,
    mailer: mail::Mailer,
    /// Held while a call to a partner is allowed and has not begun, see [`outbox::until_calls_have_begun`].
    beginning: tokio::sync::RwLock<()>,
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
    /// The partners and the way to them.
    pub partners: partners::Partners,
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
    /// Puts the tools together. Mail is told of in the log.
    pub fn new(tools: Tools) -> Self {
        Self::with_mailer(tools, mail::Mailer::Log)
    }

    /// Puts the tools together, with a way for mail.
    pub fn with_mailer(tools: Tools, mailer: mail::Mailer) -> Self {
        let inbox = inbox::Inbox::new(tools.db.clone(), tools.queue.clone(), tools.clock.clone());
        Self(Arc::new(Inner {
            tools,
            inbox,
            passwords: passwords::Passwords::default(),
            attempts: attempts::Attempts::default(),
            breakers: outbox::Breakers::default(),
            live: live::Live::default(),
            looks: integration_links::Looks::default(),
            link_forms: link_forms::LinkForms::default(),
            mailer,
            beginning: tokio::sync::RwLock::default(),
        }))
    }

    /// Whether mail leaves, or is only told of in the log.
    pub fn sends_mail(&self) -> bool {
        self.0.mailer.sends()
    }

    /// Where genuine hooks are kept.
    pub fn inbox(&self) -> &inbox::Inbox {
        &self.0.inbox
    }
}

impl std::ops::Deref for Core {
    type Target = Tools;

    fn deref(&self) -> &Tools {
        &self.0.tools
    }
}
