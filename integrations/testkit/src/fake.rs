//! A partner that does as it is told: without OAuth, signing per link, with one field of text. It shows that such an
//! integration needs nothing shared, and lets the host's tests see a partner fail in every way.
//!
//! Its outside is in memory: subscriptions, which [`FakePartner::subscriptions`] lists. Its hooks say what to do:
//!
//! | body | what comes of it |
//! |---|---|
//! | `{"do":"entry","id":"1","text":"…","by":{"id":"7","name":"ada"},"status":"done"}` | an entry; `by`, `status`, `url` may be left out |
//! | `{"do":"ask","id":"1","text":"…"}` | the same entry, after the partner was asked for it |
//! | `{"do":"edit","id":"1","text":"…"}` · `{"do":"retract","id":"1"}` | the entry follows, the entry is archived |
//! | `{"do":"works"}` · `{"do":"gone","reason":"…"}` · `{"do":"rename","room":"…"}` | what happens to the link |
//! | `{"do":"ignore"}` · `{"do":"reply"}` | ignored before it is read · answered "pong" and not kept |
//! | `{"do":"item","id":"7","change":"opened","title":"…","by":{…}}` | a change of an item, see below |
//! | `{"do":"refuse"}` · `{"do":"malformed"}` | malformed to `answer` · only to `hook` |
//! | `{"do":"panic"}` · `{"do":"spin","ms":500}` | `hook` panics · is busy for that long (at most a minute) |
//!
//! `"lane":"…"` in any of them is the message's lane. All else is ignored with a reason.
//!
//! An item's `change` is `opened`, `edited`, `closed`, `reopened`, `state_changed`, `assigned`, `labelled`, `commented`,
//! `comment_edited` (both with `"comment":{"id":"…","body":"…"}`), `comment_deleted`, `deleted` or `moved` (with `to`). Its
//! `kind` (`issue`, `pull_request`, `ticket`), `body`, `state` (`open`, `waiting`, `closed`), `state_word`, `labels`,
//! `assignees`, `external_id`, `url` and `at` may be left out, as may `change_id`: the item, the change, the comment and `at`
//! make one. With `"entry":"…"` the same hook brings an entry about the item, too.
//!
//! A link's field `tell` says what it is told of: `no`, `now` (every entry), `done` (only those, at once), `digest-18` (once
//! a day at that hour), `items` (of other links), `all` (items, and at once the entries that are about none). What it was
//! told is in [`FakePartner::heard`], what stands in its rooms in [`FakePartner::posts`], its items in
//! [`FakePartner::items`].

mod accounts;
mod actions;
mod cards;
mod deliver;
mod hook;
mod items;
mod setup;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use integration_contract::{
    Account, Actions, Address, AuthorizeAsk, Capability, Card, CheckedLink, Choice, Connected, Credentials, Encoding,
    Error, ErrorKind, Field, FieldErrors, FieldKind, FormInput, Grant, HookAnswer, HookCall, HookReply, Http,
    Integration, IntegrationLink, ItemChange, Items, Ledger, LinkForm, LinkRefused, LinkSettings, Outgoing,
    OutgoingEntry, Part, Reading, Receipt, Remote, Result, Scheme, SecretOf, SecretString, Setup, Undone,
    UndoneOutcome, Verified, Want, strict_json,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

const SIGNATURE: &str = "x-fake-signature";
const DELIVERY: &str = "x-fake-delivery";
const KIND: &str = "subscription";
const HOUSE: &str = "house";
const ROOM: &str = "room";
const TELL: &str = "tell";

pub use actions::Click;
pub use deliver::{Heard, Post};
pub use items::{Acted, FakeItem, ItemCall};

/// A partner that does as it is told. Clones are the same partner.
#[derive(Clone)]
pub struct FakePartner {
    card: Arc<Card>,
    outside: Arc<Mutex<Outside>>,
}

/// How the partner's outside behaves the next time it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Fails; nothing is done.
    Fails(ErrorKind),
    /// Fails for lack of a permission that a new consent gives; nothing is done.
    LacksPermission,
    /// Fails and asks for this wait.
    Limits(Duration),
    /// Does it, and the answer is lost: [`ErrorKind::UnknownOutcome`].
    LosesAnswer,
    /// Takes this long, then does it.
    Waits(Duration),
    /// Does it, then takes this long to answer.
    AnswersLate(Duration),
}

/// What stands at the fake partner because of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id there.
    pub id: String,
    /// In which room.
    pub room: String,
    /// Where it sends to.
    pub hook_url: String,
}

#[derive(Default)]
struct Outside {
    subscriptions: BTreeMap<u64, Subscription>,
    last_id: u64,
    on_create: VecDeque<Trouble>,
    on_destroy: VecDeque<Trouble>,
    on_look_up: VecDeque<Trouble>,
    houses: BTreeMap<String, Vec<String>>,
    forms_asked: u64,
    ear: deliver::Ear,
    shelf: items::Shelf,
    board: setup::Board,
    clicks: u64,
    revoked: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    room: String,
    #[serde(default = "nothing")]
    tell: String,
}

fn nothing() -> String {
    "no".to_owned()
}

impl Default for FakePartner {
    fn default() -> Self {
        Self::with_card(Self::honest_card())
    }
}

impl FakePartner {
    /// With another card: to be a second partner, or to lie on it.
    pub fn with_card(card: Card) -> Self {
        Self { card: Arc::new(card), outside: Arc::default() }
    }

    /// The next `create_link` or `change_link` has this trouble; several queue up.
    pub fn trouble_creating(&self, trouble: Trouble) {
        self.outside().on_create.push_back(trouble);
    }

    /// The next `destroy_link` has this trouble; several queue up.
    pub fn trouble_destroying(&self, trouble: Trouble) {
        self.outside().on_destroy.push_back(trouble);
    }

    /// The next `look_up` has this trouble; several queue up.
    pub fn trouble_looking_up(&self, trouble: Trouble) {
        self.outside().on_look_up.push_back(trouble);
    }

    /// From now on its form asks for a house, one of these, and then offers its rooms.
    pub fn has_rooms(&self, house: &str, rooms: impl IntoIterator<Item = String>) {
        self.outside().houses.insert(house.to_owned(), rooms.into_iter().collect());
    }

    /// How often its form was asked for.
    pub fn forms_asked(&self) -> u64 {
        self.outside().forms_asked
    }

    fn form_of_houses(&self, so_far: &FormInput) -> LinkForm {
        let outside = self.outside();
        let choice = |value: &String| Choice { value: value.clone(), label: value.clone() };
        let chosen = outside.houses.get_key_value(so_far.one(HOUSE)).or_else(|| outside.houses.first_key_value());
        let rooms = chosen.map(|(_, rooms)| rooms.iter().map(choice).collect()).unwrap_or_default();
        let house = Field {
            name: HOUSE,
            label: "House",
            help: "Each has rooms of its own.".to_owned(),
            kind: FieldKind::One(outside.houses.keys().map(choice).collect()),
            values: so_far.all(HOUSE).to_vec(),
        };
        let room = Field {
            name: ROOM,
            label: "Room",
            help: "Where things happen.".to_owned(),
            kind: FieldKind::Search { choices: rooms, placeholder: "workshop" },
            values: so_far.all(ROOM).to_vec(),
        };
        LinkForm { fields: vec![house, room], notice: None, redrawn_by: &[HOUSE] }
    }

    /// What stands at the partner now.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.outside().subscriptions.values().cloned().collect()
    }

    /// Somebody else's subscription, which no link of ours may touch.
    pub fn subscribe_somebody_else(&self, room: &str) -> Subscription {
        self.outside().subscribe(room, "https://somebody.example/hook")
    }

    /// The partner's side removes a subscription.
    pub fn drop_subscription(&self, id: &str) {
        self.outside().subscriptions.retain(|_, subscription| subscription.id != id);
    }

    /// The headers with which the partner would send `body`.
    pub fn headers(&self, delivery: &str, body: &[u8], secret: &SecretString) -> Vec<(&'static str, String)> {
        vec![
            ("content-type", "application/json".to_owned()),
            (DELIVERY, delivery.to_owned()),
            (SIGNATURE, self.scheme().sign(body, "", secret)),
        ]
    }

    /// Whether its card says so.
    fn can(&self, capability: Capability) -> bool {
        self.card.capabilities.contains(&capability)
    }

    fn outside(&self) -> MutexGuard<'_, Outside> {
        self.outside.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn find(&self, room: &str, hook_url: &str) -> Option<Subscription> {
        let outside = self.outside();
        outside.subscriptions.values().find(|one| one.room == room && one.hook_url == hook_url).cloned()
    }
}

impl Outside {
    fn subscribe(&mut self, room: &str, hook_url: &str) -> Subscription {
        self.last_id += 1;
        let subscription =
            Subscription { id: self.last_id.to_string(), room: room.to_owned(), hook_url: hook_url.to_owned() };
        self.subscriptions.insert(self.last_id, subscription.clone());
        subscription
    }
}

/// Whether the call goes on, and whether its answer gets lost.
async fn meet(trouble: Option<Trouble>) -> Result<bool> {
    match trouble {
        None => Ok(false),
        Some(Trouble::LosesAnswer) => Ok(true),
        Some(Trouble::Fails(kind)) => Err(Error::new(kind, format!("The fake partner was told to fail: {kind:?}."))),
        Some(Trouble::LacksPermission) => {
            let sentence = "The fake partner misses the permission “write”. Connect it again to give it.";
            Err(Error::new(ErrorKind::Forbidden, sentence).mended_by_consent())
        }
        Some(Trouble::Limits(wait)) => {
            Err(Error::new(ErrorKind::RateLimited, "The fake partner asks us to slow down.").retry_after(wait))
        }
        Some(Trouble::Waits(time) | Trouble::AnswersLate(time)) => {
            tokio::time::sleep(time).await;
            Ok(false)
        }
    }
}

/// Does it, with what the trouble makes of the doing and of its answer.
async fn in_trouble<T>(trouble: Option<Trouble>, does: impl FnOnce() -> Result<T> + Send) -> Result<T>
where
    T: Send,
{
    let late = match trouble {
        Some(Trouble::AnswersLate(time)) => Some(time),
        _ => None,
    };
    let lose = meet(trouble.filter(|_| late.is_none())).await?;
    let outcome = does();
    if let Some(time) = late {
        tokio::time::sleep(time).await;
    }
    if lose { Err(lost()) } else { outcome }
}

fn lost() -> Error {
    Error::new(ErrorKind::UnknownOutcome, "The fake partner's answer was lost.")
}

#[async_trait]
impl Integration for FakePartner {
    fn card(&self) -> &Card {
        &self.card
    }

    fn configured(&self) -> Result<()> {
        Ok(())
    }

    fn authorize_url(&self, ask: &AuthorizeAsk) -> Result<Url> {
        self.consent_page(ask)
    }

    async fn oauth_callback(&self, _http: &Http, grant: Grant) -> Result<Connected> {
        self.connected(&grant)
    }

    async fn revoke(&self, _http: &Http, old: &Credentials) -> Result<Undone> {
        self.take_back(old)
    }

    async fn new_link(&self, _cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
        self.outside().forms_asked += 1;
        if !self.outside().houses.is_empty() {
            return Ok(self.form_of_houses(so_far));
        }
        let room = Field {
            name: ROOM,
            label: "Room",
            help: "Where things happen.".to_owned(),
            kind: FieldKind::Text { placeholder: "workshop" },
            values: so_far.all(ROOM).to_vec(),
        };
        let choice = |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned() };
        let tell = Field {
            name: TELL,
            label: "From the log",
            help: "What the room is told.".to_owned(),
            kind: FieldKind::One(vec![
                choice("no", "Nothing"),
                choice("now", "Every entry, at once"),
                choice("done", "What got done, at once"),
                choice("digest", "The day's entries, at the hour of the team's digest"),
                choice("digest-18", "The day's entries, at six in the evening"),
                choice("items", "What happens to items of other links"),
                choice("all", "Items of other links, and every other entry at once"),
            ]),
            values: so_far.all(TELL).to_vec(),
        };
        let fields = if self.can(Capability::Deliver) { vec![room, tell] } else { vec![room] };
        Ok(LinkForm { fields, ..LinkForm::default() })
    }

    async fn check_link(&self, _cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
        let room = input.one(ROOM);
        let plain = room.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if room.is_empty() || room.len() > 50 || !plain {
            return Err(FieldErrors::of(ROOM, "Name a room with letters, digits and hyphens.").into());
        }
        let tell = if input.one(TELL).is_empty() { nothing() } else { input.one(TELL).to_owned() };
        if !matches!(tell.as_str(), "no" | "now" | "done" | "items" | "all" | "digest")
            && deliver::hour_of(&tell).is_none()
        {
            return Err(FieldErrors::of(TELL, "Choose what the room is told.").into());
        }
        let settings = LinkSettings::of(&Settings { room: room.to_owned(), tell });
        Ok(CheckedLink { settings, target: format!("room:{room}") })
    }

    fn form_input(&self, link: &IntegrationLink) -> FormInput {
        link.settings
            .read::<Settings>()
            .map(|Settings { room, tell }| {
                let tell = self.can(Capability::Deliver).then_some((TELL, tell));
                FormInput::from_iter([(ROOM, room)].into_iter().chain(tell))
            })
            .unwrap_or_default()
    }

    async fn create_link(&self, _cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
        let Settings { room, .. } = link.settings.read()?;
        let reservation = ledger.reserve(KIND, &room).await?;
        let trouble = self.outside().on_create.pop_front();
        let lose = match meet(trouble).await {
            Ok(lose) => lose,
            Err(error) => {
                if self.find(&room, link.hook_url.as_str()).is_none() && error.kind() != ErrorKind::UnknownOutcome {
                    ledger.gone(&reservation).await?;
                }
                return Err(error);
            }
        };
        let there = self.find(&room, link.hook_url.as_str());
        let subscription = match there {
            Some(there) => there,
            None => self.outside().subscribe(&room, link.hook_url.as_str()),
        };
        if lose {
            return Err(lost());
        }
        ledger.made(&reservation, &subscription.id).await
    }

    async fn destroy_link(&self, _cx: &Account, link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Undone>> {
        let trouble = self.outside().on_destroy.pop_front();
        let lose = meet(trouble).await?;
        let mut outside = self.outside();
        let receipt = ours.iter().map(|row| {
            let before = outside.subscriptions.len();
            let mine = |one: &Subscription| match &row.id {
                Some(id) => one.id == *id,
                None => one.room == row.place && one.hook_url == link.hook_url.as_str(),
            };
            outside.subscriptions.retain(|_, one| !mine(one));
            let removed = outside.subscriptions.len() < before;
            let outcome = if removed { UndoneOutcome::Removed } else { UndoneOutcome::AlreadyGone };
            Undone { what: format!("the subscription to {}", row.place), outcome }
        });
        let receipt = receipt.collect();
        if lose { Err(lost()) } else { Ok(receipt) }
    }

    fn short_name(&self, link: &IntegrationLink) -> String {
        link.settings.read::<Settings>().map_or_else(|_| "a room".to_owned(), |settings| settings.room)
    }

    fn summary(&self, link: &IntegrationLink) -> String {
        format!("What happens in {} becomes entries.", self.short_name(link))
    }

    fn address(&self, call: &HookCall) -> Address {
        call.key.clone().map_or(Address::Nobody, Address::Link)
    }

    fn scheme(&self) -> Scheme {
        Scheme {
            header: SIGNATURE,
            prefix: "",
            encoding: Encoding::Hex,
            message: &[Part::Body],
            timestamp: None,
            secret: SecretOf::Link,
        }
    }

    fn answer(&self, call: &Verified<HookCall>) -> Result<HookAnswer> {
        let body = strict_json::object(&call.body)?;
        let event = word(&body, "do").to_owned();
        let delivery = call.header(DELIVERY).map_or_else(|| call.digest(), str::to_owned);
        match event.as_str() {
            "refuse" => Err(Error::new(ErrorKind::Malformed, "The hook asked to be refused.")),
            "reply" => Ok(HookAnswer::Reply(HookReply { content_type: "text/plain", body: "pong".to_owned() })),
            "ignore" => Ok(HookAnswer::Ignore { event, delivery, reason: "The hook asked to be ignored.".to_owned() }),
            "" => Err(Error::new(ErrorKind::Malformed, "The hook does not say what to do.")),
            _ => Ok(HookAnswer::Accept { event, delivery, lane: word(&body, "lane").to_owned(), reply: None }),
        }
    }

    fn hook(&self, link: &IntegrationLink, call: &Verified<HookCall>) -> Result<Reading> {
        hook::read(link.settings.read()?, &strict_json::object(&call.body)?)
    }

    async fn look_up(&self, _cx: &Account, link: &IntegrationLink, what: &Value) -> Result<Reading> {
        let trouble = self.outside().on_look_up.pop_front();
        if meet(trouble).await? {
            return Err(lost());
        }
        let mut told = what.clone();
        told["do"] = "entry".into();
        hook::read(link.settings.read()?, &told)
    }

    fn wants(&self, link: &IntegrationLink, entry: &OutgoingEntry) -> Want {
        self.wants_entry(link, entry)
    }

    fn wants_item(&self, link: &IntegrationLink, _change: &ItemChange) -> bool {
        self.wants_items(link)
    }

    async fn deliver(&self, cx: &Account, link: &IntegrationLink, message: &Outgoing) -> Result<Receipt> {
        self.hear(cx, link, message).await
    }

    async fn notice(&self, _cx: &Account, link: &IntegrationLink, trouble: Option<&str>) -> Result<()> {
        self.put_up(link, trouble).await
    }

    fn items(&self) -> Option<&dyn Items> {
        self.can(Capability::Items).then_some(self)
    }

    fn actions(&self) -> Option<&dyn Actions> {
        self.can(Capability::Actions).then_some(self)
    }

    fn setup(&self) -> Option<&dyn Setup> {
        self.can(Capability::Setup).then_some(self)
    }
}

fn word<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}
