//! Notices: a partner's people see what is wrong with a link, or with those whose items it shows, until it is mended.

use std::time::Duration;

use integration_contract::{Card, Connect, ErrorKind, PartnerSettings};
use integration_testkit::{FakePartner, Trouble::Fails};
use patchbay::{
    core::integration_links::{self, NOTICE},
    db::{
        LinkId,
        entity::{
            integration_link::{LinkLevel, LinkState},
            integration_user::AccountState,
            job::JobState,
            outbox_message::OutboxState::{Delivered, Held},
        },
    },
};
use serde_json::json;

use crate::{
    harness::{TestDatabase, on_both_databases},
    outbox::{World, now},
};

async fn world(test: TestDatabase) -> World {
    let fake = FakePartner::with_card(FakePartner::able_card());
    World::with(test, now(), fake, PartnerSettings::default()).await
}

/// What a link's partner shows.
fn shown(world: &World, link: LinkId) -> Option<String> {
    world.fake.notices().remove(&link.to_string())
}

async fn breaks(world: &World, link: LinkId, reason: &str) {
    world.hook(link, json!({ "do": "gone", "reason": reason })).await;
    world.run().await;
    assert_eq!(world.link_row(link).await.state, LinkState::Broken);
}

async fn works(world: &World, link: LinkId) {
    world.hook(link, json!({ "do": "works" })).await;
    world.run().await;
    assert_eq!(world.link_row(link).await.state, LinkState::Active);
}

async fn a_links_own_trouble_is_shown_until_it_works_again(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "no").await;
    breaks(&world, link, "fire.").await;
    let page = format!("http://localhost:3000/integrations/fake/link/{link}");
    assert_eq!(shown(&world, link), Some(format!("The room is gone: fire. See {page}")));
    assert_eq!(world.link_row(link).await.noticed, shown(&world, link));

    breaks(&world, link, "flood").await;
    assert_eq!(shown(&world, link), Some(format!("The room is gone: flood. See {page}")));

    works(&world, link).await;
    assert_eq!((shown(&world, link), world.link_row(link).await.noticed), (None, None));
    world.finish().await;
}

async fn trouble_of_links_whose_items_are_shown_is_shown(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, attic) = (world.link("workshop", "no").await, world.link("attic", "no").await);
    let own = world.link_of(&world.ada, world.team, LinkLevel::User, "adas-room", "no").await;
    let (lobby, log) = (world.link("lobby", "items").await, world.link("log", "now").await);
    breaks(&world, own, "Ada is away.").await;
    assert_eq!(shown(&world, lobby), None, "somebody's own");

    breaks(&world, workshop, "fire.").await;
    let page = |link| format!("See http://localhost:3000/integrations/fake/link/{link}");
    let fire = format!("workshop does not work: The room is gone: fire. {}", page(workshop));
    assert_eq!(shown(&world, lobby), Some(fire.clone()));
    assert_eq!(shown(&world, log), None, "it shows no items");

    breaks(&world, attic, "mice.").await;
    let both = format!("workshop, attic do not work. workshop: The room is gone: fire. {}", page(workshop));
    assert_eq!(shown(&world, lobby), Some(both));

    // Mended, removed, and linked after it broke.
    works(&world, attic).await;
    assert_eq!(shown(&world, lobby), Some(fire.clone()));
    let yard = world.link("yard", "items").await;
    world.run().await;
    assert_eq!(shown(&world, yard), Some(fire));
    world.remove(workshop).await;
    world.run().await;
    assert_eq!((shown(&world, lobby), shown(&world, yard)), (None, None));
    world.finish().await;
}

async fn setting_up_again_clears_it_only_when_it_works(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = (world.link("workshop", "no").await, world.link("lobby", "items").await);
    breaks(&world, workshop, "fire.").await;
    let first = shown(&world, lobby);
    assert!(first.is_some());

    world.fake.trouble_creating(Fails(ErrorKind::Forbidden));
    integration_links::resume(&world.core, &world.ada, &world.link_row(workshop).await).await.unwrap();
    world.run().await;
    let second = shown(&world, lobby);
    assert!(second.is_some() && second != first, "{second:?}");

    integration_links::resume(&world.core, &world.ada, &world.link_row(workshop).await).await.unwrap();
    world.run().await;
    assert_eq!((shown(&world, lobby), shown(&world, workshop)), (None, None));
    world.finish().await;
}

async fn a_partner_that_does_not_answer_is_told_later_and_one_that_refuses_is_left(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "no").await;
    world.run().await;
    world.fake.trouble_noticing(Fails(ErrorKind::Unavailable));
    breaks(&world, link, "fire.").await;
    assert_eq!(shown(&world, link), None);
    assert_eq!(world.jobs_of(NOTICE).await.len(), 1);
    world.pass(Duration::from_secs(3600)).await;
    world.run().await;
    assert!(shown(&world, link).is_some() && world.jobs_of(NOTICE).await.is_empty());

    world.fake.trouble_noticing(Fails(ErrorKind::Forbidden));
    works(&world, link).await;
    assert!(shown(&world, link).is_some());
    assert!(world.jobs_of(NOTICE).await.is_empty());
    assert!(world.link_row(link).await.noticed.is_some());
    // The next change brings it in line.
    breaks(&world, link, "flood.").await;
    works(&world, link).await;
    assert_eq!(shown(&world, link), None);
    world.finish().await;
}

async fn what_was_shown_already_is_not_shown_again(test: TestDatabase) {
    let world = world(test).await;
    let link = world.link("workshop", "no").await;
    breaks(&world, link, "fire.").await;
    world.fake.trouble_noticing(Fails(ErrorKind::Unavailable));
    integration_links::notice(&world.core, world.ada.organization, link).await.unwrap();
    assert!(integration_links::notice(&world.core, world.ada.organization, LinkId::new()).await.is_ok());
    world.finish().await;
}

async fn a_link_whose_far_end_is_gone_is_removed_by_its_notice(test: TestDatabase) {
    let world = world(test).await;
    let (workshop, lobby) = (world.link("workshop", "no").await, world.link("lobby", "items").await);
    world.run().await;
    world.fake.trouble_noticing(Fails(ErrorKind::Gone));
    // Of the two, the one whose notice comes first.
    world.hook(workshop, json!({ "do": "gone", "reason": "fire." })).await;
    world.run().await;
    let states = [world.link_row(workshop).await.state, world.link_row(lobby).await.state];
    assert_eq!(states.iter().filter(|state| **state == LinkState::Removed).count(), 1, "{states:?}");
    world.finish().await;
}

async fn a_link_that_does_not_act_with_its_account_breaks_alone(test: TestDatabase) {
    let Connect::OAuth { scopes, pkce, site, .. } = FakePartner::accounts() else { panic!("it has accounts") };
    let card = Card { connect: Connect::OAuth { scopes, pkce, site, lasting: false }, ..FakePartner::able_card() };
    let world = World::with(test, now(), FakePartner::with_card(card), PartnerSettings::default()).await;
    let ended = world.core.clock.now() - 1000;
    let account = world.account(Some(world.ada.user), "7", Some(ended)).await;
    let link = world.link_as(Some(account), &world.ada, world.team, LinkLevel::Team, "workshop", "now").await;
    world.write("one").await;
    world.run().await;
    assert_eq!(world.states().await, [Delivered], "the end of the token does it no harm");
    assert_eq!(world.account_row(account).await.state, AccountState::Connected);

    world.fake.trouble_delivering(Fails(ErrorKind::Unauthorized));
    world.write("two").await;
    world.run().await;
    assert_eq!(world.states().await, [Delivered, Held]);
    assert_eq!(world.link_row(link).await.state, LinkState::Broken);
    assert_eq!(world.account_row(account).await.state, AccountState::Connected);
    assert!(shown(&world, link).is_some(), "without a token, too");
    assert!(world.job_rows().await.iter().all(|job| job.state != JobState::Dead));
    world.finish().await;
}

on_both_databases!(
    a_links_own_trouble_is_shown_until_it_works_again,
    trouble_of_links_whose_items_are_shown_is_shown,
    setting_up_again_clears_it_only_when_it_works,
    a_partner_that_does_not_answer_is_told_later_and_one_that_refuses_is_left,
    what_was_shown_already_is_not_shown_again,
    a_link_whose_far_end_is_gone_is_removed_by_its_notice,
    a_link_that_does_not_act_with_its_account_breaks_alone,
);
