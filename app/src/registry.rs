//! The partners this binary knows: the only file of the app that names one. A new partner is one more line here and
//! one in the app's Cargo.toml.

use std::sync::Arc;

use integration_contract::{Integration, PartnerSettings, Result};
use url::Url;

/// One partner of this binary.
pub struct Entry {
    /// Its card's id.
    pub id: &'static str,
    /// Makes the integration from the operator's settings.
    pub open: fn(&PartnerSettings) -> Result<Arc<dyn Integration>>,
    /// What to do with it in the demo.
    pub first_steps: FirstSteps,
    /// Opens its sandbox: (where the sandbox is reached, the product's OAuth callback).
    pub sandbox: fn(&Url, &Url) -> Sandbox,
}

/// What the demo suggests, in words that follow "pick" and "then".
pub struct FirstSteps {
    /// What to pick in the link form.
    pub pick: &'static str,
    /// What to do in the sandbox, and what comes of it.
    pub deed: &'static str,
}

/// An opened sandbox.
pub struct Sandbox {
    /// Its pages and its API, to be mounted under the partner's id.
    pub router: axum::Router,
    /// The settings that point the product at it.
    pub settings: PartnerSettings,
}

macro_rules! partner {
    ($id:literal, $krate:ident :: $integration:ident, pick $pick:literal, then $deed:literal) => {
        Entry {
            id: $id,
            first_steps: FirstSteps { pick: $pick, deed: $deed },
            open: |settings| Ok(Arc::new($krate::$integration::new(settings)?)),
            sandbox: |at, callback| {
                let opened = $krate::sandbox::open(at, callback);
                Sandbox { router: opened.router, settings: opened.settings.into_iter().collect() }
            },
        }
    };
}

/// Every partner, in the order of the catalogue.
pub const PARTNERS: &[Entry] = &[
    partner!("github", integration_github::GitHub, pick "a repository",
        then "open an issue: a moment later it stands in the log"),
    partner!("slack", integration_slack::Slack, pick "the channel #done",
        then "type “/done shipped the search page” into it: that is an entry, and what you write in the log stands there"),
    partner!("flowdock", integration_flowdock::Flowdock, pick "the flow acme/product",
        then "look into its inbox: entries and issues are threads there, with buttons that work"),
    partner!("zendesk", integration_zendesk::Zendesk, pick "the account acme",
        then "solve a ticket as Bob: a moment later it stands in the log"),
];
