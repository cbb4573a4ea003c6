//! "Add" in the partner's product leads to our page, which asks before anything is done.

use integration_contract::{Card, Connect, PartnerSettings};
use integration_testkit::FakePartner;
use patchbay::db::entity::{integration_user, oauth_state};
use reqwest::Method;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use crate::{
    harness::{PASSWORD, TestDatabase, on_both_databases},
    integrations::{Ground, UNKNOWN, able, consented, join},
};

const SETUP: &str = "/integrations/fake/setup";

async fn ground(test: TestDatabase) -> Ground {
    Ground::idle_with(test, FakePartner::with_card(able()), PartnerSettings::default()).await
}

/// What the confirm page sends.
fn wish(team: &str) -> Vec<(&'static str, String)> {
    vec![("wish", "room=workshop&unknown=1".to_owned()), ("team", team.to_owned())]
}

async fn post(ground: &Ground, client: &crate::harness::Client, fields: &[(&str, String)]) -> crate::harness::Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(ground.app().core.partners.get("fake").is_ok());
    client.post_form(SETUP, &fields).await
}

async fn a_wish_becomes_a_link_form_over_the_partners_consent(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let before = ground.app().database.rows().await;
    let page = ada.get(&format!("{SETUP}?room=workshop&unknown=1")).await;
    assert_eq!((page.status, page.location()), (200, ""));
    for said in ["the room workshop", "Acme", "Product", "Go on to Fake"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(ground.app().database.rows().await, before, "looking at it changes nothing");

    let team = ground.two.product.to_string();
    let sent = post(&ground, ada, &wish(&team)).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert!(sent.location().starts_with("https://fake.example/authorize?"), "{}", sent.location());
    assert!(!sent.location().contains("workshop"), "what is linked is no business of the address: {}", sent.location());
    let kept = oauth_state::Entity::find().one(ground.app().core.db.reader()).await.unwrap().unwrap();
    let form = format!("/integrations/fake/link?room=workshop&team={team}");
    assert_eq!(kept.return_to.as_deref(), Some(form.as_str()));

    let back = consented(ada, sent.location(), 7, "ada").await;
    assert_eq!((back.status, back.location()), (303, form.as_str()));
    let drawn = ada.get(&form).await;
    assert!(drawn.text.contains("value=\"workshop\""), "{}", drawn.text);
    assert!(ground.links().await.is_empty(), "the link itself is still a form to be sent");

    // With the account there, the form comes at once.
    let page = ada.get(&format!("{SETUP}?room=attic")).await;
    assert!(!page.text.contains("Go on to Fake"), "{}", page.text);
    let sent = post(&ground, ada, &[("wish", "room=attic".to_owned()), ("team", team.clone())]).await;
    assert_eq!(
        (sent.status, sent.location().to_owned()),
        (303, format!("/integrations/fake/link?room=attic&team={team}"))
    );
    ground.finish().await;
}

async fn whoever_is_signed_out_comes_back_to_the_wish(test: TestDatabase) {
    let ground = ground(test).await;
    let wish = format!("{SETUP}?room=work%26shop&x=1");
    let visitor = ground.app().visitor();
    let sent = visitor.get(&wish).await;
    let next = url::form_urlencoded::byte_serialize(wish.as_bytes()).collect::<String>();
    assert_eq!((sent.status, sent.location()), (303, format!("/login?next={next}").as_str()));
    let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("next", wish.as_str())];
    assert_eq!(visitor.post_form("/login", &fields).await.location(), wish);
    assert!(visitor.get(&wish).await.text.contains("the room work&#38;shop"));
    ground.finish().await;
}

async fn a_broken_wish_is_refused_and_named(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let team = ground.two.product.to_string();
    let before = ground.app().database.rows().await;
    for path in [SETUP.to_owned(), format!("{SETUP}?room="), format!("{SETUP}?flow=1")] {
        let page = ada.get(&path).await;
        assert_eq!(page.status, 422, "{path}");
        assert!(page.text.contains("The address does not say which room."), "{}", page.text);
    }
    assert_eq!(post(&ground, ada, &[("wish", String::new()), ("team", team.clone())]).await.status, 422);
    assert_eq!(post(&ground, ada, &[("team", team)]).await.status, 422);
    // Markup in a wish is text.
    let page = ada.get(&format!("{SETUP}?room=%3Cscript%3E%22%27")).await;
    assert!(page.status == 200 && !page.text.contains("<script>\"") && page.text.contains("&#60;script&#62;"));
    assert_eq!(ada.get("/integrations/github/setup?flow=1").await.status, 404, "a partner without");
    assert_eq!(ada.get("/integrations/nobody/setup?room=x").await.status, 404);
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn fields_of_our_own_are_no_part_of_a_wish(test: TestDatabase) {
    let ground = ground(test).await;
    let team = ground.two.product.to_string();
    join(&ground.two.ada, 7, "ada").await;
    let stuffed = format!("room=attic&team={UNKNOWN}&level=user&csrf=x&_method=delete&return_to=//evil.example");
    let sent = post(&ground, &ground.two.ada, &[("wish", stuffed), ("team", team.clone())]).await;
    assert_eq!(sent.location(), format!("/integrations/fake/link?room=attic&team={team}"));
    ground.finish().await;
}

async fn only_who_may_add_links_goes_on_and_for_their_teams_only(test: TestDatabase) {
    const FOR_TEAMS: Card = Card { levels: &[integration_contract::Level::Team], ..CARD };
    const CARD: Card = Card {
        id: "fake",
        name: "Fake",
        tagline: "",
        category: "",
        icon: "",
        readme: "",
        connect: Connect::Nothing,
        effects: &[],
        events: &[],
        levels: &[],
        hooks: None,
        pace: None,
        settings: &[],
        capabilities: &[integration_contract::Capability::Setup],
    };
    let ground = Ground::idle_with(test, FakePartner::with_card(FOR_TEAMS), PartnerSettings::default()).await;
    let two = &ground.two;
    let (product, lab) = (two.product.to_string(), two.lab.to_string());
    let before = ground.app().database.rows().await;

    let page = two.bob.get(&format!("{SETUP}?room=workshop")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Admins and owners add links") && !page.text.contains("name=\"wish\""), "{}", page.text);
    assert_eq!(post(&ground, &two.bob, &wish(&product)).await.status, 403);
    let eves = two.eve.get(&format!("{SETUP}?room=workshop")).await;
    assert!(eves.text.contains("Lab") && !eves.text.contains("Product"), "{}", eves.text);
    assert_eq!(post(&ground, &two.eve, &wish(&product)).await.status, 404);
    assert_eq!(post(&ground, &two.ada, &wish(&lab)).await.status, 404);
    assert_eq!(post(&ground, &two.ada, &wish(UNKNOWN)).await.status, 404);
    for nonsense in ["", "1", "1 OR 1=1", "-1"] {
        let answer = post(&ground, &two.ada, &wish(nonsense)).await;
        assert_eq!(answer.status, 422, "{nonsense}");
        assert!(answer.text.contains("Choose a team.") && answer.text.contains("room=workshop"), "{}", answer.text);
    }
    let bare = two.ada.request(Method::POST, SETUP).form(&wish(&product));
    assert_eq!(two.ada.send(bare).await.status, 403, "without a token");
    let foreign = two.ada.request(Method::POST, SETUP).header("sec-fetch-site", "cross-site");
    let mut fields = wish(&product);
    fields.push(("csrf", two.ada.token().await));
    assert_eq!(two.ada.send(foreign.form(&fields)).await.status, 403, "from another site");
    assert_eq!(ground.app().database.rows().await, before);
    // A partner without accounts: the form comes at once.
    let sent = post(&ground, &two.ada, &wish(&product)).await;
    assert_eq!(sent.location(), format!("/integrations/fake/link?room=workshop&team={product}"));
    ground.finish().await;
}

async fn who_says_no_at_the_partner_gets_no_form(test: TestDatabase) {
    let ground = ground(test).await;
    let ada = &ground.two.ada;
    let sent = post(&ground, ada, &wish(&ground.two.product.to_string())).await;
    let state = sent.location().split_once("state=").unwrap().1.split('&').next().unwrap().to_owned();
    let back = ada.get(&format!("/auth/fake/callback?state={state}&error=access_denied")).await;
    assert_eq!((back.status, back.location()), (303, "/integrations/fake"));
    assert_eq!((ground.states().await, ground.accounts().await.len()), (0, 0));
    ground.finish().await;
}

/// Where a token is for setting links up and nothing else, nobody keeps it fresh.
async fn an_account_whose_token_has_ended_counts_as_none_where_tokens_do_not_last(test: TestDatabase) {
    let Connect::OAuth { scopes, .. } = FakePartner::accounts() else { unreachable!() };
    let connect = Connect::OAuth { scopes, pkce: false, site: None, lasting: false };
    let fake = FakePartner::with_card(Card { connect, ..able() });
    let ground = Ground::idle_with(test, fake, PartnerSettings::default()).await;
    let ada = &ground.two.ada;
    join(ada, 7, "ada").await;
    let (core, clock) = (&ground.app().core, &ground.app().clock);
    let mut account: integration_user::ActiveModel = ground.accounts().await.remove(0).into_active_model();
    account.expires_at = Set(Some(clock.now() + 60_000));
    account.update(core.db.writer_for_tests()).await.unwrap();
    assert_eq!(ada.get("/integrations/fake/link").await.status, 200);

    clock.advance(std::time::Duration::from_secs(61));

    let form = ada.get("/integrations/fake/link").await;
    assert_eq!((form.status, form.location()), (303, "/integrations/fake"));
    let page = ada.get("/integrations/fake").await;
    assert!(page.text.contains("You are known there as") && page.text.contains("Connect Fake again"), "{}", page.text);
    assert!(!page.text.contains("href=\"/integrations/fake/link\""), "a way in circles: {}", page.text);
    let sent = post(&ground, ada, &wish(&ground.two.product.to_string())).await;
    assert!(sent.location().starts_with("https://fake.example/authorize?"), "{}", sent.location());
    ground.finish().await;
}

on_both_databases!(
    a_wish_becomes_a_link_form_over_the_partners_consent,
    whoever_is_signed_out_comes_back_to_the_wish,
    a_broken_wish_is_refused_and_named,
    fields_of_our_own_are_no_part_of_a_wish,
    only_who_may_add_links_goes_on_and_for_their_teams_only,
    who_says_no_at_the_partner_gets_no_form,
    an_account_whose_token_has_ended_counts_as_none_where_tokens_do_not_last,
);
