//! Links: what a partner gets to see of one, and the ledger of what it made at the partner.

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::Result;

/// For whom a link is, and on which settings page it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For a team: listed on the team's settings.
    Team,
    /// For one user: listed on the user's own settings.
    User,
}

/// What a link is set to, in the partner's own shape. The host stores it and does not look inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkSettings(pub Value);

impl LinkSettings {
    /// Any serialisable settings.
    ///
    /// # Panics
    /// Never for structs of texts, numbers and lists, which is what settings are.
    pub fn of(settings: &impl Serialize) -> Self {
        Self(serde_json::to_value(settings).expect("settings are texts, numbers and lists"))
    }

    /// Reads them back.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Malformed`] when they were written by something else.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        T::deserialize(&self.0).map_err(|error| {
            crate::Error::new(crate::ErrorKind::Malformed, "The settings of this link can't be read.").caused_by(error)
        })
    }
}

/// A form that was found good.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedLink {
    /// To be stored.
    pub settings: LinkSettings,
    /// What the link is about, by the partner's own lasting id (`repository:1296269`). One team has at most one link
    /// of a partner to one target.
    pub target: String,
}

/// One configured pipe, as its partner sees it.
#[derive(Clone)]
pub struct IntegrationLink {
    /// Our id of it.
    pub id: String,
    /// What it is set to.
    pub settings: LinkSettings,
    /// Where the partner should send this link's hooks, with the link's own key where the partner signs per link.
    pub hook_url: Url,
    /// This link's own hook secret.
    pub hook_secret: SecretString,
    /// What the partner gave for this link alone, once ([`Ledger::keep_secret`]).
    pub given_secret: Option<SecretString>,
}

/// Something that exists at the partner because of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The ledger's id of the row.
    pub reservation: Reservation,
    /// What it is, for example `webhook`.
    pub kind: String,
    /// Where it is, for example the repository's id: what is needed to find it besides its own id.
    pub place: String,
    /// The partner's id of it; `None` while it is not known whether the call that makes it went through.
    pub id: Option<String>,
}

/// The ledger's id of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reservation(pub String);

/// The host's record of what a link makes at the partner, written before it is made.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What this link has made or may have made so far.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unavailable`] when our own database does not answer; likewise below.
    async fn rows(&self) -> Result<Vec<Remote>>;

    /// Writes down that something is about to be made. Call it before the partner is called. A second reservation of
    /// the same kind and place is the first one.
    ///
    /// # Errors
    /// As [`Self::rows`].
    async fn reserve(&self, kind: &str, place: &str) -> Result<Reservation>;

    /// It is there, under this id.
    ///
    /// # Errors
    /// As [`Self::rows`].
    async fn made(&self, reservation: &Reservation, id: &str) -> Result<()>;

    /// Keeps, sealed, a secret that the partner gives for this link alone and may never show again. It replaces the one
    /// before. Call it before [`Self::made`]: what is made and can't be used is looked for again.
    ///
    /// # Errors
    /// As [`Self::rows`].
    async fn keep_secret(&self, secret: &SecretString) -> Result<()>;

    /// It is certain that it was not made, or it is gone.
    ///
    /// # Errors
    /// As [`Self::rows`].
    async fn gone(&self, reservation: &Reservation) -> Result<()>;
}

/// What became of one thing that was to be undone at the partner: a line of the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// What it was, as a person reads it: "the webhook of acme/widgets".
    pub what: String,
    /// What became of it.
    pub outcome: UndoneOutcome,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoneOutcome {
    /// We removed it.
    Removed,
    /// It was not there any more.
    AlreadyGone,
    /// It is still there and a person has to remove it; the sentence says why and where.
    LeftOver(String),
}
