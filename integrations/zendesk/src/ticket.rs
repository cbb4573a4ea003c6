//! Tickets as items: what is read of one, whoever asks, and what people are called.
//!
//! Internal notes end here. A ticket's own text is its first comment, which may be a note as well.

use integration_contract::{
    Account, Attachment, Author, Comment, Error, ErrorKind, IntegrationLink, Item, ItemKind, ItemState, Result, text,
};
use url::Url;

use crate::{
    api::Api,
    body,
    config::Config,
    link::Settings,
    site::host_name,
    wire::{self, People, Ticket},
};

/// A subject: enough to know the ticket by.
const SUBJECT: usize = 300;
/// A name.
const NAME: usize = 100;

/// The account's tickets, for one link.
pub(crate) struct Desk<'a> {
    pub(crate) api: Api<'a>,
    pub(crate) settings: Settings,
    base: Url,
}

/// A ticket as it stands, whole.
pub(crate) struct Seen {
    pub(crate) item: Item,
    /// Nobody but agents may read any of it.
    pub(crate) internal: bool,
    pub(crate) first_comment: Option<u64>,
    pub(crate) people: People,
}

impl<'a> Desk<'a> {
    pub(crate) fn open(config: &Config, cx: &'a Account, link: &IntegrationLink) -> Result<Self> {
        let settings = Settings::of(cx, link)?;
        let base = config.account(Some(&settings.subdomain))?;
        Ok(Self { api: Api::new(&cx.http, base.clone()), settings, base })
    }

    /// As it stands now; `None` when it is not there.
    pub(crate) async fn see(&self, id: u64) -> Result<Option<Seen>> {
        match self.api.ticket(id).await? {
            Some((ticket, people)) => self.whole(ticket, people).await.map(Some),
            None => Ok(None),
        }
    }

    /// With its text and everybody's names.
    pub(crate) async fn whole(&self, ticket: Ticket, mut people: People) -> Result<Seen> {
        self.meet(&mut people, [ticket.requester_id, ticket.assignee_id]).await?;
        // The ticket as a whole is public as soon as any of its comments is; its text need not be.
        let internal = ticket.is_public == Some(false);
        let first = self.api.first_comment(ticket.id).await?;
        let body = first.as_ref().filter(|first| first.public).map(text_of).unwrap_or_default();
        let item = self.item(&ticket, body, &people);
        Ok(Seen { item, internal, first_comment: first.map(|first| first.id), people })
    }

    /// Learns the names of those who are not known yet.
    pub(crate) async fn meet(&self, people: &mut People, ids: impl IntoIterator<Item = Option<i64>>) -> Result<()> {
        let strangers: Vec<_> = ids.into_iter().flatten().filter(|id| !people.contains_key(id)).collect();
        let met = self.api.users(strangers).await?;
        people.extend(met.into_iter().map(|user| (user.id, user)));
        Ok(())
    }

    pub(crate) fn item(&self, ticket: &Ticket, body: String, people: &People) -> Item {
        Item {
            id: ticket.id.to_string(),
            kind: ItemKind::Ticket,
            name: self.name(ticket.id),
            title: text::first_line(&text::without_nul(ticket.subject.as_deref().unwrap_or_default()), SUBJECT),
            body,
            url: Some(self.page(ticket.id)),
            state: state(&ticket.status),
            state_word: ticket.status.clone(),
            author: self.author(ticket.requester_id, people),
            assignees: ticket.assignee_id.map(|id| self.author(Some(id), people)).into_iter().collect(),
            labels: ticket.tags.clone(),
            external_id: ticket.external_id.clone().filter(|id| !id.is_empty()),
            created_at: ticket.created_at.as_deref().and_then(body::seconds),
            updated_at: ticket.updated_at.as_deref().and_then(body::seconds),
        }
    }

    pub(crate) fn comment(&self, ticket: u64, comment: &wire::Comment, people: &People) -> Comment {
        Comment {
            id: comment.id.to_string(),
            body: text::without_nul(&comment.body),
            url: Some(self.page(ticket)),
            author: self.author(comment.author_id, people),
            attachments: attachments(comment).collect(),
        }
    }

    /// As people know it: `acme.zendesk.com #35436`.
    pub(crate) fn name(&self, ticket: u64) -> String {
        format!("{} #{ticket}", host_name(&self.settings.subdomain))
    }

    pub(crate) fn page(&self, ticket: u64) -> String {
        page(&self.base, &["agent", "tickets", &ticket.to_string()])
    }

    pub(crate) fn author(&self, id: Option<i64>, people: &People) -> Author {
        // -1 is Zendesk itself: its automations, and what it imported.
        let Some(id) = id.filter(|id| *id > 0) else {
            return Author { name: "Zendesk".to_owned(), ..Author::default() };
        };
        let user = people.get(&id);
        let name =
            user.map(|user| text::first_line(&text::without_nul(&user.name), NAME)).filter(|name| !name.is_empty());
        Author {
            id: Some(account_id(&self.settings.subdomain, id)),
            name: name.unwrap_or_else(|| "somebody at Zendesk".to_owned()),
            url: Some(person_page(&self.base, id)),
            avatar: user.and_then(wire::User::picture).filter(|url| is_web(url)).map(str::to_owned),
        }
    }
}

/// What the host matches people by. Whether an id is unique beyond its account, Zendesk does not say.
pub(crate) fn account_id(subdomain: &str, user: i64) -> String {
    format!("{subdomain}/{user}")
}

/// The inverse of [`account_id`], in this account: whose number the connected account is.
pub(crate) fn own_number(cx: &Account, subdomain: &str) -> Result<i64> {
    let number = cx.identity.as_ref().and_then(|me| me.id.strip_prefix(subdomain)?.strip_prefix('/')?.parse().ok());
    number.ok_or_else(|| Error::new(ErrorKind::Forbidden, "It is not known who the connected account is at Zendesk."))
}

/// Somebody's page at Zendesk.
pub(crate) fn person_page(base: &Url, user: i64) -> String {
    page(base, &["agent", "users", &user.to_string()])
}

fn page(base: &Url, path: &[&str]) -> String {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url.into()
}

/// Custom statuses have one of these as their category.
pub(crate) fn state(word: &str) -> ItemState {
    match word {
        "pending" | "hold" => ItemState::Waiting,
        "solved" | "closed" | "deleted" => ItemState::Closed,
        _ => ItemState::Open,
    }
}

/// What a ticket begins with. An item has no attachments of its own, so they follow as links.
fn text_of(first: &wire::Comment) -> String {
    let mut body = text::without_nul(first.body.trim_end());
    let links: Vec<_> = attachments(first).map(|file| format!("[{}]({})", in_brackets(&file.name), file.url)).collect();
    if !links.is_empty() {
        body = format!("{body}\n\n{}", links.join("\n"));
    }
    body
}

fn in_brackets(name: &str) -> String {
    name.replace(['[', ']', '\\', '\n', '\r'], " ")
}

fn attachments(comment: &wire::Comment) -> impl Iterator<Item = Attachment> {
    let shown = comment.attachments.iter().filter(|file| is_web(&file.content_url));
    shown.map(|file| Attachment {
        name: Some(text::first_line(&text::without_nul(&file.file_name), NAME))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "a file".to_owned()),
        url: file.content_url.clone(),
    })
}

/// Whether it can stand in a page or a message as it is.
fn is_web(url: &str) -> bool {
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'"'));
    plain && Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}
