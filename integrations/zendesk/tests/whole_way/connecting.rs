//! Connecting: tokens with and without an end, rotation, wrong scopes, nobody, and giving access back.

use integration_contract::{ErrorKind, ExposeSecret, Grant, Integration, UndoneOutcome};
use serde_json::json;

use super::world::World;

#[tokio::test]
async fn an_account_is_known_by_its_subdomain_and_number() {
    let world = World::unlinked().await;
    let connected = world.connect("acme", "bob").await.expect("connected");

    let (subdomain, number) = connected.identity.id.split_once('/').expect("both");
    assert_eq!((subdomain, connected.identity.name.as_str()), ("acme", "Bob Kahn"));
    assert!(number.parse::<u64>().is_ok());
    let page = connected.identity.url.expect("a page");
    assert_eq!(page, format!("{}/acme/agent/users/{number}", world.at));
    assert_eq!(connected.credentials.site.as_deref(), Some("acme"));
    assert!(connected.credentials.expires_at.is_some() && connected.credentials.refresh_token.is_some());
    let elsewhere = world.connect("umbra", "eve").await.expect("connected");
    assert!(elsewhere.identity.id.starts_with("umbra/"));
}

#[tokio::test]
async fn a_token_without_an_end_needs_no_refresh() {
    let world = World::unlinked().await;
    world.control("clients", json!({ "expiring": false })).await;
    let connected = world.connect("acme", "ada").await.expect("connected");
    assert_eq!(connected.credentials.expires_at, None);
    assert!(connected.credentials.refresh_token.is_none());
    let refused = world.zendesk.refresh(&world.nobody(), &connected.credentials).await.expect_err("nothing to trade");
    assert_eq!(refused.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_and_ends_the_old_one() {
    let world = World::unlinked().await;
    let old = world.connect("acme", "ada").await.expect("connected").credentials;

    let fresh = world.zendesk.refresh(&world.nobody(), &old).await.expect("refreshed");

    assert_ne!(fresh.access_token.expose_secret(), old.access_token.expose_secret());
    assert_eq!((fresh.site.as_deref(), &fresh.scopes), (Some("acme"), &old.scopes));
    let again = world.zendesk.refresh(&world.nobody(), &old).await.expect_err("the old pair is over");
    assert_eq!(again.kind(), ErrorKind::Unauthorized);
    world.zendesk.refresh(&world.nobody(), &fresh).await.expect("the new one is not");
}

#[tokio::test]
async fn access_is_given_back_also_when_it_has_expired() {
    let world = World::unlinked().await;
    let outcome =
        async |credentials| world.zendesk.revoke(&world.nobody(), credentials).await.expect("revoked").outcome;
    let connected = world.connect("acme", "ada").await.expect("connected").credentials;
    assert_eq!(outcome(&connected).await, UndoneOutcome::Removed);
    assert_eq!(outcome(&connected).await, UndoneOutcome::AlreadyGone);

    let connected = world.connect("acme", "ada").await.expect("connected").credentials;
    world.control("tokens/end", json!({ "how": "expired" })).await;
    assert_eq!(outcome(&connected).await, UndoneOutcome::Removed);
    let gone = world.zendesk.refresh(&world.nobody(), &connected).await.expect_err("all of it is over");
    assert_eq!(gone.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_denied_consent_brings_no_code() {
    let world = World::unlinked().await;
    let ask = integration_contract::AuthorizeAsk {
        state: "state-1".into(),
        redirect_uri: world.callback.clone(),
        verifier: None,
        site: Some("acme".into()),
    };
    let url = world.zendesk.authorize_url(&ask).expect("a URL");
    let body = json!({ "user": "ada", "url": url.as_str(), "decision": "deny" });
    let back = world.control("authorize", body).await["redirect"].as_str().expect("an address").to_owned();
    assert!(back.contains("error=access_denied") && !back.contains("code="), "{back}");
}

#[tokio::test]
async fn a_code_counts_once_in_its_own_account_and_with_its_own_verifier() {
    let world = World::unlinked().await;
    let back = world.consent("acme", "ada").await;
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let grant = |code: &str, site: &str, verifier: &str| Grant {
        code: code.into(),
        redirect_uri: world.callback.clone(),
        verifier: Some(verifier.into()),
        site: Some(site.into()),
    };
    let other = "another-0123456789-0123456789-0123456789-0123456789";
    for (site, verifier) in [("umbra", other), ("acme", other), ("acme", other)] {
        let refused = world.zendesk.oauth_callback(&world.nobody(), grant(&code, site, verifier)).await;
        let refused = refused.expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::Refused);
        assert!(refused.sentence().contains("Start again"), "{}", refused.sentence());
    }
    let nowhere = world.zendesk.oauth_callback(&world.nobody(), grant(&code, "nosuch", other)).await.expect_err("none");
    assert_eq!(
        (nowhere.kind(), nowhere.sentence()),
        (ErrorKind::Refused, "There is no Zendesk account at nosuch.zendesk.com.")
    );
}

#[tokio::test]
async fn what_is_not_kept_is_given_back() {
    let world = World::unlinked().await;
    for (rule, kind) in [
        (json!({ "path": "/acme/oauth/tokens", "effect": "token", "answer": "fewer_scopes" }), ErrorKind::Refused),
        (json!({ "path": "/acme/oauth/tokens", "effect": "token", "answer": "other_type" }), ErrorKind::Unavailable),
        (json!({ "path": "/acme/api/v2/users/me*", "effect": "anonymous" }), ErrorKind::Refused),
        (
            json!({ "path": "/acme/api/v2/users/me*", "effect": "refused", "status": 403, "error": "Forbidden" }),
            ErrorKind::Refused,
        ),
        (json!({ "path": "/acme/api/v2/users/me*", "effect": "invalid_token" }), ErrorKind::Refused),
    ] {
        world.control("rules", rule.clone()).await;
        let error = world.connect("acme", "ada").await.expect_err("not connected");
        assert_eq!(error.kind(), kind, "{rule}: {}", error.sentence());
        let calls = world.look("calls?path=/acme/api/v2/oauth/tokens/current&method=DELETE").await;
        assert_eq!(calls.as_array().map(Vec::len), Some(1), "{rule}: {calls}");
        forget(&world).await;
    }
}

#[tokio::test]
async fn a_broken_answer_is_an_outage() {
    let world = World::unlinked().await;
    for answer in ["html", "empty", "empty_token"] {
        world.control("rules", json!({ "path": "/acme/oauth/tokens", "effect": "token", "answer": answer })).await;
        let error = world.connect("acme", "ada").await.expect_err("not connected");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{answer}");
        forget(&world).await;
    }
}

#[tokio::test]
async fn a_customer_can_connect_nothing() {
    let world = World::unlinked().await;
    let error = world.connect("acme", "carol").await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.sentence().contains("customer"), "{}", error.sentence());
}

async fn forget(world: &World) {
    for what in ["rules", "calls"] {
        let answer = world.client.delete(format!("{}/_sandbox/{what}", world.at)).send().await.expect("an answer");
        assert!(answer.status().is_success());
    }
}
