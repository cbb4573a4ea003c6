//! Backfills: what was there before gets copies, exactly what was asked for and each once, whatever dies on the way.

use std::{collections::BTreeSet, time::Duration};

use integration_contract::{ErrorKind, ItemState};
use integration_testkit::{ItemCall, Trouble};
use jiff::tz::TimeZone;
use patchbay::{
    core::{
        Error,
        audit::{self, Deed},
        integration_links,
        mirrors::{self, BACKFILL, Backfill, CARRY, Creates, MOST_BACKFILLED, MOST_COPIES, Options, Progress},
        people::Member,
    },
    db::{
        MirrorPairId,
        entity::{
            member::Role,
            mirror::{
                MirrorState,
                Side::{Left, Right},
            },
            mirror_backfill::BackfillState,
            mirror_pair,
        },
    },
    queue::{Job, claim, lease, let_due_go_on},
};
use sea_orm::EntityTrait;

use super::{ALL, World, previewing::opened};
use crate::harness::{TestDatabase, on_both_databases};

const LEFT: Options = Options { creates: Creates::Left, ..ALL };

/// Everything that is ready, as several workers have it in hand.
async fn claim_all(world: &World) -> Vec<Job> {
    let_due_go_on(&world.core.db).await.unwrap();
    let (owner, slots, mut turn) = (lease::Owner::new(), claim::Slots::new(100), claim::Turn::default());
    let lease = Duration::from_secs(600);
    claim::claim(&world.core.db, &owner, &slots, &mut turn, lease).await.unwrap().jobs
}

/// Does everything that is ready once; says whether there was anything.
async fn round(world: &World) -> bool {
    let jobs = claim_all(world).await;
    for job in &jobs {
        let outcome = world.do_job(job).await;
        world.settle(job, Some(outcome)).await;
    }
    !jobs.is_empty()
}

/// Delivers all hooks and does all jobs, until there is neither. A backfill leaves others their turn.
pub async fn run_all(world: &World) {
    for _ in 0..1000 {
        world.look();
        world.deliver_all().await;
        if !round(world).await && !world.waits().await {
            return;
        }
    }
    panic!("there is no end: {:?}", world.job_rows().await);
}

async fn ask(world: &World, most: u32) {
    let wanted = Backfill { opened_since: world.core.clock.now_seconds() - 30 * 24 * 3600, most };
    mirrors::backfill(&world.core, &world.ada, &world.mirror_row().await, wanted).await.unwrap();
}

async fn progress(world: &World) -> Progress {
    let progress = mirrors::progress(&world.core, &world.mirror_row().await).await.unwrap().unwrap();
    let all = progress.copied + progress.failed + progress.left + progress.skipped;
    assert_eq!(all, progress.found, "{progress:?}");
    progress
}

fn titles(world: &World) -> BTreeSet<String> {
    let all = world.right.items();
    let titles: BTreeSet<String> = all.iter().map(|there| there.item.title.clone()).collect();
    assert_eq!(titles.len(), all.len(), "something was copied twice");
    titles
}

/// Twelve that are to be copied and three that are not; hooks of all of them are still to come.
fn twelve(world: &World) -> Vec<String> {
    opened(world, Left, 3, "closed", |item| item.state = ItemState::Closed);
    opened(world, Left, 40, "old", |_| {});
    opened(world, Left, 2, "of unknown age", |item| item.created_at = None);
    (0..12).map(|number| opened(world, Left, 1 + number, &format!("Nr {number:02}"), |_| {})).collect()
}

fn twelve_titles() -> BTreeSet<String> {
    (0..12).map(|number| format!("Nr {number:02}")).collect()
}

async fn each_is_copied_once_whatever_dies_and_whoever_tells_of_it(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    let ids = twelve(&world);
    ask(&world, 500).await;
    for trouble in [Trouble::Fails(ErrorKind::Unavailable), Trouble::Limits(Duration::from_secs(1))] {
        world.left.trouble_with_items(ItemCall::ListItems, trouble);
        world.left.trouble_with_items(ItemCall::Item, trouble);
    }
    world.right.trouble_with_items(ItemCall::CreateItem, Trouble::LosesAnswer);
    for number in 0..400 {
        // The job is done by two workers at once, and of some jobs nobody lives to say so.
        for job in claim_all(&world).await {
            let (one, other) = match job.kind.as_str() {
                BACKFILL => tokio::join!(world.do_job(&job), world.do_job(&job)),
                _ => (world.do_job(&job).await, world.do_job(&job).await),
            };
            let is_told = (number + job.lease.id) % 3 != 0;
            world.settle(&job, is_told.then_some(if number % 2 == 0 { one } else { other })).await;
        }
        if number % 3 == 0 {
            world.comment(Left, &ids[number as usize % 12], &format!("Comment {number}"));
        }
        world.deliver_all().await;
        progress(&world).await;
        if !mirrors::progress(&world.core, &world.mirror_row().await).await.unwrap().unwrap().is_under_way() {
            break;
        }
    }
    run_all(&world).await;
    assert_eq!(titles(&world), twelve_titles());
    let progress = progress(&world).await;
    assert_eq!((progress.found, progress.copied, progress.percent()), (12, 12, 100));
    assert_eq!(progress.state, BackfillState::Done);
    assert_eq!(world.mirror_row().await.state, MirrorState::Active);
    // Not again, when somebody asks again.
    ask(&world, 500).await;
    run_all(&world).await;
    assert_eq!(titles(&world), twelve_titles());
    let listed = mirrors::for_team(&world.core, world.ada.organization, world.team).await.unwrap();
    assert_eq!(listed[0].backfill.as_ref().map(|again| (again.found, again.percent())), Some((0, 100)));
}

async fn the_last_so_many_are_copied_the_oldest_of_them_first(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    twelve(&world);
    opened(&world, Right, 1, "asked", |_| {});
    ask(&world, 4).await;
    run_all(&world).await;
    let mut copies = world.right.items();
    copies.retain(|there| there.item.external_id.is_some());
    copies.sort_by_key(|there| there.item.id.parse::<u64>().unwrap());
    let copies: Vec<_> = copies.iter().map(|there| there.item.title.as_str()).collect();
    assert_eq!(copies, ["Nr 03", "Nr 02", "Nr 01", "Nr 00"]);
    assert_eq!(world.count(Left), 15, "the right side's get none");
}

async fn both_sides_are_made_up_for_and_copies_are_not_copied_back(test: TestDatabase) {
    let world = World::with(test, ALL, None).await;
    twelve(&world);
    opened(&world, Right, 1, "asked", |_| {});
    ask(&world, 500).await;
    run_all(&world).await;
    assert_eq!((world.count(Left), world.count(Right)), (16, 13));
    assert_eq!(progress(&world).await.copied, 13);
}

async fn few_are_under_way_at_once(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    twelve(&world);
    ask(&world, 500).await;
    let mut most = 0;
    while progress(&world).await.is_under_way() {
        for job in claim_all(&world).await {
            // Nothing gets through for now.
            if job.kind == BACKFILL {
                let outcome = world.do_job(&job).await;
                world.settle(&job, Some(outcome)).await;
            } else {
                world.settle(&job, None).await;
            }
        }
        let waiting = world.job_rows().await.iter().filter(|job| job.kind == CARRY).count();
        most = most.max(waiting);
        if most == 5 && progress(&world).await.state == BackfillState::Copying {
            break;
        }
    }
    for _ in 0..3 {
        let backfills: Vec<_> = claim_all(&world).await;
        for job in backfills {
            let outcome = if job.kind == BACKFILL { Some(world.do_job(&job).await) } else { None };
            world.settle(&job, outcome).await;
        }
    }
    let waiting = world.job_rows().await.iter().filter(|job| job.kind == CARRY).count();
    assert_eq!((most, waiting), (5, 5));
    assert_eq!((progress(&world).await.left, world.count(Right)), (12, 0));
    run_all(&world).await;
    assert_eq!(titles(&world), twelve_titles());
}

async fn a_pause_holds_it_and_nothing_is_lost_by_it(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    let ids = twelve(&world);
    ask(&world, 500).await;
    let pause = async || {
        mirrors::pause(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
        let copies = world.count(Right);
        run_all(&world).await;
        assert_eq!(world.count(Right), copies);
        assert!(progress(&world).await.is_under_way());
        assert!(world.job_rows().await.iter().all(|job| job.kind != BACKFILL));
    };
    let resume = async || mirrors::resume(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    // While it looks, and in the same moment again.
    round(&world).await;
    assert_eq!(progress(&world).await.state, BackfillState::Looking);
    pause().await;
    resume().await;
    mirrors::pause(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    resume().await;
    // With five under way, whose changes are skipped then.
    while !world.job_rows().await.iter().any(|job| job.kind == CARRY) {
        round(&world).await;
    }
    pause().await;
    let before = progress(&world).await;
    assert_eq!((before.found, before.copied + before.left), (12, 12));
    resume().await;
    world.change(Left, &ids[0], |item| item.state = ItemState::Closed);
    run_all(&world).await;
    let mut wanted = twelve_titles();
    wanted.remove("Nr 00");
    assert_eq!(titles(&world), wanted);
    let after = progress(&world).await;
    assert_eq!((after.state, after.copied, after.skipped), (BackfillState::Done, 11, 1));
}

async fn a_link_that_is_paused_holds_it_too(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    twelve(&world);
    ask(&world, 500).await;
    while !world.job_rows().await.iter().any(|job| job.kind == CARRY) {
        round(&world).await;
    }
    integration_links::pause(&world.core, &world.ada, &world.link_row(Right).await).await.unwrap();
    for _ in 0..5 {
        round(&world).await;
    }
    assert_eq!((world.count(Right), progress(&world).await.left), (0, 12));
    integration_links::resume(&world.core, &world.ada, &world.link_row(Right).await).await.unwrap();
    world.set_up_links().await;
    run_all(&world).await;
    assert_eq!(titles(&world), twelve_titles());
}

async fn it_is_stopped_by_a_person_or_with_its_mirror(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    twelve(&world);
    for by_person in [true, false] {
        let before = world.count(Right);
        ask(&world, 500).await;
        while !world.job_rows().await.iter().any(|job| job.kind == CARRY) {
            round(&world).await;
        }
        let mirror = world.mirror_row().await;
        if by_person {
            mirrors::stop_backfill(&world.core, &world.ada, &mirror).await.unwrap();
            let again = mirrors::stop_backfill(&world.core, &world.ada, &mirror).await;
            assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
            let noted = audit::list(&world.core, &world.ada, &TimeZone::UTC, &audit::Filter::default(), None).await;
            let deeds: Vec<_> = noted.unwrap().events.iter().take(2).map(|event| event.deed).collect();
            assert_eq!(deeds, [Deed::BackfillStopped, Deed::BackfillBegun]);
        } else {
            mirrors::remove(&world.core, &world.ada, &mirror).await.unwrap();
        }
        run_all(&world).await;
        let after = progress(&world).await;
        // Those that it began with are a person's wish; where there is no mirror, there are none.
        assert_eq!((after.state, after.copied), (BackfillState::Stopped, if by_person { 5 } else { 0 }));
        assert_eq!(world.count(Right) as u64, before as u64 + after.copied);
        assert_eq!(after.reason.as_deref(), (!by_person).then_some("The mirror was removed."));
    }
}

async fn what_a_partner_refuses_ends_it_with_a_sentence(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    twelve(&world);
    world.left.trouble_with_items(ItemCall::ListItems, Trouble::Fails(ErrorKind::Forbidden));
    ask(&world, 500).await;
    run_all(&world).await;
    let failed = progress(&world).await;
    assert_eq!((failed.state, failed.found), (BackfillState::Failed, 0));
    assert!(failed.reason.unwrap().contains("fake partner"));
    // One copy alone that is refused is the copy's matter, and can be tried again.
    world.right.trouble_with_items(ItemCall::CreateItem, Trouble::Fails(ErrorKind::Refused));
    ask(&world, 500).await;
    run_all(&world).await;
    let done = progress(&world).await;
    assert_eq!((done.state, done.copied, done.failed), (BackfillState::Done, 11, 1));
    let lines = mirrors::changes(&world.core, &world.mirror_row().await, None, 100).await.unwrap();
    let failed =
        lines.iter().find(|line| line.state == patchbay::db::entity::mirror_change::ChangeState::Failed).unwrap();
    mirrors::again(&world.core, &world.ada, &world.mirror_row().await, failed.id).await.unwrap();
    run_all(&world).await;
    assert_eq!((titles(&world), progress(&world).await.copied), (twelve_titles(), 12));
}

async fn what_is_written_to_one_that_waits_is_not_lost(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    let ids = twelve(&world);
    world.look();
    drop(world.hooks());
    ask(&world, 500).await;
    while progress(&world).await.state == BackfillState::Looking {
        round(&world).await;
    }
    world.comment(Left, &ids[0], "Any news?");
    world.comment(Left, &ids[11], "Here too.");
    run_all(&world).await;
    assert_eq!(titles(&world), twelve_titles());
    for title in ["Nr 00", "Nr 11"] {
        assert_eq!(world.item(Right, title).comments.len(), 1, "{title}");
    }
    assert_eq!(progress(&world).await.copied, 12);
}

async fn what_stands_below_an_item_already_stays_there(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    let ids = twelve(&world);
    world.comment(Left, &ids[0], "long ago");
    drop(world.hooks());
    ask(&world, 500).await;
    run_all(&world).await;
    assert!(world.item(Right, "Nr 00").comments.is_empty());
    world.comment(Left, &ids[0], "from now on");
    run_all(&world).await;
    let copy = world.item(Right, "Nr 00");
    assert_eq!(copy.comments.len(), 1);
    assert!(copy.comments[0].body.ends_with("from now on"), "{}", copy.comments[0].body);
}

async fn those_that_a_person_asked_for_are_not_too_many_but_those_of_a_machine_are(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    opened(&world, Left, 1, "Nr 00", |_| {});
    ask(&world, 500).await;
    run_all(&world).await;
    let pair = world.pairs().await.remove(0);
    let many = async |backfill_id| {
        let copies = (0..MOST_COPIES).map(|_| {
            let id = MirrorPairId::new();
            let (left_item, right_item) = (Some(format!("l{id}")), Some(format!("r{id}")));
            mirror_pair::Model { id, left_item, right_item, backfill_id, ..pair.clone() }.into()
        });
        let copies: Vec<mirror_pair::ActiveModel> = copies.collect();
        for some in copies.chunks(100) {
            let insert = mirror_pair::Entity::insert_many(some.to_vec());
            insert.exec_without_returning(world.core.db.writer_for_tests()).await.unwrap();
        }
    };
    world.sql("UPDATE mirrors SET state_since = 0, since = 0").await;
    many(pair.backfill_id).await;
    world.open(Left, "by somebody");
    run_all(&world).await;
    assert_eq!(world.item(Right, "by somebody").item.state, ItemState::Open);
    many(None).await;
    world.open(Left, "by a machine");
    run_all(&world).await;
    assert_eq!(world.mirror_row().await.state, MirrorState::Broken);
}

async fn what_can_not_be_made_up_for_is_said_at_once(test: TestDatabase) {
    let world = World::with(test, LEFT, None).await;
    twelve(&world);
    let mirror = world.mirror_row().await;
    let wanted = |most| Backfill { opened_since: 0, most };
    for most in [0, MOST_BACKFILLED + 1, u32::MAX] {
        let asked = mirrors::backfill(&world.core, &world.ada, &mirror, wanted(most)).await;
        assert!(matches!(asked, Err(Error::Invalid(_))), "{asked:?}");
    }
    let bob = Member { role: Role::Member, ..world.ada };
    let asked = mirrors::backfill(&world.core, &bob, &mirror, wanted(1)).await;
    assert!(matches!(asked, Err(Error::Forbidden(_))), "{asked:?}");
    let stopped = mirrors::stop_backfill(&world.core, &bob, &mirror).await;
    assert!(matches!(stopped, Err(Error::Forbidden(_))), "{stopped:?}");
    assert_eq!(mirrors::progress(&world.core, &mirror).await.unwrap(), None);

    ask(&world, 1).await;
    let second = mirrors::backfill(&world.core, &world.ada, &mirror, wanted(1)).await;
    assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
    run_all(&world).await;
    mirrors::change(&world.core, &world.ada, &mirror, Options { creates: Creates::Nobody, ..ALL }).await.unwrap();
    let nothing = mirrors::backfill(&world.core, &world.ada, &mirror, wanted(1)).await;
    assert!(matches!(&nothing, Err(Error::Conflict(sentence)) if sentence.contains("makes no copies")), "{nothing:?}");
    mirrors::pause(&world.core, &world.ada, &mirror).await.unwrap();
    let paused = mirrors::backfill(&world.core, &world.ada, &mirror, wanted(1)).await;
    assert!(matches!(paused, Err(Error::Conflict(_))), "{paused:?}");
}

on_both_databases!(
    each_is_copied_once_whatever_dies_and_whoever_tells_of_it,
    the_last_so_many_are_copied_the_oldest_of_them_first,
    both_sides_are_made_up_for_and_copies_are_not_copied_back,
    few_are_under_way_at_once,
    a_pause_holds_it_and_nothing_is_lost_by_it,
    a_link_that_is_paused_holds_it_too,
    it_is_stopped_by_a_person_or_with_its_mirror,
    what_a_partner_refuses_ends_it_with_a_sentence,
    what_is_written_to_one_that_waits_is_not_lost,
    what_stands_below_an_item_already_stays_there,
    those_that_a_person_asked_for_are_not_too_many_but_those_of_a_machine_are,
    what_can_not_be_made_up_for_is_said_at_once,
);
