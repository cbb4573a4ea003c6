//! Offers: two partners whose mirror stands in the catalogue, with its own text and pictures. What there is, is declared
//! where the partners are.

use integration_contract::{Author, Comment, Item, ItemKind, ItemState};

use super::words;

/// A mirror as the catalogue offers it.
#[derive(Debug)]
pub struct Offer {
    /// The last part of its page's address: lower-case letters, digits and hyphens.
    pub id: &'static str,
    /// The id of one partner.
    pub left: &'static str,
    /// The id of the other.
    pub right: &'static str,
    /// One line for its tile.
    pub tagline: &'static str,
    /// What it does, a sentence each.
    pub does: &'static [&'static str],
    /// What the pictures show.
    pub example: Example,
    /// Its documentation, in Markdown.
    pub docs: &'static str,
}

/// A conversation that the pictures show: begun on the left, and answered on the right.
#[derive(Debug)]
pub struct Example {
    /// What the left item is called there.
    pub item: &'static str,
    /// Its page there.
    pub url: &'static str,
    /// What its copy is called.
    pub copy: &'static str,
    /// The copy's page.
    pub copy_url: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it was opened with: who, and what.
    pub opened: (&'static str, &'static str),
    /// What was said below it, on the left.
    pub comment: (&'static str, &'static str),
    /// What was said below the copy, for everybody to read.
    pub answer: (&'static str, &'static str),
    /// What was said there for the partner's own people only.
    pub note: (&'static str, &'static str),
}

/// Something that stands below an item in a picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// Who said it there; none = the account that the mirror acts with.
    pub who: Option<&'static str>,
    /// What, in Markdown.
    pub text: String,
    /// Whether only the partner's own people see it.
    pub internal: bool,
}

impl Said {
    fn own((who, text): (&'static str, &'static str)) -> Self {
        Self { who: Some(who), text: text.to_owned(), internal: false }
    }

    fn copy(text: String) -> Self {
        Self { who: None, text, internal: false }
    }
}

impl Example {
    /// How the item looks on the left.
    pub fn left(&self) -> Vec<Said> {
        let answer = words::commented(&item(self.copy, self.copy_url, self.title, self.opened), &comment(self.answer));
        vec![Said::own(self.opened), Said::own(self.comment), Said::copy(answer)]
    }

    /// How its copy looks on the right, in the very words that a mirror writes.
    pub fn right(&self) -> Vec<Said> {
        let original = item(self.item, self.url, self.title, self.opened);
        vec![
            Said::copy(words::opened(&original)),
            Said::copy(words::commented(&original, &comment(self.comment))),
            Said::own(self.answer),
            Said { internal: true, ..Said::own(self.note) },
        ]
    }
}

fn author(name: &str) -> Author {
    Author { name: name.to_owned(), ..Author::default() }
}

fn comment((who, text): (&str, &str)) -> Comment {
    Comment { id: String::new(), body: text.to_owned(), url: None, author: author(who), attachments: Vec::new() }
}

fn item(name: &str, url: &str, title: &str, (who, text): (&str, &str)) -> Item {
    Item {
        id: String::new(),
        kind: ItemKind::Issue,
        name: name.to_owned(),
        title: title.to_owned(),
        body: text.to_owned(),
        url: Some(url.to_owned()),
        state: ItemState::Open,
        state_word: String::new(),
        author: author(who),
        assignees: Vec::new(),
        labels: Vec::new(),
        external_id: None,
        created_at: None,
        updated_at: None,
    }
}
