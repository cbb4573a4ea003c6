//! Pull requests. <https://docs.github.com/rest/pulls/pulls>

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::issues::IssueChange;
use super::super::world::pulls::NewPull;
use super::super::world::repository::Issue;
use super::super::world::{RepositoryId, World};
use super::account::one_of;
use super::answer::Answer;
use super::call::{Call, Need};
use super::issues::may_change;

/// Only in the full shape, not in lists.
const DETAILS: [&str; 11] = [
    "merged",
    "mergeable",
    "rebaseable",
    "mergeable_state",
    "merged_by",
    "comments",
    "review_comments",
    "maintainer_can_modify",
    "commits",
    "additions",
    "deletions",
];

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let place = world.repository(id)?;
    let state = one_of(call, "state", &["open", "closed", "all"])?;
    let named = |parameter: &str, value: &str| call.query(parameter).is_none_or(|it| it == value);
    let owner = &world.account(place.owner).login;
    let fits = |it: &&Issue| {
        it.pull.as_ref().is_some_and(|pull| {
            named("base", &pull.base)
                && (named("head", &pull.head) || named("head", &format!("{owner}:{}", pull.head)))
                && (state == "all" || it.open == (state == "open"))
        })
    };
    let mut found: Vec<&Issue> = place.issues.values().filter(fits).collect();
    // By when it was created the newest is first, by anything else the first is.
    let sort = one_of(call, "sort", &["created", "updated", "popularity", "long-running"])?;
    let directions = if sort == "created" { ["desc", "asc"] } else { ["asc", "desc"] };
    match sort {
        "updated" => found.sort_by_key(|it| (it.updated, it.number)),
        "popularity" => found.sort_by_key(|it| place.comments_of(it.number).count()),
        _ => {}
    }
    if one_of(call, "direction", &directions)? == "desc" {
        found.reverse();
    }
    Ok(Answer::page(world, call, found, |it| {
        let mut row = show_issue(world, id, it);
        if let Value::Object(fields) = &mut row {
            fields.retain(|name, _| !DETAILS.contains(&name.as_str()) && name != "changed_files");
        }
        row
    }))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let needed = |field: &str| {
        let text = call.text(field)?;
        text.ok_or_else(|| Refusal::invalid("PullRequest", field, "missing_field"))
    };
    let new = NewPull {
        title: needed("title")?,
        body: call.text("body")?,
        head: needed("head")?,
        base: needed("base")?,
        draft: call.flag("draft")?.unwrap_or(false),
    };
    let number = world.open_pull(call.caller()?.account, id, new)?;
    Ok(Answer::created(show(world, id, number)?))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    Ok(Answer::ok(show(world, id, call.id("number")?)?))
}

pub(super) fn change(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::TakePart)?;
    let (who, number) = (call.caller()?.account, call.id("number")?);
    world.pull(id, number)?;
    may_change(world, who, id, number)?;
    let open = match call.text("state")?.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(Refusal::invalid("PullRequest", "state", "invalid")),
    };
    let body = call.body.get("body").map(|_| call.text("body")).transpose()?;
    let change = IssueChange { title: call.text("title")?, body, open, ..IssueChange::default() };
    world.change_issue(who, id, number, change)?;
    Ok(Answer::ok(show(world, id, number)?))
}

pub(super) fn commits(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    let pull = world.pull(id, call.id("number")?)?;
    let place = world.repository(id)?;
    let commits = place.ahead(&pull.base_sha, &pull.head_sha);
    Ok(Answer::page(world, call, commits, |it| shapes::code::commit(world, place, it)))
}

pub(super) fn is_merged(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Read)?;
    match world.pull(id, call.id("number")?)?.merged {
        Some(_) => Ok(Answer::nothing()),
        None => Err(Refusal::not_found()),
    }
}

pub(super) fn merge(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.repository(world, Need::Push)?;
    let number = call.id("number")?;
    let head = &world.pull(id, number)?.head_sha;
    if call.text("sha")?.is_some_and(|sha| sha != *head) {
        let message = "Head branch was modified. Review and try the merge again.";
        return Err(Refusal::new(StatusCode::CONFLICT, message));
    }
    let title = call.text("commit_title")?;
    let message = title.map(|title| match call.text("commit_message") {
        Ok(Some(more)) => format!("{title}\n\n{more}"),
        _ => title,
    });
    let method = call.text("merge_method")?.unwrap_or_else(|| "merge".to_owned());
    let sha = world.merge_pull(call.caller()?.account, id, number, &method, message)?;
    Ok(Answer::ok(json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"})))
}

fn show(world: &World, repository: RepositoryId, number: u64) -> Result<Value, Refusal> {
    world.pull(repository, number)?;
    Ok(show_issue(world, repository, world.issue(repository, number)?))
}

fn show_issue(world: &World, repository: RepositoryId, issue: &Issue) -> Value {
    match (world.repository(repository), &issue.pull) {
        (Ok(place), Some(pull)) => shapes::issue::pull(world, place, issue, pull),
        _ => Value::Null,
    }
}
