//! What GitHub's events say, as a person would write it. Pure: no clock, no network.
//!
//! External ids name what happened, not its delivery, so GitHub may tell a thing twice under two GUIDs. What can truly
//! happen again (closing, reopening) has its time in its id.

use integration_contract::{
    Author, Error, ErrorKind, Happening, LinkSettings, NewEntry, Reading, Result, Status, text,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    item::readable,
    link::Settings,
    wire::{
        Account, Comment, Envelope, Issue, IssueComment, Issues, Meta, PullRequest, PullRequestEvent, Push, Release,
        ReleaseEvent, Repository, RepositoryEvent,
    },
};

/// A title, a commit's first line, a comment's first line: enough to know it again.
const TITLE: usize = 200;
/// A branch, a tag, a login.
const NAME: usize = 100;
/// GitHub puts at most this many commits into a push.
const MOST_COMMITS: usize = 2048;
/// Git itself allows fewer.
const LONGEST_REF: usize = 1024;

// ---- pushes

pub(crate) fn push(told: &Envelope<Push>) -> Result<Reading> {
    let push = &told.event;
    let sha = |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !sha(&push.before) || !sha(&push.after) || push.reference.len() > LONGEST_REF {
        return Err(Error::new(ErrorKind::Malformed, "The push does not say what was pushed."));
    }
    let sentence = match push.reference.split_once('/').and_then(|(_, rest)| rest.split_once('/')) {
        Some(("heads", branch)) => branch_sentence(push, &line(branch, NAME)),
        Some(("tags", tag)) => tag_sentence(push, &line(tag, NAME)),
        _ => Err("Neither a branch nor a tag was pushed."),
    };
    let text = match sentence {
        Ok(text) => text,
        Err(reason) => return Ok(Reading::ignored(reason)),
    };
    let author = match (&told.sender, &push.pusher) {
        (Some(sender), _) => author(&[Some(sender)]),
        (None, pusher) => nobody(pusher.as_ref().and_then(|pusher| pusher.name.as_deref())),
    };
    Ok(Reading::of(Happening::Entry(NewEntry {
        external_id: format!("push:{}:{}..{}", push.reference, push.before, push.after),
        text,
        status: Status::Done,
        url: link(push.compare.as_deref()),
        source: repository_name(told),
        author,
        item: None,
        happened_at: pushed_at(&told.repository),
    })))
}

fn branch_sentence(push: &Push, branch: &str) -> Result<String, &'static str> {
    if push.deleted {
        return Err("A branch was deleted; what was done on it stays done.");
    }
    // Only what no other branch had: a merge does not tell a branch's commits a second time.
    let new = push.commits.iter().filter(|commit| commit.distinct != Some(false)).count();
    let told_before = push.commits.len() - new;
    let sentence = match (new, told_before) {
        (0, 0) if push.created => return Ok(format!("Created branch {branch}")),
        (0, 0) if push.forced => format!("Force-pushed {branch}"),
        (0, 0) => return Err("No commits were pushed."),
        (0, old) => format!("Brought {} from another branch to {branch}", commits(old)),
        (new, _) if push.created => format!("Pushed {} to the new branch {branch}", commits(new)),
        (new, _) if push.forced => format!("Force-pushed {} to {branch}", commits(new)),
        (new, _) => format!("Pushed {} to {branch}", commits(new)),
    };
    let head = push.head_commit.as_ref().map(|commit| colon(&commit.message)).unwrap_or_default();
    Ok(sentence + &head)
}

fn tag_sentence(push: &Push, tag: &str) -> Result<String, &'static str> {
    if push.deleted {
        return Err("A tag was deleted.");
    }
    Ok(if push.created { format!("Tagged {tag}") } else { format!("Moved tag {tag}") })
}

fn commits(number: usize) -> String {
    match number {
        1 => "1 commit".to_owned(),
        number if number >= MOST_COMMITS => format!("{MOST_COMMITS} commits or more"),
        number => format!("{number} commits"),
    }
}

fn pushed_at(repository: &Repository) -> Option<i64> {
    match repository.pushed_at.as_ref()? {
        Value::Number(seconds) => plausible(seconds.as_i64()?),
        Value::String(text) => seconds(Some(text)),
        _ => None,
    }
}

// ---- issues

pub(crate) fn issues(told: &Envelope<Issues>) -> Reading {
    let issue = &told.event.issue;
    let opened = format!("issue:{}:opened", issue.id);
    let name = format!("issue #{}", issue.number);
    let entry = |external_id, text, at: &Option<String>, who: &[Option<&Account>]| {
        Reading::of(entry(told, issue.number, external_id, text, &issue.html_url, author(who), at))
    };
    let sender = told.sender.as_ref();
    match told.event.action.as_str() {
        "opened" => match told.event.changes.as_ref().and_then(|changes| changes.old_repository.as_ref()) {
            // GitHub tells the new repository of a transfer like this, and the age of the issue with it.
            Some(old) => {
                let from = line(&old.full_name, 2 * NAME);
                entry(opened, format!("Moved {name} here from {from}{}", colon(&issue.title)), &None, &[sender])
            }
            None => entry(opened, opened_issue(issue), &issue.created_at, &[sender, issue.user.as_ref()]),
        },
        "closed" => {
            let how = match issue.state_reason.as_deref() {
                Some("not_planned") => " as not planned",
                Some("duplicate") => " as a duplicate",
                _ => "",
            };
            let at = issue.closed_at.clone().or_else(|| issue.updated_at.clone());
            let id = format!("issue:{}:closed:{}", issue.id, moment(&at));
            entry(id, format!("Closed {name}{how}{}", colon(&issue.title)), &at, &[sender])
        }
        "reopened" => {
            let id = format!("issue:{}:reopened:{}", issue.id, moment(&issue.updated_at));
            entry(id, format!("Reopened {name}{}", colon(&issue.title)), &issue.updated_at, &[sender])
        }
        "edited" if retitled(told.event.changes.as_ref()) => edited(opened, opened_issue(issue)),
        "edited" => Reading::ignored("Only the text below the issue's title changed."),
        "deleted" => retracted(opened),
        other => untold("issues", other),
    }
}

fn opened_issue(issue: &Issue) -> String {
    format!("Opened issue #{}{}", issue.number, colon(&issue.title))
}

// ---- comments on issues and pull requests

pub(crate) fn comment(told: &Envelope<IssueComment>) -> Reading {
    let IssueComment { action, issue, comment } = &told.event;
    let external_id = format!("comment:{}", comment.id);
    match action.as_str() {
        "created" => {
            let who = author(&[told.sender.as_ref(), comment.user.as_ref()]);
            let text = commented(issue, comment);
            let at = &comment.created_at;
            Reading::of(entry(told, issue.number, external_id, text, &comment.html_url, who, at))
        }
        "edited" => edited(external_id, commented(issue, comment)),
        "deleted" => retracted(external_id),
        other => untold("issue_comment", other),
    }
}

fn commented(issue: &Issue, comment: &Comment) -> String {
    let what = if issue.pull_request.is_some() { "pull request " } else { "" };
    let body = readable(comment.body.as_deref());
    format!("Commented on {what}#{}{}", issue.number, colon(own_words(&body)))
}

/// A comment from its first line that does not quote somebody else's, if there is one.
fn own_words(body: &str) -> &str {
    let mut rest = body;
    loop {
        let line = rest.lines().next().unwrap_or_default().trim_start();
        if !line.is_empty() && !line.starts_with('>') {
            return rest;
        }
        match rest.split_once('\n') {
            Some((_, below)) => rest = below,
            None => return body,
        }
    }
}

// ---- pull requests

pub(crate) fn pull_request(told: &Envelope<PullRequestEvent>) -> Reading {
    let pull = &told.event.pull_request;
    let opened = format!("pull:{}:opened", pull.id);
    let name = format!("pull request #{}", pull.number);
    let title = colon(&pull.title);
    let sender = told.sender.as_ref();
    let entry = |external_id, text, at: &Option<String>, who: &[Option<&Account>]| {
        Reading::of(entry(told, pull.number, external_id, text, &pull.html_url, author(who), at))
    };
    match told.event.action.as_str() {
        "opened" => entry(opened, opened_pull(pull), &pull.created_at, &[sender, pull.user.as_ref()]),
        "closed" if pull.merged == Some(true) => {
            let at = pull.merged_at.clone().or_else(|| pull.closed_at.clone());
            entry(format!("pull:{}:merged", pull.id), format!("Merged {name}{title}"), &at, &[sender])
        }
        "closed" => {
            let at = pull.closed_at.clone().or_else(|| pull.updated_at.clone());
            let id = format!("pull:{}:closed:{}", pull.id, moment(&at));
            entry(id, format!("Closed {name} without merging{title}"), &at, &[sender])
        }
        "reopened" => {
            let id = format!("pull:{}:reopened:{}", pull.id, moment(&pull.updated_at));
            entry(id, format!("Reopened {name}{title}"), &pull.updated_at, &[sender])
        }
        "ready_for_review" => {
            let id = format!("pull:{}:ready:{}", pull.id, moment(&pull.updated_at));
            entry(id, format!("Marked {name} as ready for review{title}"), &pull.updated_at, &[sender])
        }
        "edited" if retitled(told.event.changes.as_ref()) => edited(opened, opened_pull(pull)),
        "edited" => Reading::ignored("The pull request's title did not change."),
        other => untold("pull_request", other),
    }
}

fn opened_pull(pull: &PullRequest) -> String {
    let draft = if pull.draft == Some(true) { "draft " } else { "" };
    format!("Opened {draft}pull request #{}{}", pull.number, colon(&pull.title))
}

// ---- releases

pub(crate) fn release(told: &Envelope<ReleaseEvent>) -> Reading {
    let release = &told.event.release;
    let external_id = format!("release:{}", release.id);
    let renamed =
        told.event.changes.as_ref().is_some_and(|changes| changes.name.is_some() || changes.tag_name.is_some());
    match told.event.action.as_str() {
        "published" => Reading::of(Happening::Entry(NewEntry {
            external_id,
            text: released(release),
            status: Status::Done,
            url: link(release.html_url.as_deref()),
            source: repository_name(told),
            author: author(&[told.sender.as_ref(), release.author.as_ref()]),
            item: None,
            happened_at: seconds(release.published_at.as_deref()),
        })),
        // Publishing one release sends three events; the other two say nothing new.
        "created" | "released" | "prereleased" => Reading::ignored("A release is told when it is published."),
        "edited" if renamed && !release.draft => edited(external_id, released(release)),
        "edited" => Reading::ignored("The release's name did not change, or it is still a draft."),
        "deleted" | "unpublished" => retracted(external_id),
        other => untold("release", other),
    }
}

fn released(release: &Release) -> String {
    let tag = line(&release.tag_name, NAME);
    let name = line(release.name.as_deref().unwrap_or_default(), TITLE);
    let verb = if release.prerelease { "Pre-released" } else { "Released" };
    if name.is_empty() || name == tag { format!("{verb} {tag}") } else { format!("{verb} {tag}: {name}") }
}

// ---- what happens to the repository and to our webhook

pub(crate) fn repository(settings: Settings, told: &Envelope<RepositoryEvent>) -> Reading {
    let gone = |reason: String| Reading::of(Happening::TargetGone { reason });
    let name = &settings.full_name;
    match told.event.action.as_str() {
        "renamed" | "transferred" => {
            let now = &told.repository;
            let html_url = link(now.html_url.as_deref()).unwrap_or_else(|| settings.html_url.clone());
            let settings = Settings { full_name: line(&now.full_name, 2 * NAME), html_url, ..settings };
            Reading::of(Happening::TargetChanged(LinkSettings::of(&settings)))
        }
        "archived" => gone(format!(
            "{name} was archived at GitHub, so nothing more happens in it. Unarchive it there, or remove this link."
        )),
        "deleted" => gone(format!("{name} was deleted at GitHub.")),
        // The way back from "archived".
        "unarchived" => Reading::of(Happening::HookWorks),
        other => untold("repository", other),
    }
}

pub(crate) fn meta(meta: &Meta, hook_id: Option<&str>) -> Reading {
    if meta.action != "deleted" {
        return untold("meta", &meta.action);
    }
    if hook_id != Some(meta.hook_id.to_string().as_str()) {
        return Reading::ignored("Another webhook was deleted, not this link's.");
    }
    let reason = "The webhook was deleted at GitHub, so nothing arrives. Try again to make it anew.";
    Reading::of(Happening::TargetGone { reason: reason.to_owned() })
}

// ---- shared by all of them

fn entry<T>(
    told: &Envelope<T>,
    number: u64,
    external_id: String,
    text: String,
    url: &Option<String>,
    author: Author,
    at: &Option<String>,
) -> Happening {
    Happening::Entry(NewEntry {
        external_id,
        text,
        status: Status::Done,
        url: link(url.as_deref()),
        source: format!("{}#{number}", repository_name(told)),
        author,
        item: Some(number.to_string()),
        happened_at: seconds(at.as_deref()),
    })
}

fn edited(external_id: String, text: String) -> Reading {
    Reading::of(Happening::EntryEdited { external_id, text })
}

fn retracted(external_id: String) -> Reading {
    Reading::of(Happening::EntryRetracted { external_id })
}

fn untold(event: &str, action: &str) -> Reading {
    Reading::ignored(format!("“{event}.{}” is not something that becomes an entry.", line(action, NAME)))
}

fn retitled(changes: Option<&crate::wire::Changes>) -> bool {
    changes.is_some_and(|changes| changes.title.is_some())
}

/// The first of these that is somebody.
pub(crate) fn author(who: &[Option<&Account>]) -> Author {
    let Some(account) = who.iter().flatten().find(|account| account.login.is_some()) else { return nobody(None) };
    Author {
        id: account.id.map(|id| id.to_string()),
        name: line(account.login.as_deref().unwrap_or_default(), NAME),
        url: link(account.html_url.as_deref()),
        avatar: link(account.avatar_url.as_deref()),
    }
}

/// Somebody without an account; GitHub itself calls who is gone "ghost".
fn nobody(name: Option<&str>) -> Author {
    Author { name: line(name.unwrap_or("ghost"), NAME), ..Author::default() }
}

pub(crate) fn repository_name<T>(told: &Envelope<T>) -> String {
    line(&told.repository.full_name, 2 * NAME)
}

/// `: title`, or nothing when there is none.
fn colon(title: &str) -> String {
    match line(title, TITLE) {
        title if title.is_empty() => title,
        title => format!(": {title}"),
    }
}

pub(crate) fn line(text: &str, limit: usize) -> String {
    text::first_line(&text::without_nul(text), limit)
}

/// Only what a browser may follow.
pub(crate) fn link(url: Option<&str>) -> Option<String> {
    let url = url::Url::parse(url?).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2000).then(|| url.to_string())
}

/// A time in an id: 0 when GitHub gave none.
fn moment(at: &Option<String>) -> i64 {
    seconds(at.as_deref()).unwrap_or(0)
}

pub(crate) fn seconds(text: Option<&str>) -> Option<i64> {
    plausible(text?.parse::<Timestamp>().ok()?.as_second())
}

/// From 1970 to 2100: a time beyond is a mistake, and would order the log by it.
fn plausible(seconds: i64) -> Option<i64> {
    (0..4_102_444_800).contains(&seconds).then_some(seconds)
}
