//! Somebody leaves the organization: what tied them to partners is given back there, and what teams need goes on with
//! somebody else's account.

use integration_contract::{Card, PartnerSettings};
use integration_testkit::FakePartner;
use patchbay::{
    core::{integration_users, organizations},
    db::entity::{
        audit_event::Deed,
        integration_link::{self, LinkState},
        integration_user::AccountState,
        member::Role,
    },
    queue::Outcome,
};

use super::{Ground, UNKNOWN, able, consented, join, path_of};
use crate::harness::{Client, TestDatabase, on_both_databases};

/// Bob is an admin with an account at the fake partner, with which a link of the team acts, and one of his own.
struct Leaving {
    ground: Ground,
    workshop: integration_link::Model,
    attic: integration_link::Model,
}

impl Leaving {
    async fn working(test: TestDatabase) -> Self {
        let mut leaving = Self::idle(test).await;
        leaving.ground.app().work();
        leaving.workshop = leaving.ground.stands(leaving.workshop.id, LinkState::Active).await;
        leaving.attic = leaving.ground.stands(leaving.attic.id, LinkState::Active).await;
        leaving.ground.settled().await;
        leaving
    }

    async fn idle(test: TestDatabase) -> Self {
        let fake = FakePartner::with_card(Card { settings: &[], ..able() });
        let ground = Ground::idle_with(test, fake, PartnerSettings::default()).await;
        let ada = ground.app().member("ada@example.com", ground.two.acme).await;
        let bob = ground.app().member("bob@example.com", ground.two.acme).await;
        organizations::change_role(&ground.app().core, &ada, bob.user, Role::Admin).await.unwrap();
        join(&ground.two.bob, 8, "bob-there").await;
        let team = ground.two.product.to_string();
        let mut made = Vec::new();
        for (level, room) in [("team", "workshop"), ("user", "attic")] {
            let fields = [("level", level), ("team", team.as_str()), ("room", room)];
            assert_eq!(ground.two.bob.post_form("/integrations/fake/link", &fields).await.status, 303);
            made.push(ground.links().await.into_iter().find(|link| link.name == room).unwrap());
        }
        let [workshop, attic] = <[_; 2]>::try_from(made).unwrap();
        Self { ground, workshop, attic }
    }

    async fn bob_is_removed(&self) -> String {
        let two = &self.ground.two;
        let bob = self.ground.app().member("bob@example.com", two.acme).await;
        let settings = format!("/organizations/{}/settings", two.acme);
        let removed = two.ada.post_form(&format!("/organizations/{}/members/{}/remove", two.acme, bob.user), &[]).await;
        assert_eq!((removed.status, removed.location()), (303, settings.as_str()), "{}", removed.text);
        two.ada.get(&settings).await.text
    }

    async fn take_over(&self, who: &Client) -> (u16, String) {
        let answer = who.post_form(&path_of(&self.workshop), &[("action", "take_over")]).await;
        (answer.status, answer.headers.get("location").map_or("", |to| to.to_str().unwrap()).to_owned())
    }

    async fn deeds(&self) -> Vec<Deed> {
        use patchbay::db::entity::{Tenant, audit_event};
        use sea_orm::QueryOrder;
        let events = audit_event::Entity::of(self.ground.two.acme).order_by_asc(audit_event::Column::Id);
        let events = events.all(self.ground.app().core.db.reader()).await.unwrap();
        events.into_iter().map(|event| event.deed).collect()
    }
}

async fn who_leaves_takes_their_accounts_along_and_the_teams_links_go_on(test: TestDatabase) {
    let leaving = Leaving::working(test).await;
    let Leaving { ground, workshop, attic } = &leaving;
    const SEVERED: &str = " Their account at Fake is disconnected. One link of a team acts with that: it waits, and keeps \
                           what comes, until an admin takes it over. Their own link is removed.";
    let settings = ground.two.ada.get(&format!("/organizations/{}/settings", ground.two.acme)).await.text;
    let asked = format!("They leave the organization and its teams. What they wrote stays.{SEVERED}");
    assert_eq!(settings.matches(&asked).count(), 1, "said before, and of Bob alone: {settings}");

    let after = leaving.bob_is_removed().await;
    assert!(after.contains(&format!("They are no longer a member.{SEVERED}")), "{after}");
    ground.stands(attic.id, LinkState::Removed).await;
    ground.settled().await;
    // At the partner: his own room is no longer listened to, the team's is, and his token is given back.
    let rooms: Vec<String> = ground.fake.subscriptions().into_iter().map(|one| one.room).collect();
    assert_eq!(
        (rooms, ground.fake.revoked().len(), ground.accounts().await.len()),
        (vec!["workshop".to_owned()], 1, 0)
    );
    let broken = ground.find(workshop.id).await;
    assert_eq!(broken.state, LinkState::Broken);
    assert_eq!(broken.reason.as_deref(), Some("It acted with an account of Bob, who left the organization."));
    assert_eq!(ground.hook(workshop, "1", &Ground::telling("1", "Came meanwhile")).await.status, 200);
    ground.settled().await;

    let page = ground.two.ada.get(&path_of(workshop)).await.text;
    assert!(page.contains(">Use your Fake account<") && page.contains("who left the organization."), "{page}");
    assert_eq!(page.matches("button-primary").count(), 1, "one thing to do: {page}");
    assert!(!page.contains("Acts as"), "{page}");
    // Ada has no account there yet: she connects one, and that is all.
    let (status, consent) = leaving.take_over(&ground.two.ada).await;
    assert_eq!(status, 303);
    let back = consented(&ground.two.ada, &consent, 7, "ada-there").await;
    assert_eq!(back.location(), path_of(workshop), "{}", back.text);
    let taken = ground.stands(workshop.id, LinkState::Active).await;
    let adas = ground.accounts().await.into_iter().find(|row| row.account_id == "7").unwrap();
    assert_eq!((taken.integration_user_id, taken.reason), (Some(adas.id), None));
    ground.until("what came meanwhile is in the log", async || ground.entries().await.len() == 1).await;
    ground.settled().await;
    assert_eq!(ground.fake.subscriptions().len(), 1, "it is the same one");
    let deeds = leaving.deeds().await;
    assert!(deeds.ends_with(&[Deed::MemberRemoved, Deed::AccountConnected, Deed::LinkTakenOver]), "{deeds:?}");
    let page = ground.two.ada.get(&path_of(workshop)).await.text;
    assert!(page.contains("acts with your Fake account from now on") && page.contains("ada-there"), "{page}");
    leaving.ground.finish().await;
}

async fn an_admin_may_use_their_own_account_for_a_link_that_works(test: TestDatabase) {
    let leaving = Leaving::working(test).await;
    let Leaving { ground, workshop, attic } = &leaving;
    let two = &ground.two;
    let page = two.ada.get(&path_of(workshop)).await.text;
    assert!(page.contains("<bdi>bob-there</bdi>, which <bdi>Bob</bdi> connected"), "{page}");
    assert!(page.contains(">Use your own account<"), "{page}");
    let page = two.bob.get(&path_of(workshop)).await.text;
    assert!(page.contains("bob-there") && !page.contains("connected<") && !page.contains("take_over"), "{page}");

    let before = ground.app().database.rows().await;
    assert_eq!(leaving.take_over(&two.eve).await.0, 404);
    let unknown = format!("/integrations/fake/link/{UNKNOWN}");
    assert_eq!(two.ada.post_form(&unknown, &[("action", "take_over")]).await.status, 404);
    let own = two.bob.post_form(&path_of(attic), &[("action", "take_over")]).await;
    assert_eq!((own.status, own.location()), (303, path_of(attic).as_str()), "it acts with his already");
    let shown = two.bob.get(&path_of(attic)).await.text;
    assert!(shown.contains("nobody else&#39;s account that this link acts with"), "{shown}");
    assert_eq!(ground.app().database.rows().await, before);

    join(&two.ada, 7, "ada-there").await;
    assert_eq!(leaving.take_over(&two.ada).await, (303, path_of(workshop)));
    ground.stands(workshop.id, LinkState::Active).await;
    let adas = ground.accounts().await.into_iter().find(|row| row.account_id == "7").unwrap();
    assert_eq!(ground.find(workshop.id).await.integration_user_id, Some(adas.id));
    // A pause stays one.
    two.bob.post_form(&path_of(workshop), &[("action", "pause")]).await;
    assert_eq!(leaving.take_over(&two.bob).await, (303, path_of(workshop)));
    let paused = ground.find(workshop.id).await;
    let bobs = ground.accounts().await.into_iter().find(|row| row.account_id == "8").unwrap();
    assert_eq!((paused.state, paused.integration_user_id), (LinkState::Paused, Some(bobs.id)));
    leaving.ground.finish().await;
}

async fn an_account_is_given_back_after_what_needs_it(test: TestDatabase) {
    let leaving = Leaving::idle(test).await;
    let Leaving { ground, attic, .. } = &leaving;
    let core = &ground.app().core;
    leaving.bob_is_removed().await;
    let account = ground.accounts().await.remove(0);
    assert_eq!(account.state, AccountState::Leaving);

    let waits = integration_users::give_back(core, ground.two.acme, account.id).await.unwrap();
    assert!(matches!(waits, Outcome::Later { .. }), "{waits:?}");
    assert_eq!(ground.fake.revoked().len(), 0);
    // Neither does whatever the partner says of it make it an account again.
    integration_users::mark_broken(core, &account, "It was taken back.").await.unwrap();
    assert_eq!(ground.accounts().await[0].state, AccountState::Leaving);

    patchbay::core::integration_links::uninstall(core, ground.two.acme, attic.id).await.unwrap();
    assert_eq!(integration_users::give_back(core, ground.two.acme, account.id).await.unwrap(), Outcome::Done);
    assert_eq!((ground.fake.revoked().len(), ground.accounts().await.len()), (1, 0));
    leaving.ground.finish().await;
}

/// The partner is asked first whether the account may do what the link does.
async fn an_account_that_may_not_do_it_takes_nothing_over(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    let ada = ground.app().member("ada@example.com", ground.two.acme).await;
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    let core = &ground.app().core;
    organizations::change_role(core, &ada, bob.user, Role::Owner).await.unwrap();
    organizations::leave(core, &ada).await.unwrap();
    ground.settled().await;
    assert_eq!(ground.accounts().await.len(), 0, "Ada's grant is given back");
    let before = ground.find(link.id).await;
    assert_eq!(before.state, LinkState::Broken);
    ground.connect(&ground.two.bob, "eve-umbra").await;

    let refused = ground.two.bob.post_form(&path_of(&link), &[("action", "take_over")]).await;
    assert_eq!((refused.status, refused.location()), (303, path_of(&link).as_str()));
    let page = ground.two.bob.get(&path_of(&link)).await.text;
    assert!(page.contains("eve-umbra can&#39;t be used for this link."), "{page}");
    assert_eq!(ground.find(link.id).await, before);

    // Somebody who may: the webhook that stands there is used on.
    let hooks = ground.webhooks("acme/widgets").await;
    ground.connect(&ground.two.bob, "bob-builds").await;
    ground.two.bob.post_form(&path_of(&link), &[("action", "take_over")]).await;
    ground.stands(link.id, LinkState::Active).await;
    assert_eq!(ground.webhooks("acme/widgets").await, hooks);
    ground.finish().await;
}

on_both_databases!(
    who_leaves_takes_their_accounts_along_and_the_teams_links_go_on,
    an_admin_may_use_their_own_account_for_a_link_that_works,
    an_account_is_given_back_after_what_needs_it,
    an_account_that_may_not_do_it_takes_nothing_over,
);
