//! Issues, their comments, labels and assignees. <https://docs.github.com/rest/issues>

use serde_json::Value;

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::issues::{IssueChange, NewIssue};
use super::super::world::people::Role;
use super::super::world::repository::{Comment, Issue};
use super::super::world::{AccountId, RepositoryId, World};
use super::account::one_of;
use super::answer::Answer;
use super::call::{Call, Need};

/// Pull requests are issues too, and stand in this list.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    world.issues_enabled(id)?;
    let state = one_of(call, "state", &["open", "closed", "all"])?;
    let labels: Vec<&str> = call.query("labels").map(|it| it.split(',').collect()).unwrap_or_default();
    let since = since(call)?;
    // Somebody who does not exist opened nothing.
    let creator = call.query("creator").map(|login| world.account_named(login).map(|account| account.id));
    let fits = |it: &&Issue| {
        creator.is_none_or(|creator| creator == Some(it.author))
            && (state == "all" || it.open == (state == "open"))
            && labels.iter().all(|name| it.labels.iter().any(|label| label.eq_ignore_ascii_case(name)))
            && since.is_none_or(|since| it.updated >= since)
    };
    let mut found: Vec<&Issue> = place.issues.values().filter(fits).collect();
    match one_of(call, "sort", &["created", "updated", "comments"])? {
        "updated" => found.sort_by_key(|it| (it.updated, it.number)),
        "comments" => found.sort_by_key(|it| place.comments_of(it.number).count()),
        _ => {}
    }
    if one_of(call, "direction", &["desc", "asc"])? == "desc" {
        found.reverse();
    }
    Ok(Answer::page(world, call, found, |it| shapes::issue::issue(world, place, it)))
}

/// Only what changed at or after that.
fn since(call: &Call) -> Result<Option<jiff::Timestamp>, Refusal> {
    let since = call.query("since").map(str::parse::<jiff::Timestamp>).transpose();
    since.map_err(|_| Refusal::invalid("Issue", "since", "invalid"))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let mut assignees = call.texts("assignees")?.unwrap_or_default();
    assignees.extend(call.text("assignee")?);
    let new = NewIssue {
        title: title(call)?.ok_or_else(|| Refusal::invalid("Issue", "title", "missing_field"))?,
        body: call.text("body")?,
        assignees,
        labels: call.texts("labels")?.unwrap_or_default(),
    };
    let number = world.open_issue(call.caller()?.account, id, new)?;
    Ok(Answer::created(show(world, id, number)?))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let issue = world.issue(id, call.id("number")?)?;
    Ok(Answer::ok(shapes::issue::issue_in_full(world, world.repository(id)?, issue)))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let (who, number) = (call.caller()?.account, call.id("number")?);
    may_change(world, who, id, number)?;
    let open = match call.text("state")?.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(Refusal::invalid("Issue", "state", "invalid")),
    };
    let change = IssueChange {
        title: title(call)?,
        body: call.body.get("body").map(|_| call.text("body")).transpose()?,
        open,
        state_reason: call.text("state_reason")?,
        assignees: call.texts("assignees")?,
        labels: call.texts("labels")?,
    };
    world.change_issue(who, id, number, change)?;
    Ok(Answer::ok(show(world, id, number)?))
}

pub(super) fn comments(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let number = world.issue(id, call.id("number")?)?.number;
    let since = since(call)?;
    let place = world.repository(id)?;
    let comments = place.comments_of(number).filter(|it| since.is_none_or(|since| it.updated >= since)).collect();
    Ok(Answer::page(world, call, comments, |it| shapes::issue::comment(world, place, it)))
}

pub(super) fn all_comments(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let since = since(call)?;
    let mut comments: Vec<_> =
        place.comments.values().filter(|it| since.is_none_or(|since| it.updated >= since)).collect();
    // GitHub ignores the direction where no order was asked for.
    if call.query("sort").is_some() {
        if one_of(call, "sort", &["created", "updated"])? == "updated" {
            comments.sort_by_key(|it| (it.updated, it.id));
        }
        if one_of(call, "direction", &["desc", "asc"])? == "desc" {
            comments.reverse();
        }
    }
    Ok(Answer::page(world, call, comments, |it| shapes::issue::comment(world, place, it)))
}

pub(super) fn create_comment(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let body = call.text("body")?.ok_or_else(|| Refusal::schema("\"body\" wasn't supplied."))?;
    let comment = world.comment(call.caller()?.account, id, call.id("number")?, body)?;
    Ok(Answer::created(show_comment(world, id, comment)?))
}

pub(super) fn comment(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    Ok(Answer::ok(show_comment(world, id, call.id("comment")?)?))
}

pub(super) fn edit_comment(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let (who, comment) = (call.caller()?.account, call.id("comment")?);
    may_change_comment(world, who, id, comment)?;
    let body = call.text("body")?.ok_or_else(|| Refusal::schema("\"body\" wasn't supplied."))?;
    world.edit_comment(who, id, comment, body)?;
    Ok(Answer::ok(show_comment(world, id, comment)?))
}

pub(super) fn delete_comment(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let (who, comment) = (call.caller()?.account, call.id("comment")?);
    may_change_comment(world, who, id, comment)?;
    world.delete_comment(who, id, comment)?;
    Ok(Answer::nothing())
}

/// Who can't be assigned, and whose wish doesn't count, is passed over without a word.
pub(super) fn assign(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let number = call.id("number")?;
    let wanted = call.texts("assignees")?.unwrap_or_default();
    world.assign(call.caller()?.account, id, number, &wanted)?;
    Ok(Answer::created(show(world, id, number)?))
}

pub(super) fn unassign(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let number = call.id("number")?;
    let unwanted = call.texts("assignees")?.unwrap_or_default();
    world.unassign(call.caller()?.account, id, number, &unwanted)?;
    Ok(Answer::ok(show(world, id, number)?))
}

pub(super) fn labels(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let issue = world.issue(id, call.id("number")?)?;
    let place = world.repository(id)?;
    let labels = issue.labels.iter().filter_map(|name| place.label(name)).collect();
    Ok(Answer::page(world, call, labels, |it| shapes::repository::label(world, place, it)))
}

pub(super) fn add_labels(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    relabel(world, call, |mut before, given| {
        before.extend(given);
        before
    })
}

pub(super) fn set_labels(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    relabel(world, call, |_, given| given)
}

pub(super) fn clear_labels(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    relabel(world, call, |_, _| vec![])?;
    Ok(Answer::nothing())
}

pub(super) fn remove_label(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.param("name");
    relabel(world, call, |mut before, _| {
        before.retain(|label| !label.eq_ignore_ascii_case(name));
        before
    })
}

fn relabel(
    world: &mut World,
    call: &Call,
    change: impl FnOnce(Vec<String>, Vec<String>) -> Vec<String>,
) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Triage)?;
    let number = call.id("number")?;
    let before = world.issue(id, number)?.labels.clone();
    let wanted = change(before, call.texts("labels")?.unwrap_or_default());
    world.set_labels(call.caller()?.account, id, number, &wanted)?;
    labels(world, call)
}

pub(super) fn lock(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let reason = call.text("lock_reason")?;
    if reason.as_deref().is_some_and(|it| !matches!(it, "off-topic" | "too heated" | "resolved" | "spam")) {
        return Err(Refusal::invalid("Issue", "lock_reason", "invalid"));
    }
    world.lock_issue(call.caller()?.account, id, call.id("number")?, reason)?;
    Ok(Answer::nothing())
}

pub(super) fn unlock(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    world.unlock_issue(call.caller()?.account, id, call.id("number")?)?;
    Ok(Answer::nothing())
}

/// The author may change their own issue; everyone else needs to sort issues here.
pub(in super::super) fn may_change(
    world: &World,
    who: AccountId,
    repository: RepositoryId,
    number: u64,
) -> Result<(), Refusal> {
    let own = world.issue(repository, number)?.author == who;
    may_sort(world, who, repository, own)
}

pub(in super::super) fn may_change_comment(
    world: &World,
    who: AccountId,
    repository: RepositoryId,
    comment: u64,
) -> Result<(), Refusal> {
    let found: &Comment = world.repository(repository)?.comments.get(&comment).ok_or_else(Refusal::not_found)?;
    may_sort(world, who, repository, found.author == who)
}

fn may_sort(world: &World, who: AccountId, repository: RepositoryId, own: bool) -> Result<(), Refusal> {
    match own || world.role(Some(who), world.repository(repository)?) >= Some(Role::Triage) {
        true => Ok(()),
        false => Err(Refusal::forbidden("Must have admin rights to Repository.")),
    }
}

/// A title may be sent as a number; GitHub takes it as its digits.
fn title(call: &Call) -> Result<Option<String>, Refusal> {
    match call.body.get("title") {
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        _ => call.text("title"),
    }
}

fn show(world: &World, repository: RepositoryId, number: u64) -> Result<Value, Refusal> {
    let issue = world.issue(repository, number)?;
    Ok(shapes::issue::issue_in_full(world, world.repository(repository)?, issue))
}

fn show_comment(world: &World, repository: RepositoryId, id: u64) -> Result<Value, Refusal> {
    let place = world.repository(repository)?;
    let comment = place.comments.get(&id).ok_or_else(Refusal::not_found)?;
    Ok(shapes::issue::comment(world, place, comment))
}
