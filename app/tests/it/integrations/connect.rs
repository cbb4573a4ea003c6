//! Starting to connect an account.

use std::collections::HashMap;

use integration_contract::{Card, PartnerSettings};
use integration_testkit::FakePartner;
use patchbay::db::entity::oauth_state;
use reqwest::Method;
use sea_orm::EntityTrait;
use serde_json::json;
use url::Url;

use super::{Ground, able, consented, join};
use crate::harness::{Client, TestDatabase, on_both_databases};

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

/// The browser was logged in as somebody else at the partner: that is no good news.
async fn connecting_another_account_than_the_broken_one_says_so(test: TestDatabase) {
    let fake = FakePartner::with_card(Card { settings: &[], ..able() });
    let ground = Ground::idle_with(test, fake, PartnerSettings::default()).await;
    let (ada, core) = (&ground.two.ada, &ground.app().core);
    join(ada, 7, "ada-there").await;
    let broken = ground.accounts().await.remove(0);
    patchbay::core::integration_users::mark_broken(core, &broken, "It was taken back.").await.unwrap();
    let settings = ada.get("/settings").await.text;
    assert!(settings.contains(&format!("name=\"account\" value=\"{}\"", broken.id)), "{settings}");
    let begin = async |client: &Client| {
        let id = broken.id.to_string();
        let fields = [("account", id.as_str()), ("next", "/settings")];
        client.post_form("/auth/fake", &fields).await.location().to_owned()
    };

    let back = consented(ada, &begin(ada).await, 9, "ada-elsewhere").await;
    assert_eq!(back.location(), "/settings");
    let page = ada.get("/settings").await.text;
    let said = "Connected to Fake as ada-elsewhere. What needs attention is ada-there, though: choose that one at Fake, and \
                connect again.";
    assert!(page.contains(said) && page.contains("flash-attention"), "{page}");
    // Nobody learns anything of somebody else's.
    let bob = &ground.two.bob;
    consented(bob, &begin(bob).await, 8, "bob-there").await;
    let page = bob.get("/settings").await.text;
    assert!(page.contains("Connected to Fake as bob-there.") && !page.contains("ada-there"), "{page}");

    consented(ada, &begin(ada).await, 7, "ada-there").await;
    let page = ada.get("/settings").await.text;
    assert!(page.contains("Connected to Fake as ada-there.") && !page.contains("though"), "{page}");
    ground.finish().await;
}

/// The grant ends while the form is filled: the page says so, and has the way on.
async fn a_form_whose_account_is_over_connects_it_again(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let ada = &ground.two.ada;
    ground.connect(ada, "ada-codes").await;
    ground.github.control("/users/ada-codes/revoke", json!({})).await;
    let team = ground.two.product.to_string();
    let fields = [("team", team.as_str()), ("repository", "acme/widgets"), ("events", "issues")];

    let refused = ada.post_form("/integrations/github/link", &fields).await;
    assert_eq!(refused.status, 502);
    assert!(refused.text.contains("no longer accepts the connection"), "{}", refused.text);
    let way = refused.text.split("action=\"/auth/github\"").last().unwrap().split("</form>").next().unwrap();
    assert!(way.contains(">Connect GitHub again<") && way.contains("value=\"/integrations/github/link\""), "{way}");
    assert!(!refused.text.contains(">Try again<"), "{}", refused.text);
    // Whoever comes back later is not led into the same form.
    assert_eq!(ada.get("/integrations/github/link").await.location(), "/integrations/github");
    ground.finish().await;
}

on_both_databases!(
    connecting_another_account_than_the_broken_one_says_so,
    a_form_whose_account_is_over_connects_it_again,
    a_start_leads_to_the_partners_own_page_with_all_that_binds_it,
    no_two_starts_are_alike,
    nothing_but_our_own_form_starts_one,
    a_partner_that_needs_no_account_says_so,
);
