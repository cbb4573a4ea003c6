//! Organizations: an owner always stays, admins don't touch owners, and a person is in several.

use patchbay::{
    core::{Error, organizations},
    db::entity::{member, member::Role, team_member},
};

use super::count;
use crate::harness::{TestApp, TestDatabase, TwoOrganizations, on_both_databases};

async fn the_last_owner_stays(test: TestDatabase) {
    let TwoOrganizations { app, ada, acme, .. } = TestApp::two_organizations(test).await;
    let id = app.member("ada@example.com", acme).await.user;
    let page = ada.get(&format!("/organizations/{acme}/settings")).await.text;
    assert!(page.contains("You are its only owner."));

    for (path, fields) in [
        (format!("/organizations/{acme}/leave"), vec![]),
        (format!("/organizations/{acme}/members/{id}/remove"), vec![]),
        (format!("/organizations/{acme}/members/{id}/role"), vec![("role", "admin")]),
    ] {
        let answer = ada.post_form(&path, &fields).await;
        assert_eq!(answer.status, 409, "{path}");
        assert!(answer.text.contains("needs an owner"), "{path}");
    }
    assert_eq!(app.member("ada@example.com", acme).await.role, Role::Owner);

    let bob = app.member("bob@example.com", acme).await.user;
    let path = format!("/organizations/{acme}/members/{bob}/role");
    assert_eq!(ada.post_form(&path, &[("role", "owner")]).await.status, 303);
    let answer = ada.post_form(&format!("/organizations/{acme}/leave"), &[]).await;
    assert_eq!((answer.status, answer.location()), (303, "/organizations"));
    assert!(ada.get("/organizations").await.text.contains("You left the organization."));
    assert_eq!(ada.get(&format!("/organizations/{acme}/settings")).await.status, 404);
    app.finish().await;
}

async fn of_two_owners_who_leave_at_once_one_stays(test: TestDatabase) {
    let TwoOrganizations { app, acme, .. } = TestApp::two_organizations(test).await;
    let ada = app.member("ada@example.com", acme).await;
    let bob = app.member("bob@example.com", acme).await;
    organizations::change_role(&app.core, &ada, bob.user, Role::Owner).await.unwrap();
    let bob = app.member("bob@example.com", acme).await;

    let (first, second) = tokio::join!(organizations::leave(&app.core, &ada), organizations::leave(&app.core, &bob));
    let stayed = [first, second].into_iter().filter(|left| matches!(left, Err(Error::Conflict(_)))).count();
    assert_eq!(stayed, 1);
    app.finish().await;
}

async fn of_two_owners_who_unmake_each_other_at_once_one_stays(test: TestDatabase) {
    let TwoOrganizations { app, acme, .. } = TestApp::two_organizations(test).await;
    let ada = app.member("ada@example.com", acme).await;
    let bob = app.member("bob@example.com", acme).await;
    organizations::change_role(&app.core, &ada, bob.user, Role::Owner).await.unwrap();
    let bob = app.member("bob@example.com", acme).await;

    let (first, second) = tokio::join!(
        organizations::change_role(&app.core, &ada, bob.user, Role::Member),
        organizations::change_role(&app.core, &bob, ada.user, Role::Member),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    app.finish().await;
}

async fn an_admin_does_not_touch_owners(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, acme, .. } = TestApp::two_organizations(test).await;
    let adas = app.member("ada@example.com", acme).await.user;
    let bobs = app.member("bob@example.com", acme).await.user;
    let role_of = |user| format!("/organizations/{acme}/members/{user}/role");
    assert_eq!(ada.post_form(&role_of(bobs), &[("role", "admin")]).await.status, 303);

    for (path, fields) in [
        (role_of(adas), vec![("role", "member")]),
        (role_of(bobs), vec![("role", "owner")]),
        (format!("/organizations/{acme}/members/{adas}/remove"), vec![]),
        (format!("/organizations/{acme}/settings"), vec![("name", "Mine")]),
        (format!("/organizations/{acme}/invitations"), vec![("role", "owner")]),
    ] {
        let answer = bob.post_form(&path, &fields).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let page = bob.get(&format!("/organizations/{acme}/settings")).await.text;
    assert!(!page.contains(&role_of(adas)), "a control that can only fail");
    assert_eq!(bob.post_form(&role_of(bobs), &[("role", "emperor")]).await.status, 422);
    assert_eq!(bob.post_form(&role_of(bobs), &[("role", "member")]).await.status, 303, "but may step down");
    app.finish().await;
}

async fn who_leaves_the_organization_leaves_its_teams(test: TestDatabase) {
    let TwoOrganizations { app, bob, acme, .. } = TestApp::two_organizations(test).await;
    let db = app.database.db.reader();
    assert_eq!(count::<team_member::Entity>(db).await, 3);
    assert_eq!(bob.post_form(&format!("/organizations/{acme}/leave"), &[]).await.status, 303);
    assert_eq!(count::<team_member::Entity>(db).await, 2);
    assert_eq!(bob.post_form(&format!("/organizations/{acme}/leave"), &[]).await.status, 404, "twice");
    app.finish().await;
}

async fn an_owner_renames_it(test: TestDatabase) {
    let TwoOrganizations { app, ada, acme, .. } = TestApp::two_organizations(test).await;
    let path = format!("/organizations/{acme}/settings");
    let long = "x".repeat(101);
    for wrong in ["", &long] {
        let answer = ada.post_form(&path, &[("name", wrong)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text.contains("id=\"name-error\"") && answer.text.contains(&format!("value=\"{wrong}\"")));
    }
    assert_eq!(ada.post_form(&path, &[("name", "Acme & Co")]).await.status, 303);
    assert!(ada.get(&path).await.text.contains("Acme &#38; Co"));
    app.finish().await;
}

async fn a_person_in_several_chooses_which_one_pages_are_about(test: TestDatabase) {
    let TwoOrganizations { app, ada, acme, product, umbra, lab, .. } = TestApp::two_organizations(test).await;
    let user = app.core.clone();
    let user = patchbay::core::users::by_email(&user, "ada@example.com").await.unwrap().unwrap();
    app.admit(&user, umbra, lab).await;

    assert!(ada.get("/organizations").await.text.contains("Umbra"));
    assert_eq!(ada.get("/teams/new").await.status, 200, "owner of Acme, which comes first");
    let umbras = umbra.to_string();
    assert_eq!(ada.post_form("/organizations/current", &[("organization", &umbras)]).await.location(), "/");
    assert_eq!(ada.get("/teams/new").await.status, 403, "plain member of Umbra");

    let fields = [("organization", &*acme.to_string().leak()), ("next", "/teams/new")];
    assert_eq!(ada.post_form("/organizations/current", &fields).await.location(), "/teams/new");
    for (organization, next) in [("nonsense", "/"), ("", "/")] {
        let fields = [("organization", organization), ("next", next)];
        assert_eq!(ada.post_form("/organizations/current", &fields).await.status, 404);
    }
    let fields = [("organization", umbras.as_str()), ("next", "//evil.example")];
    assert_eq!(ada.post_form("/organizations/current", &fields).await.location(), "/");

    // A page of one is within that one, and so is where its frame leads.
    for (path, of) in [
        (format!("/teams/{lab}"), "Umbra"),
        (format!("/teams/{product}"), "Acme"),
        (format!("/organizations/{umbra}/settings"), "Umbra"),
        (format!("/teams/{product}/settings"), "Acme"),
        (format!("/teams/{lab}"), "Umbra"),
    ] {
        let page = ada.get(&path).await.text;
        let frame = page.split("class=\"account\"").nth(1).unwrap().split("</summary>").next().unwrap();
        assert!(frame.contains(of), "{path}: {frame}");
        let expected = if of == "Umbra" { 403 } else { 200 };
        assert_eq!(ada.get("/teams/new").await.status, expected, "after {path}");
    }

    // Leaving the chosen one leads back to what is left.
    assert_eq!(ada.post_form(&format!("/organizations/{umbra}/leave"), &[]).await.status, 303);
    assert_eq!(ada.get("/teams/new").await.status, 200);
    assert_eq!(count::<member::Entity>(app.database.db.reader()).await, 3);
    app.finish().await;
}

on_both_databases!(
    the_last_owner_stays,
    of_two_owners_who_leave_at_once_one_stays,
    of_two_owners_who_unmake_each_other_at_once_one_stays,
    an_admin_does_not_touch_owners,
    who_leaves_the_organization_leaves_its_teams,
    an_owner_renames_it,
    a_person_in_several_chooses_which_one_pages_are_about,
);
