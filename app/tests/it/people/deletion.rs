//! Deleting an organization: by its owner alone, at the partners as well, with nothing left but the receipt, whenever it
//! is cut off.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use integration_contract::{ErrorKind, PartnerSettings, SecretString};
use integration_testkit::{FakePartner, Trouble};
use patchbay::{
    core::{
        Result,
        deletions::{self, RECEIPTS_KEPT, TABLES},
        entries, invitations,
        invitations::NewInvitation,
        organizations, retention, teams,
        teams::NewTeam,
        users,
    },
    db::{
        Backend, DeletionId, OrganizationId,
        entity::{deletion, deletion::Stage, job, member::Role, organization, user},
    },
    queue::Outcome,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    harness::{FakeMailServer, PASSWORD, TestApp, TestDatabase, TwoOrganizations, between, on_both_databases},
    integrations::{Ground, able, hook_path, join},
    outbox::World,
};

const SURE: [(&str, &str); 2] = [("name", "Acme"), ("password", PASSWORD)];

/// Every row anywhere that names the organization, whatever the column; of the receipt only the deletion itself is left.
async fn rows_of(test: &TestDatabase, of: OrganizationId) -> BTreeSet<String> {
    let mut rows = rows_with(test, &[of.0]).await;
    rows.retain(|row| !row.starts_with("deletions: "));
    rows
}

/// Every row anywhere that names one of these, each with its table's name.
pub async fn rows_with(test: &TestDatabase, ids: &[Uuid]) -> BTreeSet<String> {
    let marks: Vec<String> =
        ids.iter().flat_map(|id| [id.to_string(), id.simple().to_string().to_uppercase()]).collect();
    let rows = test.rows().await.into_iter();
    rows.flat_map(|(table, rows)| rows.into_iter().map(move |row| format!("{table}: {row}")))
        .filter(|row| marks.iter().any(|mark| row.contains(mark)))
        .collect()
}

/// Runs it again and again, with a little more time each, until it is done.
pub async fn cut_off_until_done(run: impl AsyncFn() -> Result<Outcome>) {
    let mut cut_off = 0;
    for patience in 1_u64.. {
        match timeout(Duration::from_micros(300 * patience), run()).await {
            Ok(done) => {
                assert_eq!(done.unwrap(), Outcome::Done);
                break;
            }
            Err(_) => cut_off += 1,
        }
    }
    assert!(cut_off > 2, "it was cut off only {cut_off} times");
}

async fn deletion_of(app: &TestApp, of: OrganizationId) -> deletion::Model {
    let rows = deletion::Entity::find().filter(deletion::Column::DeletedId.eq(of));
    rows.one(app.database.db.reader()).await.unwrap().unwrap()
}

/// Something of everything that people and partners leave in an organization.
async fn live_in(ground: &Ground) {
    let (app, two) = (ground.app(), &ground.two);
    for (email, organization, team) in
        [("ada@example.com", two.acme, two.product), ("eve@example.com", two.umbra, two.lab)]
    {
        let who = app.member(email, organization).await;
        entries::write(&app.core, &who, team, "Wrote it down #log @bob\n[] And this").await.unwrap();
        invitations::invite(&app.core, &who, NewInvitation { role: Role::Member, team: Some(team) }).await.unwrap();
        teams::create(&app.core, &who, NewTeam { name: "Board".into(), time_zone: "UTC".into() }).await.unwrap();
    }
    two.ada.post_form("/auth/fake", &[]).await;
    two.ada.post_form(&format!("/teams/{}/digest", two.product), &[("hour", "9")]).await;
}

async fn everything_goes_here_and_at_the_partners_and_a_receipt_is_left(test: TestDatabase) {
    let fake = FakePartner::with_card(able());
    let ground = Ground::idle_with(test.clone(), fake, PartnerSettings::default()).await;
    let (app, two) = (ground.app(), &ground.two);
    app.work();
    live_in(&ground).await;
    let foreign = ground.fake.subscribe_somebody_else("workshop");
    join(&two.ada, 7, "ada-there").await;
    join(&two.eve, 8, "eve-there").await;
    let team = two.lab.to_string();
    let answer = two.eve.post_form("/integrations/fake/link", &ground.room(&team, "attic")).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let link = ground.link("workshop").await;
    let repository = ground.github_link("acme/widgets").await;
    let hooks_before = ground.webhooks("acme/widgets").await.len();
    assert_eq!(ground.hook(&link, "1", &Ground::telling("1", "Told by a hook")).await.status, 200);
    ground.settled().await;
    let others = rows_of(&test, two.umbra).await;
    assert!(rows_of(&test, two.acme).await.len() > 20 && others.len() > 5);

    let asked = two.ada.post_form(&format!("/organizations/{}/delete", two.acme), &SURE).await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    let path = asked.location().to_owned();
    assert!(path.starts_with("/receipts/"));
    ground.until("it is deleted", async || deletion_of(app, two.acme).await.stage == Stage::Done).await;
    ground.until("no job is left", async || rows_of(&test, two.acme).await.is_empty()).await;

    assert_eq!(rows_of(&test, two.umbra).await, others, "another tenant was touched");
    let left: Vec<_> = ground.fake.subscriptions();
    assert_eq!(left.len(), 2, "ours is gone, eve's and somebody else's stay: {left:?}");
    assert!(left.contains(&foreign));
    assert_eq!(ground.webhooks("acme/widgets").await.len(), hooks_before - 1);
    assert_eq!(ground.call(&hook_path(&link), &[], b"{}").await.status, 404);
    assert_eq!(ground.call(&hook_path(&repository), &[], b"{}").await.status, 404);

    // The receipt says so, to ada alone.
    let page = two.ada.get(&path).await;
    assert_eq!(page.status, 200);
    for said in ["Everything of it is deleted", "acme/widgets", "workshop", "<dt>Entries</dt><dd>3</dd>"] {
        assert!(page.text.contains(said), "{said} is not in {}", page.text);
    }
    assert!(!page.text.contains("Left over"), "{}", page.text);
    for other in [&two.eve, &two.bob] {
        assert_eq!(other.get(&path).await.status, 404);
    }
    assert_eq!(app.visitor().get(&path).await.status, 303);
    assert!(two.ada.get("/organizations").await.text.contains(&path));

    // Its people are still people.
    assert_eq!(two.bob.get("/settings").await.status, 200);
    let fields = [("organization", "Acme again"), ("name", "Product"), ("time_zone", "UTC")];
    assert_eq!(two.ada.post_form("/organizations/new", &fields).await.status, 303);

    app.clock.advance(RECEIPTS_KEPT + Duration::from_hours(1));
    assert_eq!(retention::forget(&app.core).await.unwrap().receipts, 1);
    let again = app.log_in("ada@example.com").await;
    assert_eq!(again.get(&path).await.status, 404);
    ground.finish().await;
}

async fn only_its_owner_who_means_it_can(test: TestDatabase) {
    let TwoOrganizations { app, ada, bob, acme, .. } = TestApp::two_organizations(test).await;
    let path = format!("/organizations/{acme}/delete");
    let bobs = app.member("bob@example.com", acme).await.user;
    let role = format!("/organizations/{acme}/members/{bobs}/role");
    assert_eq!(ada.post_form(&role, &[("role", "admin")]).await.status, 303);
    assert_eq!(bob.post_form(&path, &SURE).await.status, 403);
    for (name, password, wrong) in [
        ("Acme", "not this one", "password"),
        ("Acme", "", "password"),
        ("acme", PASSWORD, "name"),
        ("", PASSWORD, "name"),
        ("Umbra", PASSWORD, "name"),
        ("<script>", PASSWORD, "name"),
    ] {
        let answer = ada.post_form(&path, &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status, 422, "{name:?} {password:?}");
        assert!(answer.text.contains(&format!("id=\"{wrong}-error\"")), "{name:?} {password:?}");
        assert!(!answer.text.contains("<script>"));
    }
    assert!(organizations_of(&app).await.iter().all(|one| one.deletion_id.is_none()));
    // Who guesses is slowed down, as at the log-in.
    let mut refused = 0;
    for _ in 0..10 {
        let answer = ada.post_form(&path, &[("name", "Acme"), ("password", "a guess")]).await;
        refused += u32::from(answer.status == 429);
    }
    assert!(refused > 0);
    app.finish().await;
}

async fn organizations_of(app: &TestApp) -> Vec<organization::Model> {
    organization::Entity::find().all(app.database.db.reader()).await.unwrap()
}

async fn while_it_lasts_nobody_sees_or_changes_anything(test: TestDatabase) {
    // Nothing works off the queue, so it stays where it begins.
    let ground = Ground::idle(test).await;
    let (app, two) = (ground.app(), &ground.two);
    let link = ground.add("workshop").await;
    let entry = entries::write(&app.core, &app.member("ada@example.com", two.acme).await, two.product, "Wrote").await;
    let entry = entry.unwrap()[0];
    let who = app.member("ada@example.com", two.acme).await;
    let path = format!("/organizations/{}/delete", two.acme);
    let asked = two.ada.post_form(&path, &SURE).await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    assert_eq!(two.ada.post_form(&path, &SURE).await.status, 409, "twice");
    assert_eq!(deletion::Entity::find().all(app.database.db.reader()).await.unwrap().len(), 1);

    for client in [&two.ada, &two.bob] {
        for page in [
            format!("/organizations/{}/settings", two.acme),
            format!("/organizations/{}/audit", two.acme),
            format!("/teams/{}", two.product),
            format!("/teams/{}/settings", two.product),
            format!("/teams/{}/export.csv", two.product),
            format!("/teams/{}/entries/{entry}", two.product),
            format!("/integrations/fake/link/{}", link.id),
        ] {
            let answer = client.get(&page).await;
            assert_eq!(answer.status, 409, "{page}");
            assert!(answer.text.contains("Acme is being deleted"), "{page}");
        }
        let posted = client.post_form(&format!("/teams/{}/entries", two.product), &[("body", "More")]).await;
        assert_eq!(posted.status, 409);
        let list = client.get("/organizations").await.text;
        assert!(list.contains("Being deleted") && !list.contains(&format!("/organizations/{}/settings", two.acme)));
        assert_eq!(client.get("/settings").await.status, 200);
    }
    // A request that was let in a moment before is too late as well.
    assert!(organizations::rename(&app.core, &who, "Other").await.is_err());
    assert!(entries::write(&app.core, &who, two.product, "Late").await.is_err());
    let receipt = two.ada.get(asked.location()).await.text;
    assert!(receipt.contains("Leaving the partners") && receipt.contains("Look again"));

    // The links go first: from then on their hooks are answered as those of any link that was removed.
    let deletion = deletion_of(app, two.acme).await;
    let first = deletions::go_on(&app.core, two.acme, deletion.id).await.unwrap();
    assert!(matches!(first, Outcome::Later { .. }), "{first:?}");
    assert_eq!(ground.hook(&link, "1", &Ground::telling("1", "Late")).await.status, 410);
    ground.finish().await;
}

async fn what_a_partner_does_not_let_go_stands_on_the_receipt(test: TestDatabase) {
    let ground = Ground::working(test.clone()).await;
    let (app, two) = (ground.app(), &ground.two);
    ground.link("workshop").await;
    ground.fake.trouble_destroying(Trouble::Fails(ErrorKind::Forbidden));
    let asked = two.ada.post_form(&format!("/organizations/{}/delete", two.acme), &SURE).await;
    ground.until("it is deleted", async || deletion_of(app, two.acme).await.stage == Stage::Done).await;
    let page = two.ada.get(asked.location()).await.text;
    let undone = between(&page, "id=\"partners\"", "</section>").unwrap();
    assert!(undone.contains("Left over") && undone.contains("workshop"), "{undone}");
    ground.until("no row is left", async || rows_of(&test, two.acme).await.is_empty()).await;
    ground.finish().await;
}

/// The job may be cut off between any two statements, and run in two processes at once.
async fn it_may_be_cut_off_anywhere_and_run_twice(test: TestDatabase) {
    let ground = Ground::idle(test.clone()).await;
    let (app, two) = (ground.app(), &ground.two);
    live_in(&ground).await;
    let asked = two.ada.post_form(&format!("/organizations/{}/delete", two.acme), &SURE).await;
    assert_eq!(asked.status, 303);
    let id: DeletionId = asked.location().rsplit_once('/').unwrap().1.parse().unwrap();
    let others = rows_of(&test, two.umbra).await;

    cut_off_until_done(async || deletions::go_on(&app.core, two.acme, id).await).await;
    let (one, other) =
        tokio::join!(deletions::go_on(&app.core, two.acme, id), deletions::go_on(&app.core, two.acme, id));
    assert_eq!((one.unwrap(), other.unwrap()), (Outcome::Done, Outcome::Done));

    let left = rows_of(&test, two.acme).await;
    assert!(left.iter().all(|row| row.starts_with("jobs: ")) && left.len() == 1, "only its own job: {left:?}");
    assert_eq!(rows_of(&test, two.umbra).await, others);
    let receipt = two.ada.get(asked.location()).await.text;
    assert!(receipt.contains("<dt>Entries</dt><dd>2</dd>"), "{receipt}");
    ground.finish().await;
}

async fn a_job_that_was_given_up_is_followed_by_another(test: TestDatabase) {
    let TwoOrganizations { app, ada, acme, .. } = TestApp::two_organizations(test).await;
    let asked = ada.post_form(&format!("/organizations/{acme}/delete"), &SURE).await;
    let id: DeletionId = asked.location().rsplit_once('/').unwrap().1.parse().unwrap();
    deletions::gave_up(&app.core, acme, id).await.unwrap();
    let jobs = job::Entity::find().filter(job::Column::Kind.eq(deletions::DELETE));
    assert_eq!(jobs.all(app.database.db.reader()).await.unwrap().len(), 2);
    app.finish().await;
}

async fn the_receipt_is_mailed(test: TestDatabase) {
    let server = FakeMailServer::open().await;
    let fake = FakePartner::with_card(FakePartner::able_card());
    let world = World::with_mailer(test, 1_795_348_800_000, fake, PartnerSettings::default(), server.mailer()).await;
    let ada = user::Entity::find_by_id(world.ada.user).one(world.core.db.reader()).await.unwrap().unwrap();
    let here = IpAddr::from([127, 0, 0, 1]);
    let password = SecretString::from("correct horse battery");
    let name = users::person(&world.core, ada.id).await.unwrap().memberships.remove(0).organization.name;
    let id = deletions::begin(&world.core, &world.ada, &ada, here, &name, &password).await.unwrap();
    server.answers("450 later");
    let waits = deletions::go_on(&world.core, world.ada.organization, id).await.unwrap();
    assert!(matches!(waits, Outcome::Again { .. }), "{waits:?}");
    server.answers("250 yes");
    for _ in 0..2 {
        let done = deletions::go_on(&world.core, world.ada.organization, id).await.unwrap();
        assert_eq!(done, Outcome::Done);
    }
    let mails = server.taken();
    assert_eq!(mails.len(), 1, "once");
    // Quoted-printable breaks long lines.
    let mail = mails[0].replace("=\n", "");
    assert!(mail.contains("was deleted") && mail.contains(&format!("receipts/{id}")), "{mail}");
    world.finish().await;
}

async fn every_table_of_a_tenant_is_in_the_list(test: TestDatabase) {
    let db = test.db.reader();
    let sql = match test.db.backend() {
        Backend::Postgres => {
            "SELECT table_name::text FROM information_schema.columns
             WHERE table_schema = 'public' AND column_name = 'organization_id'"
        }
        Backend::Sqlite => {
            "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
             WHERE m.type = 'table' AND c.name = 'organization_id'"
        }
    };
    let found = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let there: BTreeSet<String> = found.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let listed: BTreeSet<String> =
        TABLES.iter().map(|(table, ..)| (*table).to_owned()).chain(["jobs".into()]).collect();
    assert_eq!(there, listed, "say in core/deletions/tables.rs when the rows of a new table go");
}

on_both_databases!(
    everything_goes_here_and_at_the_partners_and_a_receipt_is_left,
    only_its_owner_who_means_it_can,
    while_it_lasts_nobody_sees_or_changes_anything,
    what_a_partner_does_not_let_go_stands_on_the_receipt,
    it_may_be_cut_off_anywhere_and_run_twice,
    a_job_that_was_given_up_is_followed_by_another,
    the_receipt_is_mailed,
    every_table_of_a_tenant_is_in_the_list,
);
