//! A click that is genuine: whose it is, what they may, and that it counts once.

use std::{sync::Arc, time::Duration};

use integration_contract::{Integration, PartnerSettings};
use patchbay::{
    core::{
        actions::{About, Verb, button},
        integration_links, organizations,
        partners::Partners,
        retention,
    },
    db::{
        EntryId,
        entity::{action_mark, entry::EntryStatus, integration_link::LinkState},
    },
};
use reqwest::Method;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::Value;

use super::{ADA, BOB, Ground, SECRET, STRANGER, send};
use crate::{
    harness::{TestDatabase, on_both_databases},
    integrations::{join, removal_of},
};

async fn a_click_completes_the_goal_as_who_clicked(test: TestDatabase) {
    let ground = Ground::new(test).await;
    join(&ground.below.two.bob, BOB, "bob").await;
    let goal = ground.goal("Ship it").await;
    let button = ground.mark_as_done(goal);

    let answer = ground.press(&button, BOB).await;

    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(ground.status(goal).await, EntryStatus::Done);
    assert!(answer.set_cookies().is_empty());
    // Once more is fine, as on the page: it is done.
    assert_eq!(ground.press(&button, ADA).await.status, 200);
    ground.finish().await;
}

async fn a_token_counts_once_on_all_nodes(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let told: (Arc<dyn Integration>, PartnerSettings) =
        (Arc::new(ground.below.fake.clone()), [("SECRET", SECRET)].into_iter().collect());
    let other = ground.app().beside(Partners::new([told]).unwrap()).await;
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    let click = ground.click(&button, ADA);

    let (here, there) = (ground.app().visitor(), other.visitor());
    let calls = (0..10).map(|number| send(if number % 2 == 0 { &here } else { &there }, &button, &click));
    let answers = futures::future::join_all(calls).await;

    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(200), of(403)), (1, 9));
    let refused = answers.iter().find(|answer| answer.status == 403).unwrap();
    assert_eq!(refused.text, r#"{"error":"replayed"}"#);
    assert_eq!(refused.header("www-authenticate"), "");
    // Also of somebody whom we do not know: the first one was asked.
    let stranger = ground.click(&button, STRANGER);
    assert_eq!(send(&here, &button, &stranger).await.status, 401);
    assert_eq!(send(&there, &button, &stranger).await.status, 403);
    assert_eq!(ground.claims().await.len(), 1);
    other.finish().await;
    ground.finish().await;
}

async fn marks_are_forgotten_once_their_tokens_are_stale(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let core = ground.app().core.clone();
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    let click = ground.click(&button, ADA);
    send(&ground.app().visitor(), &button, &click).await;
    let marks = async || action_mark::Entity::find().count(core.db.reader()).await.unwrap();

    // 60 s and a leeway of 5: as long as it could count it is known.
    ground.app().clock.advance(Duration::from_secs(65));
    assert_eq!(retention::forget(&core).await.unwrap().clicks, 0);
    assert_eq!(send(&ground.app().visitor(), &button, &click).await.text, r#"{"error":"replayed"}"#);
    ground.app().clock.advance(Duration::from_secs(2));
    assert_eq!((retention::forget(&core).await.unwrap().clicks, marks().await), (1, 0));
    assert_eq!(send(&ground.app().visitor(), &button, &click).await.status, 403);
    ground.finish().await;
}

async fn a_button_lives_as_long_as_its_link(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let (core, two) = (&ground.app().core, &ground.below.two);
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    ground.app().clock.advance(Duration::from_secs(400 * 24 * 3600));
    assert_eq!(ground.press(&button, ADA).await.status, 200);

    let ada = ground.app().member("ada@example.com", two.acme).await;
    integration_links::pause(core, &ada, &ground.below.find(ground.link.id).await).await.unwrap();
    let paused = ground.press(&button, ADA).await;
    assert_eq!((paused.status, paused.text.as_str()), (409, r#"{"error":"This link is paused."}"#));

    // Her old session has ended in the meantime.
    let browser = ground.app().log_in("ada@example.com").await;
    let removed = browser.post_form(&removal_of(&ground.link), &[("_method", "delete")]).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    assert_eq!(ground.press(&button, ADA).await.status, 410);
    ground.below.stands(ground.link.id, LinkState::Removed).await;
    let gone = ground.press(&button, ADA).await;
    assert_eq!((gone.status, gone.header("content-type")), (410, "application/json"));
    assert!(gone.text.len() < 100, "{}", gone.text);
    ground.finish().await;
}

async fn who_may_not_on_the_page_may_not_here(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let (core, two) = (&ground.app().core, &ground.below.two);
    let goal = ground.goal("Ship it").await;
    let button = ground.mark_as_done(goal);
    join(&two.bob, BOB, "bob").await;
    let ada = ground.app().member("ada@example.com", two.acme).await;
    let bob = ground.app().member("bob@example.com", two.acme).await;

    // Out of the team, the team is not there for him; out of the organization, he is nobody.
    two.bob.post_form(&format!("/teams/{}/leave", two.product), &[]).await;
    assert_eq!(ground.press(&button, BOB).await.status, 404);
    organizations::remove_member(core, &ada, bob.user).await.unwrap();
    assert_eq!(ground.press(&button, BOB).await.status, 401, "his account went with him");
    // An admin who is not in the team reads its log, and that is all.
    two.ada.post_form(&format!("/teams/{}/leave", two.product), &[]).await;
    let answer = ground.press(&button, ADA).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert!(answer.text.contains("Only people of the team may"), "{}", answer.text);
    assert_eq!(answer.header("www-authenticate"), "");
    assert_eq!(ground.status(goal).await, EntryStatus::Goal);

    let nothing = ground.mark_as_done(EntryId::new());
    assert_eq!(ground.press(&nothing, ADA).await.status, 404);
    ground.finish().await;
}

async fn a_button_is_of_its_organization_and_partner(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let two = &ground.below.two;
    let goal = ground.goal("Ship it").await;
    // Eve's own link, her own account: a button of it about Acme's entry finds nothing.
    join(&two.eve, STRANGER, "eve").await;
    let lab = two.lab.to_string();
    let made = two.eve.post_form("/integrations/fake/link", &ground.below.room(&lab, "attic")).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let link = ground.below.links().await.into_iter().find(|link| link.name == "attic").unwrap();
    let theirs = button(&ground.app().core, &link, About::Entry(goal), Verb::Complete).unwrap().url;
    assert_eq!(ground.press(&theirs, STRANGER).await.status, 404);
    // And her account is nobody in Acme.
    let ours = ground.mark_as_done(goal);
    assert_eq!(ground.press(&ours, STRANGER).await.status, 401);
    assert_eq!(ground.status(goal).await, EntryStatus::Goal);

    // A partner without buttons has no such address.
    let token = ours.path().rsplit('/').next().unwrap();
    let visitor = ground.app().visitor();
    for partner in ["github", "nobody"] {
        let request = visitor.request(Method::POST, &format!("/integrations/{partner}/actions/{token}"));
        assert_eq!(visitor.send(request).await.status, 404);
    }
    assert_eq!(visitor.get(ours.path()).await.status, 405);
    ground.finish().await;
}

async fn nothing_but_the_token_says_who(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let goal = ground.goal("Ship it").await;
    let button = ground.mark_as_done(goal);
    // Ada's browser, with her session, sends what a stranger clicked; and what nobody signed.
    let answer = send(&ground.below.two.ada, &button, &ground.click(&button, STRANGER)).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (401, 0));
    let bare = ground.below.two.ada.request(Method::POST, button.path()).body("{}");
    assert_eq!(ground.below.two.ada.send(bare).await.status, 403);
    assert_eq!(ground.status(goal).await, EntryStatus::Goal);
    ground.finish().await;
}

async fn the_challenge_names_our_address_whatever_the_call_says(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    let click = ground.click(&button, STRANGER);
    let visitor = ground.app().visitor();
    let mut request = visitor.request(Method::POST, button.path()).body(click.body.clone());
    for (name, value) in &click.headers {
        request = request.header(*name, value);
    }
    let request = request.header("x-forwarded-host", "evil.example").header("x-forwarded-proto", "https");
    let answer = visitor.send(request).await;

    assert_eq!((answer.status, answer.header("content-type")), (401, "application/json"));
    assert_eq!(serde_json::from_str::<Value>(&answer.text).unwrap()["error"], "Sign in first.");
    let here = format!("Fake url=\"{}integrations/fake/authorize?claim=", ground.app().core.site.public_url);
    assert!(answer.header("www-authenticate").starts_with(&here), "{}", answer.header("www-authenticate"));
    let claim = ground.claims().await.remove(0);
    assert_eq!(claim.expires_at, ground.app().clock.now() + 15 * 60_000);
    assert_eq!((claim.account_id.as_str(), claim.needs), ("9", None));
    ground.finish().await;
}

on_both_databases!(
    a_click_completes_the_goal_as_who_clicked,
    a_token_counts_once_on_all_nodes,
    marks_are_forgotten_once_their_tokens_are_stale,
    a_button_lives_as_long_as_its_link,
    who_may_not_on_the_page_may_not_here,
    a_button_is_of_its_organization_and_partner,
    nothing_but_the_token_says_who,
    the_challenge_names_our_address_whatever_the_call_says,
);
