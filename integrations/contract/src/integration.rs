//! The trait that every partner crate implements. Its values live in the files beside this one.

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::{
    Account, Actions, Address, AuthorizeAsk, Button, Card, CheckedLink, Connected, Credentials, Error, FormInput,
    Grant, Happening, HookAnswer, HookCall, HookReply, Http, IntegrationLink, ItemChange, Items, Lately, Ledger,
    LinkForm, LinkRefused, Outgoing, OutgoingEntry, Picture, Reading, Receipt, Remote, Result, Scheme, Setup, Told,
    Undone, Verified, Want,
};

/// Our code for one partner.
///
/// The order of the methods is the order of a link's life: connect, configure, install, listen, remove. A method that
/// a partner does not need keeps its default, which answers [`crate::ErrorKind::Unsupported`]; the card says which abilities
/// a partner has, and the contract suite checks that card and behaviour agree.
#[async_trait]
pub trait Integration: Send + Sync {
    /// The partner as data: the catalogue tile, the consent sheet, the settings and the limits are made from it.
    fn card(&self) -> &Card;

    /// Whether the operator has given what this partner needs (client id and secret, as a rule).
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotConfigured`] with a sentence that names the missing settings.
    fn configured(&self) -> Result<()>;

    // ---- connect: POST /auth/{p}, GET /auth/{p}/callback

    /// Where to send the person for consent. Pure: the state and the PKCE verifier come from the host.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotConfigured`], or [`crate::ErrorKind::Unsupported`] for a partner without OAuth.
    fn authorize_url(&self, _ask: &AuthorizeAsk) -> Result<Url> {
        Err(Error::unsupported("connecting an account"))
    }

    /// Exchanges the code of a callback for credentials and asks the partner whose account they open.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Refused`] when the partner says no (also with status 200), [`crate::ErrorKind::Unavailable`] when it does
    /// not answer as documented. A token that was issued before the failure is revoked as well as can be.
    async fn oauth_callback(&self, _http: &Http, _grant: Grant) -> Result<Connected> {
        Err(Error::unsupported("connecting an account"))
    }

    /// Trades an expiring credential for a fresh one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unauthorized`] only when the partner says the grant itself is gone.
    async fn refresh(&self, _http: &Http, _old: &Credentials) -> Result<Credentials> {
        Err(Error::unsupported("refreshing credentials"))
    }

    /// Gives the credentials back to the partner. "Already gone" is success.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unavailable`] when it is not known to be revoked.
    async fn revoke(&self, _http: &Http, _old: &Credentials) -> Result<Undone> {
        Err(Error::unsupported("revoking credentials"))
    }

    // ---- link: GET, POST, DELETE /integrations/{p}/link

    /// The form for a new link or for changing one, as data. Choices come from the partner through `cx`; `so_far` is
    /// what the person has typed or what the link says now, and stands in the fields again.
    ///
    /// Where a field has many choices, the host remembers the form of an account for a few minutes: choices may depend on
    /// what stands in [`LinkForm::redrawn_by`], and on nothing else that was typed.
    ///
    /// # Errors
    /// Any kind; the host shows the sentence on the page with a way to try again.
    async fn new_link(&self, cx: &Account, so_far: &FormInput) -> Result<LinkForm>;

    /// Checks a submitted form against the partner (does the target exist, may this account do what is needed?) and
    /// makes settings of it. Only reads at the partner.
    ///
    /// # Errors
    /// [`LinkRefused::Fields`] with a sentence per field, or [`LinkRefused::Partner`] when the partner did not answer.
    async fn check_link(&self, cx: &Account, input: &FormInput) -> std::result::Result<CheckedLink, LinkRefused>;

    /// What stands in the form when the link's settings are to be changed: the inverse of [`Self::check_link`].
    fn form_input(&self, link: &IntegrationLink) -> FormInput;

    /// What happened lately where a link with these settings would listen, for its preview; `None` where the partner shows
    /// nothing of before. Only reads at the partner.
    ///
    /// # Errors
    /// Any kind; the host shows the sentence in the preview.
    async fn lately(&self, _cx: &Account, _link: &IntegrationLink) -> Result<Option<Lately>> {
        Ok(None)
    }

    /// Makes at the partner what the link needs, such as a webhook. Runs as a job and may run again after a crash:
    /// every resource is reserved in the ledger before the call that makes it, and a reservation that is still open
    /// from an earlier run is looked up at the partner first.
    ///
    /// # Errors
    /// The kind decides whether the host tries again or shows the sentence on the link.
    async fn create_link(&self, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()>;

    /// Brings what was made at the partner in line with changed settings. By default the same as making it.
    ///
    /// # Errors
    /// As [`Self::create_link`].
    async fn change_link(&self, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
        self.create_link(cx, link, ledger).await
    }

    /// Looks whether the link can still do its work: is its target there, is what was made for it? Only reads. The host
    /// asks every few hours, and when a person does.
    ///
    /// What is found is told as [`crate::Happening::TargetChanged`], [`crate::Happening::TargetGone`], or
    /// [`crate::Happening::HookWorks`] when all is as it should be; nothing when the partner can't be asked.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unauthorized`] when the account is gone; a passing error says nothing about the link.
    async fn inspect_link(&self, _cx: &Account, _link: &IntegrationLink, _ours: &[Remote]) -> Result<Vec<Happening>> {
        Ok(Vec::new())
    }

    /// Removes at the partner exactly `ours`, the ledger's rows, and nothing else. "Already gone" is success.
    ///
    /// # Errors
    /// The host tries again for days, then shows what is left over.
    async fn destroy_link(&self, cx: &Account, link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Undone>>;

    /// What the link is called in lists, for example `acme/widgets`.
    fn short_name(&self, link: &IntegrationLink) -> String;

    /// One sentence that says what the link does.
    fn summary(&self, link: &IntegrationLink) -> String;

    // ---- hook: POST /integrations/{p}/hook. No I/O in any of these but the last, so every fixture is a test.

    /// Whom the call claims to be for. Where each link has its own secret this is asked before anything is believed,
    /// and before the body is there; where the app has one secret, after the call was verified.
    fn address(&self, _call: &HookCall) -> Address {
        Address::Nobody
    }

    /// Whether the call is a probe that the partner sends unsigned. It is answered 200 with nothing, and is never
    /// looked at again.
    fn is_probe(&self, _call: &HookCall) -> bool {
        false
    }

    /// What a person is answered who wrote to us where no link listens; `linked` are the names of the account's links.
    fn stray(&self, _call: &Verified<HookCall>, _linked: &[String]) -> Option<HookReply> {
        None
    }

    /// How the partner signs its hooks. The host runs it.
    fn scheme(&self) -> Scheme {
        Scheme::NOTHING
    }

    /// What to answer, and under which names to keep the message.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Malformed`] when a signed body is not what the partner documents; the host answers 400 and keeps
    /// a digest.
    fn answer(&self, _call: &Verified<HookCall>) -> Result<HookAnswer> {
        Err(Error::unsupported("hearing from it"))
    }

    /// What the kept message says happened, for this link.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Malformed`]; the message ends as failed with the sentence as its reason.
    fn hook(&self, _link: &IntegrationLink, _call: &Verified<HookCall>) -> Result<Reading> {
        Err(Error::unsupported("hearing from it"))
    }

    /// Completes a reading that asked for it ([`Reading::look_up`]). Only reads at the partner, and does not ask again.
    ///
    /// # Errors
    /// The kind decides whether the host tries again; the message ends as failed with the sentence otherwise.
    async fn look_up(&self, _cx: &Account, _link: &IntegrationLink, _what: &Value) -> Result<Reading> {
        Err(Error::unsupported("looking things up"))
    }

    // ---- deliver: after an entry was written, changed or archived, or something happened to an item

    /// Whether the link tells its partner of this entry. Pure. The host does not ask about an entry that came through
    /// this very link.
    fn wants(&self, _link: &IntegrationLink, _entry: &OutgoingEntry) -> Want {
        Want::No
    }

    /// Whether the link tells its partner of this change of an item that another link brought. Pure.
    fn wants_item(&self, _link: &IntegrationLink, _change: &ItemChange) -> bool {
        false
    }

    /// Tells the partner. Runs as a job, one message of a link after the other, and may run again after a crash or a
    /// lost answer: [`Outgoing::posted`] says what is known.
    ///
    /// # Errors
    /// The kind decides what follows. [`crate::ErrorKind::Unauthorized`], [`crate::ErrorKind::Forbidden`] and
    /// [`crate::ErrorKind::NotFound`] are about the link: it stops with the sentence, keeps its messages, and goes on
    /// once it is set up again. After [`crate::ErrorKind::Gone`] it is removed. [`crate::ErrorKind::Refused`], [`crate::ErrorKind::Malformed`] and
    /// [`crate::ErrorKind::Conflict`] are about this message: it fails, the others go on. The rest passes.
    async fn deliver(&self, _cx: &Account, _link: &IntegrationLink, _message: &Outgoing) -> Result<Receipt> {
        Err(Error::unsupported("telling it anything"))
    }

    /// How a message would look at the partner, for its page here: made of what [`Self::deliver`] would send, and nothing
    /// besides. Pure; `None` for what it is never told.
    fn picture(&self, _what: &Told, _buttons: &[Button]) -> Option<Picture> {
        None
    }

    // ---- optional abilities: each is on the card, and the contract suite checks that both agree

    /// Shows the partner's people what is wrong with the link and what to do about it, or with `None` that nothing is any
    /// more. What was shown before is replaced. Runs as a job, and may be repeated.
    ///
    /// # Errors
    /// The kind decides whether the host tries again.
    async fn notice(&self, _cx: &Account, _link: &IntegrationLink, _trouble: Option<&str>) -> Result<()> {
        Err(Error::unsupported("showing what is wrong"))
    }

    /// Working with the partner's items: issues, tickets.
    fn items(&self) -> Option<&dyn Items> {
        None
    }

    /// Buttons inside the partner's product.
    fn actions(&self) -> Option<&dyn Actions> {
        None
    }

    /// Links that start in the partner's product.
    fn setup(&self) -> Option<&dyn Setup> {
        None
    }
}
