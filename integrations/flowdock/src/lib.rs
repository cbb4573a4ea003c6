//! Flowdock as a partner: work becomes threads of a flow's inbox, and their actions are done here.
//!
//! `card` what Flowdock is to the catalogue · `config` what the operator set · `oauth` connecting an account · `setup` links
//! that start there · `link` the form · `chosen` what was submitted · `settings` what a link is set to · `source` what a link
//! makes there · `deliver` what leaves · `thread` how that looks · `picture` a message on the partner's page · `html` people's text in it · `actions` its buttons · `api` its
//! calls · `wire` its JSON · `address` its addresses · `error` its refusals. The sandbox stands in for Flowdock, whose service
//! ended in 2023, in the demo and in tests.

mod actions;
mod address;
mod api;
mod card;
mod chosen;
mod config;
mod deliver;
mod error;
mod html;
mod link;
mod oauth;
mod picture;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod settings;
mod setup;
mod source;
mod thread;
mod wire;

use async_trait::async_trait;
use integration_contract::{
    Account, Actions, AuthorizeAsk, Button, Card, CheckedLink, Connected, FormInput, Grant, Happening, Http,
    Integration, IntegrationLink, ItemChange, Ledger, LinkForm, LinkRefused, Outgoing, OutgoingEntry, PartnerSettings,
    Picture, Receipt, Remote, Result, Setup, Told, Undone, Want,
};
use url::Url;

use crate::config::Config;

/// Flowdock, as the operator set it up.
pub struct Flowdock {
    config: Config,
}

impl Flowdock {
    /// Reads the operator's settings. Missing ones are told by [`Integration::configured`].
    ///
    /// # Errors
    /// [`integration_contract::ErrorKind::NotConfigured`] for an address that is not one.
    pub fn new(settings: &PartnerSettings) -> Result<Self> {
        Ok(Self { config: Config::read(settings)? })
    }
}

#[async_trait]
impl Integration for Flowdock {
    fn card(&self) -> &Card {
        &card::CARD
    }

    fn configured(&self) -> Result<()> {
        self.config.app().map(drop)
    }

    fn authorize_url(&self, ask: &AuthorizeAsk) -> Result<Url> {
        oauth::authorize_url(&self.config, ask)
    }

    async fn oauth_callback(&self, http: &Http, grant: Grant) -> Result<Connected> {
        oauth::callback(&self.config, http, grant).await
    }

    async fn new_link(&self, cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
        link::form(&self.config, cx, so_far).await
    }

    async fn check_link(&self, cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
        link::check(&self.config, cx, input).await
    }

    fn form_input(&self, link: &IntegrationLink) -> FormInput {
        link::form_input(link)
    }

    async fn create_link(&self, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
        source::make(&self.config, cx, link, ledger).await
    }

    async fn inspect_link(&self, cx: &Account, link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Happening>> {
        source::inspect(&self.config, cx, link, ours).await
    }

    async fn destroy_link(&self, cx: &Account, link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Undone>> {
        source::remove(&self.config, cx, link, ours).await
    }

    fn short_name(&self, link: &IntegrationLink) -> String {
        link::short_name(link)
    }

    fn summary(&self, link: &IntegrationLink) -> String {
        link::summary(link)
    }

    fn wants(&self, link: &IntegrationLink, entry: &OutgoingEntry) -> Want {
        deliver::wants(link, entry)
    }

    fn wants_item(&self, link: &IntegrationLink, change: &ItemChange) -> bool {
        deliver::wants_item(link, change)
    }

    fn picture(&self, what: &Told, buttons: &[Button]) -> Option<Picture> {
        picture::of(what, buttons)
    }

    async fn deliver(&self, cx: &Account, link: &IntegrationLink, message: &Outgoing) -> Result<Receipt> {
        deliver::deliver(&self.config, cx, link, message).await
    }

    async fn notice(&self, cx: &Account, link: &IntegrationLink, trouble: Option<&str>) -> Result<()> {
        source::notice(&self.config, cx, link, trouble).await
    }

    fn actions(&self) -> Option<&dyn Actions> {
        Some(&actions::FlowdockActions)
    }

    fn setup(&self) -> Option<&dyn Setup> {
        Some(&self.config)
    }
}
