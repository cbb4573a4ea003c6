//! Working with tickets: find, make, comment, and the deeds.
//!
//! Two things are said to Zendesk only as a guess would allow: a ticket is found by its external id in the database, never by
//! search, which lags; and a comment by its author, time and text, as Zendesk keeps no name of ours with it.

use async_trait::async_trait;
use integration_contract::{
    Account, Comment, Deed, Error, ErrorKind, FormInput, IntegrationLink, Item, ItemPage, ItemState, Items, NewComment,
    NewItem, Result,
};

use crate::{
    Zendesk,
    api::Verdict,
    body,
    error::{after_writing, closed},
    events::Kind,
    link,
    ticket::{Desk, own_number, state},
    wire::{self, People, Ticket, TicketChange},
};

/// Zendesk takes 65,535 bytes of a comment.
const LONGEST_BODY: usize = 65_000;
/// How far Zendesk's clock may be behind ours.
const CLOCKS_DIFFER: i64 = 5;
/// When somebody else changed the ticket at the same moment, it is looked at again so often.
const TRIES: usize = 3;

#[async_trait]
impl Items for Zendesk {
    fn short(&self) -> &'static str {
        "zd"
    }

    fn hearing_all(&self, form: FormInput) -> FormInput {
        link::with_kinds(form, &[Kind::Tickets, Kind::Comments])
    }

    fn deeds(&self, item: &Item) -> Vec<Deed> {
        match (item.state, item.state_word.as_str()) {
            (ItemState::Open | ItemState::Waiting, _) => vec![Deed::AssignToMe, Deed::Close],
            (ItemState::Closed, "solved") => vec![Deed::Reopen],
            (ItemState::Closed, _) => Vec::new(),
        }
    }

    async fn item(&self, cx: &Account, link: &IntegrationLink, id: &str) -> Result<Option<Item>> {
        let Some(id) = number(id) else { return Ok(None) };
        let seen = Desk::open(&self.config, cx, link)?.see(id).await?;
        Ok(seen.map(|seen| seen.item))
    }

    /// Without texts: a ticket's text is its first comment, whose privacy only that says.
    async fn list_items(&self, cx: &Account, link: &IntegrationLink, after: Option<&str>) -> Result<ItemPage> {
        let desk = Desk::open(&self.config, cx, link)?;
        let (tickets, people, next) = desk.api.tickets(after).await?;
        let shown = tickets.iter().filter(|ticket| ticket.is_public != Some(false) && ticket.status != "deleted");
        let items = shown.map(|ticket| desk.item(ticket, String::new(), &people)).collect();
        Ok(ItemPage { items, next })
    }

    async fn find_item(&self, cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Option<Item>> {
        let desk = Desk::open(&self.config, cx, link)?;
        let (tickets, people) = desk.api.tickets_with(&new.external_id).await?;
        let same = |ticket: &Ticket| ticket.external_id.as_deref() == Some(new.external_id.as_str());
        // Several tickets may have one external id; the first of them is the one that was made as this.
        match tickets.into_iter().filter(same).min_by_key(|ticket| ticket.id) {
            Some(ticket) => Ok(Some(desk.whole(ticket, people).await?.item)),
            None => Ok(None),
        }
    }

    async fn create_item(&self, cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Item> {
        let desk = Desk::open(&self.config, cx, link)?;
        let body = if new.body.trim().is_empty() { &new.title } else { &new.body };
        let ticket = TicketChange {
            subject: Some(new.title.clone()),
            comment: Some(wire::NewComment { body: fitting(body), public: true }),
            external_id: Some(new.external_id.clone()),
            tags: Some(tags(&new.labels)),
            ..TicketChange::default()
        };
        let made = desk.api.create_ticket(&new.key, &ticket).await?;
        let whole = desk.whole(made, People::new()).await.map_err(after_writing)?;
        Ok(whole.item)
    }

    async fn find_comment(
        &self,
        cx: &Account,
        link: &IntegrationLink,
        item: &str,
        new: &NewComment,
        since: i64,
    ) -> Result<Option<Comment>> {
        let desk = Desk::open(&self.config, cx, link)?;
        let (ticket, me) = (known(item)?, own_number(cx, &desk.settings.subdomain)?);
        let text = comparable(&fitting(&new.body));
        let is_it = |one: &wire::Comment| {
            let at = one.created_at.as_deref().and_then(body::seconds);
            if at.is_some_and(|at| at < since - CLOCKS_DIFFER) {
                Verdict::TooOld
            } else if one.public && one.author_id == Some(me) && comparable(&one.body) == text {
                Verdict::This
            } else {
                Verdict::Another
            }
        };
        let found = desk.api.newest_comment(ticket, is_it).await?;
        Ok(found.map(|(comment, people)| desk.comment(ticket, &comment, &people)))
    }

    async fn comment(&self, cx: &Account, link: &IntegrationLink, item: &str, new: &NewComment) -> Result<Comment> {
        let desk = Desk::open(&self.config, cx, link)?;
        let ticket = known(item)?;
        let comment = wire::NewComment { body: fitting(&new.body), public: true };
        let change = TicketChange { comment: Some(comment), ..TicketChange::default() };
        let (_, audit) = desk.api.update_ticket("comment on the ticket", ticket, &change).await?;
        let written = audit.and_then(|audit| audit.comment()).ok_or_else(|| {
            Error::new(ErrorKind::UnknownOutcome, "Zendesk did not say under which number it keeps the comment.")
        })?;
        // It is ours, so nobody has to be asked who wrote it.
        let people = ourselves(cx, &desk.settings.subdomain);
        Ok(desk.comment(ticket, &written, &people))
    }

    async fn act(&self, cx: &Account, link: &IntegrationLink, item: &str, deed: &Deed) -> Result<Item> {
        let desk = Desk::open(&self.config, cx, link)?;
        let (id, me) = (known(item)?, own_number(cx, &desk.settings.subdomain)?);
        let mut tries = 0;
        loop {
            let (ticket, people) = desk.api.ticket(id).await?.ok_or_else(|| not_there(id))?;
            let Some((doing, change)) = needed(&ticket, deed, me)? else {
                return Ok(desk.whole(ticket, people).await?.item);
            };
            // What is to be done was made of what was read.
            let change = TicketChange {
                safe_update: ticket.updated_at.is_some().then_some(true),
                updated_stamp: ticket.updated_at.clone(),
                ..change
            };
            tries += 1;
            match desk.api.update_ticket(doing, id, &change).await {
                Ok((done, _)) if needed(&done, deed, me)?.is_none() => {
                    return Ok(desk.whole(done, people).await.map_err(after_writing)?.item);
                }
                Ok(_) => {
                    return Err(Error::new(
                        ErrorKind::Refused,
                        format!(
                            "Zendesk left ticket #{id} as it was when we tried to {doing}. A rule of the account may forbid it."
                        ),
                    ));
                }
                Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES => {}
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    return Err(Error::new(ErrorKind::Unavailable, error.sentence()));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The connected account by its number.
fn ourselves(cx: &Account, subdomain: &str) -> People {
    let me = own_number(cx, subdomain).ok().zip(cx.identity.as_ref());
    me.map(|(id, me)| (id, wire::User::named(id, &me.name))).into_iter().collect()
}

/// What has to change for the deed to be done, and how that is called; `None` = it is done.
fn needed(ticket: &Ticket, deed: &Deed, me: i64) -> Result<Option<(&'static str, TicketChange)>> {
    let change = TicketChange::default();
    let is_closed = ticket.status == "closed";
    Ok(match deed {
        Deed::AssignToMe if ticket.assignee_id == Some(me) => None,
        Deed::AssignToMe if is_closed => return Err(closed("assign the ticket")),
        Deed::AssignToMe => Some(("assign the ticket", TicketChange { assignee_id: Some(me), ..change })),
        Deed::Close if state(&ticket.status) == ItemState::Closed => None,
        // A ticket that is nobody's can't be solved, so whoever solves it takes it.
        Deed::Close => {
            let assignee_id = ticket.assignee_id.is_none().then_some(me);
            Some(("solve the ticket", TicketChange { status: Some("solved"), assignee_id, ..change }))
        }
        Deed::Reopen if state(&ticket.status) == ItemState::Open => None,
        Deed::Reopen if is_closed => return Err(closed("reopen the ticket")),
        Deed::Reopen => Some(("reopen the ticket", TicketChange { status: Some("open"), ..change })),
        Deed::Retitle(title) if ticket.subject.as_deref() == Some(title.trim()) => None,
        Deed::Retitle(title) => {
            Some(("change the ticket's subject", TicketChange { subject: Some(title.trim().to_owned()), ..change }))
        }
        Deed::Label(labels) => {
            let (wanted, mut there) = (tags(labels), ticket.tags.clone());
            there.sort_unstable();
            let change = TicketChange { tags: Some(wanted.clone()), ..change };
            (wanted != there).then_some(("change the ticket's tags", change))
        }
    })
}

/// As Zendesk keeps them: in small letters, without spaces, each once. It takes commas for the end of a tag.
fn tags(labels: &[String]) -> Vec<String> {
    let tag = |label: &String| {
        let words = label.split(|one: char| one.is_whitespace() || one == ',').filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_").to_lowercase()
    };
    let mut tags: Vec<_> = labels.iter().map(tag).filter(|tag| !tag.is_empty()).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// As much of a text as Zendesk takes.
fn fitting(text: &str) -> String {
    if text.len() <= LONGEST_BODY {
        return text.to_owned();
    }
    let end = (0..=LONGEST_BODY).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}…", text[..end].trim_end())
}

/// A text as it may come back: with other line ends, and without what cannot be seen at the ends of lines.
fn comparable(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn known(item: &str) -> Result<u64> {
    number(item).ok_or_else(|| Error::new(ErrorKind::NotFound, "There is no ticket with that number."))
}

/// A ticket's number as its digits.
fn number(item: &str) -> Option<u64> {
    item.bytes().all(|byte| byte.is_ascii_digit()).then(|| item.parse().ok()).flatten()
}

fn not_there(id: u64) -> Error {
    Error::new(ErrorKind::NotFound, format!("Zendesk shows this account no ticket #{id}: it was deleted, or hidden."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_tags_as_zendesk_keeps_them() {
        let labels = ["Good first issue", "bug", "BUG", " ", "a,b"].map(str::to_owned);
        assert_eq!(tags(&labels), ["a_b", "bug", "good_first_issue"]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(40_000);
        let cut = fitting(&long);
        assert!(cut.len() <= 65_535 && cut.ends_with("é…"));
        assert_eq!(fitting("short"), "short");
    }

    #[test]
    fn a_text_is_known_again_whatever_becomes_of_its_line_ends() {
        assert_eq!(comparable("one \r\ntwo\r\n"), comparable("one\ntwo"));
        assert_ne!(comparable("one\n\ntwo"), comparable("one\ntwo"));
    }
}
