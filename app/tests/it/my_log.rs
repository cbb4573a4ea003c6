//! A person's own log: theirs and nobody else's, over all their teams of one organization.

use jiff::{ToSpan, tz::TimeZone};
use patchbay::core::{
    entries::{self, Change},
    teams::{self, NewTeam},
};

use crate::harness::{TestApp, TestDatabase, on_both_databases};

async fn what_i_did_stands_together_and_what_others_did_does_not(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let bob = t.app.member("bob@example.com", t.acme).await;
    let new = NewTeam { name: "Island".into(), time_zone: "Pacific/Kiritimati".into() };
    let island = teams::create(&t.app.core, &ada, new).await.unwrap().id;
    entries::write(&t.app.core, &ada, t.product, "Mine in Product #x").await.unwrap();
    entries::write(&t.app.core, &ada, island, "Mine on the island").await.unwrap();
    entries::write(&t.app.core, &bob, t.product, "Bob's").await.unwrap();
    let archived = entries::write(&t.app.core, &ada, t.product, "Gone").await.unwrap()[0];
    entries::archive(&t.app.core, &ada, t.product, archived).await.unwrap();

    let page = t.ada.get("/log").await;

    assert_eq!(page.status, 200);
    for shown in ["Mine in Product", "Mine on the island", &format!("href=\"/teams/{island}\"><bdi>Island</bdi>")] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    for hidden in ["Bob&#39;s", "Bob's", "Gone"] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    let found = t.ada.get("/log?q=ISLAND").await.text;
    assert!(found.contains("Mine on the island") && !found.contains("Mine in Product"));
    // Whoever is asked for, one sees one's own.
    let others = t.ada.get(&format!("/log?person={}", bob.user)).await.text;
    assert!(!others.contains("Bob&#39;s") && others.contains("Mine in Product"));
    let of_bob = t.bob.get("/log").await.text;
    assert!(of_bob.contains("Bob&#39;s") && !of_bob.contains("Mine "));
    let of_eve = t.eve.get("/log").await.text;
    assert!(of_eve.contains("Nothing yet") && !of_eve.contains("Mine "));
    assert!(t.app.visitor().get("/log").await.location().starts_with("/login"));

    // What one did in a team that one left stays there, with the team.
    teams::remove_member(&t.app.core, &ada, island, ada.user).await.unwrap();
    assert!(!t.ada.get("/log").await.text.contains("Mine on the island"));
    t.app.finish().await;
}

async fn a_streak_is_of_done_entries_and_goes_over_weekends(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let core = &t.app.core;
    // A Monday at noon in UTC.
    let zone = TimeZone::get("Europe/Vienna").unwrap();
    let mut today = t.app.clock.today(&zone);
    while today.weekday() != jiff::civil::Weekday::Monday {
        t.app.clock.advance(std::time::Duration::from_hours(24));
        today = t.app.clock.today(&zone);
    }
    let streak = async || entries::mine(core, &ada, &entries::Filter::default(), None).await.unwrap().streak;
    let on = |days: i64| Some(today.saturating_sub(days.days()));
    assert_eq!(streak().await.days, 0);

    for days in [4, 3] {
        entries::write_on(core, &ada, t.product, on(days), "Done").await.unwrap();
    }
    assert_eq!(streak().await.days, 2, "Thursday and Friday, and Monday is not over");
    let goal = entries::write_on(core, &ada, t.product, on(6), "[] A goal of Tuesday").await.unwrap()[0];
    assert_eq!(streak().await.days, 2, "a goal is not done");
    entries::complete(core, &ada, t.product, goal).await.unwrap();
    assert_eq!(streak().await.days, 3, "done today, whenever it was meant");
    let change = Change {
        body: "Reopened".into(),
        status: patchbay::db::entity::entry::EntryStatus::Goal,
        day: None,
        over: None,
    };
    entries::edit(core, &ada, t.product, goal, change).await.unwrap();
    assert_eq!(streak().await.days, 2);
    let page = t.ada.get("/log").await.text;
    assert!(page.contains("<strong class=\"number\">2</strong> days"), "{page}");
    t.app.finish().await;
}

on_both_databases!(
    what_i_did_stands_together_and_what_others_did_does_not,
    a_streak_is_of_done_entries_and_goes_over_weekends,
);
