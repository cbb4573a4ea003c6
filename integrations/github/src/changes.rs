//! What GitHub's hooks say of issues and pull requests as items. What they become in the log is `reading`.
//!
//! What happens to a thing once has the thing's id. What can happen again has the name of the event, which GitHub gives to
//! each of its deliveries, to every webhook: times are whole seconds, and two changes can share one.

use integration_contract::{Author, Change, Happening, Item, ItemChange, ItemState, Reading};

use crate::{
    item::{DELETED, TRANSFERRED, of_comment, of_issue, of_pull},
    reading::{author, link, repository_name, seconds},
    wire::{Account, Changes, Envelope, IssueComment, Issues, PullRequestEvent},
};

/// What became an entry, or not, and beside it the change of the item.
pub(crate) fn beside(mut reading: Reading, change: Option<ItemChange>) -> Reading {
    if let Some(change) = change {
        reading.ignored = None;
        reading.happenings.push(Happening::Item(Box::new(change)));
    }
    reading
}

pub(crate) fn of_issues(told: &Envelope<Issues>, event: &str) -> Option<ItemChange> {
    let Issues { action, issue, changes } = &told.event;
    let changes = changes.as_ref();
    let what = match action.as_str() {
        "deleted" => Change::Deleted,
        "transferred" => {
            let there = changes.and_then(|changes| changes.new_issue.as_ref());
            Change::Moved { url: link(there.and_then(|issue| issue.html_url.as_deref())) }
        }
        action => of_both(action, changes)?,
    };
    let item = of_issue(&repository_name(told), issue);
    let at = match what {
        // A transferred issue is as old as it was.
        Change::Opened if moved_here(changes) => None,
        Change::Opened => issue.created_at.as_deref(),
        Change::Closed => issue.closed_at.as_deref().or(issue.updated_at.as_deref()),
        // Taking it away does not touch it.
        Change::Deleted | Change::Moved { .. } => None,
        _ => issue.updated_at.as_deref(),
    };
    let thing = format!("issue:{}", issue.id);
    Some(change(what, &thing, event, by(told.sender.as_ref(), issue.user.as_ref()), at, item))
}

pub(crate) fn of_pull_request(told: &Envelope<PullRequestEvent>, event: &str) -> Option<ItemChange> {
    let PullRequestEvent { action, pull_request: pull, changes } = &told.event;
    let what = match action.as_str() {
        "ready_for_review" | "converted_to_draft" => Change::StateChanged,
        action => of_both(action, changes.as_ref())?,
    };
    let at = match what {
        Change::Opened => pull.created_at.as_deref(),
        Change::Closed => pull.merged_at.as_deref().or(pull.closed_at.as_deref()).or(pull.updated_at.as_deref()),
        _ => pull.updated_at.as_deref(),
    };
    let item = of_pull(&repository_name(told), pull);
    let thing = format!("pull:{}", pull.id);
    Some(change(what, &thing, event, by(told.sender.as_ref(), pull.user.as_ref()), at, item))
}

pub(crate) fn of_issue_comment(told: &Envelope<IssueComment>, event: &str) -> Option<ItemChange> {
    let IssueComment { action, issue, comment } = &told.event;
    let what = match action.as_str() {
        "created" => Change::Commented(of_comment(comment)),
        "edited" => Change::CommentEdited(of_comment(comment)),
        "deleted" => Change::CommentDeleted(comment.id.to_string()),
        _ => return None,
    };
    let at = match what {
        Change::Commented(_) => comment.created_at.as_deref(),
        Change::CommentEdited(_) => comment.updated_at.as_deref(),
        _ => None,
    };
    let item = of_issue(&repository_name(told), issue);
    let thing = format!("comment:{}", comment.id);
    Some(change(what, &thing, event, by(told.sender.as_ref(), comment.user.as_ref()), at, item))
}

/// What happens to issues and to pull requests under the same names.
fn of_both(action: &str, changes: Option<&Changes>) -> Option<Change> {
    Some(match action {
        "opened" => Change::Opened,
        // A pull request's base is neither its title nor its text.
        "edited" if changes.is_none_or(|changes| changes.title.is_some() || changes.body.is_some()) => Change::Edited,
        "closed" => Change::Closed,
        "reopened" => Change::Reopened,
        "assigned" | "unassigned" => Change::Assigned,
        "labeled" | "unlabeled" => Change::Labelled,
        _ => return None,
    })
}

fn moved_here(changes: Option<&Changes>) -> bool {
    changes.is_some_and(|changes| changes.old_repository.is_some())
}

fn by(sender: Option<&Account>, user: Option<&Account>) -> Author {
    author(&[sender, user])
}

fn change(what: Change, thing: &str, event: &str, by: Author, at: Option<&str>, item: Item) -> ItemChange {
    let id = match what {
        Change::Opened => format!("{thing}:opened"),
        Change::Commented(_) => format!("{thing}:commented"),
        Change::CommentDeleted(_) | Change::Deleted => format!("{thing}:deleted"),
        Change::Moved { .. } => format!("{thing}:moved"),
        _ => format!("{thing}:{event}"),
    };
    let gone = |word: &str, item: Item| Item { state: ItemState::Closed, state_word: word.to_owned(), ..item };
    let item = match what {
        Change::Deleted => gone(DELETED, item),
        Change::Moved { .. } => gone(TRANSFERRED, item),
        _ => item,
    };
    ItemChange { id, what, by, at: seconds(at), item }
}
