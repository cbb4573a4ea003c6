//! Zendesk as a partner: each method of [`Integration`] leads into one room of this crate.
//!
//! `card` what Zendesk is to the catalogue · `config` what the operator set · `site` subdomains · `oauth` connecting an
//! account · `link` the form and its check · `webhook` what stands at Zendesk · `events` what it is told of · `hook` what
//! arrives · `body` that read · `reading` what it says · `look_up` what it does not say · `ticket` tickets as items · `items`
//! what is done to them · `api` its calls · `wire` its JSON · `error` its statuses. The sandbox stands in for Zendesk in the
//! demo and in tests.

mod api;
mod body;
mod card;
mod config;
mod error;
mod events;
mod hook;
mod items;
mod link;
mod look_up;
mod oauth;
mod reading;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod site;
mod ticket;
mod webhook;
mod wire;

use async_trait::async_trait;
use integration_contract::{
    Account, Address, AuthorizeAsk, Card, CheckedLink, Connected, Credentials, FormInput, Grant, Happening, HookAnswer,
    HookCall, Http, Integration, IntegrationLink, Items, Ledger, LinkForm, LinkRefused, PartnerSettings, Reading,
    Remote, Result, Scheme, Undone, Verified,
};
use serde_json::Value;
use url::Url;

use crate::config::Config;

/// Zendesk, as the operator set it up.
pub struct Zendesk {
    config: Config,
}

impl Zendesk {
    /// Reads the operator's settings. Missing ones are told by [`Integration::configured`].
    ///
    /// # Errors
    /// [`integration_contract::ErrorKind::NotConfigured`] for an address that is not one.
    pub fn new(settings: &PartnerSettings) -> Result<Self> {
        Ok(Self { config: Config::read(settings)? })
    }
}

#[async_trait]
impl Integration for Zendesk {
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

    async fn refresh(&self, http: &Http, old: &Credentials) -> Result<Credentials> {
        oauth::refresh(&self.config, http, old).await
    }

    async fn revoke(&self, http: &Http, old: &Credentials) -> Result<Undone> {
        oauth::revoke(&self.config, http, old).await
    }

    async fn new_link(&self, cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
        Ok(link::form(cx, so_far))
    }

    async fn check_link(&self, cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
        link::check(&self.config, cx, input).await
    }

    fn form_input(&self, link: &IntegrationLink) -> FormInput {
        link::form_input(link)
    }

    async fn create_link(&self, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
        webhook::make(&self.config, cx, link, ledger).await
    }

    async fn inspect_link(&self, cx: &Account, link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Happening>> {
        webhook::inspect(&self.config, cx, link, ours).await
    }

    async fn destroy_link(&self, cx: &Account, link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Undone>> {
        webhook::remove(&self.config, cx, link, ours).await
    }

    fn short_name(&self, link: &IntegrationLink) -> String {
        link::short_name(link)
    }

    fn summary(&self, link: &IntegrationLink) -> String {
        link::summary(link)
    }

    fn address(&self, call: &HookCall) -> Address {
        hook::address(call)
    }

    fn scheme(&self) -> Scheme {
        hook::SCHEME
    }

    fn answer(&self, call: &Verified<HookCall>) -> Result<HookAnswer> {
        hook::answer(call)
    }

    fn hook(&self, link: &IntegrationLink, call: &Verified<HookCall>) -> Result<Reading> {
        reading::read(link, call)
    }

    async fn look_up(&self, cx: &Account, link: &IntegrationLink, what: &Value) -> Result<Reading> {
        look_up::look_up(&self.config, cx, link, what).await
    }

    fn items(&self) -> Option<&dyn Items> {
        Some(self)
    }
}
