//! Acting on items: as the person, at the item's partner, and the log and the links know of it at once.

use integration_contract::{Card, Deed, ErrorKind, PartnerSettings};
use integration_testkit::{FakePartner, ItemCall, Trouble::Fails};
use patchbay::{
    core::{
        items::{self, NotDone},
        retention,
    },
    db::{
        IntegrationUserId, ItemId, LinkId, UserId,
        entity::{integration_link::LinkLevel, integration_user::AccountState},
    },
};
use serde_json::{Value, json};

use crate::{
    harness::{TestDatabase, on_both_databases},
    outbox::{World, founder, now},
};

/// A workshop with item 42, linked as Ada, and a lobby that shows its items.
struct Shop {
    world: World,
    workshop: LinkId,
    ada: IntegrationUserId,
    item: ItemId,
}

impl Shop {
    async fn open(test: TestDatabase) -> Self {
        let card = Card { connect: FakePartner::accounts(), ..FakePartner::able_card() };
        let world = World::with(test, now(), FakePartner::with_card(card), PartnerSettings::default()).await;
        let ada = world.account(Some(world.ada.user), "7", None).await;
        Self::furnished(world, ada).await
    }

    async fn furnished(world: World, account: IntegrationUserId) -> Self {
        let link =
            async |room, tell| world.link_as(Some(account), &world.ada, world.team, LinkLevel::Team, room, tell).await;
        let (workshop, _) = (link("workshop", "no").await, link("lobby", "items").await);
        world.fake.open_item("workshop", "42", "The door sticks");
        world.hook(workshop, hook("opened", "9", 1, json!({}))).await;
        world.run().await;
        let item = world.items().await[0].id;
        Self { world, workshop, ada: account, item }
    }

    async fn act(&self, user: UserId, deed: &Deed) -> Result<(), NotDone> {
        let done = items::act(&self.world.core, self.world.ada.organization, user, self.item, deed).await.unwrap();
        self.world.run().await;
        done
    }
}

fn hook(change: &str, by: &str, at: i64, more: Value) -> Value {
    let mut hook = json!({ "do": "item", "id": "42", "change": change, "at": at, "by": { "id": by, "name": "there" } });
    hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    hook
}

async fn it_is_done_as_the_person_told_at_once_and_its_echo_is_no_news(test: TestDatabase) {
    let shop = Shop::open(test).await;
    let world = &shop.world;
    world.account(Some(world.bob.user), "8", None).await;

    shop.act(world.bob.user, &Deed::Close).await.unwrap();
    let acted = world.fake.acted();
    assert_eq!((acted.len(), acted[0].by.as_deref(), acted[0].item.as_str()), (1, Some("8"), "42"));
    assert_eq!(world.standing().last().unwrap(), "8-there: workshop#42 (closed) Closed");
    let told = world.standing().len();

    let at = world.items().await[0].changed_at.unwrap();
    world.hook(shop.workshop, hook("closed", "8", at, json!({}))).await;
    world.run().await;
    assert_eq!(world.heard_of().await.last().unwrap(), "We know this already.");
    assert_eq!(world.standing().len(), told);

    world.hook(shop.workshop, hook("reopened", "9", at + 1, json!({}))).await;
    world.hook(shop.workshop, hook("closed", "9", at + 2, json!({}))).await;
    world.run().await;
    assert_eq!(world.standing().len(), told + 2);
    shop.world.finish().await;
}

async fn what_is_so_already_is_done_and_no_news(test: TestDatabase) {
    let shop = Shop::open(test).await;
    let world = &shop.world;
    shop.act(world.ada.user, &Deed::AssignToMe).await.unwrap();
    let told = world.standing().len();
    shop.act(world.ada.user, &Deed::AssignToMe).await.unwrap();
    assert_eq!((world.fake.acted().len(), world.standing().len()), (2, told));
    assert_eq!(world.standing().last().unwrap(), "7-there: workshop#42 (open) Assigned");
    shop.world.finish().await;
}

async fn without_an_account_of_ones_own_nothing_is_done(test: TestDatabase) {
    let shop = Shop::open(test).await;
    let world = &shop.world;
    let no_account = |done| matches!(done, Err(NotDone::NoAccount { partner }) if partner == "fake");
    assert!(no_account(shop.act(world.bob.user, &Deed::Close).await));

    world.fake.trouble_with_items(ItemCall::Act, Fails(ErrorKind::Unauthorized));
    assert!(no_account(shop.act(world.ada.user, &Deed::Close).await));
    let account = world.account_row(shop.ada).await;
    assert_eq!(account.state, AccountState::Broken);
    assert!(account.reason.unwrap().contains("Unauthorized"));
    // And the next click is not tried with it.
    assert!(no_account(shop.act(world.ada.user, &Deed::Close).await));
    assert_eq!(world.fake.item_calls().len(), 1);
    assert!(world.fake.acted().is_empty());
    shop.world.finish().await;
}

async fn what_the_partner_refuses_is_said_and_changes_nothing(test: TestDatabase) {
    let shop = Shop::open(test).await;
    let world = &shop.world;
    let told = world.standing().len();
    for kind in [ErrorKind::Forbidden, ErrorKind::Refused, ErrorKind::Unavailable, ErrorKind::UnknownOutcome] {
        world.fake.trouble_with_items(ItemCall::Act, Fails(kind));
        let done = shop.act(world.ada.user, &Deed::Close).await;
        assert!(matches!(done, Err(NotDone::Partner(error)) if error.kind() == kind));
    }
    assert_eq!(world.account_row(shop.ada).await.state, AccountState::Connected);
    assert_eq!(world.standing().len(), told);
    shop.world.finish().await;
}

async fn an_item_of_nobody_or_of_a_removed_link_is_gone(test: TestDatabase) {
    let shop = Shop::open(test).await;
    let world = &shop.world;
    let (core, organization, ada) = (&world.core, world.ada.organization, world.ada.user);
    let act = async |organization, item| items::act(core, organization, ada, item, &Deed::Close).await.unwrap();
    let stranger = founder(core, "eve", "Eve").await.0.organization;
    assert!(matches!(act(organization, ItemId::new()).await, Err(NotDone::Gone)));
    assert!(matches!(act(stranger, shop.item).await, Err(NotDone::Gone)));

    world.remove(shop.workshop).await;
    assert!(matches!(act(organization, shop.item).await, Err(NotDone::Gone)));
    world.run().await;
    assert!(world.items().await.is_empty());
    assert!(world.fake.item_calls().is_empty());
    shop.world.finish().await;
}

async fn an_installation_acts_for_whoever_asks_and_we_say_who(test: TestDatabase) {
    let card = Card { connect: FakePartner::accounts(), ..FakePartner::able_card() };
    let world = World::with(test, now(), FakePartner::with_card(card), PartnerSettings::default()).await;
    let installation = world.account(None, "T1", None).await;
    let shop = Shop::furnished(world, installation).await;
    let world = &shop.world;
    shop.act(world.bob.user, &Deed::Close).await.unwrap();
    assert_eq!(world.fake.acted()[0].by.as_deref(), Some("T1"));
    assert_eq!(world.standing().last().unwrap(), "Bob: workshop#42 (closed) Closed");

    world.fake.trouble_with_items(ItemCall::Act, Fails(ErrorKind::Unauthorized));
    assert!(matches!(shop.act(world.bob.user, &Deed::Reopen).await, Err(NotDone::Partner(_))));
    assert_eq!(world.account_row(installation).await.state, AccountState::Broken);
    shop.world.finish().await;
}

async fn where_there_are_no_accounts_none_is_needed(test: TestDatabase) {
    let fake = FakePartner::with_card(FakePartner::working_card());
    let world = World::with(test, now(), fake, PartnerSettings::default()).await;
    let workshop = world.link("workshop", "no").await;
    world.fake.open_item("workshop", "42", "The door sticks");
    world.hook(workshop, hook("opened", "9", 1, json!({}))).await;
    world.run().await;
    let item = world.items().await[0].id;
    let wood = Deed::Label(vec!["wood".into()]);
    let done = items::act(&world.core, world.ada.organization, world.bob.user, item, &wood).await;
    done.unwrap().unwrap();
    assert_eq!(world.items().await[0].picture["labels"], json!(["wood"]));
    world.finish().await;
}

async fn two_hooks_and_a_click_at_once_make_one_item(test: TestDatabase) {
    let shop = Shop::open(test).await;
    let world = &shop.world;
    world.work(8);
    for round in 0..5 {
        let at = 1_767_225_700 + 10 * round;
        let deed = if round % 2 == 0 { Deed::Close } else { Deed::Reopen };
        let (core, organization, ada) = (&world.core, world.ada.organization, world.ada.user);
        let with_entry = json!({ "entry": format!("Round {round}"), "labels": [round.to_string()] });
        let (acted, ..) = tokio::join!(
            items::act(core, organization, ada, shop.item, &deed),
            world.hook(shop.workshop, hook("labelled", "9", at, with_entry.clone())),
            world.hook(shop.workshop, hook("commented", "9", at, json!({ "comment": { "id": at.to_string() } }))),
        );
        acted.unwrap().unwrap();
        world.run().await;
    }
    assert_eq!(world.items().await.len(), 1);
    assert!(world.heard_of().await.iter().all(|became| became == "Done"));
    assert!(world.jobs_of("deliver").await.is_empty());
    shop.world.finish().await;
}

async fn what_nothing_is_heard_of_for_a_year_is_forgotten(test: TestDatabase) {
    let shop = Shop::open(test).await;
    let world = &shop.world;
    world.core.clock.advance(items::KEPT - std::time::Duration::from_secs(60));
    assert_eq!(retention::forget(&world.core).await.unwrap().items, 0);
    world.hook(shop.workshop, hook("closed", "9", 2, json!({}))).await;
    world.run().await;
    world.core.clock.advance(items::KEPT - std::time::Duration::from_secs(60));
    assert_eq!(retention::forget(&world.core).await.unwrap().items, 0);
    world.core.clock.advance(std::time::Duration::from_secs(120));
    assert_eq!(retention::forget(&world.core).await.unwrap().items, 1);
    shop.world.finish().await;
}

on_both_databases!(
    it_is_done_as_the_person_told_at_once_and_its_echo_is_no_news,
    what_is_so_already_is_done_and_no_news,
    without_an_account_of_ones_own_nothing_is_done,
    what_the_partner_refuses_is_said_and_changes_nothing,
    an_item_of_nobody_or_of_a_removed_link_is_gone,
    an_installation_acts_for_whoever_asks_and_we_say_who,
    where_there_are_no_accounts_none_is_needed,
    two_hooks_and_a_click_at_once_make_one_item,
    what_nothing_is_heard_of_for_a_year_is_forgotten,
);
