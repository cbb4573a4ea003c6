//! Who is told of what, and that a partner has it as it is.

use integration_contract::{Posted, Told};
use patchbay::{
    core::entries,
    db::entity::{
        entry::EntryStatus,
        integration_link::LinkLevel,
        outbox_message::OutboxState::{Delivered, Skipped, Waiting},
    },
};

use super::{World, founder};
use crate::harness::{TestDatabase, on_both_databases};

async fn what_is_written_is_told_once_and_in_the_order_of_the_lines(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;

    let ids = world.write("first\n[] second").await;
    assert_eq!(world.states().await, [Waiting, Waiting]);
    world.run().await;

    assert_eq!(world.standing(), ["Ada: first", "Ada: second"]);
    assert_eq!(world.states().await, [Delivered, Delivered]);
    let heard = world.fake.heard();
    assert_eq!(heard.len(), 2);
    let Told::Entry(entry) = &heard[0].message.what else { panic!("{heard:?}") };
    let (team, id) = (world.team, ids[0]);
    assert_eq!(entry.url, format!("http://localhost:3000/teams/{team}/entries/{id}"));
    assert_eq!((entry.team.as_str(), entry.author_id.clone()), ("Product", Some(world.ada.user.to_string())));
    assert_eq!(heard[0].message.posted, Posted::Never);
    world.finish().await;
}

async fn an_edit_changes_the_post_and_a_post_can_be_taken_back_and_brought_back(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    let id = world.write("frist").await[0];
    world.run().await;
    let post = world.fake.posts().remove(0);

    world.edit(id, "first", EntryStatus::Done).await;
    world.run().await;
    let changed = world.fake.posts();
    assert_eq!((changed.len(), &changed[0].id, changed[0].text.as_str()), (1, &post.id, "Ada: first"));
    assert_eq!(world.fake.heard()[1].message.posted, Posted::As(post.id));

    world.archive(id).await;
    world.run().await;
    assert!(world.standing().is_empty());

    entries::unarchive(&world.core, &world.ada, world.team, id).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(), ["Ada: first"]);
    assert_eq!(world.states().await, [Delivered; 4]);
    world.finish().await;
}

async fn changes_before_it_is_sent_join_the_message_that_waits(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;

    let id = world.write("frist").await[0];
    world.edit(id, "furst", EntryStatus::Done).await;
    world.edit(id, "first", EntryStatus::Goal).await;
    world.run().await;

    assert_eq!(world.states().await, [Delivered]);
    assert_eq!(world.standing(), ["Ada: first"]);
    assert_eq!(world.fake.heard().len(), 1);
    world.finish().await;
}

async fn a_change_while_it_is_being_sent_is_sent_after_it(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    let id = world.write("frist").await[0];
    let late = std::time::Duration::from_millis(400);
    world.fake.trouble_delivering(integration_testkit::Trouble::AnswersLate(late));
    world.work(2);
    while world.fake.heard().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }

    world.edit(id, "first", EntryStatus::Done).await;
    world.run().await;

    assert_eq!(world.standing(), ["Ada: first"]);
    assert_eq!(world.states().await, [Delivered]);
    assert_eq!(world.message_of(id, world.messages().await[0].link_id).await.attempts, 2);
    world.finish().await;
}

async fn what_was_archived_before_it_was_sent_is_not_sent(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "now").await;
    let id = world.write("oops").await[0];
    world.archive(id).await;
    world.run().await;

    assert_eq!(world.states().await, [Skipped]);
    assert_eq!(world.messages().await[0].reason.as_deref(), Some("The entry was archived before it was sent."));
    assert!(world.fake.heard().is_empty());
    world.finish().await;
}

async fn rewording_what_nobody_was_told_of_is_no_news_but_completing_it_is(test: TestDatabase) {
    let world = World::new(test).await;
    let old = world.write("[] long ago").await[0];
    world.link("workshop", "now").await;

    world.edit(old, "[] a long time ago", EntryStatus::Goal).await;
    assert!(world.messages().await.is_empty());
    world.archive(old).await;
    assert!(world.messages().await.is_empty());
    entries::unarchive(&world.core, &world.ada, world.team, old).await.unwrap();
    world.run().await;
    assert_eq!(world.standing().len(), 1);
    world.finish().await;
}

async fn a_link_that_no_longer_wants_an_entry_takes_its_post_back(test: TestDatabase) {
    let world = World::new(test).await;
    world.link("workshop", "done").await;
    let id = world.write("shipped\n[] to do").await[0];
    world.run().await;
    assert_eq!(world.standing(), ["Ada: shipped"]);

    entries::reopen(&world.core, &world.ada, world.team, id).await.unwrap();
    world.run().await;
    assert!(world.standing().is_empty());

    entries::complete(&world.core, &world.ada, world.team, id).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(), ["Ada: shipped"]);
    world.finish().await;
}

async fn an_entry_does_not_go_back_where_it_came_from(test: TestDatabase) {
    let world = World::new(test).await;
    let source = world.link("workshop", "now").await;
    // The same room again, as Bob's own.
    world.link_of(&world.bob, world.team, LinkLevel::User, "workshop", "now").await;
    world.link("lobby", "now").await;

    world.hooked(source, "1", "from the workshop").await;
    world.run().await;

    let posts = world.fake.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!((posts[0].room.as_str(), posts[0].text.as_str()), ("lobby", "Somebody: from the workshop"));
    let (core, organization) = (&world.core, world.ada.organization);
    let amend = async |tx: &_| entries::amend(core, tx, organization, source, "1", "reworded").await;
    assert!(core.db.write(amend).await.unwrap());
    world.run().await;
    assert_eq!(world.standing(), ["Somebody: reworded"]);
    let retract = async |tx: &_| entries::retract(core, tx, organization, source, "1").await;
    assert!(core.db.write(retract).await.unwrap());
    world.run().await;
    assert!(world.standing().is_empty());
    world.finish().await;
}

async fn other_teams_and_tenants_and_people_are_not_told(test: TestDatabase) {
    let world = World::new(test).await;
    let (eve, lab) = founder(&world.core, "eve", "Eve").await;
    let of_eve = world.link_of(&eve, lab, LinkLevel::Team, "umbra", "now").await;
    let of_bob = world.link_of(&world.bob, world.team, LinkLevel::User, "bobs-room", "now").await;
    let silent = world.link("lobby", "no").await;
    let team = patchbay::core::teams::NewTeam { name: "Other".into(), time_zone: "UTC".into() };
    let other = patchbay::core::teams::create(&world.core, &world.ada, team).await.unwrap().id;
    let elsewhere = world.link_of(&world.ada, other, LinkLevel::Team, "elsewhere", "now").await;

    world.write("by ada").await;
    entries::write(&world.core, &world.bob, world.team, "by bob").await.unwrap();
    world.run().await;

    let told: Vec<_> = world.fake.posts().into_iter().map(|post| (post.room, post.text)).collect();
    assert_eq!(told, [("bobs-room".to_owned(), "Bob: by bob".to_owned())], "{of_eve} {of_bob} {silent} {elsewhere}");
    world.finish().await;
}

on_both_databases!(
    what_is_written_is_told_once_and_in_the_order_of_the_lines,
    an_edit_changes_the_post_and_a_post_can_be_taken_back_and_brought_back,
    changes_before_it_is_sent_join_the_message_that_waits,
    a_change_while_it_is_being_sent_is_sent_after_it,
    what_was_archived_before_it_was_sent_is_not_sent,
    rewording_what_nobody_was_told_of_is_no_news_but_completing_it_is,
    a_link_that_no_longer_wants_an_entry_takes_its_post_back,
    an_entry_does_not_go_back_where_it_came_from,
    other_teams_and_tenants_and_people_are_not_told,
);
