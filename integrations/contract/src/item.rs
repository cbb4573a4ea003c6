//! Items: what people work on at a partner, such as issues, pull requests and tickets. They become threads at partners
//! that have threads, actions are done to them, and a mirror keeps two of them in step.
//!
//! No partner knows another: what one says of its items, and what is done to them, is in these words.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Account, Author, FormInput, IntegrationLink, Result};

/// An item as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The partner's own lasting id, unique within the link's target. A number, as a rule.
    pub id: String,
    /// What it is.
    pub kind: ItemKind,
    /// What people call it: `acme/widgets#42`.
    pub name: String,
    /// One line of plain text.
    pub title: String,
    /// What was written when it was opened, as its author wrote it: plain text or Markdown, no markup to be trusted.
    pub body: String,
    /// Its page at the partner.
    pub url: Option<String>,
    /// Whether there is something left to do.
    pub state: ItemState,
    /// The partner's word for it: `open`, `merged`, `solved`.
    pub state_word: String,
    /// Who opened it.
    pub author: Author,
    /// Who works on it.
    pub assignees: Vec<Author>,
    /// Its labels or tags.
    pub labels: Vec<String>,
    /// The name it was given by whoever made it from outside, where the partner keeps one ([`NewItem::external_id`]).
    pub external_id: Option<String>,
    /// When it was opened by the partner's clock, in unix seconds, where the partner says: a mirror starts with new items.
    #[serde(default)]
    pub created_at: Option<i64>,
    /// When it last changed by the partner's clock, in unix seconds: an older picture never replaces a newer one.
    pub updated_at: Option<i64>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Something to be done or mended.
    Issue,
    /// A change that asks to be taken.
    PullRequest,
    /// What a customer asked.
    Ticket,
}

/// Whether there is something left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// There is.
    Open,
    /// Not by us, for now.
    Waiting,
    /// No.
    Closed,
}

/// Something happened to an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChange {
    /// What makes it the same change when the partner tells it twice, unique within the link.
    pub id: String,
    /// What it was.
    pub what: Change,
    /// Who did it.
    pub by: Author,
    /// When, in unix seconds; `None` = when the hook arrived.
    pub at: Option<i64>,
    /// The item after it.
    pub item: Item,
}

/// What happened to an item. What only people of the partner's own side may see, such as an internal note, is never
/// told as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Opened,
    /// Its title or body reads otherwise.
    Edited,
    /// It was closed, merged, solved.
    Closed,
    /// It is open again.
    Reopened,
    /// It stands otherwise, and is neither closed nor reopened by that.
    StateChanged,
    /// Somebody else, or nobody, works on it.
    Assigned,
    /// It has other labels.
    Labelled,
    /// Somebody commented, for everybody to read.
    Commented(Comment),
    /// A comment reads otherwise.
    CommentEdited(Comment),
    /// The comment with this id was deleted.
    CommentDeleted(String),
    /// It was deleted.
    Deleted,
    /// It went elsewhere, out of the link's target.
    Moved {
        /// Where it is now, when the partner says.
        url: Option<String>,
    },
}

/// A comment that everybody may read who may read the item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The partner's own lasting id, unique within the link's target.
    pub id: String,
    /// As its author wrote it: plain text or Markdown.
    pub body: String,
    /// Where it can be seen.
    pub url: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// What was attached, as names and addresses; the body may point to them too.
    pub attachments: Vec<Attachment>,
}

/// A file at the partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its file name.
    pub name: String,
    /// Where it is.
    pub url: String,
}

/// Some of a target's items, the last opened first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPage {
    /// They. Where a partner tells an item's text only by itself, it is empty here: [`Items::item`] has it.
    pub items: Vec<Item>,
    /// What leads to those that were opened before them; `None` = there are none.
    pub next: Option<String>,
}

/// An item to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewItem {
    /// Ours, the same at each attempt, at most 60 letters, digits and hyphens: an idempotency key where the partner takes one.
    pub key: String,
    /// What the item is called on the other side of a mirror, to be kept with it where the partner can.
    pub external_id: String,
    /// One line of plain text.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Its labels or tags.
    pub labels: Vec<String>,
}

/// A comment to be written, for everybody to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComment {
    /// Ours, the same at each attempt, at most 60 letters, digits and hyphens.
    pub key: String,
    /// Markdown.
    pub body: String,
}

/// What can be done to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The account that does it works on it from now on.
    AssignToMe,
    /// Close it, or solve it.
    Close,
    /// Open it again.
    Reopen,
    /// Give it this title.
    Retitle(String),
    /// Give it these labels, and no others.
    Label(Vec<String>),
}

/// The ability to work with items. The link says where they are; the account says as whom.
#[async_trait]
pub trait Items: Send + Sync {
    /// How the partner is abbreviated in names that are given to items elsewhere ([`NewItem::external_id`]): the `gh` of
    /// `gh-13`. A few small letters, never to be changed.
    fn short(&self) -> &'static str;

    /// A link's form with everything switched on that brings changes of items, comments among them: a mirror has to hear
    /// of all of it. Whatever else is in the form stays as it is, and so does a form that has it all. Pure.
    fn hearing_all(&self, form: FormInput) -> FormInput;

    /// What somebody could want to do to the item as it stands, with one click and no more words: of
    /// [`Deed::AssignToMe`], [`Deed::Close`], [`Deed::Reopen`], in the order they are offered. Pure.
    fn deeds(&self, item: &Item) -> Vec<Deed>;

    /// How the item stands now; `None` when it is not there, or hidden from this account.
    ///
    /// # Errors
    /// Any kind; likewise below.
    async fn item(&self, cx: &Account, link: &IntegrationLink, id: &str) -> Result<Option<Item>>;

    /// The items that there are, whatever their state, the last opened first: those that a person could take for work or
    /// a question, so no pull requests, and nothing that only people of the partner's own side may see. `after` is
    /// [`ItemPage::next`] of the page before; what is opened or deleted in between may move an item to another page, so
    /// that one is seen twice, or is missed.
    async fn list_items(&self, cx: &Account, link: &IntegrationLink, after: Option<&str>) -> Result<ItemPage>;

    /// The item that was made as this one: after a lost answer, or when our own record of it is gone. Asks what the partner
    /// answers at once, never an index that lags.
    async fn find_item(&self, cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Option<Item>>;

    /// Makes an item.
    ///
    /// # Errors
    /// [`crate::ErrorKind::UnknownOutcome`] when it may have been made: [`Self::find_item`] tells.
    async fn create_item(&self, cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Item>;

    /// The comment that was written as this one by the account, after a lost answer; `since` is when it was first sent,
    /// in unix seconds.
    async fn find_comment(
        &self,
        cx: &Account,
        link: &IntegrationLink,
        item: &str,
        new: &NewComment,
        since: i64,
    ) -> Result<Option<Comment>>;

    /// Writes a comment that everybody may read.
    ///
    /// # Errors
    /// [`crate::ErrorKind::UnknownOutcome`] when it may have been written: [`Self::find_comment`] tells.
    async fn comment(&self, cx: &Account, link: &IntegrationLink, item: &str, new: &NewComment) -> Result<Comment>;

    /// Does something to an item and answers with how it stands after that. What is so already is success.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Refused`] when the partner did not do it, also when it says nothing and leaves it as it was.
    async fn act(&self, cx: &Account, link: &IntegrationLink, item: &str, deed: &Deed) -> Result<Item>;
}
