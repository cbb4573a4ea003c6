//! Slack as a partner: each method of [`Integration`] leads into one room of this crate.
//!
//! `card` what Slack is to the catalogue · `config` what the operator set · `oauth` connecting a workspace · `link` the
//! form · `chosen` what was submitted · `settings` what a link is set to · `channel` being in the channel · `hook` what
//! arrives from it · `body` that read · `reading` what it says · `look_up` what it does not say · `deliver` what leaves ·
//! `message` how that looks · `thread` items as threads · `item` how those look · `picture` a message on the partner's page ·
//! `whisper` to whom alone · `mrkdwn` Slack's text · `api` its calls · `wire` its JSON · `error` its refusals. The sandbox
//! stands in for Slack in the demo and in tests.

mod api;
mod body;
mod card;
mod channel;
mod chosen;
mod config;
mod deliver;
mod error;
mod hook;
mod item;
mod link;
mod look_up;
mod message;
mod mrkdwn;
mod oauth;
mod picture;
mod reading;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod settings;
mod thread;
mod whisper;
mod wire;

use async_trait::async_trait;
use integration_contract::{
    Account, Address, AuthorizeAsk, Button, Card, CheckedLink, Connected, Credentials, FormInput, Grant, Happening,
    HookAnswer, HookCall, HookReply, Http, Integration, IntegrationLink, ItemChange, Ledger, LinkForm, LinkRefused,
    Outgoing, OutgoingEntry, PartnerSettings, Picture, Reading, Receipt, Remote, Result, Scheme, Told, Undone,
    Verified, Want,
};
use serde_json::Value;
use url::Url;

use crate::config::Config;

/// Slack, as the operator set it up.
pub struct Slack {
    config: Config,
}

impl Slack {
    /// Reads the operator's settings. Missing ones are told by [`Integration::configured`].
    ///
    /// # Errors
    /// [`integration_contract::ErrorKind::NotConfigured`] for an address that is not one.
    pub fn new(settings: &PartnerSettings) -> Result<Self> {
        Ok(Self { config: Config::read(settings)? })
    }
}

#[async_trait]
impl Integration for Slack {
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

    async fn create_link(&self, cx: &Account, link: &IntegrationLink, _ledger: &dyn Ledger) -> Result<()> {
        channel::enter(&self.config, cx, link).await
    }

    async fn inspect_link(&self, cx: &Account, link: &IntegrationLink, _ours: &[Remote]) -> Result<Vec<Happening>> {
        channel::inspect(&self.config, cx, link).await
    }

    async fn destroy_link(&self, _cx: &Account, _link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Undone>> {
        Ok(channel::leave(ours))
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

    fn is_probe(&self, call: &HookCall) -> bool {
        hook::is_probe(call)
    }

    fn stray(&self, call: &Verified<HookCall>, linked: &[String]) -> Option<HookReply> {
        hook::stray(call, linked)
    }

    fn scheme(&self) -> Scheme {
        hook::SCHEME
    }

    fn answer(&self, call: &Verified<HookCall>) -> Result<HookAnswer> {
        hook::answer(call)
    }

    fn hook(&self, link: &IntegrationLink, call: &Verified<HookCall>) -> Result<Reading> {
        reading::read(&self.config, link, call)
    }

    async fn look_up(&self, cx: &Account, link: &IntegrationLink, what: &Value) -> Result<Reading> {
        look_up::look_up(&self.config, cx, link, what).await
    }

    fn wants(&self, link: &IntegrationLink, entry: &OutgoingEntry) -> Want {
        deliver::wants(link, entry)
    }

    fn wants_item(&self, link: &IntegrationLink, change: &ItemChange) -> bool {
        deliver::wants_item(link, change)
    }

    fn picture(&self, what: &Told, _buttons: &[Button]) -> Option<Picture> {
        picture::of(what)
    }

    async fn deliver(&self, cx: &Account, link: &IntegrationLink, message: &Outgoing) -> Result<Receipt> {
        deliver::deliver(&self.config, cx, link, message).await
    }
}
