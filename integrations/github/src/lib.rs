//! GitHub as a partner: each method of [`Integration`] leads into one room of this crate.
//!
//! `card` what GitHub is to the catalogue · `config` what the operator set · `oauth` connecting an account · `link` the
//! form and its check · `lately` what happened before · `webhook` what stands at GitHub · `hook` what arrives from it · `reading` what it says · `changes`
//! what it says of items · `item` issues and pull requests in our words · `items` what is done to them · `api` its calls · `wire` its JSON · `error` its statuses. The sandbox stands in for GitHub in the demo and in tests.

mod api;
mod card;
mod changes;
mod config;
mod error;
mod events;
mod hook;
mod item;
mod items;
mod lately;
mod link;
mod oauth;
mod reading;
mod repository_name;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod webhook;
mod wire;

use async_trait::async_trait;
use integration_contract::{
    Account, Address, AuthorizeAsk, Card, CheckedLink, Connected, Credentials, FormInput, Grant, Happening, HookAnswer,
    HookCall, Http, Integration, IntegrationLink, Items, Lately, Ledger, LinkForm, LinkRefused, PartnerSettings,
    Reading, Remote, Result, Scheme, Undone, Verified,
};
use url::Url;

use crate::config::Config;

/// GitHub, or a GitHub Enterprise Server, as the operator set it up.
pub struct GitHub {
    config: Config,
}

impl GitHub {
    /// Reads the operator's settings. Missing ones are told by [`Integration::configured`].
    ///
    /// # Errors
    /// [`integration_contract::ErrorKind::NotConfigured`] for an address that is not one.
    pub fn new(settings: &PartnerSettings) -> Result<Self> {
        Ok(Self { config: Config::read(settings)? })
    }
}

#[async_trait]
impl Integration for GitHub {
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
        link::form(&self.config, cx, so_far).await
    }

    async fn check_link(&self, cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
        link::check(&self.config, cx, input).await
    }

    fn form_input(&self, link: &IntegrationLink) -> FormInput {
        link::form_input(link)
    }

    async fn lately(&self, cx: &Account, link: &IntegrationLink) -> Result<Option<Lately>> {
        lately::lately(&self.config, cx, link).await.map(Some)
    }

    async fn create_link(&self, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
        webhook::make(&self.config, cx, link, ledger).await
    }

    async fn change_link(&self, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
        webhook::change(&self.config, cx, link, ledger).await
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
        hook::read(link, call)
    }

    fn items(&self) -> Option<&dyn Items> {
        Some(self)
    }
}
