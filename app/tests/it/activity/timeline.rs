//! Everything that came in and went out, newest first.

use std::time::{Duration, Instant};

use integration_contract::ErrorKind;
use integration_testkit::Trouble::Fails;
use patchbay::{
    core::traces::{self, Direction, Ended, Filter, What},
    db::{
        LinkId, MessageId, OutboxMessageId,
        entity::{
            inbox_message::{self, MessageState},
            outbox_message::{self, OutboxKind, OutboxState},
        },
    },
};
use sea_orm::EntityTrait;
use serde_json::json;

use super::{activity, entry, hooks, path, world};
use crate::{
    harness::{TestDatabase, between, on_both_databases},
    outbox::{World, page::browser},
};

/// What the events of a link are, in a word each.
async fn listed(world: &World, link: LinkId, filter: Filter) -> Vec<String> {
    let link = world.link_row(link).await;
    let listing = traces::list(&world.core, &link, filter, None, 50).await.unwrap();
    let word = |what| match what {
        What::Arrived(arrived) => format!("in {} {:?}", arrived.message.event, arrived.message.state),
        What::Told(line) => format!("out {} {:?}", line.text.unwrap_or_default(), line.state),
    };
    listing.events.into_iter().map(|event| word(event.what)).collect()
}

async fn both_ways_stand_in_one_timeline(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "now").await;
    world.hook(link, entry("1", "Shipped the charts")).await;
    world.run().await;
    world.write("Written here").await;
    world.run().await;
    world.fake.trouble_delivering(Fails(ErrorKind::Refused));
    world.write("Too long").await;
    world.run().await;
    world.hook(link, json!({ "do": "stars" })).await;
    world.hook(link, json!({ "do": "malformed" })).await;
    world.run().await;

    let all = Filter::default();
    let ended = |ended| Filter { ended: Some(ended), ..all };
    let way = |direction| Filter { direction: Some(direction), ..all };
    assert_eq!(
        listed(&world, link, all).await,
        [
            "in malformed Failed",
            "in stars Ignored",
            "out Too long Failed",
            "out Written here Delivered",
            "in entry Done"
        ]
    );
    assert_eq!(listed(&world, link, ended(Ended::Something)).await, ["out Written here Delivered", "in entry Done"]);
    assert_eq!(listed(&world, link, ended(Ended::Nothing)).await, ["in stars Ignored"]);
    assert_eq!(listed(&world, link, ended(Ended::Failed)).await, ["in malformed Failed", "out Too long Failed"]);
    assert_eq!(listed(&world, link, ended(Ended::Waiting)).await, Vec::<String>::new());
    assert_eq!(listed(&world, link, way(Direction::Out)).await, ["out Too long Failed", "out Written here Delivered"]);
    let both = Filter { ended: Some(Ended::Failed), direction: Some(Direction::In) };
    assert_eq!(listed(&world, link, both).await, ["in malformed Failed"]);

    let ada = browser(&world, "ada@example.com").await;
    let page = ada.get(&format!("{}?state=failed&way=in", activity(link))).await.text;
    assert!(page.contains("malformed") && !page.contains("Too long"), "{page}");
    let page = ada.get(&activity(link)).await.text;
    for text in ["Became an entry", "Shipped the charts", "Written here", "Replay what failed (2)", "activity.js"] {
        assert!(page.contains(text), "{text:?} in {page}");
    }
    assert!(!page.contains("<script>") && !page.contains("javascript:"));
    let few = ada.get(&path(link)).await.text;
    assert!(few.contains("All activity") && few.contains("Too long"), "{few}");
    world.finish().await;
}

async fn an_event_is_found_by_any_id_that_people_have(test: TestDatabase) {
    let world = world(test).await;
    let (link, other) = (world.link("workshop", "now").await, world.link("lobby", "now").await);
    world.hook(link, entry("issue-42", "Shipped the charts")).await;
    world.run().await;
    let written = world.write("Written here").await.remove(0);
    world.run().await;
    let hook = hooks(&world).await.remove(0);
    let told = world.message_of(written, link).await;
    let remote = world.fake.posts().into_iter().find(|post| post.room == "workshop").unwrap().id;
    let made =
        world.messages().await.into_iter().find_map(|message| message.entry_id.filter(|id| *id != written)).unwrap();

    let here = world.link_row(link).await;
    let found = async |text: &str| {
        let events = traces::search(&world.core, &here, text).await.unwrap();
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(found(&hook.delivery).await, [hook.id.0], "by the delivery");
    assert_eq!(found(&hook.id.to_string()).await, [hook.id.0], "by its own id");
    assert_eq!(found("issue-42").await, [hook.id.0], "by what the entry is called there");
    assert_eq!(found(&made.to_string()).await, [hook.id.0], "by the entry");
    assert_eq!(found(&told.id.to_string()).await, [told.id.0]);
    assert_eq!(found(&remote).await, [told.id.0], "by what it became there");
    let address = format!("http://localhost:3000/teams/{}/entries/{written}", world.team);
    assert_eq!(found(&format!("  {address}/ ")).await, [told.id.0], "by the entry's address");
    for nothing in ["", " ", "nothing", "'; DROP TABLE entries; --", "%", "\0", &"x".repeat(10_000)] {
        assert!(found(nothing).await.is_empty(), "{nothing:?}");
    }
    // Another link's events are not found here.
    let elsewhere = traces::search(&world.core, &world.link_row(other).await, &hook.delivery).await.unwrap();
    assert!(elsewhere.is_empty());

    let ada = browser(&world, "ada@example.com").await;
    let page = ada.get(&format!("{}?q=issue-42", activity(link))).await.text;
    assert!(page.contains("Shipped the charts") && !page.contains("Written here"), "{page}");
    let page = ada.get(&format!("{}?q=%3Cscript%3E", activity(link))).await.text;
    assert!(page.contains("Nothing like that") && page.contains("&#60;script&#62;") && !page.contains("<script>"));
    world.finish().await;
}

async fn what_is_asked_in_nonsense_is_answered_in_a_sentence(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "now").await;
    let ada = browser(&world, "ada@example.com").await;
    for nonsense in ["state=x", "way=up", "before=x", "before=1", "before=%00", "part=all", "state=Failed"] {
        let answer = ada.get(&format!("{}?{nonsense}", activity(link))).await;
        assert_eq!(answer.status, 422, "{nonsense}");
        assert!(answer.text.contains("Go to the first page"), "{nonsense}");
    }
    // An id that is nobody's is a place all the same.
    let nobody = ada.get(&format!("{}?before=00000000-0000-0000-0000-000000000000", activity(link))).await;
    assert!(nobody.status == 200 && nobody.text.contains("Nothing like that"));
    for nothing in ["x", "00000000-0000-7000-8000-000000000000", "..%2f..", "%00"] {
        assert_eq!(ada.get(&format!("{}/{nothing}", activity(link))).await.status, 404, "{nothing}");
    }
    world.finish().await;
}

async fn the_part_that_changes_is_served_alone(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "now").await;
    let ada = browser(&world, "ada@example.com").await;
    let page = ada.get(&activity(link)).await.text;
    let part = between(&page, "data-live=\"", "\"").unwrap().replace("&#38;", "&");
    assert!(ada.get(&part).await.text.contains("Nothing has happened yet"));

    world.hook(link, json!({ "do": "malformed" })).await;
    world.run().await;
    let fresh = ada.get(&part).await;
    assert!(fresh.text.contains("The hook asked to be malformed.") && !fresh.text.contains("<html"), "{}", fresh.text);
    assert_eq!(fresh.header("cache-control"), "no-store");
    // Its buttons work, and lead back to the page.
    let next = between(&fresh.text, "name=\"next\" value=\"", "\"").unwrap();
    let message = between(&fresh.text, "name=\"message\" value=\"", "\"").unwrap();
    let again = ada.post_form(&path(link), &[("action", "replay"), ("message", message), ("next", next)]).await;
    assert_eq!((again.status, again.location()), (303, activity(link).as_str()));
    // What it came to is told by the page, not lost to the part.
    ada.get(&part).await;
    assert!(ada.get(&activity(link)).await.text.contains("Being read again."));
    let away = [("action", "replay"), ("message", message), ("next", "//evil.example/")];
    world.run().await;
    assert_eq!(ada.post_form(&path(link), &away).await.location(), path(link));
    world.finish().await;
}

/// Promised is that a link with 100,000 events is as quick to look at as one with few.
async fn a_hundred_thousand_events_are_quick_to_look_at(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "now").await;
    let organization = world.ada.organization;
    let hook = |number: u32| inbox_message::Model {
        organization_id: organization,
        id: MessageId::new(),
        link_id: link,
        partner: "fake".into(),
        event: "entry".into(),
        delivery: format!("delivery-{number}"),
        lane: String::new(),
        headers: json!({}),
        body: Vec::new(),
        digest: Vec::new(),
        // The few that failed are the oldest: nothing finds them by going through all the others.
        state: if number < 60 { MessageState::Failed } else { MessageState::Done },
        reason: None,
        received_at: 0,
        finished_at: Some(0),
    };
    let message = |number: u32| outbox_message::Model {
        organization_id: organization,
        id: OutboxMessageId::new(),
        link_id: link,
        about: format!("digest:{number}"),
        kind: OutboxKind::Digest,
        entry_id: None,
        item_id: None,
        digest_id: None,
        content: None,
        state: OutboxState::Delivered,
        reason: None,
        note: None,
        version: 1,
        turn: 1,
        attempts: 0,
        first_sent_at: None,
        created_at: 0,
        finished_at: Some(0),
    };
    for chunk in 0..100 {
        let numbers = chunk * 500..(chunk + 1) * 500;
        let hooks: Vec<_> = numbers.clone().map(|number| inbox_message::ActiveModel::from(hook(number))).collect();
        let told: Vec<_> = numbers.map(|number| outbox_message::ActiveModel::from(message(number))).collect();
        let write = async |tx: &_| {
            inbox_message::Entity::insert_many(hooks).exec_without_returning(tx).await?;
            outbox_message::Entity::insert_many(told).exec_without_returning(tx).await
        };
        world.core.db.write(write).await.unwrap();
    }
    world.sql("ANALYZE").await;
    let link_row = world.link_row(link).await;
    let failed = Filter { ended: Some(Ended::Failed), direction: None };
    let mut slowest = Duration::ZERO;
    for filter in [Filter::default(), failed] {
        let (mut before, mut seen) = (None, 0);
        for _ in 0..4 {
            let begun = Instant::now();
            let listing = traces::list(&world.core, &link_row, filter, before, 50).await.unwrap();
            slowest = slowest.max(begun.elapsed());
            seen += listing.events.len();
            before = listing.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, if filter == failed { 60 } else { 200 });
    }
    let begun = Instant::now();
    assert_eq!(traces::search(&world.core, &link_row, "delivery-77").await.unwrap().len(), 1);
    slowest = slowest.max(begun.elapsed());
    // In a debug build, on a machine that does other things too.
    assert!(slowest < Duration::from_millis(500), "a page took {slowest:?}");
    world.finish().await;
}

async fn pages_neither_skip_nor_repeat(test: TestDatabase) {
    let world = world(test).await;
    let (link, source) = (world.link("workshop", "now").await, world.link("attic", "no").await);
    for number in 0..7 {
        world.hook(link, entry(&number.to_string(), "arrived")).await;
        world.hook(source, entry(&number.to_string(), "told on")).await;
        world.run().await;
    }
    let row = world.link_row(link).await;
    let whole = traces::list(&world.core, &row, Filter::default(), None, 100).await.unwrap();
    assert_eq!((whole.events.len(), whole.next), (14, None));
    let (mut pieces, mut before) = (Vec::new(), None);
    loop {
        let page = traces::list(&world.core, &row, Filter::default(), before, 3).await.unwrap();
        pieces.extend(page.events.iter().map(|event| event.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(pieces, whole.events.iter().map(|event| event.id).collect::<Vec<_>>());
    world.finish().await;
}

on_both_databases!(
    both_ways_stand_in_one_timeline,
    an_event_is_found_by_any_id_that_people_have,
    what_is_asked_in_nonsense_is_answered_in_a_sentence,
    the_part_that_changes_is_served_alone,
    a_hundred_thousand_events_are_quick_to_look_at,
    pages_neither_skip_nor_repeat,
);
