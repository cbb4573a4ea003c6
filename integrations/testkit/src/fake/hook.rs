//! What the fake partner's hooks say, in our words.

use std::time::{Duration, Instant};

use integration_contract::{
    Author, Change, Comment, Error, ErrorKind, Happening, Item, ItemChange, ItemKind, ItemState, LinkSettings,
    NewEntry, Reading, Result, Status,
};
use serde_json::Value;

use super::{ROOM, Settings, word};

pub(super) fn read(Settings { room, tell }: Settings, body: &Value) -> Result<Reading> {
    let external_id = word(body, "id").to_owned();
    let text = word(body, "text").to_owned();
    Ok(match word(body, "do") {
        "entry" if external_id.is_empty() || text.is_empty() => Reading::ignored("The entry has no id or no text."),
        "entry" => Reading::of(Happening::Entry(entry(body, external_id, text, &room))),
        "ask" => Reading::after_look_up(body),
        "edit" => Reading::of(Happening::EntryEdited { external_id, text }),
        "retract" => Reading::of(Happening::EntryRetracted { external_id }),
        "item" if external_id.is_empty() => Reading::ignored("The item has no id."),
        "item" => item(body, &room),
        "works" => Reading::of(Happening::HookWorks),
        "gone" => Reading::of(Happening::TargetGone { reason: format!("The room is gone: {}", word(body, "reason")) }),
        "rename" => {
            let settings = Settings { room: word(body, ROOM).to_owned(), tell };
            Reading::of(Happening::TargetChanged(LinkSettings::of(&settings)))
        }
        "malformed" => return Err(Error::new(ErrorKind::Malformed, "The hook asked to be malformed.")),
        "panic" => panic!("the hook asked for a panic"),
        "spin" => {
            spin(Duration::from_millis(body.get("ms").and_then(Value::as_u64).unwrap_or(0)));
            Reading::ignored("The hook asked for time.")
        }
        other => Reading::ignored(format!("“{other}” is nothing that the fake partner does.")),
    })
}

fn entry(body: &Value, external_id: String, text: String, room: &str) -> NewEntry {
    let status = match word(body, "status") {
        "goal" => Status::Goal,
        "blocked" => Status::Blocked,
        _ => Status::Done,
    };
    NewEntry {
        external_id,
        text,
        status,
        url: said(body, "url"),
        source: room.to_owned(),
        author: by(body),
        item: None,
        happened_at: body.get("at").and_then(Value::as_i64),
    }
}

fn item(body: &Value, room: &str) -> Reading {
    let word_of_change = word(body, "change");
    let Some(what) = change(word_of_change, body) else {
        return Reading::ignored(format!("“{word_of_change}” is nothing that happens to items."));
    };
    let at = body.get("at").and_then(Value::as_i64);
    let number = word(body, "id");
    let id = said(body, "change_id").unwrap_or_else(|| {
        let comment = body.get("comment").map(|comment| word(comment, "id")).unwrap_or_default();
        format!("{number}/{word_of_change}/{comment}/{}", at.unwrap_or_default())
    });
    let mut reading = Reading::default();
    if let Some(text) = said(body, "entry") {
        let about = NewEntry { item: Some(number.to_owned()), ..entry(body, format!("entry/{id}"), text, room) };
        reading.happenings.push(Happening::Entry(about));
    }
    let item = as_it_stands(body, &what, room, at);
    reading.happenings.push(Happening::Item(Box::new(ItemChange { id, what, by: by(body), at, item })));
    reading
}

fn change(word_of_change: &str, body: &Value) -> Option<Change> {
    Some(match word_of_change {
        "opened" => Change::Opened,
        "edited" => Change::Edited,
        "closed" => Change::Closed,
        "reopened" => Change::Reopened,
        "state_changed" => Change::StateChanged,
        "assigned" => Change::Assigned,
        "labelled" => Change::Labelled,
        "commented" => Change::Commented(comment(body)),
        "comment_edited" => Change::CommentEdited(comment(body)),
        "comment_deleted" => Change::CommentDeleted(comment(body).id),
        "deleted" => Change::Deleted,
        "moved" => Change::Moved { url: said(body, "to") },
        _ => return None,
    })
}

fn comment(body: &Value) -> Comment {
    let said = body.get("comment").unwrap_or(&Value::Null);
    Comment {
        id: word(said, "id").to_owned(),
        body: word(said, "body").to_owned(),
        url: self::said(said, "url"),
        author: if said.get("by").is_some() { by(said) } else { by(body) },
        attachments: Vec::new(),
    }
}

fn as_it_stands(body: &Value, what: &Change, room: &str, at: Option<i64>) -> Item {
    let id = word(body, "id").to_owned();
    let state = match (word(body, "state"), what) {
        ("closed", _) | ("", Change::Closed) => ItemState::Closed,
        ("waiting", _) => ItemState::Waiting,
        _ => ItemState::Open,
    };
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    Item {
        kind: match word(body, "kind") {
            "pull_request" => ItemKind::PullRequest,
            "ticket" => ItemKind::Ticket,
            _ => ItemKind::Issue,
        },
        name: format!("{room}#{id}"),
        title: said(body, "title").unwrap_or_else(|| format!("Item {id}")),
        body: word(body, "body").to_owned(),
        url: said(body, "url"),
        state,
        state_word: said(body, "state_word").unwrap_or_else(|| word_of(state).to_owned()),
        author: if body.get("author").is_some() { person(&body["author"]) } else { by(body) },
        assignees: list("assignees").iter().map(person).collect(),
        labels: list("labels").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        external_id: said(body, "external_id"),
        created_at: body.get("created_at").and_then(Value::as_i64),
        updated_at: at,
        id,
    }
}

/// What the fake partner calls a state.
pub(super) fn word_of(state: ItemState) -> &'static str {
    match state {
        ItemState::Open => "open",
        ItemState::Waiting => "waiting",
        ItemState::Closed => "closed",
    }
}

fn by(body: &Value) -> Author {
    person(body.get("by").unwrap_or(&Value::Null))
}

fn person(who: &Value) -> Author {
    Author {
        id: said(who, "id"),
        name: said(who, "name").unwrap_or_else(|| "somebody".to_owned()),
        avatar: said(who, "avatar"),
        url: None,
    }
}

fn said(body: &Value, name: &str) -> Option<String> {
    Some(word(body, name).to_owned()).filter(|word| !word.is_empty())
}

/// Busy, as a loop that went wrong would be; but not for ever, so that a test ends.
fn spin(time: Duration) {
    let end = Instant::now() + time.min(Duration::from_secs(60));
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}
