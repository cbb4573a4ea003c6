//! Items on their way out: every change is told once, in order, in the item's thread, and the item as it is then.

use std::time::Duration;

use integration_contract::{
    CheckedLink, ErrorKind, LinkSettings, Outgoing, OutgoingItem, PartnerSettings, Posted, Told,
};
use integration_testkit::{
    FakePartner,
    Trouble::{Fails, LosesAnswer},
};
use patchbay::{
    core::{integration_links, items},
    db::{
        LinkId,
        entity::{
            integration_link::{LinkLevel, LinkState},
            outbox_message::{
                OutboxKind,
                OutboxState::{Cancelled, Delivered, Failed, Held, Skipped, Waiting},
            },
        },
    },
};
use serde_json::{Value, json};

use super::{World, founder, now};
use crate::harness::{TestDatabase, on_both_databases};

const HOUR: Duration = Duration::from_secs(3600);

async fn world(test: TestDatabase) -> World {
    let fake = FakePartner::with_card(FakePartner::able_card());
    World::with(test, now(), fake, PartnerSettings::default()).await
}

/// A workshop with items, and a lobby that shows them.
async fn rooms(world: &World) -> (LinkId, LinkId) {
    (world.link("workshop", "no").await, world.link("lobby", "items").await)
}

fn change(id: &str, change: &str, at: i64) -> Value {
    json!({ "do": "item", "id": id, "change": change, "at": at, "title": "The door sticks", "by": { "id": "7", "name": "ada" } })
}

/// The same with other fields.
fn with(mut change: Value, fields: Value) -> Value {
    change.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    change
}

/// What was told of items, in order.
fn told(world: &World) -> Vec<(Outgoing, OutgoingItem)> {
    let heard = world.fake.heard().into_iter().map(|heard| heard.message);
    let items = heard.filter_map(|message| match &message.what {
        Told::Item(item) => Some((message.clone(), (**item).clone())),
        _ => None,
    });
    items.collect()
}

async fn changes_are_told_in_order_below_the_first(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, _) = rooms(&world).await;
    for hook in [
        change("42", "opened", 1),
        with(change("42", "commented", 2), json!({ "comment": { "id": "c1", "body": "Mine too." } })),
        change("42", "closed", 3),
    ] {
        world.hook(workshop, hook).await;
        world.run().await;
    }

    assert_eq!(
        world.standing(),
        [
            "ada: workshop#42 (open) Opened",
            "ada: workshop#42 (open) Commented: Mine too.",
            "ada: workshop#42 (closed) Closed"
        ]
    );
    let posts = world.fake.posts();
    let first = Some(posts[0].id.clone());
    assert_eq!(posts.iter().map(|post| post.thread.clone()).collect::<Vec<_>>(), [None, first.clone(), first]);
    let told = told(&world);
    let item = world.items().await.remove(0);
    assert!(told.iter().all(|(_, told)| told.id == item.id.to_string() && told.source == "workshop"));
    assert!(told.iter().all(|(message, told)| message.posted == Posted::Never && told.trouble.is_none()));
    let messages = world.messages().await;
    assert!(messages.iter().all(|message| message.kind == OutboxKind::Item && message.content.is_none()));
    assert_eq!(world.states().await, [Delivered; 3]);
    assert_eq!(world.heard_of().await, ["Done"; 3]);
    world.finish().await;
}

async fn the_item_is_told_as_it_stands_then_and_no_change_joins_another(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = rooms(&world).await;
    world.sql(&format!("UPDATE integration_links SET state = 'broken' WHERE id = {}", id(&world, lobby))).await;
    world.hook(workshop, change("42", "opened", 1)).await;
    world.hook(workshop, change("42", "closed", 2)).await;
    world.run().await;
    assert_eq!(world.states().await, [Held; 2]);

    mend(&world, lobby).await;
    world.run().await;
    assert_eq!(world.standing(), ["ada: workshop#42 (closed) Opened", "ada: workshop#42 (closed) Closed"]);
    world.finish().await;
}

/// A link's id, as the database writes it in SQL.
fn id(world: &World, link: LinkId) -> String {
    match world.core.db.backend() {
        patchbay::db::Backend::Postgres => format!("'{link}'"),
        patchbay::db::Backend::Sqlite => format!("x'{}'", link.0.simple()),
    }
}

async fn mend(world: &World, link: LinkId) {
    let link = world.link_row(link).await;
    integration_links::resume(&world.core, &world.ada, &link).await.unwrap();
    integration_links::install(&world.core, link.organization_id, link.id).await.unwrap();
}

async fn what_is_told_twice_is_no_news_and_an_older_picture_replaces_no_newer_one(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, _) = rooms(&world).await;
    world.hook(workshop, change("42", "closed", 5)).await;
    world.hook(workshop, change("42", "closed", 5)).await;
    world.hook(workshop, with(change("42", "labelled", 4), json!({ "labels": ["wood"] }))).await;
    world.run().await;

    assert_eq!(world.heard_of().await, ["Done", "We know this already.", "Done"]);
    let (_, labelled) = told(&world).remove(1);
    assert_eq!(
        (labelled.item.state_word.as_str(), labelled.change.item.labels.as_slice()),
        ("closed", &["wood".into()][..])
    );
    assert_eq!(world.items().await.len(), 1);
    assert_eq!(world.items().await[0].changed_at, Some(5));
    world.finish().await;
}

async fn what_nobody_is_told_of_is_kept_all_the_same(test: TestDatabase) {
    let world = world(test).await;
    let workshop = world.link("workshop", "items").await;
    world.hook(workshop, change("42", "opened", 1)).await;
    world.hook(workshop, with(change("", "opened", 1), json!({ "id": "x".repeat(300) }))).await;
    world.run().await;

    assert!(world.messages().await.is_empty());
    let items = world.items().await;
    assert_eq!((items.len(), items[0].external_id.as_str(), items[0].link_id), (1, "42", workshop));
    assert_eq!(items[0].picture["title"], "The door sticks");
    assert_eq!(world.heard_of().await, ["Done", "The item has no id that we could know it by."]);
    world.finish().await;
}

async fn only_links_that_want_it_are_told_and_never_the_place_it_came_from(test: TestDatabase) {
    let world = world(test).await;
    let workshop = world.link("workshop", "items").await;
    let (eve, lab) = founder(&world.core, "eve", "Eve").await;
    world.link_of(&eve, lab, LinkLevel::Team, "umbra", "items").await;
    // The same room again, as Bob's own; and a room of his own, which is about what he does.
    world.link_of(&world.bob, world.team, LinkLevel::User, "workshop", "items").await;
    world.link_of(&world.bob, world.team, LinkLevel::User, "bobs-room", "items").await;
    world.link("silent", "now").await;
    world.link("lobby", "items").await;
    world.account(Some(world.bob.user), "8", None).await;

    world.hook(workshop, change("42", "opened", 1)).await;
    world.run().await;
    world.hook(workshop, with(change("42", "closed", 2), json!({ "by": { "id": "8", "name": "bob" } }))).await;
    world.run().await;

    let mut told: Vec<_> = world.fake.posts().into_iter().map(|post| (post.room, post.text)).collect();
    told.sort();
    let closed = "bob: workshop#42 (closed) Closed";
    assert_eq!(
        told,
        [
            ("bobs-room".to_owned(), closed.to_owned()),
            ("lobby".to_owned(), "ada: workshop#42 (open) Opened".to_owned()),
            ("lobby".to_owned(), closed.to_owned()),
        ]
    );
    world.finish().await;
}

async fn somebodys_own_link_brings_what_they_did(test: TestDatabase) {
    let world = world(test).await;
    let workshop = world.link_of(&world.bob, world.team, LinkLevel::User, "workshop", "no").await;
    world.link("lobby", "items").await;
    world.account(Some(world.bob.user), "8", None).await;
    world.hook(workshop, change("42", "opened", 1)).await;
    world.hook(workshop, with(change("42", "closed", 2), json!({ "by": { "id": "8", "name": "bob" } }))).await;
    world.run().await;

    assert_eq!(world.heard_of().await, ["Somebody else did this, and the link is for one person.", "Done"]);
    assert_eq!(world.standing(), ["bob: workshop#42 (closed) Closed"]);
    world.finish().await;
}

async fn an_entry_of_an_item_is_offered_and_says_so(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, _) = rooms(&world).await;
    world.link("log", "now").await;
    world.link("both", "all").await;
    world.hook(workshop, with(change("42", "closed", 1), json!({ "entry": "Closed the door" }))).await;
    world.run().await;

    let mut posts: Vec<_> = world.fake.posts().into_iter().map(|post| (post.room, post.text)).collect();
    posts.sort();
    let rooms: Vec<&str> = posts.iter().map(|(room, _)| room.as_str()).collect();
    assert_eq!(rooms, ["both", "lobby", "log"]);
    assert_eq!(posts[2].1, "ada: Closed the door");
    let entry = world.fake.heard().into_iter().find_map(|heard| match heard.message.what {
        Told::Entry(entry) => Some(entry),
        _ => None,
    });
    assert!(entry.unwrap().of_item);
    world.finish().await;
}

async fn a_lost_answer_is_looked_for_and_the_thread_is_right(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, _) = rooms(&world).await;
    world.fake.trouble_delivering(LosesAnswer);
    world.hook(workshop, change("42", "opened", 1)).await;
    world.hook(workshop, change("42", "closed", 2)).await;
    world.run_to_the_end().await;

    let posts = world.fake.posts();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[1].thread, Some(posts[0].id.clone()));
    let told = told(&world);
    assert_eq!(told[0].0.id, told[1].0.id);
    assert!(matches!(told[1].0.posted, Posted::Maybe { .. }));
    world.finish().await;
}

async fn what_failed_can_be_sent_again_and_what_is_not_wanted_any_more_is_not_sent(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = rooms(&world).await;
    world.fake.trouble_delivering(Fails(ErrorKind::Refused));
    world.hook(workshop, change("42", "opened", 1)).await;
    world.run().await;
    let message = world.messages().await.remove(0);
    assert_eq!((message.state, message.content.is_some()), (Failed, true));
    patchbay::core::outbox::replay(&world.core, &world.ada, lobby, message.id).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(), ["ada: workshop#42 (open) Opened"]);

    world.sql(&format!("UPDATE integration_links SET state = 'broken' WHERE id = {}", id(&world, lobby))).await;
    world.hook(workshop, change("42", "closed", 2)).await;
    world.run().await;
    let settings = LinkSettings(json!({ "room": "lobby", "tell": "no" }));
    let checked = CheckedLink { settings, target: "room:lobby".into() };
    let (partner, link) = (world.core.partners.get("fake").unwrap(), world.link_row(lobby).await);
    integration_links::change(&world.core, &world.ada, partner, &link, checked).await.unwrap();
    world.run().await;
    assert_eq!(world.states().await, [Delivered, Skipped]);
    assert_eq!(world.messages().await[1].reason.as_deref(), Some("The link does not tell of this any more."));
    world.finish().await;
}

async fn paused_and_removed_links_are_told_nothing_and_what_was_held_too_long_is_old_news(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = rooms(&world).await;
    let (yard, attic) = (world.link("yard", "items").await, world.link("attic", "items").await);
    integration_links::pause(&world.core, &world.ada, &world.link_row(lobby).await).await.unwrap();
    world.sql(&format!("UPDATE integration_links SET state = 'broken' WHERE id = {}", id(&world, attic))).await;
    world.fake.outage(Some(Fails(ErrorKind::Unavailable)));
    world.hook(workshop, change("42", "opened", 1)).await;
    world.run().await;
    let state = async |link| {
        let messages = world.messages().await;
        messages
            .into_iter()
            .find(|message| message.link_id == link)
            .map(|message| (message.state, message.content.is_some()))
    };
    assert_eq!(state(lobby).await, Some((Skipped, true)));
    assert_eq!(state(yard).await, Some((Waiting, true)));
    assert_eq!(state(attic).await, Some((Held, true)));

    world.remove(yard).await;
    assert_eq!(state(yard).await, Some((Cancelled, false)));
    world.fake.outage(None);
    world.pass(80 * HOUR).await;
    mend(&world, attic).await;
    world.run_to_the_end().await;
    assert_eq!(state(attic).await, Some((Skipped, true)));
    assert!(world.fake.posts().is_empty());
    world.finish().await;
}

async fn buttons_say_what_can_be_done(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = rooms(&world).await;
    world.link("log", "now").await;
    for hook in [change("42", "opened", 1), change("42", "closed", 2), change("42", "deleted", 3)] {
        world.hook(workshop, hook).await;
        world.run().await;
    }
    world.write("[] to do\ndone").await;
    world.run().await;

    let names: Vec<Vec<String>> = world
        .fake
        .heard()
        .into_iter()
        .map(|heard| heard.message.buttons.into_iter().map(|button| button.name).collect())
        .collect();
    assert_eq!(names, [vec!["Assign to me", "Close"], vec!["Reopen"], vec![], vec!["Mark as done"], vec![]]);
    let addresses: Vec<_> = told(&world).into_iter().flat_map(|(message, _)| message.buttons).collect();
    assert!(
        addresses
            .iter()
            .all(|button| button.url.as_str().starts_with("http://localhost:3000/integrations/fake/actions/"))
    );

    // Of a link that is gone nothing can be done any more.
    world.sql(&format!("UPDATE integration_links SET state = 'broken' WHERE id = {}", id(&world, lobby))).await;
    world.hook(workshop, change("43", "opened", 4)).await;
    world.run().await;
    world.remove(workshop).await;
    world.run().await;
    assert!(world.items().await.is_empty());
    mend(&world, lobby).await;
    world.run().await;
    let (message, item) = told(&world).pop().unwrap();
    assert_eq!((item.item.name.as_str(), message.buttons.len()), ("workshop#43", 0));
    world.finish().await;
}

async fn one_link_is_told_what_could_not_be_done(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = rooms(&world).await;
    world.link("yard", "items").await;
    world.hook(workshop, change("42", "opened", 1)).await;
    world.run().await;
    let item = world.items().await[0].id;
    let (core, organization) = (&world.core, world.ada.organization);
    for _ in 0..2 {
        items::tell_trouble(core, organization, lobby, item, "Bob", "The workshop does not let you.").await.unwrap();
    }
    world.run().await;

    let posts: Vec<_> = world.fake.posts().into_iter().filter(|post| post.text.starts_with("Bob")).collect();
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().all(|post| post.room == "lobby" && post.thread.is_some()));
    assert_eq!(posts[0].text, "Bob: workshop#42 (open) The workshop does not let you.");
    let stranger = founder(&world.core, "eve", "Eve").await.0.organization;
    assert!(items::tell_trouble(core, stranger, lobby, item, "Eve", "No.").await.is_err());
    world.finish().await;
}

async fn the_links_page_names_item_and_change(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = rooms(&world).await;
    world.hook(workshop, change("42", "opened", 1)).await;
    let comment = json!({ "comment": { "id": "c1", "body": "Mine too." } });
    world.hook(workshop, with(change("42", "comment_edited", 2), comment)).await;
    world.run().await;
    items::tell_trouble(&world.core, world.ada.organization, lobby, world.items().await[0].id, "Bob", "No.")
        .await
        .unwrap();
    let ada = super::page::browser(&world, "ada@example.com").await;
    let path = format!("/integrations/fake/link/{lobby}");
    let page = ada.get(&path).await.text;
    for text in ["workshop#42: opened", "workshop#42: comment edited", "workshop#42: what could not be done"] {
        assert!(page.contains(text), "{text}: {page}");
    }

    world.remove(workshop).await;
    world.run().await;
    assert!(ada.get(&path).await.text.contains("An item that is gone: opened"));
    world.finish().await;
}

async fn nothing_works_with_links_of_other_states(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, _) = rooms(&world).await;
    integration_links::pause(&world.core, &world.ada, &world.link_row(workshop).await).await.unwrap();
    world.hook(workshop, change("42", "opened", 1)).await;
    world.run().await;
    assert_eq!(world.heard_of().await, ["The link is paused."]);
    assert_eq!(world.link_row(workshop).await.state, LinkState::Paused);
    assert!(world.items().await.is_empty() && world.messages().await.is_empty());
    world.finish().await;
}

on_both_databases!(
    changes_are_told_in_order_below_the_first,
    the_item_is_told_as_it_stands_then_and_no_change_joins_another,
    what_is_told_twice_is_no_news_and_an_older_picture_replaces_no_newer_one,
    what_nobody_is_told_of_is_kept_all_the_same,
    only_links_that_want_it_are_told_and_never_the_place_it_came_from,
    somebodys_own_link_brings_what_they_did,
    an_entry_of_an_item_is_offered_and_says_so,
    a_lost_answer_is_looked_for_and_the_thread_is_right,
    what_failed_can_be_sent_again_and_what_is_not_wanted_any_more_is_not_sent,
    paused_and_removed_links_are_told_nothing_and_what_was_held_too_long_is_old_news,
    buttons_say_what_can_be_done,
    one_link_is_told_what_could_not_be_done,
    the_links_page_names_item_and_change,
    nothing_works_with_links_of_other_states,
);
