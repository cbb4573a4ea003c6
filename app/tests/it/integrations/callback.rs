//! Coming back from the partner: believed once, in the browser that went, and nowhere else.

use std::time::Duration;

use patchbay::core::organizations;

use super::Ground;
use crate::harness::{Client, TestDatabase, on_both_databases};

/// A consent that was given: where the browser comes back to.
struct Consented {
    back: String,
    code: String,
    state: String,
}

/// A user's browser starts, and their GitHub account says yes.
async fn consented(ground: &Ground, client: &Client) -> Consented {
    let page = client.post_form("/auth/github", &[]).await.location().to_owned();
    let back = ground.github.consent("ada-codes", &page, "authorize").await;
    let parameter = |name: &str| {
        let pairs = url::form_urlencoded::parse(back.split_once('?').unwrap().1.as_bytes()).into_owned();
        pairs.into_iter().find(|(found, _)| found == name).unwrap().1
    };
    Consented { code: parameter("code"), state: parameter("state"), back }
}

async fn a_consent_becomes_one_account_and_leads_to_the_form(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let Consented { back, .. } = consented(&ground, &ground.two.ada).await;

    let answer = ground.two.ada.get(&back).await;

    assert_eq!((answer.status, answer.location()), (303, "/integrations/github/link"));
    assert_eq!((answer.header("referrer-policy"), answer.header("cache-control")), ("no-referrer", "no-store"));
    assert_eq!((ground.states().await, ground.github.trades().await), (0, 1));
    let account = ground.accounts().await.remove(0);
    assert_eq!((account.account_id.as_str(), account.account_name.as_str()), ("10001001", "ada-codes"));
    assert_eq!(account.organization_id, ground.two.acme);
    let form = ground.two.ada.get("/integrations/github/link").await;
    assert!(form.text.contains("Connected to GitHub as ada-codes."), "{}", form.text);

    // The same answer again, as a reload or a thief would bring it.
    assert_eq!(ground.two.ada.get(&back).await.status, 400);
    assert_eq!((ground.accounts().await.len(), ground.github.trades().await), (1, 1));
    ground.finish().await;
}

async fn what_is_no_answer_of_ours_is_refused_and_the_right_one_still_counts(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let two = &ground.two;
    let Consented { back, code, state } = consented(&ground, &two.ada).await;
    let elsewhere = ground.app().log_in("ada@example.com").await;
    let visitor = ground.app().visitor();
    let last = if state.ends_with('A') { 'B' } else { 'A' };
    let off = format!("{}{last}", &state[..state.len() - 1]);
    let at = |query: String| format!("/auth/github/callback?{query}");
    let long = "c".repeat(2049);
    let cases = [
        ("no state", &two.ada, at(format!("code={code}"))),
        ("an empty state", &two.ada, at(format!("state=&code={code}"))),
        ("another state", &two.ada, at(format!("state=chosen&code={code}"))),
        ("a state that is a letter off", &two.ada, at(format!("state={off}&code={code}"))),
        ("a state with more behind it", &two.ada, at(format!("state={state}%00&code={code}"))),
        ("two states", &two.ada, at(format!("state={state}&state={state}&code={code}"))),
        ("two codes", &two.ada, at(format!("state={state}&code={code}&code={code}"))),
        ("no code", &two.ada, at(format!("state={state}"))),
        ("an empty code", &two.ada, at(format!("state={state}&code="))),
        ("a code with a space", &two.ada, at(format!("state={state}&code=a%20b"))),
        ("a code with a line break", &two.ada, at(format!("state={state}&code=a%0d%0aSet-Cookie:x"))),
        ("a long code", &two.ada, at(format!("state={state}&code={long}"))),
        ("a long state", &two.ada, at(format!("state={long}&code={code}"))),
        ("nothing", &two.ada, "/auth/github/callback".to_owned()),
        ("another partner's address", &two.ada, back.replace("/auth/github/", "/auth/fake/")),
        ("another user's browser", &two.bob, back.clone()),
        ("another organization's browser", &two.eve, back.clone()),
        ("another browser of the same user", &elsewhere, back.clone()),
        ("nobody's browser", &visitor, back.clone()),
    ];
    for (what, client, path) in cases {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text);
        assert!(answer.text.contains("Start again") && !answer.text.contains(&code), "{what}: {}", answer.text);
    }
    let endless = two.ada.get(&at(format!("state={}&code={code}", "s".repeat(60 * 1024)))).await;
    assert_eq!(endless.status, 414);
    assert_eq!((ground.github.trades().await, ground.accounts().await.len(), ground.states().await), (0, 0, 1));

    assert_eq!(two.ada.get(&back).await.status, 303);
    assert_eq!((ground.github.trades().await, ground.accounts().await.len()), (1, 1));
    ground.finish().await;
}

async fn of_twenty_at_once_one_counts(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let Consented { back, .. } = consented(&ground, &ground.two.ada).await;

    let answers = futures::future::join_all((0..20).map(|_| ground.two.ada.get(&back))).await;

    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(303), of(400)), (1, 19));
    assert_eq!((ground.github.trades().await, ground.accounts().await.len()), (1, 1));
    ground.finish().await;
}

async fn a_consent_ends_after_ten_minutes_and_with_the_session(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let late = consented(&ground, &ground.two.ada).await;
    ground.app().clock.advance(Duration::from_secs(10 * 60 + 1));
    assert_eq!(ground.two.ada.get(&late.back).await.status, 400);

    let left = consented(&ground, &ground.two.ada).await;
    ground.two.ada.post_form("/logout", &[]).await;
    assert_eq!(ground.two.ada.get(&left.back).await.status, 400);
    let fields = [("email", "ada@example.com"), ("password", crate::harness::PASSWORD)];
    assert_eq!(ground.two.ada.post_form("/login", &fields).await.status, 303);
    assert_eq!(ground.two.ada.get(&left.back).await.status, 400, "a new session is another session");
    assert_eq!((ground.github.trades().await, ground.accounts().await.len()), (0, 0));
    ground.finish().await;
}

async fn who_says_no_is_not_connected(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let ada = &ground.two.ada;
    let page = ada.post_form("/auth/github", &[]).await.location().to_owned();
    let denied = ground.github.consent("ada-codes", &page, "cancel").await;
    let state = consented(&ground, ada).await;
    let loud = format!(
        "/auth/github/callback?state={}&code={}&error=%3Cscript%3Ealert(1)%3C/script%3E&error_description={}",
        state.state,
        state.code,
        "%3Cb%3E".repeat(500)
    );
    for back in [denied, loud] {
        let answer = ada.get(&back).await;
        assert_eq!((answer.status, answer.location()), (303, "/integrations/github"), "{back}");
        let page = ada.get("/integrations/github").await;
        assert!(page.text.contains("GitHub was not connected."));
        assert!(!page.text.contains("alert(1)") && !page.text.contains("access_denied"));
        assert_eq!(ada.get(&back).await.status, 400, "the state was used");
    }
    assert_eq!((ground.github.trades().await, ground.accounts().await.len(), ground.states().await), (0, 0, 0));
    ground.finish().await;
}

async fn another_issuer_is_not_believed(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let origin = ground.github.at.trim_end_matches("/github");
    for (issuer, status) in [("https%3A%2F%2Fevil.example", 400), ("", 400), (origin, 303)] {
        let Consented { back, .. } = consented(&ground, &ground.two.ada).await;
        assert_eq!(ground.two.ada.get(&format!("{back}&iss={issuer}")).await.status, status, "{issuer}");
    }
    assert_eq!((ground.github.trades().await, ground.accounts().await.len()), (1, 1));
    ground.finish().await;
}

/// Between the start and the answer lies a page of somebody else's; much can happen meanwhile.
async fn who_was_removed_meanwhile_connects_nothing(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let Consented { back, .. } = consented(&ground, &ground.two.bob).await;
    let ada = ground.app().member("ada@example.com", ground.two.acme).await;
    let bob = ground.app().member("bob@example.com", ground.two.acme).await;
    organizations::remove_member(&ground.app().core, &ada, bob.user).await.unwrap();

    let answer = ground.two.bob.get(&back).await;

    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!((ground.github.trades().await, ground.accounts().await.len()), (0, 0));
    ground.finish().await;
}

async fn an_account_is_each_users_own(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    for client in [&ground.two.ada, &ground.two.bob, &ground.two.eve, &ground.two.ada] {
        ground.connect(client, "ada-codes").await;
    }
    let mut owners: Vec<_> =
        ground.accounts().await.into_iter().map(|row| (row.organization_id, row.user_id)).collect();
    owners.sort_by_key(|(organization, user)| (organization.0, user.map(|user| user.0)));
    owners.dedup();
    assert_eq!((owners.len(), ground.accounts().await.len()), (3, 3), "one row each, and the second time the same");
    ground.connect(&ground.two.ada, "bob-builds").await;
    assert_eq!(ground.accounts().await.len(), 4, "another account is another row");
    ground.finish().await;
}

on_both_databases!(
    a_consent_becomes_one_account_and_leads_to_the_form,
    what_is_no_answer_of_ours_is_refused_and_the_right_one_still_counts,
    of_twenty_at_once_one_counts,
    a_consent_ends_after_ten_minutes_and_with_the_session,
    who_says_no_is_not_connected,
    another_issuer_is_not_believed,
    who_was_removed_meanwhile_connects_nothing,
    an_account_is_each_users_own,
);
