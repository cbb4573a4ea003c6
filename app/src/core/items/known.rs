//! What is known of an item's changes: whether one that is told is news.
//!
//! A change is known by its id when it was told before. What we did ourselves was recorded from the partner's answer, and
//! the partner then tells us of it as of anything else: that **echo** has an id that nobody could know, and is recognised
//! by what came of it. The picture does not help there. It may show a comment's hook the item as closed already, and the
//! hook that it was closed is news all the same.

use std::collections::BTreeMap;

use integration_contract::{Change, Item, ItemChange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::core::sealing::digest_of;

/// How many changes are remembered by name. Hooks that are delivered again are known by their marks; this is for one
/// change that comes in two hooks.
const MOST: usize = 40;

/// As it stands in the item's row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// The names of the last changes, oldest first.
    #[serde(default)]
    changes: Vec<String>,
    /// What we did last to each side of the item, until somebody does something else to it.
    #[serde(default)]
    own: BTreeMap<Side, Own>,
}

/// What of an item a change is about. A comment is about none: it adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Text,
    State,
    Assignees,
    Labels,
}

/// What we did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Own {
    /// What came of it, as a digest.
    value: String,
    /// As which account.
    by: Option<String>,
    /// When, by the partner's clock, in unix seconds.
    changed_at: Option<i64>,
}

impl Known {
    pub fn read(row: Option<&Value>) -> Self {
        row.and_then(|known| Self::deserialize(known).ok()).unwrap_or_default()
    }

    pub fn to_json(&self) -> Value {
        json!(self)
    }

    /// The partner tells of a change; says whether it is news.
    pub fn hear(&mut self, change: &ItemChange) -> bool {
        if !self.remember(change) {
            return false;
        }
        let Some(side) = side(&change.what) else { return true };
        let Some(own) = self.own.get(&side) else { return true };
        // Some deeds come back as several changes, and only the last of them shows all that came of it.
        let on_the_way = own.by.is_some()
            && own.by == change.by.id
            && matches!((change.item.updated_at, own.changed_at), (Some(at), Some(own)) if at <= own);
        if on_the_way || own.value == value(side, &change.item) {
            return false;
        }
        self.own.remove(&side);
        true
    }

    /// We changed the item, which stood like `before` as far as we know; says whether that is news.
    pub fn did(&mut self, change: &ItemChange, before: Option<&Item>) -> bool {
        let new = self.remember(change);
        let Some(side) = side(&change.what) else { return new };
        let value = value(side, &change.item);
        if before.is_some_and(|before| self::value(side, before) == value) {
            return false;
        }
        let own = Own { value, by: change.by.id.clone(), changed_at: change.item.updated_at };
        self.own.insert(side, own);
        new
    }

    /// Says whether it is new.
    fn remember(&mut self, change: &ItemChange) -> bool {
        let name = name_of(change);
        if self.changes.contains(&name) {
            return false;
        }
        self.changes.push(name);
        let too_many = self.changes.len().saturating_sub(MOST);
        self.changes.drain(..too_many);
        true
    }
}

/// The lasting name of a change within its item, however long its id: a word for people and a piece of the id's digest.
pub fn name_of(change: &ItemChange) -> String {
    format!("{}:{}", word(&change.what), short_digest(change.id.as_bytes()))
}

/// What happened, in a word.
pub fn word(change: &Change) -> &'static str {
    match change {
        Change::Opened => "opened",
        Change::Edited => "edited",
        Change::Closed => "closed",
        Change::Reopened => "reopened",
        Change::StateChanged => "state_changed",
        Change::Assigned => "assigned",
        Change::Labelled => "labelled",
        Change::Commented(_) => "commented",
        Change::CommentEdited(_) => "comment_edited",
        Change::CommentDeleted(_) => "comment_deleted",
        Change::Deleted => "deleted",
        Change::Moved { .. } => "moved",
    }
}

fn side(change: &Change) -> Option<Side> {
    match change {
        Change::Edited => Some(Side::Text),
        Change::Closed | Change::Reopened | Change::StateChanged => Some(Side::State),
        Change::Assigned => Some(Side::Assignees),
        Change::Labelled => Some(Side::Labels),
        Change::Opened
        | Change::Commented(_)
        | Change::CommentEdited(_)
        | Change::CommentDeleted(_)
        | Change::Deleted
        | Change::Moved { .. } => None,
    }
}

/// One side of the item, as a digest. The order of people and labels says nothing.
fn value(side: Side, item: &Item) -> String {
    let sorted = |mut texts: Vec<&str>| {
        texts.sort_unstable();
        json!(texts)
    };
    let value = match side {
        Side::Text => json!([item.title, item.body]),
        Side::State => json!([item.state, item.state_word]),
        Side::Assignees => {
            sorted(item.assignees.iter().map(|one| one.id.as_deref().unwrap_or(one.name.as_str())).collect())
        }
        Side::Labels => sorted(item.labels.iter().map(String::as_str).collect()),
    };
    short_digest(value.to_string().as_bytes())
}

/// Within one item, 64 bits tell enough apart.
fn short_digest(bytes: &[u8]) -> String {
    hex::encode(&digest_of(bytes)[..8])
}

#[cfg(test)]
mod tests {
    use integration_contract::{Author, Comment, ItemKind, ItemState};

    use super::*;

    fn item(state: ItemState, at: i64) -> Item {
        Item {
            id: "7".into(),
            kind: ItemKind::Issue,
            name: "workshop#7".into(),
            title: "The door sticks".into(),
            body: String::new(),
            url: None,
            state,
            state_word: format!("{state:?}"),
            author: Author::default(),
            assignees: Vec::new(),
            labels: Vec::new(),
            external_id: None,
            created_at: None,
            updated_at: Some(at),
        }
    }

    fn change(id: &str, what: Change, by: &str, item: Item) -> ItemChange {
        let by = Author { id: Some(by.into()), name: by.into(), ..Author::default() };
        ItemChange { id: id.into(), what, by, at: None, item }
    }

    fn closed(id: &str, by: &str, at: i64) -> ItemChange {
        change(id, Change::Closed, by, item(ItemState::Closed, at))
    }

    fn reopened(id: &str, by: &str, at: i64) -> ItemChange {
        change(id, Change::Reopened, by, item(ItemState::Open, at))
    }

    #[test]
    fn a_change_is_news_once() {
        let mut known = Known::default();
        assert!(known.hear(&closed("1", "ada", 1)));
        assert!(!known.hear(&closed("1", "ada", 1)));
        assert!(known.hear(&reopened("2", "ada", 2)));
        let again = Known::read(Some(&known.to_json()));
        assert_eq!(again, known);
        for id in 3..100 {
            assert!(known.hear(&closed(&id.to_string(), "ada", id)));
        }
        assert_eq!(known.changes.len(), MOST);
    }

    #[test]
    fn what_a_comments_hook_shows_already_is_news_when_it_is_told() {
        let mut known = Known::default();
        let comment = Comment {
            id: "c1".into(),
            body: "Done.".into(),
            url: None,
            author: Author::default(),
            attachments: Vec::new(),
        };
        assert!(known.hear(&change("1", Change::Commented(comment), "ada", item(ItemState::Closed, 5))));
        assert!(known.hear(&closed("2", "ada", 5)));
    }

    #[test]
    fn an_echo_of_what_we_did_is_no_news_and_the_next_of_its_kind_is() {
        let mut known = Known::default();
        assert!(known.did(&closed("act:1", "ada", 5), Some(&item(ItemState::Open, 1))));
        assert!(!known.hear(&closed("1", "ada", 5)));
        assert!(known.hear(&reopened("2", "bob", 6)));
        assert!(known.hear(&closed("3", "ada", 7)), "somebody else opened it in between");
    }

    #[test]
    fn a_deed_that_comes_back_in_pieces_is_known_by_who_did_it_and_when() {
        let labelled = |id: &str, by: &str, at: i64, labels: &[&str]| {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            change(id, Change::Labelled, by, Item { labels, ..item(ItemState::Open, at) })
        };
        let mut known = Known::default();
        assert!(known.did(&labelled("act:1", "ada", 5, &["a", "b"]), Some(&item(ItemState::Open, 1))));
        assert!(!known.hear(&labelled("1", "ada", 5, &["a"])));
        assert!(!known.hear(&labelled("2", "ada", 5, &["b", "a"])));
        assert!(known.hear(&labelled("3", "ada", 6, &["a"])), "she took one away later");
        assert!(known.hear(&labelled("4", "bob", 5, &["c"])));
    }

    #[test]
    fn what_was_so_already_is_no_news() {
        let mut known = Known::default();
        assert!(!known.did(&closed("act:1", "ada", 5), Some(&item(ItemState::Closed, 5))));
        assert!(known.hear(&closed("1", "bob", 4)), "nobody was told of it yet");
    }

    #[test]
    fn a_name_is_short_and_says_what_happened() {
        let long = closed(&"x".repeat(10_000), "ada", 1);
        assert!(name_of(&long).starts_with("closed:") && name_of(&long).len() == 7 + 16);
        assert_ne!(name_of(&long), name_of(&closed("x", "ada", 1)));
    }
}
