//! How long an organization keeps things: chosen by its owner, told beforehand, and kept to for each tenant by itself.

use std::time::Duration;

use patchbay::{
    core::{
        entries,
        retention::{self, Keeping},
    },
    db::{
        OrganizationId,
        entity::{Tenant, entry, entry_mention, entry_tag, inbox_mark, inbox_message, outbox_message},
    },
};
use sea_orm::{ConnectionTrait, PaginatorTrait};

use crate::{
    harness::{Crowd, TestApp, TestDatabase, TwoOrganizations, between, on_both_databases},
    integrations::Ground,
};

const A_DAY: Duration = Duration::from_hours(24);

async fn counts(app: &TestApp, of: OrganizationId) -> [u64; 4] {
    let db = app.database.db.reader();
    [
        entry::Entity::of(of).count(db).await.unwrap(),
        entry_tag::Entity::of(of).count(db).await.unwrap() + entry_mention::Entity::of(of).count(db).await.unwrap(),
        inbox_message::Entity::of(of).count(db).await.unwrap(),
        outbox_message::Entity::of(of).count(db).await.unwrap(),
    ]
}

async fn an_owner_chooses_and_is_told_what_goes(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let (app, two) = (ground.app(), &ground.two);
    let link = ground.link("workshop").await;
    assert_eq!(ground.hook(&link, "1", &Ground::telling("1", "Told by a hook")).await.status, 200);
    ground.settled().await;
    let path = format!("/organizations/{}/retention", two.acme);
    let page = two.ada.get(&path).await.text;
    assert!(page.contains("<option value=\"30\" selected>for 30 days</option>"), "{page}");
    assert!(page.contains("<option value=\"forever\" selected>for ever</option>"));

    app.clock.advance(A_DAY * 10);
    // A session does not last that long.
    let (ada, bobs) = (app.log_in("ada@example.com").await, app.log_in("bob@example.com").await);
    let seven = [("messages", "7"), ("entries", "forever")];
    let asks = ada.post_form(&path, &seven).await;
    assert_eq!(asks.status, 200, "nothing is saved before it is meant");
    let goes = between(&asks.text, "id=\"meant\"", "</section>").unwrap();
    assert!(goes.contains("<dt>Hooks</dt><dd>1</dd>") && !goes.contains("Entries"), "{goes}");
    assert_eq!(retention::forget(&app.core).await.unwrap().messages, 0);

    let meant = [seven[0], seven[1], ("meant", "yes")];
    assert_eq!(ada.post_form(&path, &meant).await.status, 303);
    assert_eq!(ada.post_form(&path, &meant).await.status, 303, "twice");
    assert_eq!(retention::forget(&app.core).await.unwrap().messages, 1);
    // The mark stays, whatever is chosen: a hook that is delivered again is still known.
    assert_eq!(inbox_mark::Entity::of(two.acme).count(app.database.db.reader()).await.unwrap(), 2);
    assert_eq!(ground.hook(&link, "1", &Ground::telling("1", "Told by a hook")).await.status, 200);
    assert_eq!(counts(app, two.acme).await[2], 0);

    for odd in [
        [("messages", "0"), ("entries", "forever")],
        [("messages", "8"), ("entries", "forever")],
        [("messages", "-7"), ("entries", "forever")],
        [("messages", "99999999999999999999"), ("entries", "forever")],
        [("messages", "30"), ("entries", "1")],
        [("messages", ""), ("entries", "")],
    ] {
        let [messages, kept] = odd;
        let answer = ada.post_form(&path, &[messages, kept, ("meant", "yes")]).await;
        assert_eq!(answer.status, 422, "{odd:?}");
        assert!(answer.text.contains("id=\"messages-error\""));
    }
    // An admin is no owner.
    let bob = app.member("bob@example.com", two.acme).await.user;
    let role = format!("/organizations/{}/members/{bob}/role", two.acme);
    assert_eq!(ada.post_form(&role, &[("role", "admin")]).await.status, 303);
    assert_eq!(bobs.get(&path).await.status, 403);
    assert_eq!(bobs.post_form(&path, &meant).await.status, 403);
    ground.finish().await;
}

async fn each_tenant_is_kept_to_its_own_time(test: TestDatabase) {
    let TwoOrganizations { app, acme, product, umbra, lab, .. } = TestApp::two_organizations(test).await;
    let ada = app.member("ada@example.com", acme).await;
    let eve = app.member("eve@example.com", umbra).await;
    retention::choose(&app.core, &ada, Keeping { messages: 90, entries: Some(365) }).await.unwrap();
    let mut goal = None;
    for (who, team) in [(&ada, product), (&eve, lab)] {
        let text = "Done and over #old @bob\n[] Still to be done #old\n[] Done when it was old";
        goal = entries::write(&app.core, who, team, text).await.unwrap().pop().filter(|_| team == product).or(goal);
    }
    app.clock.advance(A_DAY * 364);
    assert_eq!(retention::forget(&app.core).await.unwrap().entries, 0);
    entries::write(&app.core, &ada, product, "Done lately").await.unwrap();
    app.clock.advance(A_DAY * 2);

    entries::complete(&app.core, &ada, product, goal.unwrap()).await.unwrap();

    let told = retention::would_go(&app.core, &ada, Keeping { messages: 90, entries: Some(365) }).await.unwrap();
    assert_eq!(told.entries, 1, "nobody is warned of what stays");
    assert_eq!(retention::forget(&app.core).await.unwrap().entries, 1);
    // What was done long ago is gone with its tag and its mention; one goal is still open, one has got done just now.
    assert_eq!(counts(&app, acme).await[..2], [3, 1]);
    assert_eq!(counts(&app, umbra).await[..2], [3, 2]);
    assert_eq!(retention::forget(&app.core).await.unwrap().entries, 0);
    app.clock.advance(A_DAY * 365);
    app.clock.advance(A_DAY);
    assert_eq!(retention::forget(&app.core).await.unwrap().entries, 2, "a year after they were changed");
    app.finish().await;
}

/// Whose rows are over their time is asked of an index for each tenant, and so are the rows.
async fn nothing_is_read_as_a_whole(test: TestDatabase) {
    let TwoOrganizations { app, acme, product, .. } = TestApp::two_organizations(test).await;
    let ada = app.member("ada@example.com", acme).await.user;
    let crowd = Crowd { core: &app.core, organization: acme, teams: &[product], people: &[ada], partner: "acme" };
    crowd.entries(1000, &[]).await;
    let db = app.database.db.writer_for_tests();
    let backend = db.get_database_backend();
    if backend == sea_orm::DbBackend::Postgres {
        // With so few rows a planner reads a table as a whole unless it is told not to.
        db.execute_unprepared("SET enable_seqscan = off").await.unwrap();
        // Which of the indexes of entries is best it knows from what stands in them.
        db.execute_unprepared("ANALYZE entries").await.unwrap();
    }
    let explain = if backend == sea_orm::DbBackend::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let id = match backend {
        sea_orm::DbBackend::Sqlite => format!("X'{}'", acme.0.simple()),
        _ => format!("'{acme}'"),
    };
    for (table, time) in [
        ("inbox_messages", "received_at"),
        ("outbox_messages", "finished_at"),
        ("mirror_changes", "finished_at"),
        ("entries", "created_at"),
    ] {
        let sql = format!("{explain} SELECT 1 FROM {table} WHERE organization_id = {id} AND {time} < 5 LIMIT 1");
        let plan = db.query_all_raw(sea_orm::Statement::from_string(backend, sql)).await.unwrap();
        let lines: Vec<String> = plan
            .iter()
            .map(|row| row.try_get("", "detail").or_else(|_| row.try_get("", "QUERY PLAN")).unwrap())
            .collect();
        let index = format!("idx_{table}_organization_id_{time}");
        assert!(lines.iter().any(|line| line.contains(&index)), "{table}: {lines:?}");
    }
    app.finish().await;
}

on_both_databases!(
    an_owner_chooses_and_is_told_what_goes,
    each_tenant_is_kept_to_its_own_time,
    nothing_is_read_as_a_whole,
);
