//! Who may come in: signed out, of another organization, a plain member, one who was just removed; and ids that are
//! not there.

use super::{FIELDS, PLAIN, Route, all_rows, routes_of};
use crate::harness::{Answer, Client, TestApp, TestDatabase, on_both_databases};

/// An id that nobody has.
const UNKNOWN: &str = "01990000-0000-7000-8000-000000000000";

async fn open(client: &Client, method: &str, path: &str) -> Answer {
    match method {
        "GET" => client.get(path).await,
        _ => client.post_form(path, FIELDS).await,
    }
}

/// The same route about an organization or a team that is not there, or with something that is no id.
fn elsewhere(route: &Route, id: &str) -> String {
    let mut segments: Vec<&str> = route.path.split('/').collect();
    segments[2] = id;
    segments.join("/")
}

async fn who_is_signed_out_is_sent_to_log_in(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let public = ["/login", "/signup", "/logout", "/invitations/x"];
    let mut table: Vec<(&str, String)> =
        routes_of(&two).await.into_iter().map(|route| (route.method, route.path)).collect();
    table.extend(PLAIN.iter().map(|(method, path)| (*method, (*path).to_owned())));
    let before = all_rows(&two.app).await;
    let visitor = two.app.visitor();
    for (method, path) in table {
        // Who forgot their password can't log in first.
        if path.starts_with("/password/") {
            continue;
        }
        if public.contains(&path.as_str()) && (method, path.as_str()) != ("POST", "/invitations/x") {
            continue;
        }
        let answer = open(&visitor, method, &path).await;
        assert_eq!(answer.status, 303, "{method} {path}");
        let to = answer.location();
        match method {
            "GET" => assert!(to.starts_with("/login?next=%2F"), "{method} {path} leads to {to}"),
            // What was posted is lost; the page it was posted from is not.
            _ => assert!(to == "/login" || to.starts_with("/login?next=%2F"), "{method} {path} leads to {to}"),
        }
    }
    assert_eq!(all_rows(&two.app).await, before);
    two.app.finish().await;
}

async fn what_is_another_organizations_is_not_there(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let before = all_rows(&two.app).await;
    for route in routes_of(&two).await {
        let before = all_rows(&two.app).await;
        let theirs = open(&two.eve, route.method, &route.path).await;
        let unknown = open(&two.eve, route.method, &elsewhere(&route, UNKNOWN)).await;
        assert_eq!((theirs.status, unknown.status), (404, 404), "{} {}", route.method, route.path);
        assert_eq!(theirs.body_alike(), unknown.body_alike(), "{} {} can be told apart", route.method, route.path);
        for nonsense in ["1", "-1", "0", "1%20OR%201=1", "%00", "..%2f", "null", &"a".repeat(300)] {
            let answer = open(&two.eve, route.method, &elsewhere(&route, nonsense)).await;
            assert_eq!(answer.status, 404, "{} {nonsense}", route.method);
        }
        assert_eq!(all_rows(&two.app).await, before);
    }
    assert_eq!(all_rows(&two.app).await.len(), before.len() + 1, "the invitation that the list made");
    two.app.finish().await;
}

/// Under an organization of one's own, ids of another's name nothing either.
async fn ids_of_another_organization_name_nothing_under_ones_own(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let invitation = super::open_invitation(&two).await;
    let ada = two.app.member("ada@example.com", two.acme).await.user;
    let (umbra, lab, product) = (two.umbra, two.lab, two.product);
    let before = all_rows(&two.app).await;
    for (path, fields, status) in [
        (format!("/organizations/{umbra}/members/{ada}/role"), [("role", "member")], 404),
        (format!("/organizations/{umbra}/members/{ada}/remove"), [("", "")], 404),
        (format!("/organizations/{umbra}/invitations/{invitation}/revoke"), [("", "")], 404),
        (format!("/organizations/{umbra}/invitations"), [("team", product.to_string().leak() as &str)], 422),
        (format!("/teams/{lab}/members"), [("user", ada.to_string().leak() as &str)], 422),
        (format!("/teams/{lab}/members/{ada}/remove"), [("", "")], 404),
        ("/organizations/current".into(), [("organization", two.acme.to_string().leak() as &str)], 404),
    ] {
        let mut fields = fields.to_vec();
        fields.push(("role", "member"));
        let answer = two.eve.post_form(&path, &fields).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(!answer.text.contains("ada@example.com") && !answer.text.contains("Acme"), "{path}");
    }
    assert_eq!(all_rows(&two.app).await, before);
    two.app.finish().await;
}

async fn a_plain_member_sees_and_does_what_members_do(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    for route in routes_of(&two).await {
        let answer = open(&two.bob, route.method, &route.path).await;
        assert_eq!(answer.status, route.for_member, "{} {}: {}", route.method, route.path, answer.text);
        if answer.status == 403 {
            assert!(answer.text.contains("Only "), "{}", answer.text);
            assert!(answer.text.contains("Bob"), "the frame of the error page is gone");
        }
    }
    for path in ["/teams/new", "/organizations/new"] {
        let expected = if path == "/teams/new" { 303 } else { 200 };
        assert_eq!(two.bob.get(path).await.status, expected, "bob left, so there is no organization to make a team in");
    }
    two.app.finish().await;
}

async fn a_team_is_not_there_for_members_outside_it(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    assert_eq!(two.bob.get("/teams/new").await.status, 403);
    let made = two.ada.post_form("/teams/new", &[("name", "Board"), ("time_zone", "UTC")]).await;
    let board = made.location().to_owned();
    assert_eq!(two.bob.get(&board).await.status, 404);
    assert_eq!(two.ada.get(&board).await.status, 200);
    assert!(!two.bob.get(&format!("/organizations/{}/settings", two.acme)).await.text.contains("Board"));
    two.app.finish().await;
}

async fn who_was_removed_is_out_with_the_next_request(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let settings = format!("/teams/{}/settings", two.product);
    assert_eq!(two.bob.get(&settings).await.status, 200);
    let bob = two.app.member("bob@example.com", two.acme).await.user;
    let answer = two.ada.post_form(&format!("/organizations/{}/members/{bob}/remove", two.acme), &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);

    assert_eq!(two.bob.get(&settings).await.status, 404);
    assert_eq!(two.bob.get(&format!("/organizations/{}/settings", two.acme)).await.status, 404);
    assert!(!two.bob.get("/settings").await.text.contains("Acme"));
    two.app.finish().await;
}

/// A request that had found its member before they were removed must not act for them afterwards.
async fn who_was_removed_meanwhile_can_not_act(test: TestDatabase) {
    use patchbay::core::{Error, organizations, teams};
    let two = TestApp::two_organizations(test).await;
    let ada = two.app.member("ada@example.com", two.acme).await;
    let bob = two.app.member("bob@example.com", two.acme).await;
    let core = &two.app.core;
    organizations::change_role(core, &ada, bob.user, patchbay::db::entity::member::Role::Admin).await.unwrap();
    let bob = two.app.member("bob@example.com", two.acme).await;
    organizations::remove_member(core, &ada, bob.user).await.unwrap();

    let team = teams::NewTeam { name: "Late".into(), time_zone: "UTC".into() };
    assert!(matches!(teams::create(core, &bob, team).await, Err(Error::NotFound)));
    assert!(matches!(organizations::remove_member(core, &bob, ada.user).await, Err(Error::NotFound)));
    two.app.finish().await;
}

on_both_databases!(
    who_is_signed_out_is_sent_to_log_in,
    what_is_another_organizations_is_not_there,
    ids_of_another_organization_name_nothing_under_ones_own,
    a_plain_member_sees_and_does_what_members_do,
    a_team_is_not_there_for_members_outside_it,
    who_was_removed_is_out_with_the_next_request,
    who_was_removed_meanwhile_can_not_act,
);
