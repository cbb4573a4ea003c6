//! Setting a link up at a partner that fails in every way: one thing is made there, or the link says why not.

use integration_contract::ErrorKind;
use integration_testkit::Trouble;
use patchbay::{
    core::integration_links,
    db::entity::{integration_link::LinkState, integration_user::AccountState},
};
use serde_json::json;

use super::{Ground, path_of};
use crate::harness::{TestDatabase, on_both_databases};

async fn a_partner_that_is_down_is_asked_again_and_makes_one_thing(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let core = &ground.app().core;
    for (number, trouble) in [
        Trouble::Fails(ErrorKind::Unavailable),
        Trouble::Fails(ErrorKind::UnknownOutcome),
        Trouble::Limits(std::time::Duration::from_secs(7)),
        Trouble::LosesAnswer,
    ]
    .into_iter()
    .enumerate()
    {
        let link = ground.add(&format!("room-{number}")).await;
        ground.fake.trouble_creating(trouble);
        assert!(integration_links::install(core, link.organization_id, link.id).await.is_err(), "{trouble:?}");
        let waits = ground.find(link.id).await;
        assert_eq!(waits.state, LinkState::Pending, "{trouble:?}");
        assert!(waits.reason.is_some_and(|reason| reason.ends_with("Trying again.")), "{trouble:?}");

        // Again, and once more as a job whose end was not noted.
        for _ in 0..2 {
            integration_links::install(core, link.organization_id, link.id).await.unwrap();
        }
        let works = ground.find(link.id).await;
        assert_eq!((works.state, works.reason), (LinkState::Active, None), "{trouble:?}");
        assert_eq!(ground.fake.subscriptions().len(), number + 1, "{trouble:?}");
    }
    ground.finish().await;
}

async fn what_a_partner_refuses_stands_on_the_link(test: TestDatabase) {
    let ground = Ground::working(test).await;
    for kind in [ErrorKind::Forbidden, ErrorKind::Refused, ErrorKind::NotFound, ErrorKind::Unauthorized] {
        ground.fake.trouble_creating(Trouble::Fails(kind));
        let room = format!("{kind:?}");
        let link = ground.add(&room).await;
        let link = ground.stands(link.id, LinkState::Broken).await;
        let page = ground.two.ada.get(&path_of(&link)).await;
        assert!(
            page.text.contains("Needs attention") && page.text.contains(&format!("told to fail: {room}")),
            "{room}"
        );
        assert!(page.text.contains("Try again"), "{room} has no way out");
        assert_eq!(ground.two.ada.post_form(&path_of(&link), &[("action", "resume")]).await.status, 303);
        ground.stands(link.id, LinkState::Active).await;
    }
    assert_eq!(ground.fake.subscriptions().len(), 4);
    ground.finish().await;
}

async fn an_unknown_outcome_at_github_never_makes_two_webhooks(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let foreign = ground.webhooks("acme/widgets").await;
    ground.github.trouble("/api/v3/repositories/*/hooks", json!({ "effect": "lost_answer", "method": "POST" })).await;

    let link = ground.github_link("acme/widgets").await;

    let ours: Vec<_> =
        ground.webhooks("acme/widgets").await.into_iter().filter(|hook| !foreign.contains(hook)).collect();
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert!(ours[0].1.ends_with(&link.hook_key));
    ground.finish().await;
}

async fn who_may_not_make_a_webhook_is_told_what_is_missing(test: TestDatabase) {
    let ground = Ground::working(test).await;
    ground.connect(&ground.two.ada, "ada-codes").await;
    let refusal = json!({
        "effect": "status", "status": 404, "method": "POST",
        "body": { "message": "Not Found", "documentation_url": "https://docs.github.com/rest" },
    });
    ground.github.trouble("/api/v3/repositories/*/hooks", refusal).await;
    let team = ground.two.product.to_string();
    let fields = [("team", team.as_str()), ("repository", "acme/widgets"), ("events", "push")];
    assert_eq!(ground.two.ada.post_form("/integrations/github/link", &fields).await.status, 303);

    let link = ground.links().await.remove(0);
    let link = ground.stands(link.id, LinkState::Broken).await;
    assert!(link.reason.clone().unwrap().contains("admin role"), "{:?}", link.reason);

    // Looking does not make it work: nothing was made that could.
    integration_links::inspect(&ground.app().core, &link).await.unwrap();
    assert_eq!(ground.find(link.id).await.state, LinkState::Broken);
    ground.finish().await;
}

async fn a_consent_taken_back_is_told_and_the_next_one_mends_it(test: TestDatabase) {
    let ground = Ground::working(test).await;
    ground.connect(&ground.two.ada, "ada-codes").await;
    // Between the form's check and the webhook.
    let revoked =
        json!({ "effect": "status", "status": 401, "method": "POST", "body": { "message": "Bad credentials" } });
    ground.github.trouble("/api/v3/repositories/*/hooks", revoked).await;
    let team = ground.two.product.to_string();
    let fields = [("team", team.as_str()), ("repository", "acme/widgets"), ("events", "push")];
    ground.two.ada.post_form("/integrations/github/link", &fields).await;
    let link = ground.links().await.remove(0);
    let link = ground.stands(link.id, LinkState::Broken).await;
    assert_eq!(ground.accounts().await[0].state, AccountState::Broken);
    assert!(ground.two.ada.get(&path_of(&link)).await.text.contains("Connect GitHub again"));
    assert_eq!(ground.two.ada.get("/integrations/github/link").await.location(), "/integrations/github");

    ground.connect(&ground.two.ada, "ada-codes").await;
    ground.stands(link.id, LinkState::Active).await;
    assert_eq!(ground.accounts().await[0].state, AccountState::Connected);
    ground.finish().await;
}

on_both_databases!(
    a_partner_that_is_down_is_asked_again_and_makes_one_thing,
    what_a_partner_refuses_stands_on_the_link,
    an_unknown_outcome_at_github_never_makes_two_webhooks,
    who_may_not_make_a_webhook_is_told_what_is_missing,
    a_consent_taken_back_is_told_and_the_next_one_mends_it,
);
