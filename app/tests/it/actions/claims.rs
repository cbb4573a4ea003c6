//! Somebody we do not know clicks, is led to our page, and shows at the partner who they are.

use std::time::Duration;

use patchbay::{
    core::integration_users::{self, Need},
    db::entity::entry::EntryStatus,
};

use super::{ADA, BOB, Ground, STRANGER};
use crate::{
    harness::{Client, PASSWORD, TestDatabase, on_both_databases},
    integrations::{Ground as Below, consented, join},
};

const PAGE: &str = "/integrations/fake/authorize";

fn token(page: &str) -> &str {
    page.split_once("claim=").unwrap().1
}

/// A browser says "confirm" on the page of a claim: where it is led.
async fn confirm(client: &Client, page: &str) -> String {
    let answer = client.post_form(PAGE, &[("claim", token(page))]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(answer.location().starts_with("https://fake.example/authorize?"), "{}", answer.location());
    assert!(!answer.location().contains(token(page)), "the claim leaves the house");
    answer.location().to_owned()
}

fn gone(answer: &crate::harness::Answer) -> bool {
    answer.status == 403 && answer.text.contains("This link does not count")
}

async fn who_shows_at_the_partner_who_they_are_is_known_from_then_on(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let bob = &ground.below.two.bob;
    let goal = ground.goal("Ship it").await;
    let button = ground.mark_as_done(goal);
    let page = ground.challenge(&button, BOB).await;

    // Reading the page changes nothing, however often.
    let before = ground.rows_at_rest().await;
    let sheet = bob.get(&page).await;
    assert_eq!(sheet.status, 200);
    assert!(sheet.text.contains("Is this you on Fake?") && sheet.text.contains("Acme"), "{}", sheet.text);
    bob.get(&page).await;
    assert_eq!(ground.rows_at_rest().await, before);

    let consent = confirm(bob, &page).await;
    let back = consented(bob, &consent, BOB, "bob").await;
    assert_eq!((back.status, back.location()), (303, "/integrations/fake/authorize?missing="), "{}", back.text);
    let done = bob.get(back.location()).await;
    assert!(done.text.contains("Go back to Fake and click again"), "{}", done.text);
    assert_eq!(ground.status(goal).await, EntryStatus::Goal, "only the next click does it");

    assert!(ground.claims().await.is_empty());
    for again in [bob.get(&page).await, bob.post_form(PAGE, &[("claim", token(&page))]).await] {
        assert!(gone(&again), "{}", again.text);
    }
    assert_eq!(ground.press(&button, BOB).await.status, 200);
    assert_eq!(ground.status(goal).await, EntryStatus::Done);
    ground.finish().await;
}

async fn another_account_than_the_claimed_one_proves_nothing(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let bob = &ground.below.two.bob;
    let page = ground.challenge(&ground.mark_as_done(ground.goal("Ship it").await), BOB).await;
    let consent = confirm(bob, &page).await;

    let back = consented(bob, &consent, STRANGER, "mallory").await;

    assert!(gone(&back), "{} {}", back.status, back.text);
    assert_eq!(ground.below.accounts().await.len(), 1, "Ada's");
    assert_eq!(ground.below.fake.revoked(), ["fake-token-9"]);
    // It still counts for whom it is meant.
    let consent = confirm(bob, &page).await;
    assert_eq!(consented(bob, &consent, BOB, "bob").await.status, 303);
    ground.finish().await;
}

async fn a_claim_ends_after_a_quarter_of_an_hour_also_at_the_partners_page(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let bob = &ground.below.two.bob;
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    let page = ground.challenge(&button, BOB).await;
    ground.app().clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(bob.get(&page).await.status, 200);
    let consent = confirm(bob, &page).await;
    ground.app().clock.advance(Duration::from_secs(2));

    assert!(gone(&bob.get(&page).await));
    assert!(gone(&bob.post_form(PAGE, &[("claim", token(&page))]).await));
    let back = consented(bob, &consent, BOB, "bob").await;
    assert!(gone(&back), "{} {}", back.status, back.text);
    assert_eq!((ground.below.accounts().await.len(), ground.below.fake.revoked().len()), (1, 1));
    ground.finish().await;
}

async fn two_consents_for_one_claim_count_once(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let bob = &ground.below.two.bob;
    let page = ground.challenge(&ground.mark_as_done(ground.goal("Ship it").await), BOB).await;
    let (one, two) = (confirm(bob, &page).await, confirm(bob, &page).await);
    assert_eq!(consented(bob, &one, BOB, "bob").await.status, 303);
    let second = consented(bob, &two, BOB, "bob").await;
    assert!(gone(&second), "{} {}", second.status, second.text);
    assert_eq!(ground.below.accounts().await.len(), 2, "Ada's and Bob's");
    ground.finish().await;
}

async fn whom_a_claim_is_not_for_it_does_not_count(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let two = &ground.below.two;
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    let page = ground.challenge(&button, BOB).await;
    let before = ground.rows_at_rest().await;

    // Of another organization; somebody else at the partner; and what never was.
    let unknown = two.eve.get(&format!("{PAGE}?claim=nonsense")).await;
    assert!(gone(&unknown));
    let last = if page.ends_with('A') { 'Q' } else { 'A' };
    let changed = format!("{}{last}", &page[..page.len() - 1]);
    let empty = format!("{PAGE}?claim=");
    let cases = [(&two.eve, &page), (&two.ada, &page), (&two.bob, &changed), (&two.bob, &empty)];
    for (client, path) in cases {
        let answer = client.get(path).await;
        assert!(gone(&answer), "{path} {}", answer.text);
        let answer = client.post_form(PAGE, &[("claim", token(path))]).await;
        assert!(gone(&answer), "{path} {}", answer.text);
    }
    assert!(gone(&two.bob.get(PAGE).await));
    assert!(!two.eve.get(&page).await.text.contains("Acme"));
    assert_eq!(two.eve.get(&page).await.body_alike(), unknown.body_alike());
    let elsewhere = page.replace("/fake/", "/github/");
    assert_eq!(two.bob.get(&elsewhere).await.status, 403, "of another partner");
    let bare = two.bob.request(reqwest::Method::POST, PAGE).form(&[("claim", token(&page))]);
    assert_eq!(two.bob.send(bare).await.status, 403);
    assert_eq!(ground.rows_at_rest().await, before);
    ground.finish().await;
}

async fn an_account_that_is_somebodys_by_now_is_not_given_away(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let two = &ground.below.two;
    let carol = ground.app().user("carol@example.com", "Carol").await;
    ground.app().admit(&carol, two.acme, two.product).await;
    let carol = ground.app().log_in("carol@example.com").await;
    let page = ground.challenge(&ground.mark_as_done(ground.goal("Ship it").await), BOB).await;
    let consent = confirm(&carol, &page).await;
    join(&two.bob, BOB, "bob").await;

    let back = consented(&carol, &consent, BOB, "bob").await;

    assert!(gone(&back), "{} {}", back.status, back.text);
    assert!(gone(&carol.get(&page).await));
    let owners: Vec<_> = ground.below.accounts().await.into_iter().filter(|row| row.account_id == "8").collect();
    assert_eq!(owners.len(), 1);
    ground.finish().await;
}

async fn whoever_is_signed_out_comes_back_to_the_claim(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let page = ground.challenge(&ground.mark_as_done(ground.goal("Ship it").await), BOB).await;
    let visitor = ground.app().visitor();
    let sent = visitor.get(&page).await;
    let next = url::form_urlencoded::byte_serialize(page.as_bytes()).collect::<String>();
    assert_eq!((sent.status, sent.location()), (303, format!("/login?next={next}").as_str()));
    let fields = [("email", "bob@example.com"), ("password", PASSWORD), ("next", page.as_str())];
    let back = visitor.post_form("/login", &fields).await;
    assert_eq!((back.status, back.location()), (303, page.as_str()));
    assert_eq!(visitor.get(&page).await.status, 200);
    ground.finish().await;
}

/// A claim for an account that needs one at GitHub too, as a click on a button about an issue makes it.
async fn claim_that_needs_github(ground: &Ground, account: u64, name: &str) -> String {
    let core = &ground.app().core;
    let identity = integration_contract::Identity { id: account.to_string(), name: name.to_owned(), url: None };
    let partner = core.partners.get("fake").unwrap();
    let need = Need { partner: "github".into(), site: None };
    let acme = ground.below.two.acme;
    let page = integration_users::ask_for_proof(core, acme, partner, &identity, Some(&need)).await.unwrap();
    format!("{}?{}", page.path(), page.query().unwrap())
}

/// From our page over GitHub's back to ours.
async fn connect_github(below: &Below, client: &Client, fields: &[(&str, &str)]) -> String {
    let page = client.post_form(PAGE, fields).await;
    assert!(page.location().starts_with(&below.github.at), "{} {}", page.location(), page.text);
    let back = client.get(&below.github.consent("bob-builds", page.location(), "authorize").await).await;
    assert_eq!(back.status, 303, "{}", back.text);
    back.location().to_owned()
}

async fn what_is_missing_besides_is_asked_for_next(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let bob = &ground.below.two.bob;
    let page = claim_that_needs_github(&ground, BOB, "bob").await;
    assert!(bob.get(&page).await.text.contains("What you clicked is done at GitHub"));
    let consent = confirm(bob, &page).await;

    let next = consented(bob, &consent, BOB, "bob").await.location().to_owned();
    assert_eq!(next, "/integrations/fake/authorize?missing=github");
    let before = ground.rows_at_rest().await;
    let sheet = bob.get(&next).await;
    assert!(sheet.text.contains("One account is missing") && sheet.text.contains("Connect GitHub"), "{}", sheet.text);
    assert_eq!(ground.rows_at_rest().await, before);

    let back = connect_github(&ground.below, bob, &[("missing", "github")]).await;
    assert_eq!(back, next);
    assert!(bob.get(&back).await.text.contains("Go back to Fake and click again"));
    // There is nothing left to connect.
    let again = bob.post_form(PAGE, &[("missing", "github")]).await;
    assert_eq!((again.status, again.location()), (303, "/integrations/fake/authorize?missing="));
    ground.finish().await;
}

async fn who_is_known_is_asked_only_for_what_is_missing(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let ada = &ground.below.two.ada;
    let page = claim_that_needs_github(&ground, ADA, "ada").await;
    let sheet = ada.get(&page).await;
    assert_eq!(sheet.status, 200);
    assert!(sheet.text.contains("One account is missing"), "{}", sheet.text);

    let back = connect_github(&ground.below, ada, &[("claim", token(&page))]).await;
    assert_eq!(back, "/integrations/fake/authorize?missing=github");
    assert!(gone(&ada.get(&page).await), "it was used");

    // With nothing missing any more, a claim says so, and is used up by the form only.
    let page = claim_that_needs_github(&ground, ADA, "ada").await;
    assert!(ada.get(&page).await.text.contains("Go back to Fake and click again"));
    assert_eq!(ada.post_form(PAGE, &[("claim", token(&page))]).await.status, 303);
    assert!(ground.claims().await.is_empty());
    ground.finish().await;
}

async fn nonsense_is_missing_nowhere(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let bob = &ground.below.two.bob;
    let before = ground.rows_at_rest().await;
    for nonsense in
        ["nobody", "github/acme", "github/%00", "//evil.example", "%00", "../github", "https://evil.example"]
    {
        assert_eq!(bob.get(&format!("{PAGE}?missing={nonsense}")).await.status, 404, "{nonsense}");
        assert_eq!(bob.post_form(PAGE, &[("missing", nonsense)]).await.status, 404, "{nonsense}");
    }
    assert_eq!(ground.rows_at_rest().await, before);
    ground.finish().await;
}

on_both_databases!(
    who_shows_at_the_partner_who_they_are_is_known_from_then_on,
    another_account_than_the_claimed_one_proves_nothing,
    a_claim_ends_after_a_quarter_of_an_hour_also_at_the_partners_page,
    two_consents_for_one_claim_count_once,
    whom_a_claim_is_not_for_it_does_not_count,
    an_account_that_is_somebodys_by_now_is_not_given_away,
    whoever_is_signed_out_comes_back_to_the_claim,
    what_is_missing_besides_is_asked_for_next,
    who_is_known_is_asked_only_for_what_is_missing,
    nonsense_is_missing_nowhere,
);
