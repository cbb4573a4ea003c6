//! A partner that does as it is told: without OAuth, signing per link, with one field of text. It shows that such an
//! integration needs nothing shared, and lets the host's tests see a partner fail in every way.
//!
//! Its outside is in memory: subscriptions, which [`FakePartner::subscriptions`] lists. Its hooks say what to do:
//!
//! | body | what comes of it |
//! |---|---|
//! | `{"do":"entry","id":"1","text":"…","by":{"id":"7","name":"ada"},"status":"done"}` | an entry; `by`, `status`, `url` may be left out |
//! | `{"do":"edit","id":"1","text":"…"}` · `{"do":"retract","id":"1"}` | the entry follows, the entry is archived |
//! | `{"do":"works"}` · `{"do":"gone","reason":"…"}` · `{"do":"rename","room":"…"}` | what happens to the link |
//! | `{"do":"ignore"}` · `{"do":"reply"}` | ignored before it is read · answered "pong" and not kept |
//! | `{"do":"refuse"}` · `{"do":"malformed"}` | malformed to `answer` · only to `hook` |
//! | `{"do":"panic"}` · `{"do":"spin","ms":500}` | `hook` panics · is busy for that long (at most a minute) |
//!
//! `"lane":"…"` in any of them is the message's lane. All else is ignored with a reason.
//!
//! A link's field `tell` says which entries it is told of: `no`, `now`, `done` (only those, at once), `digest-18` (once a
//! day at that hour). What it was told is in [`FakePartner::heard`], what stands in its rooms in [`FakePartner::posts`].

mod deliver;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use http::StatusCode;
use integration_contract::{
    Account, Address, Author, Capability, Card, CheckedLink, Choice, Connect, Effect, Encoding, Error, ErrorKind,
    EventKind, Field, FieldErrors, FieldKind, FormInput, Happening, HookAnswer, HookCall, HookReply, HookRules,
    Integration, IntegrationLink, Ledger, Level, LinkForm, LinkRefused, LinkSettings, NewEntry, Outgoing,
    OutgoingEntry, Part, Reading, Receipt, Remote, Result, Scheme, SecretOf, SecretString, Status, Undone,
    UndoneOutcome, Verified, Want, strict_json,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const SIGNATURE: &str = "x-fake-signature";
const DELIVERY: &str = "x-fake-delivery";
const KIND: &str = "subscription";
const ROOM: &str = "room";
const TELL: &str = "tell";

pub use deliver::{Heard, Post};

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
    ear: deliver::Ear,
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

    /// The card that tells the truth; its id is `fake`.
    pub fn honest_card() -> Card {
        Card {
            id: "fake",
            name: "Fake",
            tagline: "Does as it is told.",
            category: "Tests",
            icon: "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>",
            readme: "# Fake\n\nA partner for tests. It needs no account.\n",
            connect: Connect::Nothing,
            effects: &[Effect { what: "A subscription to the room.", undo: "Removing the link ends it." }],
            events: &[EventKind { id: "entry", label: "Entries", example: "Shipped the charts", default: true }],
            levels: &[Level::Team, Level::User],
            hooks: Some(HookRules {
                max_body: 64 * 1024,
                content_types: &["application/json"],
                too_many: StatusCode::TOO_MANY_REQUESTS,
                kept_headers: &[DELIVERY],
            }),
            pace: None,
            settings: &[],
            capabilities: &[],
        }
    }

    /// The honest card of one that is told of entries as well. What it was told is in memory, so the contract suite, which
    /// looks at calls, is not for it.
    pub fn listening_card() -> Card {
        Card { capabilities: &[Capability::Deliver], ..Self::honest_card() }
    }

    /// The next `create_link` or `change_link` has this trouble; several queue up.
    pub fn trouble_creating(&self, trouble: Trouble) {
        self.outside().on_create.push_back(trouble);
    }

    /// The next `destroy_link` has this trouble; several queue up.
    pub fn trouble_destroying(&self, trouble: Trouble) {
        self.outside().on_destroy.push_back(trouble);
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
        Some(Trouble::Limits(wait)) => {
            Err(Error::new(ErrorKind::RateLimited, "The fake partner asks us to slow down.").retry_after(wait))
        }
        Some(Trouble::Waits(time) | Trouble::AnswersLate(time)) => {
            tokio::time::sleep(time).await;
            Ok(false)
        }
    }
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

    async fn new_link(&self, _cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
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
                choice("digest-18", "The day's entries, at six in the evening"),
            ]),
            values: so_far.all(TELL).to_vec(),
        };
        let fields = if self.listens() { vec![room, tell] } else { vec![room] };
        Ok(LinkForm { fields, notice: None })
    }

    async fn check_link(&self, _cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
        let room = input.one(ROOM);
        let plain = room.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if room.is_empty() || room.len() > 50 || !plain {
            return Err(FieldErrors::of(ROOM, "Name a room with letters, digits and hyphens.").into());
        }
        let tell = if input.one(TELL).is_empty() { nothing() } else { input.one(TELL).to_owned() };
        if !matches!(tell.as_str(), "no" | "now" | "done") && deliver::hour_of(&tell).is_none() {
            return Err(FieldErrors::of(TELL, "Choose what the room is told.").into());
        }
        let settings = LinkSettings::of(&Settings { room: room.to_owned(), tell });
        Ok(CheckedLink { settings, target: format!("room:{room}") })
    }

    fn form_input(&self, link: &IntegrationLink) -> FormInput {
        link.settings
            .read::<Settings>()
            .map(|Settings { room, tell }| {
                let tell = self.listens().then_some((TELL, tell));
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
        let Settings { room, tell } = link.settings.read()?;
        let body = strict_json::object(&call.body)?;
        let external_id = word(&body, "id").to_owned();
        let text = word(&body, "text").to_owned();
        Ok(match word(&body, "do") {
            "entry" if external_id.is_empty() || text.is_empty() => Reading::ignored("The entry has no id or no text."),
            "entry" => Reading::of(Happening::Entry(entry(&body, external_id, text, &room))),
            "edit" => Reading::of(Happening::EntryEdited { external_id, text }),
            "retract" => Reading::of(Happening::EntryRetracted { external_id }),
            "works" => Reading::of(Happening::HookWorks),
            "gone" => {
                Reading::of(Happening::TargetGone { reason: format!("The room is gone: {}", word(&body, "reason")) })
            }
            "rename" => {
                let settings = Settings { room: word(&body, ROOM).to_owned(), tell };
                Reading::of(Happening::TargetChanged(LinkSettings::of(&settings)))
            }
            "malformed" => return Err(Error::new(ErrorKind::Malformed, "The hook asked to be malformed.")),
            "panic" => panic!("the hook asked for a panic"),
            "spin" => {
                spin(Duration::from_millis(body.get("ms").and_then(Value::as_u64).unwrap_or(0)));
                Reading::ignored("The hook asked for time.")
            }
            other => Reading::ignored(format!("“{other}” is nothing that the fake partner does.")),
        })
    }

    fn wants(&self, link: &IntegrationLink, entry: &OutgoingEntry) -> Want {
        self.wants_entry(link, entry)
    }

    async fn deliver(&self, cx: &Account, link: &IntegrationLink, message: &Outgoing) -> Result<Receipt> {
        self.hear(cx, link, message).await
    }
}

fn entry(body: &Value, external_id: String, text: String, room: &str) -> NewEntry {
    let by = body.get("by").unwrap_or(&Value::Null);
    let name = word(by, "name");
    let status = match word(body, "status") {
        "goal" => Status::Goal,
        "blocked" => Status::Blocked,
        _ => Status::Done,
    };
    NewEntry {
        external_id,
        text,
        status,
        url: Some(word(body, "url").to_owned()).filter(|url| !url.is_empty()),
        source: room.to_owned(),
        author: Author {
            id: Some(word(by, "id").to_owned()).filter(|id| !id.is_empty()),
            name: if name.is_empty() { "somebody".to_owned() } else { name.to_owned() },
            ..Author::default()
        },
        item: None,
        happened_at: body.get("at").and_then(Value::as_i64),
    }
}

fn word<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Busy, as a loop that went wrong would be; but not for ever, so that a test ends.
fn spin(time: Duration) {
    let end = Instant::now() + time.min(Duration::from_secs(60));
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}
