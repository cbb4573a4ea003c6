//! The partners this binary knows: the only file of the app that names one. A new partner is one more line here and
//! one in the app's Cargo.toml.

use std::sync::Arc;

use integration_contract::{Integration, PartnerSettings, Result};
use url::Url;

use crate::core::mirrors::{Example, Offer};

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

/// The mirrors that the catalogue offers.
pub const MIRRORS: &[Offer] = &[Offer {
    id: "github-zendesk",
    left: "github",
    right: "zendesk",
    tagline: "What customers ask and what developers mend, in step: each in their own tool.",
    does: &[
        "You connect your GitHub account and your Zendesk account by a click each.",
        "You pick one of your repositories from a list.",
        "An issue that somebody opens there becomes a ticket at Zendesk; if you like, tickets become issues as well.",
        "A comment on the issue stands on the same ticket a moment later.",
        "A public reply on the ticket stands on the issue. Internal notes never leave Zendesk.",
        "Who closes the issue solves the ticket, and the other way round; reopening goes both ways, too.",
    ],
    // As in the partners' fixtures.
    example: Example {
        item: "acme/widgets#42",
        url: "https://github.com/acme/widgets/issues/42",
        copy: "acme.zendesk.com #35436",
        copy_url: "https://acme.zendesk.com/agent/tickets/35436",
        title: "The chart is empty on Sundays",
        opened: ("octo-ada", "West of Greenwich, that is."),
        comment: ("octo-ada", "It only happens west of Greenwich."),
        answer: ("Ada Lovelace", "We are looking into it."),
        note: ("Ada Lovelace", "They are on the old plan. Do not tell them."),
    },
    docs: include_str!("../../docs/mirrors/github-zendesk.md"),
}];
