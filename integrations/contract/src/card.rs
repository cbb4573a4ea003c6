//! The card: a partner as data. Pages, consent sheets, docs and tests are made from it.

use std::time::Duration;

use crate::{HookRules, Level, Setting, Status};

/// A partner as data.
pub struct Card {
    /// The path segment and the word in tables: lower-case letters and digits.
    pub id: &'static str,
    /// The partner's name as the partner writes it.
    pub name: &'static str,
    /// One line for the catalogue tile.
    pub tagline: &'static str,
    /// Where the catalogue files it, for example `Code`.
    pub category: &'static str,
    /// The partner's icon, a whole SVG document.
    pub icon: &'static str,
    /// The crate's README, shown as the partner's docs.
    pub readme: &'static str,
    /// How an account is connected.
    pub connect: Connect,
    /// What a link makes at the partner, and how that is undone.
    pub effects: &'static [Effect],
    /// The kinds of event a link can bring.
    pub events: &'static [EventKind],
    /// For whom a link can be.
    pub levels: &'static [Level],
    /// What the partner's hooks may look like; `None` when the partner never calls us.
    pub hooks: Option<HookRules>,
    /// The least time between two messages of one link, where it delivers.
    pub pace: Option<Duration>,
    /// What the operator can set, in the order of `.env.sample`.
    pub settings: &'static [Setting],
    /// The optional abilities this integration has.
    pub capabilities: &'static [Capability],
}

/// How an account is connected.
pub enum Connect {
    /// OAuth 2 with these scopes, and with PKCE S256 where the partner supports it.
    OAuth {
        /// The least that is needed, each with its reason.
        scopes: &'static [Scope],
        /// Whether a challenge is sent.
        pkce: bool,
        /// Where each customer of the partner has an address of their own: what to ask for before anything else.
        site: Option<Site>,
        /// Whether links act with the account for as long as they live. If not, the token is for setting them up, and
        /// its end does them no harm.
        lasting: bool,
    },
    /// No account: the link form comes at once.
    Nothing,
}

/// The part of a partner's address that each of its customers has for themselves. In settings that are addresses, it
/// stands for the text `{site}`'s [`Self::name`] in braces, such as `https://{subdomain}.zendesk.com`.
pub struct Site {
    /// Its name in forms and addresses.
    pub name: &'static str,
    /// What a person reads beside the field.
    pub label: &'static str,
    /// A sentence below it.
    pub help: &'static str,
    /// An example.
    pub placeholder: &'static str,
    /// Makes of what a person typed what is kept, or says what is wrong with it. Nothing else becomes part of an address.
    pub read: fn(&str) -> Result<String, &'static str>,
}

/// A permission we ask for.
pub struct Scope {
    /// The partner's word.
    pub name: &'static str,
    /// What we need it for, as a person would say it.
    pub why: &'static str,
}

/// Something a link makes at the partner.
pub struct Effect {
    /// What is made.
    pub what: &'static str,
    /// How it is undone.
    pub undo: &'static str,
}

/// A kind of event that a link can bring.
pub struct EventKind {
    /// The word in settings and forms.
    pub id: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// What comes of one, for the partner's page.
    pub example: Example,
    /// Whether a new link has it switched on.
    pub default: bool,
}

/// What comes of an event, as the partner's page draws it. The contract suite looks for it in what recorded calls say: an
/// example that no call has made is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    /// An entry of the log.
    Entry {
        /// Its text, or a line of what was written for the log.
        text: &'static str,
        /// Done, goal or blocked.
        status: Status,
        /// Who did it, by their name at the partner.
        author: &'static str,
        /// Where it came from.
        source: &'static str,
    },
    /// Something that happened to an item, which other links of the team may tell of.
    Item {
        /// What people call it: `acme/widgets#42`.
        name: &'static str,
        /// Its title.
        title: &'static str,
        /// What was done to it: `opened`, `closed`, `commented on`.
        did: &'static str,
        /// Who did it, by their name at the partner.
        author: &'static str,
    },
    /// Nothing comes from there: it is what the partner is told, which [`crate::Integration::picture`] shows.
    Told,
}

/// An optional ability of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Expiring credentials can be refreshed.
    Refresh,
    /// Credentials can be given back.
    Revoke,
    /// Entries, and items of other links, are told to the partner.
    Deliver,
    /// It has items: [`crate::Integration::items`].
    Items,
    /// It has buttons that call us: [`crate::Integration::actions`].
    Actions,
    /// Links can start there: [`crate::Integration::setup`].
    Setup,
    /// It shows its people what is wrong with a link: [`crate::Integration::notice`].
    Notice,
}
