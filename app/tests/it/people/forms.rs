//! Forms: only a page of ours, open in the very browser, can send one; and nothing is changed by reading.

use reqwest::Method;

use super::{FIELDS, PLAIN, all_rows, routes_of};
use crate::harness::{Client, TestApp, TestDatabase, on_both_databases};

async fn every_form_needs_the_token_of_its_own_browser(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let mut paths: Vec<String> = routes_of(&two).await.into_iter().filter(is_post).map(|route| route.path).collect();
    paths.extend(PLAIN.iter().filter(|(method, _)| *method == "POST").map(|(_, path)| (*path).to_owned()));
    assert!(paths.len() >= 19, "only {}", paths.len());
    let (ada, visitor) = (&two.ada, two.app.visitor());
    let (own, bobs, visitors) = (ada.token().await, two.bob.token().await, visitor.token().await);
    let changed = format!("{}A", &own[..own.len() - 1]);
    let cut = &own[..20];
    let before = all_rows(&two.app).await;

    for path in &paths {
        for token in [None, Some(""), Some("x"), Some(&bobs), Some(&visitors), Some(&changed), Some(cut)] {
            if token == Some(&own) {
                continue;
            }
            let mut fields = FIELDS.to_vec();
            fields.extend(token.map(|token| ("csrf", token)));
            let answer = ada.send(ada.request(Method::POST, path).form(&fields)).await;
            assert_eq!(answer.status, 403, "{path} with the token {token:?}");
            assert!(answer.text.contains("did not come from a page"), "{path}");
        }
    }
    assert_eq!(all_rows(&two.app).await, before);
    two.app.finish().await;
}

async fn another_sites_page_can_send_nothing(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let mut paths: Vec<String> = routes_of(&two).await.into_iter().filter(is_post).map(|route| route.path).collect();
    paths.extend(PLAIN.iter().filter(|(method, _)| *method == "POST").map(|(_, path)| (*path).to_owned()));
    let token = two.ada.token().await;
    let before = all_rows(&two.app).await;

    for path in &paths {
        // Even with the right token, which another site can't have.
        let mut fields = FIELDS.to_vec();
        fields.push(("csrf", &token));
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "http://127.0.0.1:1"),
        ] {
            let answer = two.ada.send(two.ada.request(Method::POST, path).header(name, value).form(&fields)).await;
            assert_eq!(answer.status, 403, "{path} with {name}: {value}");
        }
    }
    assert_eq!(all_rows(&two.app).await, before);
    two.app.finish().await;
}

async fn our_own_page_is_known_by_its_origin_or_by_its_token(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let token = two.ada.token().await;
    let here = format!("http://{}", two.app.address);
    for (name, value) in
        [("origin", here.as_str()), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", "null")]
    {
        let request = two.ada.request(Method::POST, "/settings").header(name, value);
        let answer = two.ada.send(request.form(&[("name", "Ada L."), ("csrf", &token)])).await;
        assert_eq!(answer.status, 303, "{name}: {value}");
    }
    let request = two.ada.request(Method::POST, "/settings").header("x-csrf-token", &token);
    assert_eq!(two.ada.send(request.form(&[("name", "Ada M.")])).await.status, 303);
    two.app.finish().await;
}

async fn reading_changes_nothing(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let mut paths: Vec<String> = routes_of(&two).await.into_iter().map(|route| route.path).collect();
    paths.extend(PLAIN.iter().map(|(_, path)| (*path).to_owned()));
    two.ada.get("/settings").await;
    let before = all_rows(&two.app).await;
    for path in &paths {
        for client in [&two.ada, &two.eve, &two.app.visitor()] {
            for method in [Method::GET, Method::HEAD] {
                let answer = client.send(client.request(method, path)).await;
                assert!(answer.status < 500, "{path}");
            }
        }
    }
    assert_eq!(all_rows(&two.app).await, before);
    two.app.finish().await;
}

async fn what_is_not_a_form_is_refused(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let token = two.ada.token().await;
    let good = format!("csrf={token}&name=Ada+X");
    let post = |kind: Option<&str>, body: Vec<u8>| {
        let request = two.ada.request(Method::POST, "/settings").body(body);
        two.ada.send(match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        })
    };
    let form = Some("application/x-www-form-urlencoded");
    for kind in [None, Some("text/plain"), Some("application/json"), Some("multipart/form-data; boundary=x")] {
        assert_eq!(post(kind, good.clone().into()).await.status, 415, "{kind:?}");
    }
    let mut long = good.clone().into_bytes();
    long.resize(1024 * 1024 + 1, b'x');
    assert_eq!(post(form, long).await.status, 413);
    assert_eq!(post(form, Vec::new()).await.status, 403, "without a token it is nobody's form");
    assert_eq!(post(Some("application/x-www-form-urlencoded; charset=UTF-8"), good.into()).await.status, 303);

    // Neither NUL nor broken text reaches the database as such.
    let odd = format!("csrf={token}&name=a%00b%ff%fe%zz").into_bytes();
    let answer = post(form, odd).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(two.ada.get("/settings").await.text.contains("a\u{fffd}b\u{fffd}"));
    two.app.finish().await;
}

async fn wrong_methods_are_told_the_right_ones(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let mut table: Vec<(String, String)> =
        routes_of(&two).await.into_iter().map(|route| (route.method.to_owned(), route.path)).collect();
    table.extend(PLAIN.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())));
    for (_, path) in &table {
        let right: Vec<&str> =
            table.iter().filter(|(_, other)| other == path).map(|(method, _)| method.as_str()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if right.contains(&method) {
                continue;
            }
            let request = two.ada.request(method.parse().unwrap(), path).header("sec-fetch-site", "same-origin");
            let answer = two.ada.send(request).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let allowed = answer.header("allow");
            assert!(right.iter().all(|method| allowed.contains(method)), "{method} {path}: {allowed}");
            assert!(answer.text.contains("does not do what was asked"), "{method} {path}");
        }
    }
    two.app.finish().await;
}

async fn an_error_page_says_what_to_do_and_which_request_it_was(test: TestDatabase) {
    let app = TestApp::on(test).await;
    let answer = app.visitor().get("/nowhere").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.text.contains("There is nothing here"));
    assert!(answer.text.contains(answer.header("x-request-id")) && !answer.header("x-request-id").is_empty());
    assert!(answer.set_cookies().is_empty());

    // Who is signed in keeps the way on, and the way out.
    app.user("ada@example.com", "Ada").await;
    let ada = app.log_in("ada@example.com").await;
    assert!(ada.get("/nowhere").await.text.contains("action=\"/logout\""));
    assert_eq!(ada.post_form("/logout", &[]).await.status, 303);
    app.finish().await;
}

fn is_post(route: &super::Route) -> bool {
    route.method == "POST"
}

/// A browser whose cookies are gone has no token that fits.
async fn a_token_without_its_cookie_is_worthless(test: TestDatabase) {
    let app = TestApp::on(test).await;
    let token = app.visitor().token().await;
    let bare = Client::new(app.address);
    let fields = [("email", "x@example.com"), ("password", "patchbay"), ("csrf", token.as_str())];
    assert_eq!(bare.send(bare.request(Method::POST, "/login").form(&fields)).await.status, 403);
    app.finish().await;
}

on_both_databases!(
    every_form_needs_the_token_of_its_own_browser,
    another_sites_page_can_send_nothing,
    our_own_page_is_known_by_its_origin_or_by_its_token,
    reading_changes_nothing,
    what_is_not_a_form_is_refused,
    wrong_methods_are_told_the_right_ones,
    an_error_page_says_what_to_do_and_which_request_it_was,
    a_token_without_its_cookie_is_worthless,
);
