//! Links: what they make at Zendesk, once, and what is left when they are gone: everything that was never theirs.

use integration_contract::{ErrorKind, Happening, Integration, LinkRefused, Remote, UndoneOutcome};
use serde_json::{Value, json};

use super::world::World;

const ALL: [&str; 3] = ["solved", "tickets", "comments"];

async fn webhooks(world: &World) -> Vec<Value> {
    world.admin(http::Method::GET, "webhooks", Value::Null).await["webhooks"].as_array().expect("a list").clone()
}

async fn triggers(world: &World) -> Vec<Value> {
    world.admin(http::Method::GET, "triggers", Value::Null).await["triggers"].as_array().expect("a list").clone()
}

/// The next webhook can't be subscribed to events.
async fn refuse_subscriptions(world: &World) {
    let refused = json!({
        "path": "/acme/api/v2/webhooks", "method": "POST", "times": 1,
        "effect": "refused", "status": 400, "error": "InvalidParameter", "description": "subscriptions are not supported",
    });
    world.control("rules", refused).await;
}

fn kinds(rows: &[Remote]) -> Vec<&str> {
    rows.iter().map(|row| row.kind.as_str()).collect()
}

#[tokio::test]
async fn a_link_makes_one_webhook_and_takes_that_one_away() {
    let world = World::new().await;
    let before = webhooks(&world).await;
    assert_eq!(before.len(), 2, "another product's, and ours");
    let ours = before.iter().find(|hook| hook["endpoint"] == world.link.hook_url.as_str()).expect("ours");
    assert_eq!((&ours["status"], &ours["http_method"]), (&json!("active"), &json!("POST")));
    assert_eq!(ours["subscriptions"].as_array().map(Vec::len), Some(9));
    assert_eq!(kinds(&world.ledger.now()), ["webhook"]);
    assert_eq!(world.ledger.now()[0].id.as_deref(), ours["id"].as_str());
    let found = world.zendesk.inspect_link(&world.account, &world.link, &world.ledger.now()).await.expect("looked");
    assert_eq!(found, [Happening::HookWorks]);

    for expected in [UndoneOutcome::Removed, UndoneOutcome::AlreadyGone] {
        let receipt = world.zendesk.destroy_link(&world.account, &world.link, &world.ledger.now()).await.expect("gone");
        assert_eq!((receipt[0].what.as_str(), &receipt[0].outcome), ("the webhook at acme.zendesk.com", &expected));
    }
    let after = webhooks(&world).await;
    assert_eq!(after.len(), 1);
    assert_eq!((&after[0]["name"], triggers(&world).await.len()), (&json!("Another product"), 1));
}

#[tokio::test]
async fn where_events_are_refused_a_trigger_calls_and_goes_first() {
    let mut world = World::unlinked().await;
    world.set(&ALL).await;
    refuse_subscriptions(&world).await;
    world.control("accounts/acme", json!({ "used_webhooks_can_go": false })).await;

    world.make().await.expect("made");
    world.make().await.expect("and nothing made again");

    assert_eq!(kinds(&world.ledger.now()), ["webhook", "trigger"]);
    assert_eq!((webhooks(&world).await.len(), triggers(&world).await.len()), (2, 2));
    let found = world.zendesk.inspect_link(&world.account, &world.link, &world.ledger.now()).await.expect("looked");
    assert_eq!(found, [Happening::HookWorks]);
    let receipt = world.zendesk.destroy_link(&world.account, &world.link, &world.ledger.now()).await.expect("gone");
    let lines: Vec<_> = receipt.iter().map(|line| (line.what.as_str(), &line.outcome)).collect();
    let removed = &UndoneOutcome::Removed;
    assert_eq!(lines, [("the trigger at acme.zendesk.com", removed), ("the webhook at acme.zendesk.com", removed)]);
    assert_eq!((webhooks(&world).await.len(), triggers(&world).await.len()), (1, 1));
}

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice() {
    for with_trigger in [false, true] {
        let mut world = World::unlinked().await;
        world.set(&ALL).await;
        if with_trigger {
            refuse_subscriptions(&world).await;
        }
        for _ in 0..3 {
            world.lose_next(2, http::Method::POST);
            world.make().await.expect("made");
        }
        assert_eq!(webhooks(&world).await.len(), 2);
        assert_eq!(triggers(&world).await.len(), 1 + usize::from(with_trigger));
        assert!(world.ledger.now().iter().all(|row| row.id.is_some()));
    }
}

#[tokio::test]
async fn what_a_crash_left_open_is_found_by_our_own_address() {
    let mut world = World::unlinked().await;
    world.set(&ALL).await;
    refuse_subscriptions(&world).await;
    world.make().await.expect("made");
    let unknown: Vec<_> = world.ledger.now().into_iter().map(|row| Remote { id: None, ..row }).collect();

    let receipt = world.zendesk.destroy_link(&world.account, &world.link, &unknown).await.expect("gone");

    assert!(receipt.iter().all(|line| line.outcome == UndoneOutcome::Removed), "{receipt:?}");
    assert_eq!((webhooks(&world).await.len(), triggers(&world).await.len()), (1, 1));
    let receipt = world.zendesk.destroy_link(&world.account, &world.link, &unknown).await.expect("gone");
    assert!(receipt.iter().all(|line| line.outcome == UndoneOutcome::AlreadyGone), "{receipt:?}");
}

#[tokio::test]
async fn changed_settings_change_what_the_webhook_hears() {
    let mut world = World::new().await;
    world.set(&["solved"]).await;
    world.zendesk.change_link(&world.account, &world.link, &world.ledger).await.expect("changed");
    let hooks = webhooks(&world).await;
    let ours = hooks.iter().find(|hook| hook["endpoint"] == world.link.hook_url.as_str()).expect("ours");
    assert_eq!(ours["subscriptions"], json!(["zen:event-type:ticket.status_changed"]));
    assert_eq!(hooks.len(), 2);
}

#[tokio::test]
async fn what_was_deleted_or_switched_off_there_is_told_and_mended() {
    let mut world = World::new().await;
    let id = world.ledger.now()[0].id.clone().expect("an id");
    let reason = async |world: &World| {
        let found = world.zendesk.inspect_link(&world.account, &world.link, &world.ledger.now()).await.expect("looked");
        match found.as_slice() {
            [Happening::TargetGone { reason }] => reason.clone(),
            other => panic!("it is told that it is gone, not {other:?}"),
        }
    };
    let off = json!({ "webhook": { "status": "inactive" } });
    world.admin(http::Method::PATCH, &format!("webhooks/{id}"), off).await;
    assert!(reason(&world).await.contains("switched off"));
    world.make().await.expect("switched on");
    let found = world.zendesk.inspect_link(&world.account, &world.link, &world.ledger.now()).await.expect("looked");
    assert_eq!(found, [Happening::HookWorks]);

    world.admin(http::Method::DELETE, &format!("webhooks/{id}"), Value::Null).await;
    assert!(reason(&world).await.contains("deleted"));
    let old = world.ledger.secret();
    world.make().await.expect("made anew");
    assert_ne!(world.ledger.now()[0].id.as_ref(), Some(&id));
    use integration_contract::ExposeSecret;
    let exposed = |secret: Option<integration_contract::SecretString>| secret.map(|it| it.expose_secret().to_owned());
    assert_ne!(exposed(old), exposed(world.ledger.secret()), "the new webhook has a secret of its own");
    // And it is the one that hooks are signed with.
    world.say("carol", super::world::CHART, json!({ "body": "Any news?" })).await;
    world.changes_until(|_| true).await;
    assert_eq!(*world.refused.lock().expect("no panic before"), 0);
}

#[tokio::test]
async fn who_may_not_manage_webhooks_is_told_beside_the_form() {
    let mut world = World::unlinked().await;
    world.account = world.account_of(world.connect("acme", "bob").await.expect("an agent can connect"));
    let input = [("events", "solved")].into_iter().collect();
    let refused = world.zendesk.check_link(&world.account, &input).await.expect_err("refused");
    let LinkRefused::Fields(errors) = refused else { panic!("beside the form: {refused:?}") };
    assert!(errors.get("events").expect("a sentence").contains("Bob Kahn may not add webhooks"), "{errors:?}");

    for bad in [vec![], vec![("events", "everything")], vec![("events", "solved"), ("events", "x")]] {
        let refused = world.zendesk.check_link(&world.account, &bad.into_iter().collect()).await;
        assert!(matches!(refused, Err(LinkRefused::Fields(_))));
    }
}

#[tokio::test]
async fn a_link_is_not_worked_on_with_the_account_of_another_help_desk() {
    let mut world = World::new().await;
    world.account = world.account_of(world.connect("umbra", "eve").await.expect("connected"));
    let error = world.make().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.sentence().contains("acme.zendesk.com"));
    let error = world.items().item(&world.account, &world.link, "1").await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn lost_rights_are_told_with_what_an_admin_can_do() {
    let world = World::new().await;
    let forbidden = json!({ "path": "/acme/api/v2/webhooks/*", "times": 2, "effect": "refused", "status": 403, "error": "Forbidden" });
    world.control("rules", forbidden).await;
    let found = world.zendesk.inspect_link(&world.account, &world.link, &world.ledger.now()).await.expect("looked");
    assert!(matches!(&found[..], [Happening::TargetGone { reason }] if reason.contains("admin role")), "{found:?}");
    let receipt = world.zendesk.destroy_link(&world.account, &world.link, &world.ledger.now()).await.expect("told");
    let UndoneOutcome::LeftOver(sentence) = &receipt[0].outcome else { panic!("it is left over: {receipt:?}") };
    assert!(sentence.contains("An admin can delete the webhook “Patchbay”"), "{sentence}");
}
