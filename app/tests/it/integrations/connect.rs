//! Starting to connect an account.

use std::collections::HashMap;

use patchbay::db::entity::oauth_state;
use reqwest::Method;
use sea_orm::EntityTrait;
use url::Url;

use super::Ground;
use crate::harness::{TestDatabase, on_both_databases};

async fn a_start_leads_to_the_partners_own_page_with_all_that_binds_it(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    // Nothing that a caller says about us or about the way back counts.
    let request = ada.request(Method::POST, "/auth/github?return_to=//evil.example");
    let request = request.header("x-forwarded-host", "evil.example").header("sec-fetch-site", "same-origin");
    let fields = [
        ("csrf", ada.token().await),
        ("return_to", "https:evil.example".into()),
        ("redirect_uri", "https://evil.example/".into()),
        ("scope", "delete_repo".into()),
        ("state", "chosen".into()),
    ];
    let answer = ada.send(request.form(&fields)).await;

    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers.get_all("location").iter().count(), 1);
    let page = Url::parse(answer.location()).unwrap();
    assert!(page.as_str().starts_with(&format!("{}/login/oauth/authorize?", ground.github.at)), "{page}");
    let asked: HashMap<String, String> = page.query_pairs().into_owned().collect();
    assert_eq!(asked.len(), page.query_pairs().count(), "a parameter stands twice: {page}");
    let callback = format!("http://{}/auth/github/callback", ground.app().address);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "Ov23liPatchbaySandbox"),
        ("redirect_uri", callback.as_str()),
        ("scope", "repo"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    assert_eq!(asked["code_challenge"].len(), 43);
    assert!(asked["state"].len() >= 22, "fewer than 128 bit: {}", asked["state"]);

    let kept = oauth_state::Entity::find().one(ground.app().core.db.reader()).await.unwrap().unwrap();
    assert_eq!((kept.partner.as_str(), kept.organization_id), ("github", ground.two.acme));
    assert_eq!(kept.expires_at, ground.app().clock.now() + 10 * 60_000);
    assert_eq!(kept.return_to, None);
    assert_eq!((kept.state_hash.len(), kept.session_hash.len()), (32, 32));
    ground.finish().await;
}

async fn no_two_starts_are_alike(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let (one, two) =
        futures::join!(ground.two.ada.post_form("/auth/github", &[]), ground.two.ada.post_form("/auth/github", &[]));
    let parameters =
        |page: &str| -> HashMap<String, String> { Url::parse(page).unwrap().query_pairs().into_owned().collect() };
    let (one, two) = (parameters(one.location()), parameters(two.location()));
    assert_ne!(one["state"], two["state"]);
    assert_ne!(one["code_challenge"], two["code_challenge"]);
    assert_eq!(ground.states().await, 2);
    ground.finish().await;
}

/// What a link, an image, a prefetching browser or another site's form can send.
async fn nothing_but_our_own_form_starts_one(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    let (token, bobs) = (ada.token().await, ground.two.bob.token().await);
    let before = ground.app().database.rows().await;
    let form = |token: &str| vec![("csrf".to_owned(), token.to_owned())];
    let post = || ada.request(Method::POST, "/auth/github");
    let same = ("sec-fetch-site", "same-origin");
    let cases = [
        ("a link", ada.request(Method::GET, "/auth/github"), 405),
        ("a prefetch", ada.request(Method::GET, "/auth/github").header("sec-purpose", "prefetch"), 405),
        ("an image", ada.request(Method::HEAD, "/auth/github").header("sec-fetch-dest", "image"), 405),
        ("no token", post().header(same.0, same.1).form(&form("")), 403),
        ("another's token", post().header(same.0, same.1).form(&form(&bobs)), 403),
        (
            "a token in the address",
            ada.request(Method::POST, &format!("/auth/github?csrf={token}")).form(&form("")),
            403,
        ),
        ("another site", post().header("sec-fetch-site", "cross-site").form(&form(&token)), 403),
        ("a neighbour's site", post().header("sec-fetch-site", "same-site").form(&form(&token)), 403),
        ("another origin", post().header("origin", "https://evil.example").form(&form(&token)), 403),
        ("JSON", post().header(same.0, same.1).json(&[("csrf", &token)]), 415),
        ("too much", post().header(same.0, same.1).form(&form(&"x".repeat(1024 * 1024 + 1))), 413),
    ];
    for (what, request, status) in cases {
        let answer = ada.send(request).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        assert_eq!(answer.location(), "", "{what}");
    }
    assert_eq!(ground.app().database.rows().await, before);

    let visitor = ground.app().visitor();
    let answer = visitor.post_form("/auth/github", &[]).await;
    assert_eq!((answer.status, answer.location()), (303, "/login?next=%2Fintegrations%2Fgithub"));
    assert_eq!(ground.states().await, 0);
    ground.finish().await;
}

async fn a_partner_that_needs_no_account_says_so(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let answer = ground.two.ada.post_form("/auth/fake", &[]).await;
    assert_eq!((answer.status, answer.location()), (303, "/integrations/fake"));
    assert_eq!(ground.states().await, 0);
    ground.finish().await;
}

on_both_databases!(
    a_start_leads_to_the_partners_own_page_with_all_that_binds_it,
    no_two_starts_are_alike,
    nothing_but_our_own_form_starts_one,
    a_partner_that_needs_no_account_says_so,
);
