//! A far end that was removed at the partner takes its link along, and that link alone.

use integration_contract::{ErrorKind, PartnerSettings};
use integration_testkit::{FakePartner, Trouble::Fails};
use patchbay::{
    core::integration_links,
    db::{
        LinkId,
        entity::{
            Tenant,
            integration_link::LinkState,
            outbox_message::OutboxState::{Cancelled, Delivered},
            post, remote,
            remote::RemoteState,
        },
    },
};
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;

use super::{World, now};
use crate::harness::{TestDatabase, on_both_databases};

const SENTENCE: &str = "The fake partner was told to fail: Gone.";

/// Nothing of a link is left but what its page says.
async fn is_gone(world: &World, link: LinkId) {
    let row = world.link_row(link).await;
    assert_eq!((row.state, row.live_target, row.hook_secret), (LinkState::Removed, None, None));
    assert_eq!(row.given_secret, None);
    assert_eq!(row.reason, Some(format!("Fake: it was removed there. {SENTENCE}")));
    assert_eq!(
        row.receipt,
        Some(json!([{ "what": format!("what {} had there", row.name), "outcome": "already_gone" }]))
    );
    let posts = post::Entity::of(world.ada.organization).filter(post::Column::LinkId.eq(link));
    assert!(posts.all(world.core.db.reader()).await.unwrap().is_empty());
    let rows = remote::Entity::of(world.ada.organization).filter(remote::Column::LinkId.eq(link));
    let rows = rows.all(world.core.db.reader()).await.unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.state == RemoteState::Gone));
}

async fn one_of_two_links_that_is_gone_leaves_the_other_alone(test: TestDatabase) {
    let world = World::new(test).await;
    let (workshop, lobby) = (world.link("workshop", "now").await, world.link("lobby", "now").await);
    world.sql("UPDATE integration_links SET given_secret = hook_secret").await;
    world.write("one").await;
    world.run().await;
    let before = world.fake.heard().len();
    world.write("two\nthree").await;
    // Only the first link's messages can be sent, so the trouble is its.
    let held = format!("UPDATE integration_links SET state = 'pending' WHERE name = '{}'", "lobby");
    world.sql(&held).await;
    world.fake.trouble_delivering(Fails(ErrorKind::Gone));
    world.run().await;

    is_gone(&world, workshop).await;
    assert_eq!(world.fake.heard().len(), before + 1);
    let of_workshop = world.messages().await.into_iter().filter(|message| message.link_id == workshop);
    let ends: Vec<_> = of_workshop.map(|message| (message.state, message.reason)).collect();
    let cancelled = (Cancelled, Some(SENTENCE.to_owned()));
    assert_eq!(ends, [(Delivered, None), cancelled.clone(), cancelled]);
    // It was removed there: nothing is undone, and what stands there is not ours to touch.
    assert_eq!(world.fake.subscriptions().len(), 2);

    integration_links::install(&world.core, world.ada.organization, lobby).await.unwrap();
    assert_eq!(world.link_row(lobby).await.state, LinkState::Active);
    world.write("four").await;
    world.run().await;
    let heard = world.fake.heard();
    assert!(heard[before + 1..].iter().all(|heard| heard.link == lobby.to_string()));
    assert_eq!(heard.len(), before + 4);
    // The same place can be linked anew.
    world.link("workshop", "now").await;

    let ada = super::page::browser(&world, "ada@example.com").await;
    let page = ada.get(&format!("/teams/{}/settings", world.team)).await.text;
    assert!(page.contains(&format!("Fake: it was removed there. {SENTENCE}")), "{page}");
    assert!(page.contains("What workshop had there: was gone already."));
    world.finish().await;
}

async fn a_removal_that_finds_nothing_there_is_done(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    world.fake.trouble_destroying(Fails(ErrorKind::Gone));
    world.remove(link).await;
    world.run().await;
    let row = world.link_row(link).await;
    assert_eq!(row.state, LinkState::Removed);
    assert!(row.receipt.unwrap().to_string().contains("already_gone"));
    world.finish().await;
}

async fn setting_up_what_is_gone_removes_the_link(test: TestDatabase) {
    let world = World::new(test).await;
    let link = world.link("workshop", "now").await;
    integration_links::pause(&world.core, &world.ada, &world.link_row(link).await).await.unwrap();
    world.fake.trouble_creating(Fails(ErrorKind::Gone));
    integration_links::resume(&world.core, &world.ada, &world.link_row(link).await).await.unwrap();
    world.run().await;
    is_gone(&world, link).await;
    world.finish().await;
}

async fn the_last_link_of_an_installation_takes_it_along(test: TestDatabase) {
    let card = integration_contract::Card { connect: FakePartner::accounts(), ..FakePartner::listening_card() };
    let world = World::with(test, now(), FakePartner::with_card(card), PartnerSettings::default()).await;
    let account = world.account(None, "T1", None).await;
    let level = patchbay::db::entity::integration_link::LinkLevel::Team;
    let link = world.link_as(Some(account), &world.ada, world.team, level, "workshop", "now").await;
    world.write("one").await;
    world.fake.trouble_delivering(Fails(ErrorKind::Gone));
    world.run().await;
    is_gone(&world, link).await;
    let accounts = patchbay::core::integration_users::installations(&world.core, world.ada.organization).await;
    assert!(accounts.unwrap().is_empty());
    world.finish().await;
}

on_both_databases!(
    one_of_two_links_that_is_gone_leaves_the_other_alone,
    a_removal_that_finds_nothing_there_is_done,
    setting_up_what_is_gone_removes_the_link,
    the_last_link_of_an_installation_takes_it_along,
);
