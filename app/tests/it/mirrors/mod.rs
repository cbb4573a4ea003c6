//! Mirrors: what people do to an item on one side is done to its copy on the other, once, whatever order the hooks come
//! in, however often, and whatever gets lost on the way.

mod backfilling;
mod carrying;
mod faults;
mod ground;
mod interleavings;
mod keeping;
mod making;
mod offers;
mod previewing;
mod way;
mod whole_way;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use integration_contract::{
    Author, Card, Change, CheckedLink, Comment, Item, ItemChange, ItemState, LinkSettings, PartnerSettings,
    SecretString,
};
use integration_testkit::{FakeItem, FakePartner, ItemCall};
use patchbay::{
    clock::Clock,
    core::{
        Core, Site, Tools, integration_links, items,
        mirrors::{self, Creates, End, NewEnd, NewMirror, Options},
        partners::Partners,
        people::Member,
        sealing::Vault,
    },
    db::{
        LinkId, MirrorId, TeamId,
        entity::{
            Tenant, integration_link,
            job::{self, JobState},
            mirror::{self, Side},
            mirror_change::{self, ChangeState},
            mirror_pair,
        },
    },
    jobs::Jobs,
    queue::{self, Job, Outcome, Queue, Work, claim, lease},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;

use crate::{harness::TestDatabase, outbox::founder, outbox::now};

pub const ALL: Options = Options { creates: Creates::Both, comments: true, states: true, labels: true };

/// A team with a mirror between two partners that do as they are told: issues on the left, tickets on the right.
pub struct World {
    pub core: Core,
    pub left: FakePartner,
    pub right: FakePartner,
    pub ada: Member,
    pub team: TeamId,
    pub mirror: MirrorId,
    /// Lives as long as its world.
    _test: TestDatabase,
    jobs: Jobs,
    /// What each partner has told us of, as it was then.
    told: Mutex<BTreeMap<(Side, String), FakeItem>>,
    /// Hooks on their way.
    hooks: Mutex<VecDeque<(Side, ItemChange)>>,
    number: AtomicUsize,
}

pub fn room(side: Side) -> &'static str {
    match side {
        Side::Left => "issues",
        Side::Right => "tickets",
    }
}

pub fn partner(id: &'static str, name: &'static str) -> FakePartner {
    FakePartner::with_card(Card { id, name, ..FakePartner::working_card() })
}

pub fn new_end(partner: &str, room: &str) -> End {
    let settings = LinkSettings(json!({ "room": room, "tell": "no" }));
    let checked = CheckedLink { settings, target: format!("room:{room}") };
    End::New(Box::new(NewEnd { partner: partner.into(), account: None, checked }))
}

impl World {
    /// Everything is mirrored, whenever it was opened.
    pub async fn new(test: TestDatabase) -> Self {
        Self::with(test, ALL, Some(0)).await
    }

    pub async fn with(test: TestDatabase, options: Options, since: Option<i64>) -> Self {
        Self::of(&test, "ada", options, since).await
    }

    /// One of several in a database.
    pub async fn of(test: &TestDatabase, name: &str, options: Options, since: Option<i64>) -> Self {
        let mut world = Self::without_mirror(test, name).await;
        world.make(NewMirror { since, ..world.wish(options) }).await;
        world
    }

    /// A team and two partners, and nothing between them yet.
    pub async fn without_mirror(test: &TestDatabase, name: &str) -> Self {
        let (left, right) = (partner("left", "Left"), partner("right", "Right"));
        let core = core(test, &[&left, &right]);
        let (ada, team) = founder(&core, name, "Ada").await;
        Self {
            jobs: Jobs::new(core.clone()),
            core,
            left,
            right,
            ada,
            team,
            mirror: MirrorId::new(),
            _test: test.clone(),
            told: Mutex::default(),
            hooks: Mutex::default(),
            number: AtomicUsize::default(),
        }
    }

    /// What makes a mirror of the issues and the tickets, from now on.
    pub fn wish(&self, options: Options) -> NewMirror {
        let (left, right) = (new_end("left", "issues"), new_end("right", "tickets"));
        NewMirror { team: self.team, left, right, options, since: None, backfill: None }
    }

    /// Makes the mirror that this world is about.
    pub async fn make(&mut self, new: NewMirror) {
        self.mirror = mirrors::make(&self.core, &self.ada, new).await.unwrap().id;
        self.set_up_links().await;
    }

    /// Lets the links be set up at their partners.
    pub async fn set_up_links(&self) {
        let wanted = integration_links::Wanted::default();
        let of_team = integration_links::of_team(&self.core, self.ada.organization, self.team, &wanted).await;
        for link in of_team.unwrap().links {
            integration_links::install(&self.core, self.ada.organization, link.id).await.unwrap();
        }
        self.sql("DELETE FROM jobs WHERE kind IN ('inspect_link', 'install_link')").await;
    }

    pub fn partner(&self, side: Side) -> &FakePartner {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    pub async fn mirror_row(&self) -> mirror::Model {
        mirrors::load(self.core.db.reader(), self.ada.organization, self.mirror).await.unwrap().unwrap()
    }

    pub async fn link_row(&self, side: Side) -> integration_link::Model {
        let id: LinkId = self.mirror_row().await.link(side);
        integration_links::load(&self.core, self.ada.organization, id).await.unwrap().unwrap()
    }

    // ---- what people do at the partners

    fn next(&self) -> usize {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Somebody opens an item. Like all of these, it sends its hook on its way.
    pub fn open(&self, side: Side, title: &str) -> String {
        let id = self.partner(side).free_number();
        self.partner(side).open_item(room(side), &id, title);
        self.look();
        id
    }

    pub fn comment(&self, side: Side, item: &str, text: &str) -> String {
        let id = format!("p{}", self.next());
        let comment =
            Comment { id: id.clone(), body: text.to_owned(), url: None, author: somebody(), attachments: Vec::new() };
        self.partner(side).change_comments(room(side), item, |all| all.push(comment));
        self.look();
        id
    }

    pub fn edit_comment(&self, side: Side, item: &str, comment: &str, text: &str) {
        self.partner(side).change_comments(room(side), item, |all| {
            let there = all.iter_mut().find(|one| one.id == comment).unwrap();
            there.body = text.to_owned();
        });
        self.look();
    }

    pub fn delete_comment(&self, side: Side, item: &str, comment: &str) {
        self.partner(side).change_comments(room(side), item, |all| all.retain(|one| one.id != comment));
        self.look();
    }

    pub fn change(&self, side: Side, item: &str, change: impl FnOnce(&mut Item)) {
        self.partner(side).change_item(room(side), item, change);
        self.look();
    }

    pub fn close(&self, side: Side, item: &str) {
        self.change(side, item, |item| item.state = ItemState::Closed);
    }

    pub fn reopen(&self, side: Side, item: &str) {
        self.change(side, item, |item| item.state = ItemState::Open);
    }

    pub fn retitle(&self, side: Side, item: &str, title: &str) {
        self.change(side, item, |item| item.title = title.to_owned());
    }

    pub fn delete(&self, side: Side, item: &str) {
        self.partner(side).drop_item(room(side), item);
        self.look();
    }

    pub fn move_away(&self, side: Side, item: &str, url: &str) {
        let before = self.told.lock().unwrap().remove(&(side, item.to_owned())).unwrap();
        self.partner(side).drop_item(room(side), item);
        self.send(side, Change::Moved { url: Some(url.to_owned()) }, before.item);
    }

    // ---- hooks

    /// Each partner sends a hook of whatever it did not tell of yet, whoever did it: us too.
    pub fn look(&self) {
        for side in [Side::Left, Side::Right] {
            let now: BTreeMap<_, _> =
                self.partner(side).items().into_iter().map(|there| ((side, there.item.id.clone()), there)).collect();
            let gone: Vec<FakeItem> = {
                let mut told = self.told.lock().unwrap();
                let gone: Vec<_> = told.keys().filter(|key| key.0 == side && !now.contains_key(key)).cloned().collect();
                gone.iter().filter_map(|key| told.remove(key)).collect()
            };
            gone.into_iter().for_each(|there| self.send(side, Change::Deleted, there.item));
            for (key, there) in now {
                let before = self.told.lock().unwrap().insert(key, there.clone());
                let changes = match before {
                    None => {
                        let said = there.comments.iter().cloned().map(Change::Commented);
                        [Change::Opened].into_iter().chain(said).collect()
                    }
                    Some(before) => changes(&before, &there),
                };
                changes.into_iter().for_each(|change| self.send(side, change, there.item.clone()));
            }
        }
    }

    fn send(&self, side: Side, what: Change, item: Item) {
        let id = format!("hook-{}", self.next());
        let change = ItemChange { id, what, by: somebody(), at: item.updated_at, item };
        self.hooks.lock().unwrap().push_back((side, change));
    }

    /// Takes the hooks that are on their way.
    pub fn hooks(&self) -> VecDeque<(Side, ItemChange)> {
        std::mem::take(&mut self.hooks.lock().unwrap())
    }

    /// A hook arrives and is read.
    pub async fn deliver(&self, side: Side, change: ItemChange) {
        let (core, link) = (&self.core, self.link_row(side).await);
        let recorded = core.db.write(async |tx| items::record(core, tx, &link, None, change.clone()).await);
        let _why_not = recorded.await.unwrap();
    }

    pub async fn deliver_all(&self) {
        for (side, change) in self.hooks() {
            self.deliver(side, change).await;
        }
    }

    // ---- jobs

    /// A ready job, as a worker has it in hand.
    pub async fn claim(&self) -> Option<Job> {
        let (owner, slots, mut turn) = (lease::Owner::new(), claim::Slots::new(1), claim::Turn::default());
        let claimed = claim::claim(&self.core.db, &owner, &slots, &mut turn, Duration::from_secs(600)).await.unwrap();
        claimed.jobs.into_iter().next()
    }

    pub async fn do_job(&self, job: &Job) -> Outcome {
        let outcome = self.jobs.run(job).await;
        self.look();
        outcome
    }

    /// Settles a job. Pauses are as good as over.
    pub async fn settle(&self, job: &Job, outcome: Option<Outcome>) {
        let end = match outcome {
            None => lease::End::Released,
            Some(Outcome::Done) => lease::End::Done,
            Some(Outcome::Again { why, .. }) => lease::End::Again { pause: Duration::ZERO, why },
            Some(Outcome::Later { after }) => {
                // Whoever waits lets the time pass, and only that of our clock: the queue's is the database's.
                self.core.clock.advance(after);
                lease::End::Later { pause: Duration::ZERO }
            }
            Some(Outcome::Failed { why }) => {
                self.jobs.gave_up(job, &why).await;
                lease::End::Dead { why }
            }
        };
        let settlement = lease::Settlement { lease: job.lease.clone(), lane: job.lane(), end };
        lease::settle(&self.core.db, &[settlement]).await.unwrap();
    }

    /// Runs one job that is ready; says whether there was one.
    pub async fn step(&self) -> bool {
        queue::let_due_go_on(&self.core.db).await.unwrap();
        let Some(job) = self.claim().await else { return false };
        let outcome = self.do_job(&job).await;
        self.settle(&job, Some(outcome)).await;
        true
    }

    /// Delivers all hooks and runs all jobs, until there is neither.
    pub async fn run(&self) {
        for _ in 0..2000 {
            self.deliver_all().await;
            if !self.step().await && self.hooks.lock().unwrap().is_empty() && !self.waits().await {
                return;
            }
        }
        panic!("there is no end: {:?}", self.job_rows().await);
    }

    async fn waits(&self) -> bool {
        // Inspections go by our clock, which is not the queue's.
        let mut rows = self.job_rows().await;
        rows.retain(|job| job.kind != integration_links::INSPECT);
        rows.iter().any(|job| matches!(job.state, JobState::Ready | JobState::Waiting))
    }

    pub async fn job_rows(&self) -> Vec<job::Model> {
        job::Entity::find().order_by_asc(job::Column::Id).all(self.core.db.reader()).await.unwrap()
    }

    pub async fn pass(&self, time: Duration) {
        let ms = time.as_millis();
        self.sql(&format!("UPDATE jobs SET run_at = run_at - {ms}, created_at = created_at - {ms}")).await;
        self.core.clock.advance(time);
    }

    pub async fn sql(&self, statement: &str) {
        self.core.db.writer_for_tests().execute_unprepared(statement).await.unwrap();
    }

    // ---- what came of it

    /// The one item on a side with this title.
    pub fn item(&self, side: Side, title: &str) -> FakeItem {
        let mut found = self.partner(side).items();
        found.retain(|there| there.item.title == title);
        assert_eq!(found.len(), 1, "{title} on the {side:?}");
        found.remove(0)
    }

    pub fn count(&self, side: Side) -> usize {
        self.partner(side).items().len()
    }

    pub fn calls(&self, side: Side, call: ItemCall) -> usize {
        self.partner(side).item_calls().into_iter().filter(|one| *one == call).count()
    }

    /// How often a partner was written to.
    pub fn writes(&self, side: Side) -> usize {
        [ItemCall::CreateItem, ItemCall::Comment, ItemCall::Act].map(|call| self.calls(side, call)).iter().sum()
    }

    pub async fn changes(&self) -> Vec<mirror_change::Model> {
        let all = mirror_change::Entity::of(self.ada.organization).order_by_asc(mirror_change::Column::Id);
        all.all(self.core.db.reader()).await.unwrap()
    }

    pub async fn pairs(&self) -> Vec<mirror_pair::Model> {
        let all = mirror_pair::Entity::of(self.ada.organization).order_by_asc(mirror_pair::Column::Id);
        all.filter(mirror_pair::Column::MirrorId.eq(self.mirror)).all(self.core.db.reader()).await.unwrap()
    }

    /// What became of the last change of this kind, and why.
    pub async fn last(&self, side: Side, what: &str) -> (ChangeState, Option<String>) {
        let mut changes = self.changes().await;
        changes.retain(|change| change.side == side && change.what == what);
        changes.pop().map(|change| (change.state, change.reason)).unwrap()
    }
}

/// An application's core over these partners.
pub fn core(test: &TestDatabase, partners: &[&FakePartner]) -> Core {
    let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let with_settings = |partner: &&FakePartner| (Arc::new((*partner).clone()) as Arc<_>, PartnerSettings::default());
    Core::new(Tools {
        db: test.db.clone(),
        clock: Clock::by_hand(now()),
        vault: Vault::from_text(&SecretString::from(format!("v1:{}", "5a".repeat(32)))).unwrap(),
        queue: Queue::new(test.db.clone()),
        partners: Partners::new(partners.iter().map(with_settings)).unwrap(),
        site: Site { name: "Patchbay".into(), public_url: "http://localhost:3000".parse().unwrap() },
    })
}

pub fn somebody() -> Author {
    Author { name: "somebody".into(), ..Author::default() }
}

/// What a partner tells of two pictures of an item.
fn changes(before: &FakeItem, now: &FakeItem) -> Vec<Change> {
    let (was, is) = (&before.item, &now.item);
    let mut changes = Vec::new();
    if (&was.title, &was.body) != (&is.title, &is.body) {
        changes.push(Change::Edited);
    }
    if was.labels != is.labels {
        changes.push(Change::Labelled);
    }
    match (was.state, is.state) {
        (was, is) if was == is => {}
        (_, ItemState::Closed) => changes.push(Change::Closed),
        (ItemState::Closed, _) => changes.push(Change::Reopened),
        _ => changes.push(Change::StateChanged),
    }
    for comment in &now.comments {
        match before.comments.iter().find(|one| one.id == comment.id) {
            None => changes.push(Change::Commented(comment.clone())),
            Some(was) if was.body != comment.body => changes.push(Change::CommentEdited(comment.clone())),
            Some(_) => {}
        }
    }
    for comment in &before.comments {
        if now.comments.iter().all(|one| one.id != comment.id) {
            changes.push(Change::CommentDeleted(comment.id.clone()));
        }
    }
    changes
}
