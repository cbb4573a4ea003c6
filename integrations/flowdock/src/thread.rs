//! How what leaves looks at Flowdock: one thing that happened, and the whole thread after it. Flowdock replaces a thread by
//! what is posted, so nothing may be left out.
//! <https://github.com/flowdock/api-docs/blob/master/docs/threads.md>

use integration_contract::{
    Author, Button, Change, Comment, Item, ItemKind, ItemState, OutgoingEntry, OutgoingItem, Status, text,
};

use crate::{
    html,
    wire::{Action, Colour, Event, Post, PostAuthor, Target, Thread, ThreadField, ThreadStatus},
};

/// Flowdock documents no limits for threads. These are what people read.
const TITLE: usize = 200;
const BODY: usize = 4000;
const FIELD: usize = 150;
const NAME: usize = 100;
const WORD: usize = 40;
/// Of a list of people or labels.
const MOST_NAMES: usize = 10;

// ---- an entry

/// `id` is the outbox message's; `first` = nothing of the entry is there yet.
pub(crate) fn entry(id: &str, entry: &OutgoingEntry, first: bool, buttons: &[Button]) -> Post {
    let (did, word, color) = match entry.status {
        _ if entry.archived => ("no longer has this in the log", "archived", Colour::Grey),
        Status::Done => ("got this done", "done", Colour::Green),
        Status::Goal => ("has a goal", "goal", Colour::Yellow),
        Status::Blocked => ("is blocked", "blocked", Colour::Red),
    };
    let title = if first || entry.archived { did.to_owned() } else { format!("{did} (changed)") };
    let status = ThreadStatus { value: word.to_owned(), color };
    let external_url = html::web(&entry.url);
    let thread = if entry.archived {
        // Whoever takes an entry out of the log may have written what nobody should read.
        let title = "An entry that is not in the log any more".to_owned();
        Thread { title, body: String::new(), external_url, status, fields: Vec::new(), actions: Vec::new() }
    } else {
        Thread {
            title: or(html::line(&entry.text, TITLE), "An entry"),
            body: more_than_a_title(&entry.text),
            external_url,
            status,
            fields: fields([
                ("Who", html::line(&entry.author, FIELD)),
                ("Team", html::line(&entry.team, FIELD)),
                ("Day", html::line(&entry.day, FIELD)),
                ("From", named(entry.source_url.as_deref(), entry.source.as_deref().unwrap_or_default())),
            ]),
            actions: actions(
                buttons,
                [
                    ("Open in the log".to_owned(), Some(entry.url.as_str())),
                    (format!("Open {}", entry.source.as_deref().unwrap_or_default()), entry.source_url.as_deref()),
                ],
            ),
        }
    };
    Post {
        event: Event::Activity,
        uuid: id.to_owned(),
        title,
        body: None,
        author: author(&entry.author, entry.author_avatar.as_deref()),
        external_thread_id: format!("entry:{}", entry.id),
        thread,
    }
}

/// The text, when there is more of it than the title shows.
fn more_than_a_title(written: &str) -> String {
    let written = written.trim();
    if text::first_line(written, TITLE) == written { String::new() } else { html::body(written, BODY) }
}

// ---- an item

/// `id` is the outbox message's.
pub(crate) fn item(id: &str, told: &OutgoingItem, buttons: &[Button]) -> Post {
    let (item, change) = (&told.item, &told.change);
    let name = |url: Option<&str>| named(url.or(item.url.as_deref()), &item.name);
    let (event, title, body) = match (&told.trouble, &change.what) {
        (Some(trouble), _) => {
            (Event::Activity, format!("could not change {}", name(None)), Some(html::body(trouble, BODY)))
        }
        (None, Change::Commented(comment)) => {
            (Event::Discussion, format!("commented on {}", name(comment.url.as_deref())), Some(said(comment)))
        }
        (None, Change::CommentEdited(comment)) => {
            (Event::Discussion, format!("edited a comment on {}", name(comment.url.as_deref())), Some(said(comment)))
        }
        (None, what) => (Event::Activity, did(item, what, &name(None)), None),
    };
    Post {
        event,
        uuid: id.to_owned(),
        title,
        body,
        author: author(&change.by.name, change.by.avatar.as_deref()),
        external_thread_id: format!("item:{}", told.id),
        thread: of_item(told, buttons),
    }
}

/// What the author did, after their name.
fn did(item: &Item, what: &Change, name: &str) -> String {
    let state = html::line(&item.state_word, WORD);
    match what {
        Change::Opened => format!("opened {name}"),
        Change::Edited => format!("edited {name}"),
        Change::Closed if matches!(item.state_word.as_str(), "merged" | "solved") => format!("{state} {name}"),
        Change::Closed => format!("closed {name}"),
        Change::Reopened => format!("reopened {name}"),
        Change::StateChanged if state.is_empty() => format!("changed {name}"),
        Change::StateChanged => format!("set {name} to {state}"),
        Change::Assigned if item.assignees.is_empty() => format!("took everybody off {name}"),
        Change::Assigned => format!("assigned {name} to {}", names(&item.assignees)),
        Change::Labelled if item.labels.is_empty() => format!("took the labels off {name}"),
        Change::Labelled => format!("labelled {name} {}", listed(item.labels.iter().map(String::as_str))),
        Change::Commented(_) => format!("commented on {name}"),
        Change::CommentEdited(_) => format!("edited a comment on {name}"),
        Change::CommentDeleted(_) => format!("deleted a comment on {name}"),
        Change::Deleted => format!("deleted {name}"),
        Change::Moved { url } => match url.as_deref().and_then(html::web) {
            Some(url) => format!("moved {name} to {}", html::link(Some(&url), &url)),
            None => format!("moved {name}"),
        },
    }
}

/// What somebody wrote, and what they attached.
fn said(comment: &Comment) -> String {
    let attached = comment.attachments.iter().take(MOST_NAMES);
    let attached: String = attached.map(|file| format!("<br>📎 {}", named(Some(&file.url), &file.name))).collect();
    or(html::body(&comment.body, BODY), "(nothing)") + &attached
}

fn of_item(told: &OutgoingItem, buttons: &[Button]) -> Thread {
    let item = &told.item;
    let over = matches!(told.change.what, Change::Deleted | Change::Moved { .. });
    let (label, open) = match item.kind {
        ItemKind::Issue => ("Issue", "Open the issue"),
        ItemKind::PullRequest => ("Pull request", "Open the pull request"),
        ItemKind::Ticket => ("Ticket", "Open the ticket"),
    };
    Thread {
        title: or(html::line(&item.title, TITLE), &html::line(&item.name, TITLE)),
        body: html::body(&item.body, BODY),
        external_url: item.url.as_deref().and_then(html::web),
        status: status(item, &told.change.what),
        fields: fields([
            (label, named(item.url.as_deref(), &item.name)),
            ("Author", html::line(&item.author.name, FIELD)),
            ("Assignees", names(&item.assignees)),
            ("Labels", listed(item.labels.iter().map(String::as_str))),
            ("From", html::line(&told.source, FIELD)),
        ]),
        // There is nothing left that a button could be about.
        actions: if over { Vec::new() } else { actions(buttons, [(open.to_owned(), item.url.as_deref())]) },
    }
}

fn status(item: &Item, what: &Change) -> ThreadStatus {
    let (fallback, color) = match (what, item.state) {
        (Change::Deleted, _) => return ThreadStatus { value: "deleted".to_owned(), color: Colour::Black },
        (Change::Moved { .. }, _) => return ThreadStatus { value: "moved".to_owned(), color: Colour::Grey },
        (_, ItemState::Open) => ("open", Colour::Green),
        (_, ItemState::Waiting) => ("waiting", Colour::Yellow),
        (_, ItemState::Closed) if item.state_word == "merged" => ("merged", Colour::Purple),
        (_, ItemState::Closed) => ("closed", Colour::Red),
    };
    ThreadStatus { value: or(html::plain(&item.state_word, WORD), fallback), color }
}

// ---- shared by both

/// Flowdock wants a name.
fn author(name: &str, avatar: Option<&str>) -> PostAuthor {
    PostAuthor { name: or(html::plain(name, NAME), "Somebody"), avatar: avatar.and_then(html::web) }
}

fn or(text: String, otherwise: &str) -> String {
    if text.trim().is_empty() { otherwise.to_owned() } else { text }
}

/// Those that say something.
fn fields<const N: usize>(all: [(&'static str, String); N]) -> Vec<ThreadField> {
    let said = all.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(label, value)| ThreadField { label, value }).collect()
}

/// A name that leads to what it names.
fn named(url: Option<&str>, name: &str) -> String {
    html::link(url, &text::first_line(name, FIELD))
}

fn names(people: &[Author]) -> String {
    listed(people.iter().map(|person| person.name.as_str()))
}

fn listed<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = all.len().saturating_sub(MOST_NAMES);
    let shown: Vec<_> = all.take(MOST_NAMES).map(|name| html::line(name, WORD)).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What calls us, then what leads somewhere.
fn actions<const N: usize>(buttons: &[Button], views: [(String, Option<&str>); N]) -> Vec<Action> {
    let calls = buttons.iter().map(|button| Action::UpdateAction {
        name: html::plain(&button.name, NAME),
        target: Target::EntryPoint { url_template: button.url.to_string(), http_method: "POST" },
    });
    let views = views.into_iter().filter_map(|(name, url)| {
        let url = url.and_then(html::web)?;
        Some(Action::ViewAction { name: html::plain(&name, NAME), url })
    });
    calls.chain(views).collect()
}
