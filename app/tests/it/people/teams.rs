//! Teams: making and changing them, and who is in them.

use patchbay::db::entity::{team, team_member};
use sea_orm::EntityTrait;

use super::count;
use crate::harness::{TestApp, TestDatabase, TwoOrganizations, on_both_databases};

async fn an_admin_makes_a_team_and_is_in_it(test: TestDatabase) {
    let TwoOrganizations { app, ada, .. } = TestApp::two_organizations(test).await;
    for (name, zone, wrong) in
        [("", "UTC", "name"), ("Ops", "Atlantis/Poseidonis", "time_zone"), ("Ops", "", "time_zone")]
    {
        let answer = ada.post_form("/teams/new", &[("name", name), ("time_zone", zone)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text.contains(&format!("id=\"{wrong}-error\"")), "{}", answer.text);
        assert!(answer.text.contains(&format!("value=\"{zone}\"")), "what was typed is lost");
    }
    let answer = ada.post_form("/teams/new", &[("name", "Ops"), ("time_zone", "pacific/kiritimati")]).await;
    assert_eq!(answer.status, 303);
    let page = ada.get(answer.location()).await;
    assert!(page.text.contains("/leave\"") && page.text.contains("Pacific/Kiritimati"), "{}", page.text);
    assert_eq!(count::<team::Entity>(app.database.db.reader()).await, 3);
    app.finish().await;
}

async fn an_admin_changes_a_team(test: TestDatabase) {
    let TwoOrganizations { app, ada, product, .. } = TestApp::two_organizations(test).await;
    let path = format!("/teams/{product}/settings");
    let answer = ada.post_form(&path, &[("name", "Renamed"), ("time_zone", "nowhere")]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("value=\"Renamed\"") && answer.text.contains("value=\"nowhere\""));
    assert!(answer.text.contains("<h1><bdi>Product</bdi></h1>"), "it is not called so");

    let answer = ada.post_form(&path, &[("name", "Renamed"), ("time_zone", "UTC"), ("organization_id", "x")]).await;
    assert_eq!((answer.status, answer.location()), (303, path.as_str()));
    let teams = team::Entity::find().all(app.database.db.reader()).await.unwrap();
    let team = teams.iter().find(|team| team.id == product).unwrap();
    assert_eq!((team.name.as_str(), team.time_zone.as_str()), ("Renamed", "UTC"));
    assert!(teams.iter().any(|team| team.name == "Lab"), "another organization's team was changed");
    app.finish().await;
}

async fn members_are_added_removed_and_leave(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, acme, product, .. } = TestApp::two_organizations(test).await;
    let id = app.member("bob@example.com", acme).await.user;
    let settings = format!("/teams/{product}/settings");
    let members = format!("/teams/{product}/members");
    let remove = format!("{members}/{id}/remove");

    assert_eq!(ada.post_form(&remove, &[]).await.status, 303);
    assert_eq!(ada.post_form(&remove, &[]).await.status, 404, "twice");
    assert_eq!(bob.get(&settings).await.status, 404);

    let bobs = id.to_string();
    for _ in 0..2 {
        assert_eq!(ada.post_form(&members, &[("user", &bobs)]).await.status, 303, "once is as good as twice");
    }
    assert_eq!(bob.get(&settings).await.status, 200);
    for nobody in ["", "nonsense", "01990000-0000-7000-8000-000000000000"] {
        let answer = ada.post_form(&members, &[("user", nobody)]).await;
        assert_eq!(answer.status, 422, "{nobody}");
        assert!(answer.text.contains("Renamed") || answer.text.contains("Product"));
    }

    let leave = format!("/teams/{product}/leave");
    assert_eq!(bob.post_form(&leave, &[]).await.status, 303);
    assert_eq!(bob.post_form(&leave, &[]).await.status, 404, "twice");
    assert_eq!(ada.post_form(&leave, &[]).await.status, 303);
    assert_eq!(ada.get(&settings).await.status, 200, "an owner still sees the team");
    assert!(ada.get(&settings).await.text.contains("Nobody is in this team yet."));
    assert_eq!(count::<team_member::Entity>(app.database.db.reader()).await, 1, "eve in Lab");
    app.finish().await;
}

on_both_databases!(an_admin_makes_a_team_and_is_in_it, an_admin_changes_a_team, members_are_added_removed_and_leave,);
