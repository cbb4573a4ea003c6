//! What Slack tells of the app's own life: uninstalled, its tokens revoked, in whatever order, and late.

use std::time::Duration;

use patchbay::db::entity::{integration_link::LinkState, integration_user::AccountState};
use serde_json::{Value, json};

use super::{ACME, Ground, event_of};
use crate::harness::{TestDatabase, on_both_databases};

fn revoked(id: &str, at: i64) -> Value {
    event_of(ACME, id, at, &json!({ "type": "tokens_revoked", "tokens": { "oauth": [], "bot": ["U0BOT"] } }))
}

fn uninstalled(id: &str, at: i64) -> Value {
    event_of(ACME, id, at, &json!({ "type": "app_uninstalled" }))
}

async fn in_whatever_order_it_ends_and_a_consent_begins_it_again(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let first = ground.linked().await;
    let second = ground.link(&ground.two.ada, ground.two.product, "#general").await;
    for (round, events) in [[uninstalled, revoked], [revoked, uninstalled]].into_iter().enumerate() {
        ground.app().clock.advance(Duration::from_secs(10));
        let now = ground.app().core.clock.now_seconds();
        for (number, event) in events.into_iter().enumerate() {
            assert_eq!(ground.event(&event(&format!("Ev0END{round}{number}"), now)).await.status, 200);
        }
        for link in [&first, &second] {
            let broken = ground.stands(link, LinkState::Broken).await;
            assert!(broken.reason.unwrap().contains("Connect Slack again"));
        }
        assert_eq!(ground.installations().await[0].state, AccountState::Broken);
        ground.app().clock.advance(Duration::from_secs(10));
        assert_eq!(ground.connect(&ground.two.ada, "ada").await.status, 303);
        for link in [&first, &second] {
            ground.stands(link, LinkState::Active).await;
        }
    }
    ground.finish().await;
}

async fn what_comes_late_does_not_end_a_new_installation(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    let before = ground.app().core.clock.now_seconds();
    ground.app().clock.advance(Duration::from_secs(60));
    assert_eq!(ground.connect(&ground.two.ada, "ada").await.status, 303);
    ground.stands(&link, LinkState::Active).await;

    assert_eq!(ground.event(&revoked("Ev0LATE1", before)).await.status, 200);
    assert_eq!(ground.event(&uninstalled("Ev0LATE2", before + 30)).await.status, 200);
    ground
        .until("both were read", async || {
            let told = ground.messages().await;
            told.iter()
                .filter(|message| message.delivery.starts_with("Ev0LATE") && message.finished_at.is_some())
                .count()
                == 2
        })
        .await;
    assert_eq!(ground.find(&link).await.state, LinkState::Active);
    assert_eq!(ground.installations().await[0].state, AccountState::Connected);
    ground.finish().await;
}

async fn a_persons_token_is_none_of_ours(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    let now = ground.app().core.clock.now_seconds();
    let event = json!({ "type": "tokens_revoked", "tokens": { "oauth": ["U0ADA00001"], "bot": [] } });
    assert_eq!(ground.event(&event_of(ACME, "Ev0PERSON", now, &event)).await.status, 200);
    ground
        .until("it was read", async || {
            ground.messages_of("tokens_revoked").await.iter().any(|message| message.finished_at.is_some())
        })
        .await;
    assert_eq!(ground.find(&link).await.state, LinkState::Active);
    ground.finish().await;
}

on_both_databases!(
    in_whatever_order_it_ends_and_a_consent_begins_it_again,
    what_comes_late_does_not_end_a_new_installation,
    a_persons_token_is_none_of_ours,
);
