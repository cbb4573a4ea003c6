//! Previews: what is said before a mirror is made is what it then does.

use integration_contract::{ErrorKind, Item, ItemState};
use integration_testkit::{ItemCall, Trouble};
use patchbay::{
    core::{
        Error, integration_links,
        mirrors::{self, Backfill, Copy, Creates, Fate, Forecast, NewMirror, Options, When},
        people::Member,
    },
    db::entity::{
        member::Role,
        mirror::Side::{self, Left, Right},
    },
};

use super::{ALL, World, backfilling::run_all, room};
use crate::harness::{TestDatabase, on_both_databases};

const DAY: i64 = 24 * 3600;

/// An item that was opened so many days ago.
pub fn opened(world: &World, side: Side, days: i64, title: &str, change: impl FnOnce(&mut Item)) -> String {
    let id = world.partner(side).free_number();
    let mut item = world.partner(side).open_item(room(side), &id, title);
    item.created_at = Some(world.core.clock.now_seconds() - days * DAY);
    item.body = format!("{title}, @everybody.");
    change(&mut item);
    world.partner(side).put_item(room(side), item);
    id
}

fn fates(items: &[Forecast]) -> Vec<(&str, String)> {
    let word = |fate: &Fate| match fate {
        Fate::Copied { when: When::MadeUpFor, .. } => "made up for".to_owned(),
        Fate::Copied { when: When::NextChange, .. } => "next change".to_owned(),
        Fate::Missed { reason, .. } => format!("missed: {reason}"),
        Fate::Left(reason) => format!("left: {reason}"),
    };
    items.iter().map(|item| (item.title.as_str(), word(&item.fate))).collect()
}

async fn what_is_said_is_what_is_done(test: TestDatabase) {
    let mut world = World::without_mirror(&test, "ada").await;
    opened(&world, Left, 1, "yesterday's", |item| item.labels = vec!["bug".into()]);
    opened(&world, Left, 2, "closed", |item| item.state = ItemState::Closed);
    opened(&world, Left, 3, "waits", |item| item.state = ItemState::Waiting);
    opened(&world, Left, 4, "one too many", |_| {});
    opened(&world, Left, 40, "old", |_| {});
    opened(&world, Right, 1, "asked", |_| {});
    let opened_since = world.core.clock.now_seconds() - 30 * DAY;
    let new = || NewMirror {
        backfill: Some(Backfill { opened_since, most: 2 }),
        ..world.wish(Options { creates: Creates::Left, ..ALL })
    };

    let preview = mirrors::preview(&world.core, &world.ada, &new()).await.unwrap();

    assert_eq!((preview.left.partner.as_str(), preview.left.place.as_str()), ("Left", "issues"));
    let left = preview.left.items.unwrap();
    assert_eq!(
        fates(&left),
        [
            ("yesterday's", "made up for".to_owned()),
            ("closed", "missed: It is closed; what is made up for is what is open.".to_owned()),
            ("waits", "made up for".to_owned()),
            ("one too many", "missed: Only the last 2 are made up for.".to_owned()),
            ("old", "missed: It was opened before the day from which on items are made up for.".to_owned()),
        ]
    );
    assert_eq!(
        (left[0].author.name.as_str(), left[0].url.as_deref()),
        ("somebody", Some("https://fake.example/issues/1"))
    );
    let right = preview.right.items.unwrap();
    let none = "left: It has no copy, and the mirror makes none of what is opened on this side.".to_owned();
    assert_eq!(fates(&right), [("asked", none)]);
    // Nobody was told anything, and nothing is there that was not.
    assert_eq!((world.writes(Left), world.writes(Right)), (0, 0));
    assert!(integration_links::in_sight(&world.core, &world.ada).await.unwrap().is_empty());
    assert!(world.job_rows().await.is_empty());

    let new = new();
    world.make(new).await;
    run_all(&world).await;
    assert_eq!(world.count(Right), 3);
    for forecast in left {
        let Fate::Copied { copy, .. } = forecast.fate else { continue };
        let made = world.item(Right, &copy.title).item;
        let made =
            Copy { external_id: made.external_id.unwrap(), title: made.title, body: made.body, labels: made.labels };
        assert_eq!(made, copy);
    }
}

async fn what_a_mirror_from_now_on_misses_is_shown_as_it_would_have_been(test: TestDatabase) {
    let mut world = World::without_mirror(&test, "ada").await;
    let issue = opened(&world, Left, 1, "yesterday's", |_| {});
    let preview = mirrors::preview(&world.core, &world.ada, &world.wish(ALL)).await.unwrap();
    let items = preview.left.items.unwrap();
    let Fate::Missed { copy, reason } = &items[0].fate else { panic!("{items:?}") };
    assert_eq!(reason, "It was opened before the mirror began.");
    assert_eq!((copy.external_id.as_str(), copy.title.as_str()), ("left-1", "yesterday's"));
    let text = "**somebody** wrote in [issues#1](https://fake.example/issues/1):\n\nyesterday's, @\u{2060}everybody.";
    assert_eq!(copy.body, text);

    let since = Some(world.core.clock.now_seconds() - 2 * DAY);
    let new = NewMirror { since, ..world.wish(ALL) };
    let preview = mirrors::preview(&world.core, &world.ada, &new).await.unwrap();
    assert_eq!(fates(&preview.left.items.unwrap()), [("yesterday's", "next change".to_owned())]);
    world.make(new).await;
    // Nobody was there when its hook came.
    world.look();
    drop(world.hooks());
    run_all(&world).await;
    assert_eq!(world.count(Right), 0);
    world.comment(Left, &issue, "Still so.");
    run_all(&world).await;
    assert_eq!(world.item(Right, "yesterday's").comments.len(), 1);
}

async fn what_an_earlier_mirror_joined_is_left_alone(test: TestDatabase) {
    let mut world = World::with(test, ALL, Some(0)).await;
    world.open(Left, "It breaks");
    run_all(&world).await;
    assert_eq!(world.count(Right), 1);
    mirrors::remove(&world.core, &world.ada, &world.mirror_row().await).await.unwrap();
    run_all(&world).await;

    // The other way round they are the same two places.
    let wish = world.wish(ALL);
    let new = NewMirror {
        left: wish.right.clone(),
        right: wish.left.clone(),
        backfill: Some(Backfill { opened_since: 0, most: 10 }),
        ..wish
    };
    let preview = mirrors::preview(&world.core, &world.ada, &new).await.unwrap();
    let joined = "left: An earlier mirror between these two joined it with another one.".to_owned();
    assert_eq!(fates(&preview.left.items.unwrap()), [("It breaks", joined.clone())]);
    assert_eq!(fates(&preview.right.items.unwrap()), [("It breaks", joined)]);
    world.make(new).await;
    run_all(&world).await;
    assert_eq!((world.count(Left), world.count(Right)), (1, 1));
    let progress = mirrors::progress(&world.core, &world.mirror_row().await).await.unwrap().unwrap();
    assert_eq!((progress.found, progress.percent(), progress.is_under_way()), (0, 100, false));
}

async fn a_partner_that_fails_leaves_the_other_half(test: TestDatabase) {
    let world = World::without_mirror(&test, "ada").await;
    opened(&world, Left, 1, "yesterday's", |_| {});
    world.right.trouble_with_items(ItemCall::ListItems, Trouble::Fails(ErrorKind::Forbidden));
    let preview = mirrors::preview(&world.core, &world.ada, &world.wish(ALL)).await.unwrap();
    assert!(preview.right.items.unwrap_err().contains("fake partner"));
    assert_eq!(preview.left.items.unwrap().len(), 1);
}

async fn the_last_ten_are_shown_whatever_a_page_holds(test: TestDatabase) {
    let world = World::without_mirror(&test, "ada").await;
    for number in 0..12 {
        opened(&world, Left, number, &format!("Nr {number}"), |_| {});
    }
    // One page that came to nothing is no end, and what is gone by now is said to be.
    let preview = mirrors::preview(&world.core, &world.ada, &world.wish(ALL)).await.unwrap();
    let titles: Vec<String> = preview.left.items.unwrap().into_iter().map(|item| item.title).collect();
    assert_eq!(titles, (0..9).map(|number| format!("Nr {number}")).collect::<Vec<_>>(), "three pages of three");
}

async fn whoever_may_not_make_it_may_not_look(test: TestDatabase) {
    let world = World::new(test).await;
    let bob = Member { role: Role::Member, ..world.ada };
    let looked = mirrors::preview(&world.core, &bob, &world.wish(ALL)).await;
    assert!(matches!(looked, Err(Error::Forbidden(_))), "{looked:?}");
    // Nor does it promise what could not be made.
    let looked = mirrors::preview(&world.core, &world.ada, &world.wish(ALL)).await;
    assert!(matches!(&looked, Err(Error::Conflict(sentence)) if sentence.contains("are joined already")), "{looked:?}");
}

on_both_databases!(
    what_is_said_is_what_is_done,
    what_a_mirror_from_now_on_misses_is_shown_as_it_would_have_been,
    what_an_earlier_mirror_joined_is_left_alone,
    a_partner_that_fails_leaves_the_other_half,
    the_last_ten_are_shown_whatever_a_page_holds,
    whoever_may_not_make_it_may_not_look,
);
