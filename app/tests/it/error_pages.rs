//! Every error page says what happened and leads on from there: never into a dead end, and to nothing that the person may
//! not see. What their statuses are is tested where the errors are.

use patchbay::db::TeamId;
use reqwest::Method;

use crate::harness::{Answer, Client, TestApp, TestDatabase, between, on_both_databases};

const UNKNOWN: &str = "01990000-0000-7000-8000-000000000000";

/// The way on of an error page. Everything else that all of them have is checked on the way.
fn door(answer: &Answer) -> &str {
    assert!(answer.status >= 400, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let id = answer.header("x-request-id");
    assert!(!id.is_empty() && answer.text.contains(&format!("<code class=\"copied\">{id}</code>")), "{}", answer.text);
    assert!(answer.text.contains(&format!("<p class=\"error-status\">{}</p>", answer.status)), "{}", answer.text);
    let button = between(&answer.text, "<a class=\"button button-primary\" href=\"", "\">");
    // The frame has a button of the same kind for who is signed out.
    let main = &answer.text[answer.text.find("<main").unwrap()..];
    let in_main = between(main, "<a class=\"button button-primary\" href=\"", "\">");
    in_main.or(button).unwrap()
}

async fn post(client: &Client, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = client.request(Method::POST, path).header("content-type", kind).body(body);
    client.send(request.header("sec-fetch-site", "same-origin")).await
}

async fn what_is_not_there_leads_to_what_is(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let log = format!("/teams/{}", two.product);
    let entry = format!("{log}/entries/{UNKNOWN}");
    assert_eq!(door(&two.ada.get(&entry).await), log);
    assert_eq!(door(&two.ada.get(&format!("{log}/nothing")).await), format!("{log}/settings"));
    assert_eq!(door(&two.ada.get("/nowhere").await), "/");
    assert_eq!(door(&two.app.visitor().get("/nowhere").await), "/");
    assert_eq!(door(&two.ada.get("/integrations/nobody/link").await), "/");

    // Whose it is makes no difference to whoever may not see it, also not in the doors.
    for path in [log.clone(), entry.clone(), format!("{log}/settings")] {
        let answer = two.eve.get(&path).await;
        assert_eq!((answer.status, door(&answer)), (404, "/"), "{path}");
        assert!(!answer.text.contains("Product"), "{path}");
        let nobodys = path.replace(&two.product.to_string(), &TeamId::new().to_string());
        assert_eq!(answer.body_alike(), two.eve.get(&nobodys).await.body_alike(), "{path}");
    }
    two.app.finish().await;
}

async fn who_lacks_a_role_reads_whom_to_ask(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let settings = format!("/teams/{}/settings", two.product);
    let answer = two.bob.post_form(&settings, &[("name", "Ours"), ("time_zone", "UTC")]).await;
    assert_eq!((answer.status, door(&answer)), (403, settings.as_str()));
    assert!(answer.text.contains("Only admins and owners of the organization may change teams."), "{}", answer.text);
    assert!(answer.text.contains("Ask Ada to do it, or to change your role."), "{}", answer.text);

    // The one page of it that a member may not even look at is not where it leads.
    let answer = two.bob.get("/teams/new").await;
    assert_eq!((answer.status, door(&answer)), (403, "/"));
    assert!(answer.text.contains("Ask Ada"), "{}", answer.text);
    two.app.finish().await;
}

async fn a_form_that_is_refused_leads_back_to_its_page(test: TestDatabase) {
    const FORM: &str = "application/x-www-form-urlencoded";
    let two = TestApp::two_organizations(test).await;
    let members = format!("/teams/{}/members", two.product);
    let settings = format!("/teams/{}/settings", two.product);
    let long = "x".repeat(1024 * 1024 + 1);
    let cases = [
        (post(&two.ada, &members, FORM, "csrf=wrong").await, 403, settings.as_str()),
        (post(&two.ada, &members, "application/json", "{}").await, 415, &settings),
        (post(&two.ada, &members, FORM, long).await, 413, &settings),
        (post(&two.ada, "/settings/password", FORM, "").await, 403, "/settings"),
        (post(&two.app.visitor(), "/login", FORM, "csrf=wrong").await, 403, "/login"),
        (
            two.ada.send(two.ada.request(Method::PUT, "/settings").header("sec-fetch-site", "same-origin")).await,
            405,
            "/settings",
        ),
        (two.ada.get("/logout").await, 405, "/"),
    ];
    for (answer, status, path) in &cases {
        assert_eq!((answer.status, door(answer)), (*status, *path));
    }

    // What an address asks for that can't be: the same page, asked for nothing.
    let log = format!("/teams/{}", two.product);
    let answer = two.ada.get(&format!("{log}?from=never")).await;
    assert_eq!((answer.status, door(&answer)), (422, log.as_str()));

    // And who was logged out meanwhile comes back to it as well.
    let answer = two.app.visitor().post_form(&members, &[]).await;
    let next: String = url::form_urlencoded::byte_serialize(settings.as_bytes()).collect();
    assert_eq!((answer.status, answer.location()), (303, format!("/login?next={next}").as_str()));
    two.app.finish().await;
}

on_both_databases!(
    what_is_not_there_leads_to_what_is,
    who_lacks_a_role_reads_whom_to_ask,
    a_form_that_is_refused_leads_back_to_its_page,
);
