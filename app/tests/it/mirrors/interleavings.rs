//! People on both sides do whatever they like, hooks come late, twice and in any order, answers get lost and processes
//! die: in the end both sides say the same, each item has one copy and so has each comment, and nothing was written that
//! nobody did.
//!
//! `PATCHBAY_INTERLEAVINGS=2000x80` makes it 2000 cases of 80 steps each instead of the few of every day.

use std::{collections::BTreeMap, time::Duration};

use integration_contract::{ErrorKind, ItemState};
use integration_testkit::{
    FakeItem, ItemCall,
    Trouble::{AnswersLate, Fails, LosesAnswer},
};
use patchbay::db::entity::{
    mirror::{
        MirrorState,
        Side::{self, Left, Right},
    },
    mirror_change::ChangeState,
    mirror_pair::PairState,
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};

use super::{ALL, World, room};
use crate::harness::{TestDatabase, on_both_databases};

/// What happens next. Which item, comment or hook is meant is a number that is cut to how many there are.
#[derive(Clone, Debug)]
enum Step {
    Open(Side),
    Comment(Side, usize),
    EditComment(Side, usize, usize),
    DeleteComment(Side, usize, usize),
    Close(Side, usize),
    Reopen(Side, usize),
    Retitle(Side, usize),
    Label(Side, usize, usize),
    EditText(Side, usize),
    Delete(Side, usize),
    Deliver(usize),
    DeliverTwice(usize),
    Work,
    DieAtWork,
    Lose(Side, ItemCall),
    Fail(Side, ItemCall),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Left), Just(Right)]
}

fn write() -> impl Strategy<Value = ItemCall> {
    prop_oneof![Just(ItemCall::CreateItem), Just(ItemCall::Comment), Just(ItemCall::Act)]
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0..1000_usize;
    prop_oneof![
        4 => side().prop_map(Step::Open),
        6 => (side(), any.clone()).prop_map(|(side, item)| Step::Comment(side, item)),
        2 => (side(), any.clone(), any.clone()).prop_map(|(side, item, one)| Step::EditComment(side, item, one)),
        1 => (side(), any.clone(), any.clone()).prop_map(|(side, item, one)| Step::DeleteComment(side, item, one)),
        3 => (side(), any.clone()).prop_map(|(side, item)| Step::Close(side, item)),
        3 => (side(), any.clone()).prop_map(|(side, item)| Step::Reopen(side, item)),
        2 => (side(), any.clone()).prop_map(|(side, item)| Step::Retitle(side, item)),
        3 => (side(), any.clone(), 0..4_usize).prop_map(|(side, item, label)| Step::Label(side, item, label)),
        1 => (side(), any.clone()).prop_map(|(side, item)| Step::EditText(side, item)),
        1 => (side(), any.clone()).prop_map(|(side, item)| Step::Delete(side, item)),
        14 => any.clone().prop_map(Step::Deliver),
        4 => any.prop_map(Step::DeliverTwice),
        14 => Just(Step::Work),
        2 => Just(Step::DieAtWork),
        3 => (side(), write()).prop_map(|(side, call)| Step::Lose(side, call)),
        2 => (side(), write()).prop_map(|(side, call)| Step::Fail(side, call)),
    ]
}

/// One case in a world of its own, and what people did in it.
struct Case {
    world: World,
    hooks: Vec<(Side, integration_contract::ItemChange)>,
    number: usize,
    /// What asks for a write on the other side, if nothing comes in between.
    done: usize,
}

impl Case {
    async fn go(&mut self, step: &Step) {
        let number = self.number;
        self.number += 1;
        // Nobody is that quick: a minute has room for these.
        self.world.core.clock.advance(Duration::from_secs(4));
        match *step {
            Step::Open(side) => {
                self.world.open(side, &format!("item {number}"));
                self.done += 1;
            }
            Step::Comment(side, item) => {
                let Some(there) = self.item(side, item) else { return };
                self.world.comment(side, &there.item.id, &format!("words {number}."));
                self.done += 1;
            }
            Step::EditComment(side, item, one) => {
                let Some((item, comment)) = self.own_comment(side, item, one) else { return };
                self.world.edit_comment(side, &item, &comment, &format!("words {number}."));
                self.done += 1;
            }
            Step::DeleteComment(side, item, one) => {
                let Some((item, comment)) = self.own_comment(side, item, one) else { return };
                self.world.delete_comment(side, &item, &comment);
            }
            Step::Close(side, item) => self.turn(side, item, ItemState::Closed),
            Step::Reopen(side, item) => self.turn(side, item, ItemState::Open),
            Step::Retitle(side, item) => {
                let Some(there) = self.item(side, item) else { return };
                self.world.retitle(side, &there.item.id, &format!("item {number}"));
                self.done += 1;
            }
            Step::Label(side, item, label) => {
                let Some(there) = self.item(side, item) else { return };
                let label = ["bug", "vip", "Later", "docs"][label].to_owned();
                self.world.change(side, &there.item.id, |item| {
                    if item.labels.contains(&label) {
                        item.labels.retain(|one| *one != label);
                    } else {
                        item.labels.push(label);
                    }
                });
                self.done += 1;
            }
            Step::EditText(side, item) => {
                let Some(there) = self.item(side, item) else { return };
                self.world.change(side, &there.item.id, |item| item.body = format!("text {number}."));
                self.done += 1;
            }
            Step::Delete(side, item) => {
                let Some(there) = self.item(side, item) else { return };
                self.world.delete(side, &there.item.id);
                self.done += 1;
            }
            Step::Deliver(which) => {
                self.collect();
                if !self.hooks.is_empty() {
                    let (side, hook) = self.hooks.swap_remove(which % self.hooks.len());
                    self.world.deliver(side, hook).await;
                }
            }
            Step::DeliverTwice(which) => {
                self.collect();
                if !self.hooks.is_empty() {
                    let (side, hook) = self.hooks[which % self.hooks.len()].clone();
                    self.world.deliver(side, hook).await;
                }
            }
            Step::Work => drop(self.world.step().await),
            Step::DieAtWork => self.die().await,
            Step::Lose(side, call) => self.world.partner(side).trouble_with_items(call, LosesAnswer),
            Step::Fail(side, call) => {
                self.world.partner(side).trouble_with_items(call, Fails(ErrorKind::Unavailable));
            }
        }
    }

    fn collect(&mut self) {
        self.hooks.extend(self.world.hooks());
    }

    fn item(&self, side: Side, which: usize) -> Option<FakeItem> {
        let mut all = self.world.partner(side).items();
        (!all.is_empty()).then(|| all.swap_remove(which % all.len()))
    }

    /// A comment that a person wrote; nobody edits a machine's.
    fn own_comment(&self, side: Side, item: usize, which: usize) -> Option<(String, String)> {
        let there = self.item(side, item)?;
        let own: Vec<_> = there.comments.iter().filter(|comment| comment.id.starts_with('p')).collect();
        (!own.is_empty()).then(|| (there.item.id.clone(), own[which % own.len()].id.clone()))
    }

    fn turn(&mut self, side: Side, item: usize, state: ItemState) {
        let Some(there) = self.item(side, item).filter(|there| there.item.state != state) else { return };
        self.world.change(side, &there.item.id, |item| item.state = state);
        self.done += 1;
    }

    /// A worker's process dies after the next write to either partner was made, and before it was written down.
    async fn die(&self) {
        patchbay::queue::let_due_go_on(&self.world.core.db).await.unwrap();
        let Some(job) = self.world.claim().await else { return };
        for side in [Left, Right] {
            for call in [ItemCall::CreateItem, ItemCall::Comment, ItemCall::Act] {
                self.world.partner(side).trouble_with_items(call, AnswersLate(Duration::from_secs(3600)));
            }
        }
        let outcome = tokio::time::timeout(Duration::from_millis(150), self.world.do_job(&job)).await.ok();
        self.world.left.forget_troubles();
        self.world.right.forget_troubles();
        self.world.look();
        self.world.settle(&job, outcome).await;
    }

    async fn end(&mut self) {
        self.world.left.forget_troubles();
        self.world.right.forget_troubles();
        self.collect();
        for (side, hook) in std::mem::take(&mut self.hooks) {
            self.world.deliver(side, hook).await;
        }
        for _ in 0..2000 {
            self.world.core.clock.advance(Duration::from_secs(4));
            self.world.deliver_all().await;
            if !self.world.step().await {
                self.collect();
                if self.hooks.is_empty() && self.world.job_rows().await.is_empty() {
                    return;
                }
                for (side, hook) in std::mem::take(&mut self.hooks) {
                    self.world.deliver(side, hook).await;
                }
            }
        }
        panic!("there is no end: {:?}", self.world.job_rows().await);
    }

    async fn check(&self) {
        let world = &self.world;
        assert_eq!(world.mirror_row().await.state, MirrorState::Active);
        let pairs = world.pairs().await;
        for change in world.changes().await {
            let pair = pairs.iter().find(|pair| change.pair_id == Some(pair.id));
            let is_over = pair.is_some_and(|pair| pair.state == PairState::Ended);
            // Nothing can be said to what somebody deleted a moment ago.
            assert!(
                matches!(change.state, ChangeState::Done | ChangeState::Skipped) || is_over,
                "{} {}: {:?} {:?}",
                change.what,
                change.item_name,
                change.state,
                change.reason
            );
        }
        let by_id = |side: Side| -> BTreeMap<String, FakeItem> {
            world.partner(side).items().into_iter().map(|there| (there.item.id.clone(), there)).collect()
        };
        let (left, right) = (by_id(Left), by_id(Right));
        self.no_item_has_two_copies(&left, &right);
        for pair in pairs {
            let ids = (pair.left_item.as_ref(), pair.right_item.as_ref());
            let there = (ids.0.and_then(|id| left.get(id)), ids.1.and_then(|id| right.get(id)));
            if let (Some(one), Some(other)) = there {
                is_the_same(one, other);
                is_said_once(one, other);
                is_said_once(other, one);
            } else if let (Some(alone), None) | (None, Some(alone)) = there {
                assert!(ids.0.is_some() && ids.1.is_some(), "{} has no copy", alone.item.name);
            }
        }
        let writes = self.written();
        assert!(writes <= self.done, "{writes} were written, and people did {}", self.done);
    }

    fn no_item_has_two_copies(&self, left: &BTreeMap<String, FakeItem>, right: &BTreeMap<String, FakeItem>) {
        for (here, there, word) in [(left, right, "left"), (right, left, "right")] {
            let copies: Vec<_> = there.values().filter_map(|copy| copy.item.external_id.clone()).collect();
            let mut once = copies.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), copies.len(), "{copies:?}");
            for original in here.values().filter(|one| one.item.external_id.is_none()) {
                let name = format!("{word}-{}", original.item.id);
                let is_gone = copies.iter().all(|copy| *copy != name);
                // Its copy may have been deleted by somebody; then it says so.
                assert!(!is_gone || original.comments.iter().any(|note| note.body.contains("was deleted")), "{name}");
            }
        }
    }

    /// What the partners did for us, each time it was done.
    fn written(&self) -> usize {
        [Left, Right]
            .into_iter()
            .map(|side| {
                let partner = self.world.partner(side);
                let copies = partner.items().into_iter();
                let made = copies.map(|there| {
                    let written = there.comments.iter().filter(|comment| comment.id.starts_with('c')).count();
                    written + usize::from(there.item.external_id.is_some())
                });
                made.sum::<usize>() + partner.acted().len()
            })
            .sum()
    }
}

fn is_the_same(one: &FakeItem, other: &FakeItem) {
    let labels = |there: &FakeItem| {
        let mut labels = there.item.labels.clone();
        labels.sort();
        labels
    };
    assert_eq!(one.item.title, other.item.title, "{} and {}", one.item.name, other.item.name);
    assert_eq!(one.item.state, other.item.state, "{} and {}", one.item.name, other.item.name);
    assert_eq!(labels(one), labels(other), "{} and {}", one.item.name, other.item.name);
}

/// What people wrote below the one stands once below the other.
fn is_said_once(one: &FakeItem, other: &FakeItem) {
    for comment in one.comments.iter().filter(|comment| comment.id.starts_with('p')) {
        let times = other.comments.iter().filter(|copy| copy.body.ends_with(&comment.body)).count();
        assert_eq!(times, 1, "{:?} of {} at {}", comment.body, one.item.name, other.item.name);
    }
}

fn how_many() -> (u32, usize) {
    let said = std::env::var("PATCHBAY_INTERLEAVINGS").ok();
    let said = said.as_deref().and_then(|said| said.split_once('x'));
    said.and_then(|(cases, steps)| Some((cases.parse().ok()?, steps.parse().ok()?))).unwrap_or((15, 40))
}

async fn play(world: World, steps: &[Step]) -> Case {
    let mut case = Case { world, hooks: Vec::new(), number: 1, done: 0 };
    for step in steps {
        case.go(step).await;
    }
    case.end().await;
    case.check().await;
    case
}

async fn any_interleaving_ends_with_both_sides_the_same(test: TestDatabase) {
    let (cases, steps) = how_many();
    let mut runner = TestRunner::new(Config::default());
    for number in 0..cases {
        let steps = vec(step(), steps).new_tree(&mut runner).unwrap().current();
        let said = format!("{steps:?}");
        let world = World::of(&test, &format!("ada{number}"), ALL, Some(0)).await;
        let played = tokio::spawn(async move { play(world, &steps).await }).await;
        assert!(played.is_ok(), "{said}");
    }
}

/// What the random ones found, each when it was mended: a text was told twice, and once more by its own side.
async fn what_once_ended_otherwise_does_not_any_more(test: TestDatabase) {
    use ItemCall::{Comment as Said, CreateItem};
    use Step::*;
    let cases = [
        vec![
            Open(Right),
            Open(Right),
            Lose(Right, CreateItem),
            Work,
            Deliver(125),
            Work,
            Label(Right, 555, 2),
            Work,
            Deliver(758),
            DeliverTwice(725),
            Comment(Right, 249),
            Lose(Right, Said),
            Deliver(310),
            Deliver(324),
            Comment(Left, 416),
            Deliver(255),
            Close(Left, 102),
            Deliver(353),
            Deliver(787),
            Deliver(833),
            EditText(Left, 913),
            Fail(Left, CreateItem),
            Lose(Left, CreateItem),
            Work,
            Work,
        ],
        vec![
            Lose(Right, Said),
            Open(Left),
            DeliverTwice(799),
            Work,
            Lose(Right, Said),
            Fail(Right, CreateItem),
            Work,
            Comment(Left, 364),
            DeliverTwice(821),
            EditText(Left, 6),
            EditComment(Left, 312, 803),
            DeliverTwice(190),
            Work,
            Work,
            Deliver(439),
            Work,
            Reopen(Right, 425),
            EditText(Right, 85),
            Deliver(584),
            Work,
            Work,
            Work,
            Comment(Right, 179),
            Deliver(197),
            Work,
            Retitle(Left, 251),
            Work,
            Work,
            Deliver(975),
            Deliver(484),
            Comment(Right, 749),
        ],
    ];
    for (number, steps) in cases.into_iter().enumerate() {
        play(World::of(&test, &format!("ada{number}"), ALL, Some(0)).await, &steps).await;
    }
}

/// When each change is carried before the next one is made, each is written once.
async fn each_change_is_written_once(test: TestDatabase) {
    let world = World::new(test).await;
    let mut case = Case { world, hooks: Vec::new(), number: 1, done: 0 };
    let config = Config { rng_seed: RngSeed::Fixed(7), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let mut people = 0;
    while people < 60 {
        let next = step().new_tree(&mut runner).unwrap().current();
        let is_persons = !matches!(
            next,
            Step::Deliver(_)
                | Step::DeliverTwice(_)
                | Step::Work
                | Step::DieAtWork
                | Step::Lose(..)
                | Step::Fail(..)
                // What is gone has no copy any more.
                | Step::Delete(..)
        );
        if is_persons {
            case.go(&next).await;
            case.end().await;
            people += 1;
        }
    }
    case.check().await;
    assert!(case.done >= 30, "{}", case.done);
    assert_eq!(case.written(), case.done);
    assert!(case.world.partner(Left).items().iter().all(|there| there.room == room(Left)));
}

on_both_databases!(
    any_interleaving_ends_with_both_sides_the_same,
    what_once_ended_otherwise_does_not_any_more,
    each_change_is_written_once
);
