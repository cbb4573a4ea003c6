//! The fake partner's ear: what it is told, what stands in its rooms because of that, and how the telling goes wrong.

use std::collections::{BTreeMap, VecDeque};

use http::Method;
use integration_contract::{
    Account, Answer, Capability, Change, Error, ErrorKind, IntegrationLink, Outgoing, OutgoingEntry, OutgoingItem,
    Posted, Receipt, Request, Result, Status, Told, Want,
};
use serde_json::json;
use url::Url;

use super::{FakePartner, Settings, Trouble, in_trouble};

/// One call of `deliver`, whatever came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Through which link.
    pub link: String,
    /// What it was told.
    pub message: Outgoing,
}

/// Something that stands in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Its id there.
    pub id: String,
    /// In which room.
    pub room: String,
    /// The id of the message that first brought it.
    pub message: String,
    /// The id of the post it stands below: of the first change of its item.
    pub thread: Option<String>,
    /// What it reads now: an entry, a change of an item, or a line for each of a digest.
    pub text: String,
}

#[derive(Default)]
pub(super) struct Ear {
    heard: Vec<Heard>,
    posts: BTreeMap<u64, Post>,
    answers: Vec<(String, Answer)>,
    last_id: u64,
    troubles: VecDeque<Trouble>,
    /// Until it is over.
    outage: Option<Trouble>,
    /// Where it is called, and how often for one message.
    calls: Option<(Url, usize)>,
}

impl FakePartner {
    /// The next `deliver` has this trouble; several queue up.
    pub fn trouble_delivering(&self, trouble: Trouble) {
        self.outside().ear.troubles.push_back(trouble);
    }

    /// Every `deliver` has this trouble until it is set to none.
    pub fn outage(&self, trouble: Option<Trouble>) {
        self.outside().ear.outage = trouble;
    }

    /// From now on each message is told by so many calls to this address, before anything comes of it.
    pub fn calls(&self, address: Url, times: usize) {
        self.outside().ear.calls = Some((address, times));
    }

    /// What it was told, in order, attempts in vain included.
    pub fn heard(&self) -> Vec<Heard> {
        self.outside().ear.heard.clone()
    }

    /// What stands in its rooms, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.outside().ear.posts.values().cloned().collect()
    }

    /// Which answers it was given, and where.
    pub fn answers(&self) -> Vec<(String, Answer)> {
        self.outside().ear.answers.clone()
    }

    pub(super) fn wants_entry(&self, link: &IntegrationLink, entry: &OutgoingEntry) -> Want {
        let tell = self.tell(link);
        match tell.as_str() {
            "now" => Want::Now,
            "all" if !entry.of_item => Want::Now,
            "done" if entry.status == Status::Done => Want::Now,
            "digest" => Want::Digest { hour: None },
            digest => hour_of(digest).map_or(Want::No, |hour| Want::Digest { hour: Some(hour) }),
        }
    }

    pub(super) fn wants_items(&self, link: &IntegrationLink) -> bool {
        matches!(self.tell(link).as_str(), "items" | "all")
    }

    fn tell(&self, link: &IntegrationLink) -> String {
        let settings = link.settings.read::<Settings>().ok().filter(|_| self.can(Capability::Deliver));
        settings.map(|settings| settings.tell).unwrap_or_default()
    }

    pub(super) async fn hear(&self, cx: &Account, link: &IntegrationLink, message: &Outgoing) -> Result<Receipt> {
        if !self.can(Capability::Deliver) {
            return Err(Error::unsupported("telling it anything"));
        }
        let Settings { room, .. } = link.settings.read()?;
        let (trouble, calls) = {
            let ear = &mut self.outside().ear;
            ear.heard.push(Heard { link: link.id.clone(), message: message.clone() });
            (ear.troubles.pop_front().or(ear.outage), ear.calls.clone())
        };
        if let Some((address, times)) = calls {
            for number in 1..=times {
                call(cx, &address, message, number).await?;
            }
        }
        in_trouble(trouble, || Ok(self.outside().ear.take(&room, message))).await
    }
}

/// The hour of `digest-18`.
pub(super) fn hour_of(tell: &str) -> Option<u8> {
    tell.strip_prefix("digest-")?.parse().ok().filter(|hour| *hour < 24)
}

async fn call(cx: &Account, address: &Url, message: &Outgoing, number: usize) -> Result<()> {
    let body = json!({ "message": message.id, "call": number });
    let mut request = Request::new(Method::POST, address.clone()).json(&body)?;
    request.auth = integration_contract::Auth::Nobody;
    let answer = cx.http.send(request).await?;
    match answer.status.as_u16() {
        200..300 => Ok(()),
        500.. => Err(Error::new(ErrorKind::Unavailable, "The fake partner is down.")),
        status => Err(Error::new(ErrorKind::Refused, format!("The fake partner says {status}."))),
    }
}

impl Ear {
    fn take(&mut self, room: &str, message: &Outgoing) -> Receipt {
        let there = match &message.posted {
            Posted::Never => None,
            // That is what a partner with a memory is good for.
            Posted::Maybe { .. } => self.number(|post| post.message == message.id),
            Posted::As(id) => self.number(|post| post.id == *id),
        };
        let known = matches!(message.posted, Posted::As(_));
        match (&message.what, there) {
            (Told::Answer { to, answer }, _) => {
                self.answers.push((to.clone(), answer.clone()));
                Receipt::nothing()
            }
            (Told::Entry(entry), there) if entry.archived => {
                there.and_then(|number| self.posts.remove(&number));
                Receipt::nothing()
            }
            (Told::Entry(_) | Told::Item(_), None) if known => Receipt {
                remote_id: None,
                note: Some("It was deleted there, so the change was not posted.".to_owned()),
            },
            (what, there) => self.put(there, room, message, text(what)),
        }
    }

    fn number(&self, is_it: impl Fn(&Post) -> bool) -> Option<u64> {
        self.posts.iter().find(|(_, post)| is_it(post)).map(|(number, _)| *number)
    }

    fn put(&mut self, there: Option<u64>, room: &str, message: &Outgoing, text: String) -> Receipt {
        let number = there.unwrap_or_else(|| {
            self.last_id += 1;
            self.last_id
        });
        let thread = match &message.what {
            Told::Item(told) => told.thread.clone(),
            _ => None,
        };
        let fresh = Post {
            id: format!("p{number}"),
            room: room.to_owned(),
            message: message.id.clone(),
            thread,
            text: String::new(),
        };
        let post = self.posts.entry(number).or_insert(fresh);
        post.text = text;
        Receipt::posted(post.id.clone())
    }
}

fn text(what: &Told) -> String {
    let line = |entry: &OutgoingEntry| format!("{}: {}", entry.author, entry.text);
    match what {
        Told::Entry(entry) => line(entry),
        Told::Item(told) => item_line(told),
        Told::Digest(entries) => entries.iter().map(line).collect::<Vec<_>>().join("\n"),
        Told::Answer { .. } => String::new(),
    }
}

/// `ada: workshop#7 (open) Commented: me too`.
fn item_line(told: &OutgoingItem) -> String {
    let (by, item) = (&told.change.by.name, &told.item);
    if let Some(trouble) = &told.trouble {
        return format!("{by}: {} ({}) {trouble}", item.name, item.state_word);
    }
    let what = match &told.change.what {
        Change::Commented(comment) => format!("Commented: {}", comment.body),
        Change::CommentEdited(comment) => format!("CommentEdited: {}", comment.body),
        other => format!("{other:?}"),
    };
    format!("{by}: {} ({}) {what}", item.name, item.state_word)
}
