//! For agents: the tickets, and one of them with all that an agent does to it.

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::account::Account;
use super::super::world::change::{Change, NewComment, tag};
use super::super::world::stamp;
use super::super::world::ticket::{Comment, Ticket};
use super::super::world::words::{Priority, Role, Status};
use super::{Page, Visit, see, show};

/// How a status looks.
pub(super) fn colour(status: Status) -> &'static str {
    match status {
        Status::New | Status::Open => "closed",
        Status::Pending | Status::Hold => "merged",
        Status::Solved | Status::Closed => "open",
    }
}

struct Row {
    id: u64,
    subject: String,
    status: &'static str,
    colour: &'static str,
    requester: String,
    assignee: String,
    updated: String,
    external_id: String,
}

#[derive(Template)]
#[template(path = "sandbox/tickets.html")]
struct ListPage {
    page: Page,
    here: String,
    account: String,
    rows: Vec<Row>,
}

pub(super) struct Said {
    pub author: String,
    pub staff: bool,
    pub at: String,
    pub public: bool,
    pub body: String,
    pub files: Vec<(String, String)>,
    pub channel: &'static str,
}

/// One entry of a list to choose from.
struct Choice {
    value: String,
    title: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "sandbox/ticket.html")]
struct TicketPage {
    page: Page,
    here: String,
    id: u64,
    subject: String,
    status: &'static str,
    colour: &'static str,
    closed: bool,
    external_id: String,
    requester: String,
    channel: &'static str,
    said: Vec<Said>,
    statuses: Vec<Choice>,
    priorities: Vec<Choice>,
    agents: Vec<Choice>,
    tags: String,
    public: bool,
}

pub(super) fn said(account: &Account, comment: &Comment) -> Said {
    let author = account.users.get(&comment.author);
    let file = |id: u64| format!("{}/api/v2/attachments/{id}/content", account.at);
    Said {
        author: author.map_or_else(|| "Somebody".to_owned(), |user| user.name.clone()),
        staff: author.is_some_and(|user| user.role.is_staff()),
        at: stamp(comment.created),
        public: comment.public,
        body: comment.body.clone(),
        files: comment.attachments.iter().map(|it| (file(it.id), it.name.clone())).collect(),
        channel: comment.channel.title(),
    }
}

fn name(account: &Account, user: Option<u64>) -> String {
    user.and_then(|id| account.users.get(&id)).map_or_else(String::new, |user| user.name.clone())
}

pub(super) fn list(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.person(world, Role::is_staff)?;
    let account = visit.account(world)?;
    let mut tickets: Vec<&Ticket> = account.live_tickets().collect();
    tickets
        .sort_by_key(|ticket| (ticket.fields.status >= Status::Solved, std::cmp::Reverse((ticket.updated, ticket.id))));
    let rows = tickets.into_iter().map(|ticket| Row {
        id: ticket.id,
        subject: ticket.fields.subject.clone(),
        status: ticket.fields.status.title(),
        colour: colour(ticket.fields.status),
        requester: name(account, Some(ticket.fields.requester)),
        assignee: name(account, ticket.fields.assignee),
        updated: stamp(ticket.updated),
        external_id: ticket.fields.external_id.clone().unwrap_or_default(),
    });
    Ok(show(&ListPage {
        page: Page::new(world, &visit.visitor, &format!("Tickets of {}", account.name)),
        here: format!("{}/agent/tickets", account.at),
        account: account.name.clone(),
        rows: rows.collect(),
    }))
}

pub(super) fn ticket(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.person(world, Role::is_staff)?;
    let account = visit.account(world)?;
    let ticket = account.ticket(visit.number("ticket")?)?;
    let fields = &ticket.fields;
    // People cannot close a ticket, nor make it new again.
    let can_choose = |status: Status| match status {
        Status::New => fields.status == Status::New,
        Status::Closed => fields.status == Status::Closed,
        _ => true,
    };
    let statuses = Status::ALL.iter().filter(|it| can_choose(**it)).map(|it| Choice {
        value: it.word().to_owned(),
        title: it.title().to_owned(),
        chosen: *it == fields.status,
    });
    let none = |chosen| Choice { value: "none".to_owned(), title: "–".to_owned(), chosen };
    let priorities = Priority::ALL.iter().map(|it| Choice {
        value: it.word().to_owned(),
        title: it.title().to_owned(),
        chosen: fields.priority == Some(*it),
    });
    let staff = account.users.values().filter(|user| user.active && user.role.is_staff());
    let agents = staff.map(|user| Choice {
        value: user.id.to_string(),
        title: user.name.clone(),
        chosen: fields.assignee == Some(user.id),
    });
    Ok(show(&TicketPage {
        page: Page::new(world, &visit.visitor, &format!("#{} {}", ticket.id, fields.subject)),
        here: format!("{}/agent/tickets/{}", account.at, ticket.id),
        id: ticket.id,
        subject: fields.subject.clone(),
        status: fields.status.title(),
        colour: colour(fields.status),
        closed: fields.status == Status::Closed,
        external_id: fields.external_id.clone().unwrap_or_default(),
        requester: name(account, Some(fields.requester)),
        channel: ticket.channel.title(),
        said: ticket.comments.iter().map(|comment| said(account, comment)).collect(),
        statuses: statuses.collect(),
        priorities: std::iter::once(none(fields.priority.is_none())).chain(priorities).collect(),
        agents: std::iter::once(none(fields.assignee.is_none())).chain(agents).collect(),
        tags: fields.tags.join(" "),
        public: ticket.public,
    }))
}

/// All of the form at once, as one update.
pub(super) fn submit(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let actor = visit.person(world, Role::is_staff)?;
    let id = visit.number("ticket")?;
    let account = world.account_mut(visit.param("subdomain"))?;
    let before = account.ticket(id)?.fields.clone();
    let status = visit.text("status").and_then(|word| Status::read(&word)).filter(|status| *status != before.status);
    let chosen = visit.text("assignee").map(|id| id.parse::<u64>().ok());
    // Who solves a ticket that is nobody's takes it, as on Zendesk's page.
    let nobodys = chosen.unwrap_or(before.assignee).is_none();
    let takes = status == Some(Status::Solved) && nobodys;
    let public = visit.text("visibility").map(|word| word == "public");
    let comment = visit.text("body").map(|body| NewComment { body: Some(body), public, ..NewComment::default() });
    let change = Change {
        status,
        assignee: if takes { Some(Some(actor.user)) } else { chosen.filter(|chosen| *chosen != before.assignee) },
        priority: visit.text("priority").map(|word| Priority::read(&word)),
        tags: visit
            .fields
            .get("tags")
            .map(|text| text.split([' ', ',']).map(tag).filter(|it| !it.is_empty()).collect()),
        comment,
        ..Change::default()
    };
    account.update_ticket(actor, id, change)?;
    Ok(see(world, &format!("/{}/agent/tickets/{id}#reply", visit.param("subdomain"))))
}

pub(super) fn delete(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let actor = visit.person(world, Role::is_staff)?;
    world.account_mut(visit.param("subdomain"))?.delete_ticket(actor, visit.number("ticket")?)?;
    Ok(see(world, &format!("/{}/agent", visit.param("subdomain"))))
}
