//! Somebody we do not know writes from Slack, and says who they are.

use std::time::Duration;

use patchbay::db::entity::entry;

use super::{BOB, DONE, Ground};
use crate::harness::{TestDatabase, on_both_databases};

/// Bob, unknown yet, types a command: the entry, and the path of the offer that only he was sent.
async fn offered(ground: &Ground, text: &str) -> (entry::Model, String) {
    let before = offers(ground).await.len();
    ground.say("bob", DONE, &format!("/done {text}")).await;
    let entry = ground.entry(text).await;
    ground.until("there is an offer", async || offers(ground).await.len() > before).await;
    (entry, offers(ground).await.pop().unwrap())
}

/// The paths of all offers that were whispered in #done.
async fn offers(ground: &Ground) -> Vec<String> {
    const START: &str = "/integrations/slack/authorize?claim=";
    let said = ground.channel(DONE).await;
    let mut paths: Vec<String> = Vec::new();
    for (at, _) in said.match_indices(START) {
        let token = said[at + START.len()..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c));
        let path = format!("{START}{}", token.collect::<String>());
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

fn token(path: &str) -> &str {
    path.split_once("claim=").unwrap().1
}

const CLAIM: &str = "/integrations/slack/authorize";

async fn one_click_makes_it_theirs_once(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let (written, offer) = offered(&ground, "answered the auditors").await;
    assert_eq!((written.user_id, written.author_name.as_deref()), (None, Some("bob")));

    let page = ground.two.bob.get(&offer).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Is this you on Slack?") && page.text.contains("Acme"), "{}", page.text);
    // Looking at it changes nothing, however often.
    assert_eq!(ground.two.bob.get(&offer).await.status, 200);
    assert_eq!(ground.entry("answered the auditors").await.user_id, None);

    let taken = ground.two.bob.post_form(CLAIM, &[("claim", token(&offer))]).await;
    assert_eq!((taken.status, taken.location()), (303, "/settings"), "{}", taken.text);
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    assert_eq!(ground.entry("answered the auditors").await.user_id, Some(bob.user));
    let account = ground.accounts().await.into_iter().find(|account| account.user_id == Some(bob.user)).unwrap();
    assert_eq!((account.account_id.ends_with(BOB), account.credentials), (true, None));
    assert!(ground.two.bob.get("/settings").await.text.contains("It says who you are there, and opens nothing."));

    for again in [ground.two.bob.get(&offer).await, ground.two.bob.post_form(CLAIM, &[("claim", token(&offer))]).await]
    {
        assert_eq!(again.status, 403);
        assert!(again.text.contains("This link does not count"), "{}", again.text);
    }
    ground.say("bob", DONE, "/done and told them so").await;
    assert_eq!(ground.entry("and told them so").await.user_id, Some(bob.user));
    assert_eq!(offers(&ground).await.len(), 1);
    ground.finish().await;
}

async fn an_offer_ends_after_a_day(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let (_, offer) = offered(&ground, "answered the auditors").await;
    ground.app().clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(ground.two.bob.get(&offer).await.status, 200);
    ground.app().clock.advance(Duration::from_secs(2));
    assert_eq!(ground.two.bob.get(&offer).await.status, 403);
    assert_eq!(ground.two.bob.post_form(CLAIM, &[("claim", token(&offer))]).await.status, 403);
    assert_eq!(ground.entry("answered the auditors").await.user_id, None);
    ground.finish().await;
}

async fn an_offer_is_for_the_people_of_its_organization(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let (_, offer) = offered(&ground, "answered the auditors").await;
    let unknown = ground.two.eve.get(&format!("{CLAIM}?claim=nonsense")).await;
    let foreign = ground.two.eve.get(&offer).await;
    assert_eq!((foreign.status, foreign.body_alike()), (403, unknown.body_alike()));
    assert_eq!(ground.two.eve.post_form(CLAIM, &[("claim", token(&offer))]).await.status, 403);
    assert_eq!(ground.two.bob.get(CLAIM).await.status, 403);
    assert_eq!(ground.two.bob.get(&offer).await.status, 200);
    ground.finish().await;
}

async fn whoever_is_signed_out_comes_back_to_the_offer(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let (_, offer) = offered(&ground, "answered the auditors").await;
    let visitor = ground.app().visitor();
    let sent = visitor.get(&offer).await;
    assert_eq!(sent.status, 303);
    let next = url::form_urlencoded::byte_serialize(offer.as_bytes()).collect::<String>();
    assert_eq!(sent.location(), format!("/login?next={next}"));
    let fields = [("email", "bob@example.com"), ("password", crate::harness::PASSWORD), ("next", &offer)];
    let back = visitor.post_form("/login", &fields).await;
    assert_eq!((back.status, back.location()), (303, offer.as_str()));
    assert_eq!(visitor.get(&offer).await.status, 200);
    ground.finish().await;
}

async fn what_is_somebodys_is_not_another_ones(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let (_, first) = offered(&ground, "answered the auditors").await;
    let (_, second) = offered(&ground, "and told them so").await;
    assert_eq!(ground.two.bob.post_form(CLAIM, &[("claim", token(&first))]).await.status, 303);
    // Whoever got hold of Bob's second offer is too late.
    let late = ground.two.ada.post_form(CLAIM, &[("claim", token(&second))]).await;
    assert_eq!(late.status, 403, "{}", late.text);
    assert!(late.text.contains("joined with somebody else here already"), "{}", late.text);
    // For Bob it still counts, and brings him what he wrote meanwhile.
    assert_eq!(ground.two.bob.post_form(CLAIM, &[("claim", token(&second))]).await.status, 303);
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    assert_eq!(ground.entry("and told them so").await.user_id, Some(bob.user));
    ground.finish().await;
}

async fn a_claim_is_a_form_of_ours(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let (_, offer) = offered(&ground, "answered the auditors").await;
    let bare = ground.two.bob.request(reqwest::Method::POST, CLAIM).form(&[("claim", token(&offer))]);
    assert_eq!(ground.two.bob.send(bare).await.status, 403);
    assert_eq!(ground.two.bob.get(&offer).await.status, 200);
    ground.finish().await;
}

on_both_databases!(
    one_click_makes_it_theirs_once,
    an_offer_ends_after_a_day,
    an_offer_is_for_the_people_of_its_organization,
    whoever_is_signed_out_comes_back_to_the_offer,
    what_is_somebodys_is_not_another_ones,
    a_claim_is_a_form_of_ours,
);
