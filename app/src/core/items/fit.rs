//! A change as a partner told it, made fit to be kept: no NUL, no text without an end, no address that is not one.

use integration_contract::{Attachment, Author, Change, Comment, Item, ItemChange, text};

use crate::core::entries::{address, short};

/// The longest id of an item, in bytes: it is part of an index.
const LONGEST_ID: usize = 200;

/// The longest title, in characters as a person counts them.
const LONGEST_TITLE: usize = 500;

/// The longest body or comment, in bytes: more than partners take, so that a mirror has all of it.
const LONGEST_BODY: usize = 256 * 1024;

/// How many labels, people or attachments are kept.
const MOST: usize = 100;

/// The change, made fit; none when its item has no id to know it by.
pub fn fitted(change: ItemChange) -> Option<ItemChange> {
    let id = &change.item.id;
    if id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control) {
        return None;
    }
    Some(ItemChange { what: what(change.what), by: author(change.by), item: item(change.item), ..change })
}

fn item(item: Item) -> Item {
    let name = short(&item.name);
    Item {
        name: if name.is_empty() { item.id.clone() } else { name },
        title: title(&item.title),
        body: body(&item.body),
        url: item.url.as_deref().and_then(address),
        state_word: short(&item.state_word),
        author: author(item.author),
        assignees: item.assignees.into_iter().take(MOST).map(author).collect(),
        labels: item.labels.iter().take(MOST).map(|label| short(label)).collect(),
        external_id: item.external_id.filter(|id| id.len() <= LONGEST_ID && !id.contains('\0')),
        ..item
    }
}

fn what(what: Change) -> Change {
    match what {
        Change::Commented(told) => Change::Commented(comment(told)),
        Change::CommentEdited(told) => Change::CommentEdited(comment(told)),
        Change::CommentDeleted(id) => Change::CommentDeleted(short(&id)),
        Change::Moved { url } => Change::Moved { url: url.as_deref().and_then(address) },
        plain @ (Change::Opened
        | Change::Edited
        | Change::Closed
        | Change::Reopened
        | Change::StateChanged
        | Change::Assigned
        | Change::Labelled
        | Change::Deleted) => plain,
    }
}

fn comment(comment: Comment) -> Comment {
    let attached = |file: &Attachment| {
        let url = address(&file.url)?;
        Some(Attachment { name: short(&file.name), url })
    };
    Comment {
        id: short(&comment.id),
        body: body(&comment.body),
        url: comment.url.as_deref().and_then(address),
        author: author(comment.author),
        attachments: comment.attachments.iter().filter_map(attached).take(MOST).collect(),
    }
}

fn author(author: Author) -> Author {
    Author {
        // One that was cut would be somebody else's.
        id: author.id.filter(|id| id.len() <= LONGEST_ID && !id.contains('\0')),
        name: short(&author.name),
        url: author.url.as_deref().and_then(address),
        avatar: author.avatar.as_deref().and_then(address),
    }
}

fn title(title: &str) -> String {
    let mut title = text::first_line(&text::without_nul(title), LONGEST_TITLE);
    title.truncate(title.floor_char_boundary(8 * LONGEST_TITLE));
    title
}

fn body(body: &str) -> String {
    let mut body = text::without_nul(body);
    if body.len() > LONGEST_BODY {
        body.truncate(body.floor_char_boundary(LONGEST_BODY));
        body.push('…');
    }
    body
}

#[cfg(test)]
mod tests {
    use integration_contract::{ItemKind, ItemState};

    use super::*;

    fn told(id: &str, text: &str) -> ItemChange {
        let author = Author { id: Some(text.into()), name: text.into(), url: Some(text.into()), avatar: None };
        let item = Item {
            id: id.into(),
            kind: ItemKind::Issue,
            name: text.into(),
            title: text.into(),
            body: text.into(),
            url: Some(text.into()),
            state: ItemState::Open,
            state_word: text.into(),
            author: author.clone(),
            assignees: vec![author.clone(); 2 * MOST],
            labels: vec![text.into(); 2 * MOST],
            external_id: Some(text.into()),
            created_at: None,
            updated_at: None,
        };
        let attachments = vec![Attachment { name: text.into(), url: text.into() }];
        let comment = Comment { id: text.into(), body: text.into(), url: None, author: author.clone(), attachments };
        ItemChange { id: text.into(), what: Change::Commented(comment), by: author, at: None, item }
    }

    #[test]
    fn whatever_is_told_can_be_kept() {
        let zalgo = format!("a\0{}", "\u{301}".repeat(5_000));
        let mut change = told("7", &zalgo);
        change.item.body = "\0".repeat(1_000_000);
        let kept = fitted(change).unwrap();
        let (what, item) = (serde_json::json!(kept.what).to_string(), serde_json::json!(kept.item).to_string());
        assert!(!what.contains("\\u0000") && !item.contains("\\u0000"));
        assert!(what.len() < 20_000 && item.len() < 500_000, "{} {}", what.len(), item.len());
        assert_eq!((kept.by.id, kept.by.url, kept.item.external_id), (None, None, None));
        let Change::Commented(comment) = kept.what else { panic!("another change") };
        assert!(comment.attachments.is_empty());
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let mut change = told("7", "plain");
        let url = Some("https://forge.example/7".to_owned());
        (change.item.url, change.by.url, change.item.author.url) = (url.clone(), url.clone(), url);
        (change.what, change.item.labels, change.item.assignees) = (Change::Closed, vec!["a".into()], Vec::new());
        assert_eq!(fitted(change.clone()), Some(change));
    }

    #[test]
    fn an_item_without_an_id_is_none() {
        for id in ["", "a\0", "a\n", &"x".repeat(LONGEST_ID + 1)] {
            assert_eq!(fitted(told(id, "x")), None, "{id:?}");
        }
        assert_eq!(fitted(told("7", "")).unwrap().item.name, "7");
    }
}
