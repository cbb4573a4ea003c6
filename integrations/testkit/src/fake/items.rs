//! The fake partner's items: in memory, per room, with a clock that goes on by a second at each change.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use integration_contract::{
    Account, Author, Comment, Deed, Error, ErrorKind, FormInput, IntegrationLink, Item, ItemKind, ItemPage, ItemState,
    Items, NewComment, NewItem, Result,
};

use super::{FakePartner, Settings, Trouble, hook::word_of, in_trouble};

/// When the first item was opened.
const DAWN: i64 = 1_767_225_600;

/// How many items it lists at once: few, so that lists have pages.
const PAGE: usize = 3;

/// An item as it stands at the fake partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeItem {
    /// In which room.
    pub room: String,
    /// Itself.
    pub item: Item,
    /// What was written below it, oldest first.
    pub comments: Vec<Comment>,
}

/// A deed that was done, or that left things as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// The id of the account that did it; `None` where there are no accounts.
    pub by: Option<String>,
    /// In which room.
    pub room: String,
    /// To which item.
    pub item: String,
    /// What it did.
    pub deed: Deed,
}

/// One of the calls of [`Items`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum ItemCall {
    Item,
    ListItems,
    FindItem,
    CreateItem,
    FindComment,
    Comment,
    Act,
}

#[derive(Default)]
pub(super) struct Shelf {
    /// By room and id.
    items: BTreeMap<(String, String), FakeItem>,
    /// Under which key what was made: the room and the id of an item, and of a comment.
    made: BTreeMap<(String, String), String>,
    written: BTreeMap<(String, String), String>,
    acted: Vec<Acted>,
    calls: Vec<ItemCall>,
    troubles: BTreeMap<ItemCall, VecDeque<Trouble>>,
    last_id: u64,
}

impl FakePartner {
    /// The next call of this kind has this trouble; several queue up.
    pub fn trouble_with_items(&self, call: ItemCall, trouble: Trouble) {
        self.outside().shelf.troubles.entry(call).or_default().push_back(trouble);
    }

    /// The troubles that are still to come do not.
    pub fn forget_troubles(&self) {
        self.outside().shelf.troubles.clear();
    }

    /// Its items, by room and id.
    pub fn items(&self) -> Vec<FakeItem> {
        self.outside().shelf.items.values().cloned().collect()
    }

    /// The deeds that were done to them, in order.
    pub fn acted(&self) -> Vec<Acted> {
        self.outside().shelf.acted.clone()
    }

    /// What was called of [`Items`], in order, attempts in vain included.
    pub fn item_calls(&self) -> Vec<ItemCall> {
        self.outside().shelf.calls.clone()
    }

    /// The partner's side opens an issue; nobody is told. The item is as a hook about it would say.
    pub fn open_item(&self, room: &str, id: &str, title: &str) -> Item {
        let new = item(room, id, title, "", Author { name: "somebody".to_owned(), ..Author::default() });
        self.put_item(room, new.clone());
        new
    }

    /// A number that no item has or had.
    pub fn free_number(&self) -> String {
        self.outside().shelf.number()
    }

    /// The partner's side puts an item there as it is, in place of the one with that id.
    pub fn put_item(&self, room: &str, item: Item) {
        let key = (room.to_owned(), item.id.clone());
        let shelf = &mut self.outside().shelf;
        let comments = shelf.items.remove(&key).map(|before| before.comments).unwrap_or_default();
        shelf.items.insert(key, FakeItem { room: room.to_owned(), item, comments });
    }

    /// The partner's side changes an item: its clock goes on. Nobody is told.
    ///
    /// # Panics
    /// When it is not there; likewise below.
    pub fn change_item(&self, room: &str, id: &str, change: impl FnOnce(&mut Item)) {
        let outside = &mut self.outside();
        change(&mut outside.shelf.changing(room, id).expect("the item is there").item);
    }

    /// The partner's side changes what is written below an item.
    pub fn change_comments(&self, room: &str, id: &str, change: impl FnOnce(&mut Vec<Comment>)) {
        let outside = &mut self.outside();
        change(&mut outside.shelf.changing(room, id).expect("the item is there").comments);
    }

    /// The partner's side deletes an item.
    pub fn drop_item(&self, room: &str, id: &str) {
        self.outside().shelf.items.remove(&(room.to_owned(), id.to_owned()));
    }

    async fn with_items<T: Send>(
        &self,
        call: ItemCall,
        does: impl FnOnce(&mut Shelf) -> Result<T> + Send,
    ) -> Result<T> {
        let trouble = {
            let shelf = &mut self.outside().shelf;
            shelf.calls.push(call);
            shelf.troubles.get_mut(&call).and_then(VecDeque::pop_front)
        };
        in_trouble(trouble, || does(&mut self.outside().shelf)).await
    }
}

fn room(link: &IntegrationLink) -> Result<String> {
    link.settings.read::<Settings>().map(|settings| settings.room)
}

fn item(room: &str, id: &str, title: &str, body: &str, author: Author) -> Item {
    Item {
        id: id.to_owned(),
        kind: ItemKind::Issue,
        name: format!("{room}#{id}"),
        title: title.to_owned(),
        body: body.to_owned(),
        url: Some(format!("https://fake.example/{room}/{id}")),
        state: ItemState::Open,
        state_word: word_of(ItemState::Open).to_owned(),
        author,
        assignees: Vec::new(),
        labels: Vec::new(),
        external_id: None,
        created_at: Some(DAWN),
        updated_at: Some(DAWN),
    }
}

fn me(cx: &Account) -> Author {
    let identity = cx.identity.as_ref();
    Author {
        id: identity.map(|identity| identity.id.clone()),
        name: identity.map_or_else(|| "the fake partner".to_owned(), |identity| identity.name.clone()),
        url: identity.and_then(|identity| identity.url.clone()),
        avatar: None,
    }
}

fn not_there() -> Error {
    Error::new(ErrorKind::NotFound, "The fake partner does not have this item.")
}

impl Shelf {
    fn number(&mut self) -> String {
        self.last_id += 1;
        let taken = self.items.keys().filter_map(|(_, id)| id.parse::<u64>().ok()).max().unwrap_or_default();
        self.last_id = self.last_id.max(taken + 1);
        self.last_id.to_string()
    }

    fn item(&self, room: &str, id: &str) -> Option<&FakeItem> {
        self.items.get(&(room.to_owned(), id.to_owned()))
    }

    /// The last opened first. A page goes on below its last item, whatever was opened or deleted since.
    fn page(&self, room: &str, after: Option<&str>) -> ItemPage {
        let place = |item: &Item| (item.created_at, item.id.parse::<u64>().unwrap_or_default());
        let listed = |there: &&FakeItem| there.room == room && there.item.kind != ItemKind::PullRequest;
        let mut items: Vec<_> = self.items.values().filter(listed).map(|there| there.item.clone()).collect();
        items.sort_by_key(|item| std::cmp::Reverse(place(item)));
        let before = after.and_then(|after| {
            let (at, id) = after.split_once('.')?;
            Some((at.parse::<i64>().ok(), id.parse::<u64>().ok()?))
        });
        items.retain(|item| before.is_none_or(|before| place(item) < before));
        let more = items.len() > PAGE;
        items.truncate(PAGE);
        let last = items.last().filter(|_| more).map(&place);
        let next = last.map(|(at, id)| format!("{}.{id}", at.map_or_else(String::new, |at| at.to_string())));
        // Some partners tell the text only with the item alone.
        items.iter_mut().for_each(|item| item.body.clear());
        ItemPage { items, next }
    }

    /// To be changed: its clock goes on.
    fn changing(&mut self, room: &str, id: &str) -> Result<&mut FakeItem> {
        let there = self.items.get_mut(&(room.to_owned(), id.to_owned())).ok_or_else(not_there)?;
        there.item.updated_at = Some(there.item.updated_at.unwrap_or(DAWN) + 1);
        Ok(there)
    }

    fn create(&mut self, room: &str, new: &NewItem, author: Author) -> Item {
        let id = self.number();
        let made = Item {
            labels: new.labels.clone(),
            external_id: Some(new.external_id.clone()),
            ..item(room, &id, &new.title, &new.body, author)
        };
        let there = FakeItem { room: room.to_owned(), item: made.clone(), comments: Vec::new() };
        self.items.insert((room.to_owned(), id.clone()), there);
        self.made.insert((room.to_owned(), new.key.clone()), id);
        made
    }

    fn comment(&mut self, room: &str, item: &str, new: &NewComment, author: Author) -> Result<Comment> {
        let id = format!("c{}", self.written.len() + 1);
        let url = Some(format!("https://fake.example/{room}/{item}#{id}"));
        let comment = Comment { id: id.clone(), body: new.body.clone(), url, author, attachments: Vec::new() };
        self.changing(room, item)?.comments.push(comment.clone());
        self.written.insert((room.to_owned(), new.key.clone()), id);
        Ok(comment)
    }

    fn act(&mut self, room: &str, id: &str, deed: &Deed, by: Author) -> Result<Item> {
        let there = self.item(room, id).ok_or_else(not_there)?;
        let already = match deed {
            Deed::AssignToMe => there.item.assignees.iter().any(|one| one.id == by.id),
            Deed::Close => there.item.state == ItemState::Closed,
            Deed::Reopen => there.item.state == ItemState::Open,
            Deed::Retitle(title) => there.item.title == *title,
            Deed::Label(labels) => there.item.labels == *labels,
        };
        if !already {
            let item = &mut self.changing(room, id)?.item;
            match deed {
                Deed::AssignToMe => item.assignees.push(by.clone()),
                Deed::Close => set(item, ItemState::Closed),
                Deed::Reopen => set(item, ItemState::Open),
                Deed::Retitle(title) => item.title.clone_from(title),
                Deed::Label(labels) => item.labels.clone_from(labels),
            }
        }
        self.acted.push(Acted { by: by.id, room: room.to_owned(), item: id.to_owned(), deed: deed.clone() });
        self.item(room, id).map(|there| there.item.clone()).ok_or_else(not_there)
    }
}

fn set(item: &mut Item, state: ItemState) {
    item.state = state;
    item.state_word = word_of(state).to_owned();
}

#[async_trait]
impl Items for FakePartner {
    fn short(&self) -> &'static str {
        self.card.id
    }

    /// It tells of everything, whatever the form says.
    fn hearing_all(&self, form: FormInput) -> FormInput {
        form
    }

    fn deeds(&self, item: &Item) -> Vec<Deed> {
        match item.state {
            ItemState::Open | ItemState::Waiting => vec![Deed::AssignToMe, Deed::Close],
            ItemState::Closed => vec![Deed::Reopen],
        }
    }

    async fn item(&self, _cx: &Account, link: &IntegrationLink, id: &str) -> Result<Option<Item>> {
        let room = room(link)?;
        self.with_items(ItemCall::Item, |shelf| Ok(shelf.item(&room, id).map(|there| there.item.clone()))).await
    }

    async fn list_items(&self, _cx: &Account, link: &IntegrationLink, after: Option<&str>) -> Result<ItemPage> {
        let room = room(link)?;
        self.with_items(ItemCall::ListItems, |shelf| Ok(shelf.page(&room, after))).await
    }

    async fn find_item(&self, _cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Option<Item>> {
        let room = room(link)?;
        self.with_items(ItemCall::FindItem, |shelf| {
            let id = shelf.made.get(&(room.clone(), new.key.clone()));
            Ok(id.and_then(|id| shelf.item(&room, id)).map(|there| there.item.clone()))
        })
        .await
    }

    async fn create_item(&self, cx: &Account, link: &IntegrationLink, new: &NewItem) -> Result<Item> {
        let room = room(link)?;
        self.with_items(ItemCall::CreateItem, |shelf| Ok(shelf.create(&room, new, me(cx)))).await
    }

    async fn find_comment(
        &self,
        _cx: &Account,
        link: &IntegrationLink,
        item: &str,
        new: &NewComment,
        _since: i64,
    ) -> Result<Option<Comment>> {
        let room = room(link)?;
        self.with_items(ItemCall::FindComment, |shelf| {
            let Some(id) = shelf.written.get(&(room.clone(), new.key.clone())) else { return Ok(None) };
            let there = shelf.item(&room, item);
            Ok(there.and_then(|there| there.comments.iter().find(|comment| comment.id == *id).cloned()))
        })
        .await
    }

    async fn comment(&self, cx: &Account, link: &IntegrationLink, item: &str, new: &NewComment) -> Result<Comment> {
        let room = room(link)?;
        self.with_items(ItemCall::Comment, |shelf| shelf.comment(&room, item, new, me(cx))).await
    }

    async fn act(&self, cx: &Account, link: &IntegrationLink, item: &str, deed: &Deed) -> Result<Item> {
        let room = room(link)?;
        self.with_items(ItemCall::Act, |shelf| shelf.act(&room, item, deed, me(cx))).await
    }
}
