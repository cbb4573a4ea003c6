//! The page of an issue or a pull request.

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::rest::issues::{may_change, may_change_comment};
use super::super::world::issues::{IssueChange, NewIssue};
use super::super::world::people::Role;
use super::super::world::pulls::NewPull;
use super::super::world::{RepositoryId, World, iso};
use super::repository::Heading;
use super::{Page, Visit, see_below, show as show_page};

struct CommentRow {
    id: u64,
    author: String,
    author_id: u64,
    at: String,
    body: String,
    source: String,
}

struct PullDetails {
    head: String,
    base: String,
    merged_by: Option<String>,
    commits: Vec<String>,
}

#[derive(Template)]
#[template(path = "sandbox/issue.html")]
struct IssuePage {
    page: Page,
    heading: Heading,
    number: u64,
    title: String,
    /// As it is read; what it is in full stands in the form.
    body: String,
    source: String,
    author: String,
    author_id: u64,
    at: String,
    open: bool,
    state: String,
    locked: bool,
    labels: Vec<String>,
    all_labels: Vec<String>,
    assignees: Vec<String>,
    people: Vec<String>,
    comments: Vec<CommentRow>,
    pull: Option<PullDetails>,
    may_change: bool,
    /// The visitor, where they could be assigned and are not.
    may_take: bool,
}

pub(super) fn show(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Read)?;
    let issue = world.issue(id, visit.id("number")?).map_err(|refusal| to_page(world, refusal))?;
    let place = world.repository(id)?;
    let comments = place.comments_of(issue.number).map(|comment| CommentRow {
        id: comment.id,
        author: world.account(comment.author).login.clone(),
        author_id: comment.author,
        at: iso(comment.created),
        body: without_html_comments(&comment.body),
        source: comment.body.clone(),
    });
    let login = |id: &u64| world.account(*id).login.clone();
    let pull = issue.pull.as_ref().map(|pull| PullDetails {
        head: pull.head.clone(),
        base: pull.base.clone(),
        merged_by: pull.merged.as_ref().map(|merge| login(&merge.by)),
        commits: place.ahead(&pull.base_sha, &pull.head_sha).iter().map(|it| it.message.clone()).collect(),
    });
    let merged = pull.as_ref().is_some_and(|pull| pull.merged_by.is_some());
    Ok(show_page(&IssuePage {
        page: Page::new(world, &visit.visitor, &format!("{} #{}", issue.title, issue.number)),
        heading: Heading::of(world, visit, place),
        number: issue.number,
        title: issue.title.clone(),
        body: without_html_comments(issue.body.as_deref().unwrap_or_default()),
        source: issue.body.clone().unwrap_or_default(),
        author: login(&issue.author),
        author_id: issue.author,
        at: iso(issue.created),
        open: issue.open,
        state: match (&issue.state_reason, issue.open, merged) {
            (_, _, true) => "merged".to_owned(),
            (Some(reason), false, _) => format!("closed: {}", reason.replace('_', " ")),
            (None, false, _) => "closed".to_owned(),
            (_, true, _) => "open".to_owned(),
        },
        locked: issue.locked,
        labels: issue.labels.clone(),
        all_labels: place.labels.iter().map(|label| label.name.clone()).collect(),
        assignees: issue.assignees.iter().map(login).collect(),
        people: world.assignable(place).iter().map(login).collect(),
        comments: comments.collect(),
        pull,
        may_change: visit.account.is_some_and(|who| may_change(world, who, id, issue.number).is_ok()),
        may_take: visit.account.is_some_and(|who| {
            let could = world.assignable(place).contains(&who) && world.role(Some(who), place) >= Some(Role::Triage);
            could && !issue.assignees.contains(&who)
        }),
    }))
}

/// Markdown shows them to nobody.
fn without_html_comments(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("<!--") {
        shown.push_str(before);
        rest = behind.split_once("-->").map_or("", |(_, after)| after);
    }
    shown.push_str(rest);
    shown.trim_end().to_owned()
}

/// A transferred issue leads to its new page, not to the REST address.
fn to_page(world: &World, refusal: Refusal) -> Refusal {
    let location = refusal.location.as_deref().and_then(|url| {
        let (id, number) = url.strip_prefix(&format!("{}/repositories/", world.api()))?.split_once("/issues/")?;
        let place = world.repositories.get(&id.parse::<RepositoryId>().ok()?)?;
        Some(format!("{}/issues/{number}", world.web_url(place)))
    });
    Refusal { location, ..refusal }
}

pub(super) fn open(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Read)?;
    let new = NewIssue {
        title: visit.fields.text("title").unwrap_or_default(),
        body: visit.fields.text("body"),
        assignees: visit.fields.list("assignees"),
        labels: visit.fields.list("labels"),
    };
    let number = world.open_issue(visit.account()?, id, new)?;
    see_below(world, id, &format!("/issues/{number}"))
}

pub(super) fn open_pull(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Push)?;
    let default = world.repository(id)?.default_branch.clone();
    let new = NewPull {
        title: visit.fields.text("title").unwrap_or_default(),
        body: visit.fields.text("body"),
        head: visit.fields.text("head").unwrap_or_default(),
        base: visit.fields.text("base").unwrap_or(default),
        draft: visit.fields.get("draft").is_some(),
    };
    let number = world.open_pull(visit.account()?, id, new)?;
    see_below(world, id, &format!("/pull/{number}"))
}

pub(super) fn comment(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Read)?;
    let body = visit.fields.text("body").unwrap_or_default();
    world.comment(visit.account()?, id, visit.id("number")?, body)?;
    back(world, visit, id)
}

pub(super) fn edit_comment(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Read)?;
    let (who, comment) = (visit.account()?, visit.id("comment")?);
    may_change_comment(world, who, id, comment)?;
    world.edit_comment(who, id, comment, visit.fields.text("body").unwrap_or_default())?;
    let number = world.repository(id)?.comments.get(&comment).map(|it| it.issue).unwrap_or_default();
    see_issue(world, id, number)
}

pub(super) fn delete_comment(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Read)?;
    let (who, comment) = (visit.account()?, visit.id("comment")?);
    may_change_comment(world, who, id, comment)?;
    let number = world.repository(id)?.comments.get(&comment).map(|it| it.issue).unwrap_or_default();
    world.delete_comment(who, id, comment)?;
    see_issue(world, id, number)
}

pub(super) fn edit(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let change = IssueChange {
        title: Some(visit.fields.text("title").unwrap_or_default()),
        body: Some(visit.fields.text("body")),
        ..IssueChange::default()
    };
    apply(world, visit, change)
}

/// `state`: open, completed, not_planned, duplicate or closed.
pub(super) fn set_state(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let state = visit.fields.text("state").unwrap_or_default();
    let change = match state.as_str() {
        "open" => IssueChange { open: Some(true), ..IssueChange::default() },
        "closed" => IssueChange { open: Some(false), ..IssueChange::default() },
        reason => IssueChange { open: Some(false), state_reason: Some(reason.to_owned()), ..IssueChange::default() },
    };
    apply(world, visit, change)
}

pub(super) fn set_labels(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let labels = Some(visit.fields.list("labels"));
    apply(world, visit, IssueChange { labels, ..IssueChange::default() })
}

/// "Assign yourself".
pub(super) fn take(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Triage)?;
    let (who, number) = (visit.account()?, visit.id("number")?);
    let login = world.account(who).login.clone();
    world.assign(who, id, number, &[login])?;
    back(world, visit, id)
}

pub(super) fn set_assignees(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let assignees = Some(visit.fields.list("assignees"));
    apply(world, visit, IssueChange { assignees, ..IssueChange::default() })
}

fn apply(world: &mut World, visit: &Visit, change: IssueChange) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Read)?;
    let (who, number) = (visit.account()?, visit.id("number")?);
    may_change(world, who, id, number)?;
    world.change_issue(who, id, number, change)?;
    back(world, visit, id)
}

pub(super) fn lock(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Push)?;
    let (who, number) = (visit.account()?, visit.id("number")?);
    match visit.fields.get("locked") {
        Some("no") => world.unlock_issue(who, id, number)?,
        _ => world.lock_issue(who, id, number, visit.fields.text("reason"))?,
    }
    back(world, visit, id)
}

pub(super) fn delete(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Admin)?;
    world.delete_issue(visit.account()?, id, visit.id("number")?)?;
    see_below(world, id, "")
}

pub(super) fn transfer(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let from = visit.repository(world, Role::Push)?;
    let name = visit.fields.text("to").unwrap_or_default();
    let (owner, repository) = name.split_once('/').unwrap_or_default();
    let to = world.repository_named(owner, repository).filter(|it| world.role(visit.account, it) >= Some(Role::Push));
    let to = to.ok_or_else(Refusal::not_found)?.id;
    let number = world.transfer_issue(visit.account()?, from, visit.id("number")?, to)?;
    see_issue(world, to, number)
}

pub(super) fn merge(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let id = visit.repository(world, Role::Push)?;
    let method = visit.fields.text("method").unwrap_or_else(|| "merge".to_owned());
    world.merge_pull(visit.account()?, id, visit.id("number")?, &method, None)?;
    back(world, visit, id)
}

fn back(world: &World, visit: &Visit, id: RepositoryId) -> Result<Response, Refusal> {
    see_issue(world, id, visit.id("number")?)
}

fn see_issue(world: &World, id: RepositoryId, number: u64) -> Result<Response, Refusal> {
    let room = if world.issue(id, number)?.pull.is_some() { "pull" } else { "issues" };
    see_below(world, id, &format!("/{room}/{number}"))
}
