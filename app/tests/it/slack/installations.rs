//! Installations: an organization has a workspace's once, all of its people share it, and it goes with the last link.

use patchbay::{
    core::integration_links,
    db::entity::{integration_link::LinkState, integration_user::AccountState},
};
use serde_json::json;

use super::{ADA, BOB, Ground};
use crate::harness::{TestDatabase, on_both_databases};

async fn another_organization_is_told_and_gets_nothing(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    let before = ground.accounts().await;

    let refused = ground.connect(&ground.two.eve, "ada").await;
    assert_eq!((refused.status, refused.location()), (303, "/integrations/slack"));
    let page = ground.two.eve.get("/integrations/slack").await;
    assert!(page.text.contains("Acme is connected to another organization here."), "{}", page.text);
    // Nor is Eve known there now.
    assert_eq!(ground.accounts().await, before);
    assert_eq!(ground.two.eve.get("/integrations/slack/link").await.location(), "/integrations/slack");
    // The token is the same for both: giving it back would have cut Acme off.
    assert_eq!(ground.calls("auth.revoke").await, 0);
    ground.say("ada", "C0ACMEDONE", "/done still works").await;
    ground.entry("still works").await;
    assert_eq!(ground.find(&link).await.state, LinkState::Active);
    ground.finish().await;
}

async fn the_people_of_an_organization_share_it(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let page = ground.two.bob.get("/integrations/slack").await;
    assert!(page.text.contains("Acme") && page.text.contains("Who you are there is not known yet"), "{}", page.text);
    assert!(!page.text.contains("/integrations/slack/disconnect"), "a plain member is offered to disconnect");

    assert_eq!(ground.connect(&ground.two.bob, "bob").await.location(), "/integrations/slack/link");
    let accounts = ground.accounts().await;
    assert_eq!(accounts.len(), 3);
    let installed = ground.installations().await;
    assert_eq!((installed.len(), installed[0].account_id.as_str()), (1, super::ACME));
    for (email, id) in [("ada@example.com", ADA), ("bob@example.com", BOB)] {
        let user = ground.app().member(email, ground.two.acme).await.user;
        let account = accounts.iter().find(|account| account.user_id == Some(user)).unwrap();
        assert!(account.account_id.ends_with(id) && account.credentials.is_none(), "{account:?}");
    }
    let bob = ground.app().member("bob@example.com", ground.two.acme).await.user;
    ground.say("bob", "C0ACMEDONE", "/done known at once").await;
    assert_eq!(ground.entry("known at once").await.user_id, Some(bob));
    ground.finish().await;
}

async fn the_last_link_takes_it_along(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let first = ground.linked().await;
    let second = ground.link(&ground.two.ada, ground.two.product, "#general").await;

    let receipt = ground.remove(&ground.two.ada, &first).await.receipt.unwrap().to_string();
    assert!(!receipt.contains("our access"), "{receipt}");
    assert_eq!((ground.calls("auth.revoke").await, ground.installations().await.len()), (0, 1));

    ground.remove(&ground.two.ada, &second).await;
    ground.until("the installation is gone", async || ground.installations().await.is_empty()).await;
    ground
        .until("the receipt says so", async || {
            ground.find(&second).await.receipt.unwrap().to_string().contains("our access to the Slack workspace")
        })
        .await;
    assert_eq!(ground.calls("auth.revoke").await, 1);
    let page = ground.two.ada.get(&format!("/teams/{}/settings", ground.two.product)).await;
    assert!(page.text.contains("Removed our access to the Slack workspace."), "{}", page.text);
    // Who somebody is there stays known, and the workspace is free for another organization.
    assert_eq!(ground.accounts().await.len(), 1);
    assert_eq!(ground.connect(&ground.two.eve, "ada").await.location(), "/integrations/slack/link");
    ground.finish().await;
}

async fn what_slack_did_not_take_back_is_left_over(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    ground.trouble("auth.revoke", json!({ "effect": "status", "status": 503, "times": 0 })).await;
    ground.remove(&ground.two.ada, &link).await;
    ground
        .until("it is being given back", async || ground.installations().await[0].state == AccountState::Leaving)
        .await;
    ground.until("Slack was asked", async || ground.calls("auth.revoke").await > 0).await;
    assert!(!ground.find(&link).await.receipt.unwrap().to_string().contains("installation"));

    // After days of trying.
    let core = &ground.app().core;
    integration_links::uninstall_gave_up(core, ground.two.acme, link.id, "Slack did not answer.").await.unwrap();
    assert!(ground.installations().await.is_empty());
    let page = ground.two.ada.get(&format!("/teams/{}/settings", ground.two.product)).await;
    let sentence = "Left over: the installation in Acme. Slack did not answer.";
    assert!(page.text.contains(sentence), "{}", page.text);
    ground.finish().await;
}

async fn slack_being_away_for_a_moment_leaves_nothing_over(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    ground.trouble("auth.revoke", json!({ "effect": "status", "status": 503, "times": 1 })).await;
    ground.remove(&ground.two.ada, &link).await;
    ground.until("the installation is gone", async || ground.installations().await.is_empty()).await;
    assert_eq!(ground.calls("auth.revoke").await, 2);
    ground
        .until("the receipt says so", async || {
            ground.find(&link).await.receipt.unwrap().to_string().contains("our access to the Slack workspace")
        })
        .await;
    ground.finish().await;
}

async fn admins_disconnect_it_when_no_link_needs_it(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    let id = ground.installations().await[0].id.to_string();
    let path = "/integrations/slack/disconnect";

    assert_eq!(ground.two.bob.post_form(path, &[("account", &id)]).await.status, 403);
    assert_eq!(ground.two.eve.post_form(path, &[("account", &id)]).await.status, 404);
    assert_eq!(ground.two.ada.post_form(path, &[("account", "nonsense")]).await.status, 404);
    assert_eq!(ground.two.ada.post_form(path, &[]).await.status, 404);
    let settings = format!("/organizations/{}/settings", ground.two.acme);
    let in_use = ground.two.ada.post_form(path, &[("account", &id), ("next", &settings)]).await;
    assert_eq!((in_use.status, in_use.location()), (303, settings.as_str()));
    let page = ground.two.ada.get(&settings).await;
    assert!(page.text.contains("One link acts with this account"), "{}", page.text);
    assert!(page.text.contains("Installed elsewhere") && page.text.contains(path), "{}", page.text);
    let seen_by_bob = ground.two.bob.get(&settings).await.text;
    assert!(seen_by_bob.contains("Installed elsewhere") && !seen_by_bob.contains(path), "{seen_by_bob}");

    ground.remove(&ground.two.ada, &link).await;
    ground.until("the installation is gone", async || ground.installations().await.is_empty()).await;
    assert_eq!(ground.connect(&ground.two.ada, "ada").await.status, 303);
    let id = ground.installations().await[0].id.to_string();
    let gone = ground.two.ada.post_form(path, &[("account", &id), ("next", "//evil.example")]).await;
    assert_eq!((gone.status, gone.location()), (303, "/integrations/slack"));
    ground.until("the installation is gone", async || ground.installations().await.is_empty()).await;
    assert_eq!(ground.calls("auth.revoke").await, 2);
    ground.finish().await;
}

/// A token of a whole workspace sees private channels: what a plain member may not link, they may not list.
async fn a_plain_member_neither_installs_it_nor_reads_what_it_sees(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let bob = &ground.two.bob;
    let refused = ground.connect(bob, "bob").await;
    assert_eq!((refused.status, refused.location()), (303, "/integrations/slack"), "{}", refused.text);
    let page = bob.get("/integrations/slack").await.text;
    assert!(page.contains("only admins of the organization connect a whole workspace"), "{page}");
    assert_eq!((ground.accounts().await.len(), ground.calls("auth.revoke").await), (0, 1), "nothing is kept");

    ground.linked().await;
    let asked = ground.calls("conversations.list").await;
    let form = bob.get("/integrations/slack/link").await;
    assert!(form.status == 200 && form.text.contains("Admins and owners add links"), "{}", form.text);
    let choices = "/integrations/slack/link?part=choices&field=channel&q=";
    assert_eq!(bob.get(choices).await.status, 403);
    assert_eq!(ground.calls("conversations.list").await, asked);
    assert!(ground.two.ada.get(choices).await.text.contains("#general"));
    ground.finish().await;
}

on_both_databases!(
    a_plain_member_neither_installs_it_nor_reads_what_it_sees,
    another_organization_is_told_and_gets_nothing,
    the_people_of_an_organization_share_it,
    the_last_link_takes_it_along,
    what_slack_did_not_take_back_is_left_over,
    slack_being_away_for_a_moment_leaves_nothing_over,
    admins_disconnect_it_when_no_link_needs_it,
);
