//! What leaves: which entries and items a link wants, and the entries' way into the channel and back out of it. How a
//! message looks is `message`; items are threads, in `thread`.
//!
//! A post is named `C…/ts` after the channel it stands in, which may not be the link's channel any more. Whether a post
//! whose answer was lost stands there is told by its metadata, which only we can see.

use http::StatusCode;
use integration_contract::{
    Account, Answer, Error, ErrorKind, IntegrationLink, ItemChange, Outgoing, OutgoingEntry, Posted, Receipt, Result,
    Told, Want,
};
use serde_json::Value;

use crate::{
    api::{Api, Said},
    channel::invitation,
    config::Config,
    error::{self, No},
    message::{self, EVENT_TYPE, Post},
    settings::{Direction, Settings, When},
    thread,
    whisper::Whisper,
    wire::Message,
};

/// Slack's clock and ours may differ.
const SKEW: i64 = 120;

pub(crate) fn wants(link: &IntegrationLink, entry: &OutgoingEntry) -> Want {
    let Ok(settings) = link.settings.read::<Settings>() else { return Want::No };
    let of_these =
        settings.people.is_empty() || entry.author_id.as_ref().is_some_and(|author| settings.people.contains(author));
    let told_as_item = entry.of_item && !settings.items.is_empty();
    let chosen = settings.statuses.contains(&entry.status) && of_these && !told_as_item;
    if !settings.has(Direction::Outgoing) || !chosen {
        return Want::No;
    }
    match settings.when {
        When::Live => Want::Now,
        When::Daily => Want::Digest { hour: None },
        When::Digest(hour) => Want::Digest { hour: Some(hour) },
    }
}

pub(crate) fn wants_item(link: &IntegrationLink, change: &ItemChange) -> bool {
    let settings = link.settings.read::<Settings>();
    settings.is_ok_and(|settings| settings.has(Direction::Outgoing) && settings.items.contains(&change.item.kind))
}

pub(crate) async fn deliver(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    message: &Outgoing,
) -> Result<Receipt> {
    if let Told::Answer { to, answer } = &message.what {
        return self::answer(config, cx, to, answer).await;
    }
    let settings: Settings = link.settings.read()?;
    let api = Api::new(&cx.http, &config.api_url).about(settings.about());
    let channel = Channel { api: &api, settings: &settings };
    match &message.what {
        Told::Entry(entry) => {
            let post = message::entry(&settings.channel_id, &message.id, entry);
            let of_this = |payload: &Value| payload["entry"] == entry.id.as_str();
            match channel.standing(&message.posted, of_this).await? {
                None if entry.archived => Ok(Receipt::nothing()),
                None => channel.post(&post).await,
                Some(place) if entry.archived => channel.delete(&place).await,
                Some(place) => channel.update(&place, post).await,
            }
        }
        Told::Digest(entries) => {
            let of_this = |payload: &Value| payload["id"] == message.id.as_str();
            match channel.standing(&message.posted, of_this).await? {
                None => channel.post(&message::digest(&settings.channel_id, &message.id, entries)).await,
                Some(place) => Ok(Receipt::posted(place.name())),
            }
        }
        Told::Item(told) => thread::tell(&channel, message, told).await,
        Told::Answer { .. } => Ok(Receipt::nothing()),
    }
}

/// From when on a post that was sent then is looked for.
pub(crate) fn began(since: i64) -> i64 {
    since.saturating_sub(SKEW).max(0)
}

/// The link's channel, with the app in it.
pub(crate) struct Channel<'a> {
    pub(crate) api: &'a Api<'a>,
    pub(crate) settings: &'a Settings,
}

/// Where a post of ours stands.
pub(crate) struct Place {
    pub(crate) channel: String,
    pub(crate) ts: String,
}

impl Place {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.channel, self.ts)
    }

    pub(crate) fn read(name: &str) -> Result<Self> {
        let (channel, ts) = name.split_once('/').ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "It is not known where the post stands at Slack, so it was not changed.")
        })?;
        Ok(Self { channel: channel.to_owned(), ts: ts.to_owned() })
    }
}

impl Channel<'_> {
    /// Where the post stands, as far as is known, or as the channel shows when that is not known.
    pub(crate) async fn standing(&self, posted: &Posted, is_it: impl Fn(&Value) -> bool) -> Result<Option<Place>> {
        let since = match posted {
            Posted::Never => return Ok(None),
            Posted::As(name) => return Place::read(name).map(Some),
            Posted::Maybe { since } => began(*since),
        };
        let listed = self.api.history_since(&self.settings.channel_id, since).await?;
        Ok(self.ours(listed.items, &self.settings.channel_id, is_it))
    }

    /// Among these messages, the post of ours whose metadata says that it is it.
    pub(crate) fn ours(&self, all: Vec<Message>, channel: &str, is_it: impl Fn(&Value) -> bool) -> Option<Place> {
        let me = &self.settings.me;
        let ours = |message: &Message| {
            let metadata = message.metadata.as_ref().filter(|metadata| metadata.event_type == EVENT_TYPE);
            message.is_of(&me.user_id, me.bot_id.as_deref(), None)
                && metadata.is_some_and(|metadata| is_it(&metadata.event_payload))
        };
        all.into_iter().find(ours).map(|message| Place { channel: channel.to_owned(), ts: message.ts })
    }

    pub(crate) async fn post(&self, post: &Post) -> Result<Receipt> {
        Ok(self.send(post).await?)
    }

    /// Into a thread; `None` when that is not there any more.
    pub(crate) async fn post_below(&self, post: &Post) -> Result<Option<Receipt>> {
        match self.send(post).await {
            Err(no) if no.is(NO_THREAD) => Ok(None),
            Err(no) => Err(no.into()),
            Ok(receipt) => Ok(Some(receipt)),
        }
    }

    /// Into a public channel the app goes by itself, when somebody took it out.
    async fn send(&self, post: &Post) -> Said<Receipt> {
        let posted = match self.api.chat_post_message(post).await {
            Err(no) if no.is(&["not_in_channel"]) && self.settings.is_private => {
                return Err(Error::new(ErrorKind::Forbidden, invitation(self.settings)).into());
            }
            Err(no) if no.is(&["not_in_channel"]) => {
                self.api.conversations_join(&self.settings.channel_id).await?;
                self.api.chat_post_message(post).await?
            }
            answer => answer?,
        };
        Ok(Receipt::posted(Place { channel: posted.channel, ts: posted.ts }.name()))
    }

    pub(crate) async fn update(&self, place: &Place, post: Post) -> Result<Receipt> {
        match self.api.chat_update(&post.instead_of(&place.channel, &place.ts)).await {
            Ok(()) => Ok(Receipt::posted(place.name())),
            Err(no) if no.is(GONE) => Ok(note(None, "It was deleted at Slack, so the change was not posted.")),
            Err(no) if no.is(&["cant_update_message", "edit_window_closed"]) => {
                Ok(note(Some(place), "Slack does not let us change it any more, so it stands there as it was."))
            }
            Err(no) => self.elsewhere(place, no),
        }
    }

    pub(crate) async fn delete(&self, place: &Place) -> Result<Receipt> {
        match self.api.chat_delete(&place.channel, &place.ts).await {
            Ok(()) => Ok(Receipt::nothing()),
            Err(no) if no.is(GONE) => Ok(note(None, "It had been deleted at Slack already.")),
            Err(no) if no.is(&["cant_delete_message", "compliance_exports_prevent_deletion"]) => {
                Ok(note(Some(place), "Slack does not let us delete it, so it still stands there."))
            }
            Err(no) => self.elsewhere(place, no),
        }
    }

    /// Trouble with a channel that is not the link's any more is no trouble of the link's.
    fn elsewhere(&self, place: &Place, no: No) -> Result<Receipt> {
        let of_the_channel = matches!(no.error().kind(), ErrorKind::NotFound | ErrorKind::Forbidden);
        if place.channel != self.settings.channel_id && of_the_channel && !no.is(&["missing_scope"]) {
            return Ok(note(Some(place), "It stands in another channel, which Slack no longer lets us change."));
        }
        Err(no.into())
    }
}

/// What Slack says of a message that somebody deleted.
const GONE: &[&str] = &["message_not_found"];
/// And of a thread whose first message somebody deleted.
pub(crate) const NO_THREAD: &[&str] = &["thread_not_found", "message_not_found", "cannot_reply_to_message"];

pub(crate) fn note(place: Option<&Place>, sentence: &str) -> Receipt {
    Receipt { remote_id: place.map(Place::name), note: Some(sentence.to_owned()) }
}

/// A second one after a lost answer does no harm: only the person sees it.
async fn answer(config: &Config, cx: &Account, to: &str, answer: &Answer) -> Result<Receipt> {
    let api = Api::new(&cx.http, &config.api_url);
    if let Some(to) = Whisper::read(to) {
        return match api.chat_post_ephemeral(&message::whisper(&to, answer)).await {
            Ok(()) => Ok(Receipt::nothing()),
            // They left the channel, or it is closed: nobody is there to be told.
            Err(no) if matches!(no.error().kind(), ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Refused) => {
                Ok(note(None, "Slack did not let us answer the person in the channel."))
            }
            Err(no) => Err(no.into()),
        };
    }
    let url = config.takes_answers(to).ok_or_else(|| {
        Error::new(ErrorKind::Refused, "The address to answer at is none of Slack's, so nothing was answered.")
    })?;
    let said = api.respond(url, &message::answer(answer)).await?;
    match said.status {
        status if status.is_success() => Ok(Receipt::nothing()),
        StatusCode::TOO_MANY_REQUESTS => Err(error::limited(&said)),
        status if status.is_server_error() => Err(error::outage("answer the person", true)),
        // `expired_url`, `used_url`: Slack takes five answers within half an hour.
        _ => Ok(note(None, "Slack no longer took the answer: it takes them for half an hour.")),
    }
}
