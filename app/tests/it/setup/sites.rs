//! Partners each of whose customers has an address of their own: it is asked for, read by the partner, and kept.

use integration_contract::{Card, PartnerSettings};
use integration_testkit::FakePartner;
use patchbay::db::entity::oauth_state;
use sea_orm::EntityTrait;
use url::Url;

use crate::{
    harness::{TestDatabase, on_both_databases},
    integrations::{Ground, able, consented},
};

async fn ground(test: TestDatabase) -> Ground {
    let card =
        Card { connect: FakePartner::accounts_in_districts(), settings: const { &[FakePartner::ADDRESS] }, ..able() };
    Ground::idle_with(test, FakePartner::with_card(card), PartnerSettings::default()).await
}

async fn the_site_goes_with_the_consent_and_stays_with_the_account(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let page = ada.get("/integrations/fake").await;
    assert!(page.text.contains("District") && page.text.contains("The first part of its address."), "{}", page.text);

    let sent = ada.post_form("/auth/fake", &[("district", " north ")]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let asked = Url::parse(sent.location()).unwrap();
    assert!(asked.query_pairs().any(|(name, value)| name == "district" && value == "north"), "{asked}");
    let kept = oauth_state::Entity::find().one(ground.app().core.db.reader()).await.unwrap().unwrap();
    assert_eq!(kept.site.as_deref(), Some("north"));

    assert_eq!(consented(ada, sent.location(), 7, "ada").await.status, 303);
    assert_eq!(ground.accounts().await.remove(0).site.as_deref(), Some("north"));
    // To connect again, it stands there.
    assert!(ada.get("/integrations/fake").await.text.contains("name=\"district\" value=\"north\""));
    ground.finish().await;
}

async fn what_is_no_site_comes_back_with_a_sentence(test: TestDatabase) {
    let ground = ground(test).await;
    let before = ground.app().database.rows().await;
    for typed in ["", "North", "evil.example/", "a.b", "x@y", "127.0.0.1", "<b>", "%2e%2e", "\u{0}"] {
        let answer = ground.two.ada.post_form("/auth/fake", &[("district", typed)]).await;
        assert_eq!((answer.status, answer.location()), (422, ""), "{typed}");
        assert!(answer.text.contains("A district is a word of lower-case letters."), "{}", answer.text);
        assert!(answer.text.contains("district-error"), "{}", answer.text);
        if typed == "North" {
            assert!(answer.text.contains("name=\"district\" value=\"North\""), "{}", answer.text);
        }
    }
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn the_issuer_is_that_of_the_site(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    for (issuer, status) in [
        ("https://south.fake.example", 400),
        ("https://*.fake.example", 400),
        ("https://fake.example", 400),
        ("https://north.fake.example", 303),
    ] {
        let sent = ada.post_form("/auth/fake", &[("district", "north")]).await;
        let state = sent.location().split_once("state=").unwrap().1.split('&').next().unwrap().to_owned();
        let issuer = url::form_urlencoded::byte_serialize(issuer.as_bytes()).collect::<String>();
        let back = ada.get(&format!("/auth/fake/callback?state={state}&code=7:ada&iss={issuer}")).await;
        assert_eq!(back.status, status, "{issuer}: {}", back.text);
    }
    assert_eq!(ground.accounts().await.len(), 1);
    ground.finish().await;
}

async fn a_link_that_starts_there_asks_for_the_site_too(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let team = ground.two.product.to_string();
    let page = ada.get("/integrations/fake/setup?room=attic").await;
    assert!(page.text.contains("District"), "{}", page.text);
    let fields = [("wish", "room=attic"), ("team", team.as_str()), ("district", "NORTH")];
    let refused = ada.post_form("/integrations/fake/setup", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("A district is a word") && refused.text.contains("value=\"NORTH\""),
        "{}",
        refused.text
    );
    let fields = [("wish", "room=attic"), ("team", team.as_str()), ("district", "north")];
    let sent = ada.post_form("/integrations/fake/setup", &fields).await;
    assert!(sent.location().contains("district=north"), "{}", sent.location());
    let back = consented(ada, sent.location(), 7, "ada").await;
    assert_eq!(back.location(), format!("/integrations/fake/link?room=attic&team={team}"));
    ground.finish().await;
}

on_both_databases!(
    the_site_goes_with_the_consent_and_stays_with_the_account,
    what_is_no_site_comes_back_with_a_sentence,
    the_issuer_is_that_of_the_site,
    a_link_that_starts_there_asks_for_the_site_too,
);
