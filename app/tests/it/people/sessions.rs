//! Sessions: when they begin and end, what is kept of them, and the cookie.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use patchbay::{
    core::sealing::digest_of,
    db::entity::{session, user},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use super::count;
use crate::harness::{Client, PASSWORD, TestApp, TestDatabase, TwoOrganizations, between, on_both_databases};

const AN_HOUR: Duration = Duration::from_secs(3600);

async fn is_in(client: &Client) -> bool {
    match client.get("/settings").await.status {
        200 => true,
        303 => false,
        other => panic!("{other}"),
    }
}

/// A second browser of who is logged in in the first.
async fn copy_of(app: &TestApp, client: &Client) -> Client {
    let copy = app.visitor();
    copy.plant("patchbay", &client.session().unwrap());
    copy
}

async fn pages_make_no_session(test: TestDatabase) {
    let app = TestApp::on(test).await;
    let visitor = app.visitor();
    for path in
        ["/login", "/signup", "/password/forgotten", "/password/new/x", "/invitations/x", "/settings", "/nowhere"]
    {
        visitor.get(path).await;
    }
    visitor.post_form("/login", &[("email", "x@example.com"), ("password", "x")]).await;
    visitor.post_form("/logout", &[]).await;
    assert_eq!(visitor.session(), None);
    assert_eq!(count::<session::Entity>(app.database.db.reader()).await, 0);
    app.finish().await;
}

async fn a_session_that_was_planted_is_worthless_after_the_log_in(test: TestDatabase) {
    let TwoOrganizations { app, eve, .. } = TestApp::two_organizations(test).await;
    let made_up = URL_SAFE_NO_PAD.encode([7; 16]);
    let eves = eve.session().unwrap();
    for planted in [made_up, eves] {
        let victim = app.visitor();
        victim.plant("patchbay", &planted);
        let answer = victim.post_form("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert_ne!(victim.session().unwrap(), planted);
        assert!(victim.get("/settings").await.text.contains("ada@example.com"));

        let attacker = app.visitor();
        attacker.plant("patchbay", &planted);
        assert!(!is_in(&attacker).await);
    }
    app.finish().await;
}

async fn a_log_out_ends_the_session_at_once(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, .. } = TestApp::two_organizations(test).await;
    let copy = copy_of(&app, &ada).await;
    assert!(is_in(&copy).await);

    let answer = ada.post_form("/logout", &[]).await;
    assert_eq!((answer.status, answer.location()), (303, "/login"));
    assert_eq!(ada.session(), None);
    assert!(!is_in(&ada).await);
    assert!(!is_in(&copy).await, "a copy of the cookie still works");
    assert!(is_in(&bob).await);
    assert_eq!(ada.post_form("/logout", &[]).await.status, 303, "twice");
    app.finish().await;
}

async fn a_request_under_way_does_not_bring_an_ended_session_back(test: TestDatabase) {
    let TwoOrganizations { app, ada, .. } = TestApp::two_organizations(test).await;
    let copy = copy_of(&app, &ada).await;
    copy.token().await;
    // Both write to the session: one removes it, the other leaves a sentence in it.
    let (_, renamed) =
        tokio::join!(ada.post_form("/logout", &[]), copy.post_form("/settings", &[("name", "Ada Lovelace")]));
    assert_eq!(renamed.status, 303);
    assert!(!is_in(&copy).await);
    app.finish().await;
}

async fn only_a_hash_of_the_cookie_is_kept(test: TestDatabase) {
    let TwoOrganizations { app, ada, .. } = TestApp::two_organizations(test).await;
    let cookie = ada.session().unwrap();
    let id = URL_SAFE_NO_PAD.decode(&cookie).unwrap();
    assert_eq!(id.len(), 16, "128 bits");

    let rows = session::Entity::find().all(app.database.db.reader()).await.unwrap();
    assert!(rows.iter().any(|row| row.id_hash == digest_of(&id) && row.user_id.is_some()));
    let number = i128::from_le_bytes(id.as_slice().try_into().unwrap()).to_string();
    for row in &rows {
        assert_ne!(row.id_hash, id);
        let data = row.data.to_string();
        assert!(!data.contains(&cookie) && !data.contains(&number), "{data}");
    }
    app.finish().await;
}

async fn the_cookies_are_hardened(test: TestDatabase) {
    for https in [false, true] {
        let app = if https { TestApp::on_https(test.clone()).await } else { TestApp::on(test.clone()).await };
        let email = if https { "https@example.com" } else { "http@example.com" };
        app.user(email, "Ada").await;
        let visitor = app.visitor();
        let page = visitor.get("/login").await;
        let logged_in = visitor.post_form("/login", &[("email", email), ("password", PASSWORD)]).await;
        let logged_out = visitor.post_form("/logout", &[]).await;

        let prefix = if https { "__Host-" } else { "" };
        let check = |cookies: Vec<&str>, name: &str| {
            let name = format!("{prefix}patchbay{name}=");
            // The last one of a name is what a browser keeps.
            let cookie = cookies.iter().rfind(|cookie| cookie.starts_with(&name));
            let cookie = cookie.unwrap_or_else(|| panic!("no {name} in {cookies:?}"));
            let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
            for needed in ["HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(attributes.contains(&needed), "{cookie}");
            }
            assert_eq!(attributes.contains(&"Secure"), https, "{cookie}");
            assert!(attributes.iter().all(|attribute| !attribute.starts_with("Domain")), "{cookie}");
        };
        check(page.set_cookies(), "-visitor");
        check(logged_in.set_cookies(), "");
        check(logged_out.set_cookies(), "");
        assert_eq!(visitor.session(), None);
        assert_eq!(page.header("cache-control"), "no-store");
        app.finish().await;
    }
}

async fn a_session_ends_a_day_after_its_last_use(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, .. } = TestApp::two_organizations(test).await;
    app.clock.advance(AN_HOUR * 23);
    assert!(is_in(&ada).await);
    app.clock.advance(AN_HOUR * 2);
    assert!(is_in(&ada).await, "it was used two hours ago");
    assert!(!is_in(&bob).await, "it was not used for 25 hours");
    app.finish().await;
}

async fn a_session_ends_two_weeks_after_its_log_in_however_often_it_is_used(test: TestDatabase) {
    let TwoOrganizations { app, ada, .. } = TestApp::two_organizations(test).await;
    for _ in 0..27 {
        app.clock.advance(AN_HOUR * 12);
        assert!(is_in(&ada).await);
    }
    app.clock.advance(AN_HOUR * 13);
    assert!(!is_in(&ada).await);

    app.finish().await;
}

async fn a_use_is_noted_every_few_minutes_only(test: TestDatabase) {
    let TwoOrganizations { app, ada, .. } = TestApp::two_organizations(test).await;
    let seen = async || {
        let rows = session::Entity::find().all(app.database.db.reader()).await.unwrap();
        rows.iter().map(|row| row.seen_at).max().unwrap()
    };
    let begun = seen().await;
    app.clock.advance(Duration::from_secs(299));
    assert!(is_in(&ada).await);
    assert_eq!(seen().await, begun);
    app.clock.advance(Duration::from_secs(1));
    assert!(is_in(&ada).await);
    assert_eq!(seen().await, begun + 300_000);
    app.finish().await;
}

async fn a_new_password_ends_the_other_sessions(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, .. } = TestApp::two_organizations(test).await;
    let elsewhere = app.log_in("ada@example.com").await;
    let before = ada.session().unwrap();

    for (current, new, wrong) in
        [("wrong password", "correct horse", "current"), (PASSWORD, "short", "password"), ("", "", "password")]
    {
        let answer = ada.post_form("/settings/password", &[("current", current), ("password", new)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text.contains(&format!("id=\"{wrong}-error\"")), "{}", answer.text);
    }
    assert!(is_in(&elsewhere).await);

    let answer = ada.post_form("/settings/password", &[("current", PASSWORD), ("password", "correct horse")]).await;
    assert_eq!((answer.status, answer.location()), (303, "/settings"));
    assert!(ada.get("/settings").await.text.contains("Your password is changed."));
    assert_ne!(ada.session().unwrap(), before, "the id is renewed");
    assert!(!is_in(&elsewhere).await);
    assert!(is_in(&bob).await);

    let visitor = app.visitor();
    let with =
        async |password| visitor.post_form("/login", &[("email", "ada@example.com"), ("password", password)]).await;
    assert_eq!(with(PASSWORD).await.status, 422);
    assert_eq!(with("correct horse").await.status, 303);
    app.finish().await;
}

async fn a_session_opened_with_an_older_password_does_not_count(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, .. } = TestApp::two_organizations(test).await;
    // As if the session had been written just after the change of the password had ended the others.
    let id = app.member("ada@example.com", app_acme(&app).await).await.user;
    let row = user::Entity::find_by_id(id).one(app.database.db.reader()).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.password_hash = Set("$argon2id$another".into());
    row.update(app.database.db.writer_for_tests()).await.unwrap();

    assert!(!is_in(&ada).await);
    assert!(is_in(&bob).await);
    app.finish().await;
}

async fn app_acme(app: &TestApp) -> patchbay::db::OrganizationId {
    use patchbay::db::entity::organization;
    use sea_orm::{ColumnTrait, QueryFilter};
    let acme = organization::Entity::find().filter(organization::Column::Name.eq("Acme"));
    acme.one(app.database.db.reader()).await.unwrap().unwrap().id
}

async fn a_person_sees_and_ends_their_own_sessions_only(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, .. } = TestApp::two_organizations(test).await;
    let elsewhere = app.log_in("ada@example.com").await;
    let page = ada.get("/settings").await.text;
    assert_eq!(page.matches("this one").count(), 1);
    assert_eq!(page.matches("An unknown browser</bdi>").count(), 2);
    let end = between(&page, "action=\"/settings/sessions/", "\"").unwrap();
    let end = format!("/settings/sessions/{end}");

    let theirs = bob.post_form(&end, &[]).await;
    let unknown = bob.post_form(&format!("/settings/sessions/{}/end", "00".repeat(32)), &[]).await;
    let nonsense = bob.post_form("/settings/sessions/nonsense/end", &[]).await;
    assert_eq!([theirs.status, unknown.status, nonsense.status], [404; 3]);
    assert_eq!(theirs.body_alike(), unknown.body_alike());
    assert!(is_in(&elsewhere).await);

    assert_eq!(ada.post_form(&end, &[]).await.status, 303);
    assert!(!is_in(&elsewhere).await);
    assert!(is_in(&ada).await);
    assert_eq!(ada.post_form(&end, &[]).await.status, 404, "twice");
    app.finish().await;
}

/// Somebody with a browser of their own who says what it is.
async fn log_in_with(app: &TestApp, email: &str, user_agent: &str) -> Client {
    let client = app.visitor();
    let token = client.token().await;
    let fields = [("email", email), ("password", crate::harness::PASSWORD), ("csrf", &token)];
    let request = client.request(reqwest::Method::POST, "/login").header("sec-fetch-site", "same-origin");
    let answer = client.send(request.header("user-agent", user_agent).form(&fields)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    client
}

async fn a_session_says_which_browser_it_is_and_the_others_end_together(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, .. } = TestApp::two_organizations(test).await;
    let long = format!("<script>alert(1)</script> Firefox/140.0 \u{fc} (X11; Linux x86_64) {}", "x".repeat(3000));
    let first = log_in_with(&app, "ada@example.com", &long).await;
    let second = log_in_with(&app, "ada@example.com", "curl/8.14.1").await;

    let page = first.get("/settings").await.text;
    let sessions = between(&page, "id=\"sessions\"", "</section>").unwrap();
    for words in ["Firefox on Linux", "curl", "An unknown browser"] {
        assert!(sessions.contains(&format!("<bdi>{words}</bdi>")), "{words} is not in {sessions}");
    }
    let here = sessions.find("this one").unwrap();
    assert!(here < sessions.find("curl").unwrap(), "this one stands first");
    assert!(!page.contains("alert(1)"));
    let rows = session::Entity::find().all(app.database.db.reader()).await.unwrap();
    assert!(rows.iter().all(|row| row.data.to_string().len() < 1000), "what a browser says of itself is cut");

    assert_eq!(first.post_form("/settings/sessions/end-others", &[]).await.status, 303);
    let page = first.get("/settings").await.text;
    assert!(page.contains("here and nowhere else") && !page.contains("End all others"));
    assert!(is_in(&first).await && is_in(&bob).await);
    assert!(!is_in(&second).await && !is_in(&ada).await);
    assert_eq!(first.post_form("/settings/sessions/end-others", &[]).await.status, 303, "twice");
    app.finish().await;
}

async fn a_damaged_cookie_is_nobodys(test: TestDatabase) {
    let TwoOrganizations { app, ada, .. } = TestApp::two_organizations(test).await;
    let good = ada.session().unwrap();
    let longer = format!("{good}A");
    for value in ["x", "%00", &good[1..], &longer, &good.to_lowercase(), "AAAAAAAAAAAAAAAAAAAAAA", &"a".repeat(5000)] {
        let visitor = app.visitor();
        visitor.plant("patchbay", value);
        assert!(!is_in(&visitor).await, "{value}");
        assert_eq!(visitor.get("/login").await.status, 200);
    }
    app.finish().await;
}

on_both_databases!(
    pages_make_no_session,
    a_session_that_was_planted_is_worthless_after_the_log_in,
    a_log_out_ends_the_session_at_once,
    a_request_under_way_does_not_bring_an_ended_session_back,
    only_a_hash_of_the_cookie_is_kept,
    the_cookies_are_hardened,
    a_session_ends_a_day_after_its_last_use,
    a_session_ends_two_weeks_after_its_log_in_however_often_it_is_used,
    a_use_is_noted_every_few_minutes_only,
    a_new_password_ends_the_other_sessions,
    a_session_opened_with_an_older_password_does_not_count,
    a_person_sees_and_ends_their_own_sessions_only,
    a_session_says_which_browser_it_is_and_the_others_end_together,
    a_damaged_cookie_is_nobodys,
);
