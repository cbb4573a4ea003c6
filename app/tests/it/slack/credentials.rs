//! Tokens that end: one of those who need a fresh one asks for it, and the others take what it brings.

use std::time::Duration;

use integration_contract::ErrorKind;
use patchbay::{
    core::integration_users,
    db::entity::{integration_link::LinkState, integration_user},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde_json::json;
use url::Url;

use super::{ACME, ADA, DONE, Ground};
use crate::harness::{TestDatabase, on_both_databases};

/// With an app whose tokens end, and an installation whose token does within a minute: it has to be traded in.
async fn ending(test: TestDatabase) -> Ground {
    let ground = Ground::new(test).await;
    let app = ground.look("/apps").await[0]["id"].as_str().unwrap().to_owned();
    ground.control(&format!("/apps/{app}"), json!({ "token_rotation": true })).await;
    let asked: Url = ground.two.ada.post_form("/auth/slack", &[]).await.location().parse().unwrap();
    let scopes = asked.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    let installed = ground.control("/installations", json!({ "user": "ada", "scopes": scopes })).await;
    let granted = json!({
        "ok": true, "token_type": "bot", "access_token": installed["bot_token"], "expires_in": 60,
        "refresh_token": installed["refresh_token"], "scope": scopes, "bot_user_id": installed["bot_user_id"],
        "app_id": app, "team": { "id": ACME, "name": "Acme" }, "enterprise": null, "is_enterprise_install": false,
        "authed_user": { "id": ADA },
    });
    ground.trouble("oauth.v2.access", json!({ "effect": "status", "status": 200, "body": granted })).await;
    let connected = ground.connect(&ground.two.ada, "ada").await;
    assert_eq!(connected.location(), "/integrations/slack/link", "{}", connected.text);
    ground
}

/// Acts with an installation as the rows stood when it was read, and says whether Slack took the token.
async fn act(ground: &Ground, row: &integration_user::Model) -> bool {
    let partner = ground.app().core.partners.get("slack").unwrap();
    let account = integration_users::account(&ground.app().core, partner, row).await.unwrap();
    partner.integration.new_link(&account, &Default::default()).await.is_ok()
}

async fn two_at_once_make_one_call_and_both_go_on(test: TestDatabase) {
    let ground = ending(test).await;
    let row = ground.installations().await.remove(0);
    let trades = ground.calls("oauth.v2.access").await;
    ground.trouble("oauth.v2.access", json!({ "effect": "delay", "ms": 500 })).await;
    let (one, other, third) = tokio::join!(act(&ground, &row), act(&ground, &row), act(&ground, &row));
    assert!(one && other && third);
    assert_eq!(ground.calls("oauth.v2.access").await, trades + 1);
    let fresh = ground.installations().await.remove(0);
    assert_ne!(fresh.credentials, row.credentials);
    assert_eq!((fresh.refreshing_until, fresh.expires_at > row.expires_at), (None, true));
    // A token that holds is not traded in.
    assert!(act(&ground, &fresh).await);
    assert_eq!(ground.calls("oauth.v2.access").await, trades + 1);
    ground.finish().await;
}

async fn whoever_dies_over_it_has_half_a_minute(test: TestDatabase) {
    let ground = ending(test).await;
    let mut dying = ground.installations().await.remove(0).into_active_model();
    dying.refreshing_until = Set(Some(ground.app().core.clock.now() + 30_000));
    let row = dying.update(ground.app().database.db.writer_for_tests()).await.unwrap();
    let trades = ground.calls("oauth.v2.access").await;

    let mut waiting = Box::pin(act(&ground, &row));
    assert!(tokio::time::timeout(Duration::from_millis(600), &mut waiting).await.is_err(), "it did not wait");
    assert_eq!(ground.calls("oauth.v2.access").await, trades);
    ground.app().clock.advance(Duration::from_secs(31));
    assert!(waiting.await);
    assert_eq!(ground.calls("oauth.v2.access").await, trades + 1);
    ground.finish().await;
}

async fn slack_being_away_keeps_the_old_pair(test: TestDatabase) {
    let ground = ending(test).await;
    ground.trouble("oauth.v2.access", json!({ "effect": "status", "status": 503 })).await;
    let row = ground.installations().await.remove(0);
    let partner = ground.app().core.partners.get("slack").unwrap();
    assert!(integration_users::account(&ground.app().core, partner, &row).await.is_err());
    let after = ground.installations().await.remove(0);
    assert_eq!((after.credentials, after.refreshing_until), (row.credentials.clone(), None));
    assert!(act(&ground, &row).await);
    ground.finish().await;
}

async fn a_refused_renewal_is_asked_for_again_for_a_day(test: TestDatabase) {
    let ground = ending(test).await;
    let refused = json!({ "ok": false, "error": "invalid_refresh_token" });
    let refuse = json!({ "effect": "status", "status": 200, "body": refused, "times": 3 });
    ground.trouble("oauth.v2.access", refuse).await;
    let partner = ground.app().core.partners.get("slack").unwrap();
    let kept = ground.installations().await.remove(0).credentials;
    let mut kinds = Vec::new();
    for wait in [0, 12, 13] {
        ground.app().clock.advance(Duration::from_secs(wait * 60 * 60));
        let row = ground.installations().await.remove(0);
        assert_eq!(row.credentials, kept);
        match integration_users::account(&ground.app().core, partner, &row).await {
            Err(patchbay::core::Error::Partner(error)) => kinds.push(error.kind()),
            other => panic!("{:?}", other.map(|account| account.scopes)),
        }
    }
    // The third, a day after the first, is believed.
    assert_eq!(kinds, [ErrorKind::RateLimited, ErrorKind::RateLimited, ErrorKind::Unauthorized]);

    let row = ground.installations().await.remove(0);
    assert!(act(&ground, &row).await);
    let row = ground.installations().await.remove(0);
    assert_eq!((row.refusals, row.refused_since), (0, None));
    ground.finish().await;
}

async fn an_access_taken_back_shows_on_the_link_and_one_consent_mends_it(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let link = ground.linked().await;
    ground.control("/tokens/end", json!({ "team": ACME, "how": "revoked" })).await;
    let path = format!("/teams/{}/entries", ground.two.product);
    ground.two.ada.post_form(&path, &[("body", "written while Slack was closed to us")]).await;
    ground.entry("written while Slack was closed to us").await;
    ground.stands(&link, LinkState::Broken).await;
    let page = format!("/integrations/slack/link/{}", link.id);
    let shown = ground.two.ada.get(&page).await.text;
    assert!(shown.contains("Connect Slack again") && shown.contains("Held"), "{shown}");

    // Any admin's consent does.
    assert_eq!(ground.connect(&ground.two.ada, "bob").await.status, 303);
    ground.stands(&link, LinkState::Active).await;
    ground.is_said(DONE, "written while Slack was closed to us").await;
    ground.finish().await;
}

on_both_databases!(
    two_at_once_make_one_call_and_both_go_on,
    whoever_dies_over_it_has_half_a_minute,
    slack_being_away_keeps_the_old_pair,
    a_refused_renewal_is_asked_for_again_for_a_day,
    an_access_taken_back_shows_on_the_link_and_one_consent_mends_it,
);
