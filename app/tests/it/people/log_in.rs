//! Logging in: who may, how often, and where to.

use reqwest::Method;

use crate::harness::{Client, PASSWORD, TestApp, TestDatabase, TwoOrganizations, on_both_databases};

/// A log-in from another address than this machine's, as a trusted proxy tells it.
async fn log_in_from(client: &Client, address: &str, email: &str, password: &str) -> crate::harness::Answer {
    let token = client.token().await;
    let fields = [("email", email), ("password", password), ("csrf", &token)];
    client.send(client.request(Method::POST, "/login").header("x-forwarded-for", address).form(&fields)).await
}

async fn the_address_and_the_password_have_to_fit(test: TestDatabase) {
    let app = TestApp::on(test).await;
    app.user("ada@example.com", "Ada").await;
    let visitor = app.visitor();

    let mut bodies = Vec::new();
    for (email, password) in
        [("ada@example.com", "wrong password"), ("nobody@example.com", PASSWORD), ("not an address", PASSWORD)]
    {
        let answer = visitor.post_form("/login", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text.contains("The e-mail address or the password is wrong."));
        assert!(!answer.text.contains(password));
        assert!(answer.text.contains("<title>Error: Log in") && answer.text.matches("aria-invalid").count() == 2);
        bodies.push(answer.body_alike().replace(email, ""));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "a guesser could tell which was wrong");

    let answer = visitor.post_form("/login", &[("email", " ADA@example.com"), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.location()), (303, "/"));
    assert_eq!(visitor.get("/settings").await.status, 200);
    app.finish().await;
}

async fn who_guesses_is_stopped_and_the_owner_still_gets_in_elsewhere(test: TestDatabase) {
    let app = TestApp::on(test).await;
    app.user("ada@example.com", "Ada").await;
    app.user("bob@example.com", "Bob").await;
    let guesser = app.visitor();

    let guesses = guess_until_refused(&guesser, "192.0.2.1", |_| "ada@example.com".into()).await;
    // One more comes free every six seconds, and a slow machine may take that long.
    assert!((10..20).contains(&guesses), "{guesses}");
    let refused = log_in_from(&guesser, "192.0.2.1", "ada@example.com", PASSWORD).await;
    assert_eq!(refused.status, 429, "even the right one comes too late");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(refused.text.contains("too often"));

    let from_elsewhere = log_in_from(&app.visitor(), "192.0.2.2", "ada@example.com", PASSWORD).await;
    assert_eq!(from_elsewhere.status, 303);
    let somebody_else = log_in_from(&app.visitor(), "192.0.2.1", "bob@example.com", PASSWORD).await;
    assert_eq!(somebody_else.status, 303);

    let guesses = guess_until_refused(&guesser, "192.0.2.9", |n| format!("user{n}@example.com")).await;
    assert!((30..60).contains(&guesses), "{guesses}");
    app.finish().await;
}

/// How many wrong log-ins are answered as such before it is said that they are too many.
async fn guess_until_refused(guesser: &Client, from: &str, email: impl Fn(u32) -> String) -> u32 {
    for n in 0..100 {
        match log_in_from(guesser, from, &email(n), "a guess").await.status {
            422 => {}
            429 => return n,
            other => panic!("{other}"),
        }
    }
    100
}

async fn a_log_in_leads_back_to_the_page_that_was_wanted(test: TestDatabase) {
    let TwoOrganizations { app, product, .. } = TestApp::two_organizations(test).await;
    let visitor = app.visitor();
    let wanted = format!("/teams/{product}/settings?tab=members&x=%2F");

    let answer = visitor.get(&wanted).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("/login?next=%2Fteams%2F"), "{}", answer.location());
    let page = visitor.get(answer.location()).await;
    let next = crate::harness::between(&page.text, "name=\"next\" value=\"", "\"").unwrap().replace("&#38;", "&");
    assert_eq!(next, wanted);
    let fields = [("email", "bob@example.com"), ("password", PASSWORD), ("next", &next)];
    let answer = visitor.post_form("/login", &fields).await;
    assert_eq!((answer.status, answer.location()), (303, wanted.as_str()));

    // Who is in already is sent on at once, and never away.
    assert_eq!(visitor.get("/login?next=%2Fsettings").await.location(), "/settings");
    assert_eq!(visitor.get("/login?next=https%3A%2F%2Fevil.example").await.location(), "/");
    app.finish().await;
}

async fn a_log_in_never_leads_to_another_site(test: TestDatabase) {
    let app = TestApp::on(test).await;
    app.user("ada@example.com", "Ada").await;
    let away = [
        "//evil.example",
        "https://evil.example",
        "https:evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "evil.example",
    ];
    for (n, next) in away.iter().enumerate() {
        let visitor = app.visitor();
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let page = visitor.get(&format!("/login?{query}")).await;
        assert!(page.text.contains("name=\"next\" value=\"\""), "{next:?} is in the form");

        let token = visitor.token().await;
        let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("next", next), ("csrf", &token)];
        let from = format!("192.0.2.{n}");
        let request = visitor.request(Method::POST, "/login").header("x-forwarded-for", from).form(&fields);
        let answer = visitor.send(request).await;
        assert_eq!((answer.status, answer.location()), (303, "/"), "{next:?}");
        assert!(answer.set_cookies().iter().all(|cookie| !cookie.starts_with("a=")));
    }
    app.finish().await;
}

on_both_databases!(
    the_address_and_the_password_have_to_fit,
    who_guesses_is_stopped_and_the_owner_still_gets_in_elsewhere,
    a_log_in_leads_back_to_the_page_that_was_wanted,
    a_log_in_never_leads_to_another_site,
);
