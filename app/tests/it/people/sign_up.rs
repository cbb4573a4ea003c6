//! Signing up: one account per address, whatever is typed and however often.

use patchbay::db::entity::{organization, session, team_member, user};
use sea_orm::EntityTrait;

use super::count;
use crate::harness::{TestApp, TestDatabase, on_both_databases};

const GOOD: [(&str, &str); 3] = [("email", " Ada@Example.com "), ("name", " Ada "), ("password", "correct horse")];

async fn who_signs_up_makes_an_organization_with_a_team_next(test: TestDatabase) {
    let app = TestApp::on(test).await;
    let ada = app.visitor();

    let answer = ada.post_form("/signup", &GOOD).await;
    assert_eq!((answer.status, answer.location()), (303, "/organizations/new"));
    assert!(ada.get("/organizations/new").await.text.contains("One more step"));

    let fields = [("organization", "Acme"), ("name", "Product"), ("time_zone", "europe/vienna")];
    let answer = ada.post_form("/organizations/new", &fields).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("/teams/"), "{}", answer.location());

    let db = app.database.db.reader();
    let user = user::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!((user.email.as_str(), user.name.as_str()), ("ada@example.com", "Ada"));
    assert!(user.password_hash.starts_with("$argon2id$"));
    let teams = team_member::Entity::find().all(db).await.unwrap();
    assert_eq!(teams.len(), 1);
    let settings = ada.get(&format!("{}/settings", answer.location())).await;
    assert!(settings.text.contains("Europe/Vienna"), "{}", settings.text);
    app.finish().await;
}

async fn what_can_not_be_used_is_said_beside_its_field_and_nothing_is_kept(test: TestDatabase) {
    let app = TestApp::on(test).await;
    let visitor = app.visitor();
    let long = "x".repeat(1001);
    let cases = [
        ("email", "nonsense", "Enter an e-mail address"),
        ("email", "", "Enter an e-mail address"),
        ("email", "a\0@example.com", ""),
        ("name", "   ", "Enter a name."),
        ("name", &long, "Use at most 100 characters."),
        ("password", "1234567", "Use at least 8 characters."),
        ("password", &long, "Use at most 1000 characters."),
    ];
    for (field, value, sentence) in cases {
        let mut fields = GOOD.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = visitor.post_form("/signup", &fields).await;
        if field == "email" && value.contains('\0') {
            // What PostgreSQL can't store was replaced before anybody looked at it.
            assert_eq!(answer.status, 303);
            continue;
        }
        assert_eq!(answer.status, 422, "{field}");
        assert!(answer.text.contains(sentence), "{field}: {}", answer.text);
        assert!(answer.text.contains(&format!("id=\"{field}-error\"")), "{field}");
        assert!(!answer.text.contains("correct horse"), "a password came back");
        for (kept, value) in [("email", "Ada@Example.com"), ("name", "Ada")] {
            assert!(field == kept || answer.text.contains(&format!("value=\"{value}\"")), "{field}: {kept} was lost");
        }
    }
    app.finish().await;
}

async fn markup_in_a_name_is_only_text(test: TestDatabase) {
    let app = TestApp::on(test).await;
    let visitor = app.visitor();
    let name = "<script>alert(1)</script>\"'";
    visitor.post_form("/signup", &[("email", "m@example.com"), ("name", name), ("password", "patchbay")]).await;
    let organization = [("organization", name), ("name", name), ("time_zone", "UTC")];
    let answer = visitor.post_form("/organizations/new", &organization).await;
    assert_eq!(answer.status, 303);
    for path in ["/settings", "/organizations", &format!("{}/settings", answer.location())] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("&#60;script"), "{path} does not show it");
        assert!(!page.text.contains("<script>alert"), "{path}");
    }
    app.finish().await;
}

async fn an_address_has_one_account(test: TestDatabase) {
    let app = TestApp::on(test).await;
    app.user("ada@example.com", "Ada").await;

    let answer = app.visitor().post_form("/signup", &GOOD).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("can&#39;t be used for a new account"), "{}", answer.text);

    let fields = [("email", "bob@example.com"), ("name", "Bob"), ("password", "patchbay")];
    let visitors: Vec<_> = (0..8).map(|_| app.visitor()).collect();
    let answers = futures::future::join_all(visitors.iter().map(|visitor| visitor.post_form("/signup", &fields))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 422, 422, 422, 422, 422, 422, 422]);
    assert_eq!(count::<user::Entity>(app.database.db.reader()).await, 2);
    assert_eq!(count::<session::Entity>(app.database.db.reader()).await, 1);
    app.finish().await;
}

async fn an_organization_is_founded_whole_or_not_at_all(test: TestDatabase) {
    let app = TestApp::on(test).await;
    app.user("ada@example.com", "Ada").await;
    let ada = app.log_in("ada@example.com").await;

    for (organization, team, zone, wrong) in [
        ("", "Product", "UTC", "organization"),
        ("Acme", "", "UTC", "name"),
        ("Acme", "Product", "Nowhere", "time_zone"),
    ] {
        let fields = [("organization", organization), ("name", team), ("time_zone", zone)];
        let answer = ada.post_form("/organizations/new", &fields).await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(answer.text.contains(&format!("id=\"{wrong}-error\"")), "{wrong}");
        assert!(answer.text.contains(&format!("value=\"{zone}\"")), "the zone was lost");
    }
    assert_eq!(count::<organization::Entity>(app.database.db.reader()).await, 0);
    app.finish().await;
}

on_both_databases!(
    who_signs_up_makes_an_organization_with_a_team_next,
    what_can_not_be_used_is_said_beside_its_field_and_nothing_is_kept,
    markup_in_a_name_is_only_text,
    an_address_has_one_account,
    an_organization_is_founded_whole_or_not_at_all,
);
