//! Deleting a team: by an admin who means it, at the partners as well, with nothing left but the receipt, whenever it is cut
//! off, and without touching what is another team's.

use std::{collections::BTreeSet, time::Duration};

use integration_contract::{Card, CheckedLink, ErrorKind, ExposeSecret, LinkSettings, PartnerSettings};
use integration_testkit::{FakePartner, Trouble};
use patchbay::{
    core::{
        Error,
        deletions::{TABLES, Whose, team as team_deletions},
        entries, integration_links,
        invitations::{self, NewInvitation},
        live,
        mirrors::{self, End, NewEnd, NewMirror, Options},
        organizations, retention, teams,
        teams::NewTeam,
    },
    db::{
        Backend, DeletionId, MailId, OrganizationId, RecoveryId, TeamId,
        entity::{
            deletion,
            integration_link::{self, LinkState},
            job, mail,
            member::Role,
            mirror, recovery, team, team_deletion, team_member,
        },
    },
    queue::Outcome,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, Statement};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    count,
    deletion::{cut_off_until_done, rows_with},
};
use crate::{
    harness::{Crowd, PASSWORD, TestApp, TestDatabase, TwoOrganizations, between, on_both_databases},
    integrations::{Ground, able, hook_path, join, path_of},
};

/// Machines that other tests share are slow.
const SOON: Duration = Duration::from_secs(10);

/// What a team's row is called by that refers to it, directly or not.
const REFERENCES: [&str; 12] = [
    "team_id",
    "link_id",
    "left_link",
    "right_link",
    "mirror_id",
    "pair_id",
    "backfill_id",
    "message_id",
    "entry_id",
    "item_id",
    "digest_id",
    "about",
];

impl TwoOrganizations {
    fn deletion(&self) -> String {
        format!("/teams/{}/delete", self.product)
    }

    /// Ada deletes Product.
    async fn delete_product(&self) {
        let asked = self.ada.post_form(&self.deletion(), &[("team_name", " Product ")]).await;
        let settings = format!("/organizations/{}/settings#teams", self.acme);
        assert_eq!((asked.status, asked.location()), (303, settings.as_str()), "{}", asked.text);
    }

    async fn board(&self) -> TeamId {
        let ada = self.app.member("ada@example.com", self.acme).await;
        let new = NewTeam { name: "Board".into(), time_zone: "UTC".into() };
        teams::create(&self.app.core, &ada, new).await.unwrap().id
    }

    async fn go_on(&self) -> Outcome {
        team_deletions::go_on(&self.app.core, self.acme, self.product).await.unwrap()
    }

    async fn receipt(&self) -> team_deletion::Model {
        let row = team_deletion::Entity::find().filter(team_deletion::Column::TeamId.eq(self.product));
        row.one(self.app.database.db.reader()).await.unwrap().unwrap()
    }

    async fn settings_page(&self) -> String {
        self.ada.get(&format!("/organizations/{}/settings", self.acme)).await.text
    }

    /// The links' own jobs undo them, without workers.
    async fn undo_links(&self) {
        let db = self.app.database.db.writer_for_tests();
        for link in integration_link::Entity::find().all(db).await.unwrap() {
            integration_links::uninstall(&self.app.core, link.organization_id, link.id).await.unwrap();
        }
        job::Entity::delete_many().filter(job::Column::Kind.ne(team_deletions::DELETE)).exec(db).await.unwrap();
    }
}

fn tables_of(rows: &BTreeSet<String>) -> BTreeSet<&str> {
    rows.iter().filter_map(|row| Some(row.split_once(": ")?.0)).collect()
}

/// The columns of a table: name, type in lower case, whether it has to have a value.
async fn columns_of(test: &TestDatabase, table: &str) -> Vec<(String, String, bool)> {
    let sql = match test.db.backend() {
        Backend::Postgres => format!(
            "SELECT column_name::text, data_type::text, (is_nullable = 'NO')::int FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{table}'"
        ),
        Backend::Sqlite => format!("SELECT name, lower(type), \"notnull\" FROM pragma_table_info('{table}')"),
    };
    let db = test.db.reader();
    let found = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let column = |row: &sea_orm::QueryResult| {
        let must: i32 = row.try_get_by_index(2).unwrap();
        (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap(), must == 1)
    };
    found.iter().map(column).collect()
}

/// A row in each table that a team has rows in, made from the schema alone: so a new table is among them by itself. All of
/// them have the same id, and whatever refers to another refers to that.
async fn a_row_of_everything(test: &TestDatabase, of: OrganizationId, team: TeamId, user: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let uuid = |id: Uuid| match test.db.backend() {
        Backend::Postgres => format!("'{id}'"),
        Backend::Sqlite => format!("X'{}'", id.simple()),
    };
    let bytes = match test.db.backend() {
        Backend::Postgres => format!("'\\x{}'", id.simple()),
        Backend::Sqlite => format!("X'{}'", id.simple()),
    };
    for (table, _, whose) in TABLES.iter().rev().filter(|(_, _, whose)| *whose != Whose::Organization) {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (name, kind, must) in columns_of(test, table).await {
            let refers = REFERENCES.contains(&name.as_str());
            let value = match name.as_str() {
                "organization_id" => uuid(of.0),
                "team_id" => uuid(team.0),
                "user_id" | "created_by" | "invited_by" => uuid(user),
                "state" => "'removed'".to_owned(),
                "live_target" | "receipt" => continue,
                _ if !must && !refers => continue,
                _ if kind.contains("json") => "'{}'".to_owned(),
                _ if kind.contains("uuid") => uuid(id),
                _ if kind.contains("text") => format!("'{id}'"),
                _ if kind.contains("blob") || kind.contains("bytea") || kind.contains("binary") => bytes.clone(),
                _ if kind.contains("bool") => "false".to_owned(),
                _ => "0".to_owned(),
            };
            names.push(name);
            values.push(value);
        }
        let sql = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "));
        let done = test.db.writer_for_tests().execute_unprepared(&sql).await;
        done.unwrap_or_else(|error| panic!("{table}, {whose:?}: {error}\n{sql}"));
    }
    id
}

async fn nothing_of_it_is_left_and_nothing_else_is_touched(test: TestDatabase) {
    let two = TestApp::two_organizations(test.clone()).await;
    let (ada, eve) = (two.app.member("ada@example.com", two.acme).await, two.app.member("eve@example.com", two.umbra));
    let (ada, eve, board) = (ada.user.0, eve.await.user.0, two.board().await);
    // Whom the rows are of is there already.
    team_member::Entity::delete_many().exec(test.db.writer_for_tests()).await.unwrap();
    let of_product = a_row_of_everything(&test, two.acme, two.product, ada).await;
    let of_board = a_row_of_everything(&test, two.acme, board, ada).await;
    let of_lab = a_row_of_everything(&test, two.umbra, two.lab, eve).await;
    let there = rows_with(&test, &[of_product, two.product.0]).await;
    let expected = TABLES.iter().filter(|(_, _, whose)| *whose != Whose::Organization).map(|(table, ..)| *table);
    let expected: BTreeSet<&str> = expected.chain(["teams", "audit_events"]).collect();
    assert!(tables_of(&there).is_superset(&expected), "{there:?}");
    let others = [board.0, of_board, two.lab.0, of_lab];
    let before = rows_with(&test, &others).await;

    two.delete_product().await;
    assert_eq!(two.go_on().await, Outcome::Done);
    let left = rows_with(&test, &[of_product, two.product.0]).await;
    assert_eq!(tables_of(&left), ["audit_events", "jobs", "team_deletions"].into(), "{left:?}");
    assert_eq!(left.iter().filter(|row| row.starts_with("jobs")).count(), 1, "only its own: {left:?}");
    assert_eq!(rows_with(&test, &others).await, before, "another team was touched");
    assert_eq!(two.go_on().await, Outcome::Done, "once more is as good");
    two.app.finish().await;
}

async fn what_may_be_a_teams_says_whose_it_is(test: TestDatabase) {
    for (table, _, whose) in TABLES.iter().filter(|(table, _, whose)| {
        *whose == Whose::Organization && !matches!(*table, "team_deletions" | "teams" | "audit_events")
    }) {
        let columns = columns_of(&test, table).await;
        let refers = columns.iter().find(|(name, ..)| REFERENCES.contains(&name.as_str()));
        assert!(
            refers.is_none(),
            "{table} has {refers:?}: say in core/deletions/tables.rs which rows are a team's, not {whose:?}"
        );
    }
}

/// The job may be cut off between any two statements, and run in two processes at once.
async fn it_may_be_cut_off_anywhere_and_run_twice(test: TestDatabase) {
    let two = TestApp::two_organizations(test.clone()).await;
    let (app, board) = (&two.app, two.board().await);
    let (ada, bob) =
        (app.member("ada@example.com", two.acme).await.user, app.member("bob@example.com", two.acme).await.user);
    let crowd = Crowd {
        core: &app.core,
        organization: two.acme,
        teams: &[two.product, board],
        people: &[ada, bob],
        partner: "nobody",
    };
    let links = crowd.links(12).await;
    let entries = crowd.entries(300, &links).await;
    crowd.messages(100, &links, &entries).await;
    crowd.mirrors(2, &links).await;
    let of_board: Vec<Uuid> = integration_link::Entity::find()
        .filter(integration_link::Column::TeamId.eq(board))
        .all(app.database.db.reader())
        .await
        .unwrap()
        .iter()
        .map(|link| link.id.0)
        .chain([board.0])
        .collect();
    let (others, foreign) = (rows_with(&test, &of_board).await, rows_with(&test, &[two.umbra.0]).await);

    two.delete_product().await;
    assert!(matches!(two.go_on().await, Outcome::Later { .. }), "the links are not undone yet");
    let removing = integration_link::Entity::find().filter(integration_link::Column::State.eq(LinkState::Removing));
    assert_eq!(removing.all(app.database.db.reader()).await.unwrap().len(), links.len() - (of_board.len() - 1));
    two.undo_links().await;
    cut_off_until_done(async || team_deletions::go_on(&app.core, two.acme, two.product).await).await;
    let (one, other) = tokio::join!(two.go_on(), two.go_on());
    assert_eq!((one, other), (Outcome::Done, Outcome::Done));
    let left = rows_with(&test, &[two.product.0]).await;
    assert_eq!(tables_of(&left), ["audit_events", "jobs", "team_deletions"].into(), "{left:?}");
    let mut kept = rows_with(&test, &of_board).await;
    kept.retain(|row| !row.starts_with("jobs"));
    assert_eq!(kept, others.iter().filter(|row| !row.starts_with("jobs")).cloned().collect(), "another team's");
    assert_eq!(rows_with(&test, &[two.umbra.0]).await, foreign);
    let finished = test.rows().await["audit_events"].iter().filter(|row| row.contains("team_deletion_fin")).count();
    assert_eq!(finished, 1, "it is noted once");
    two.app.finish().await;
}

async fn what_was_made_at_partners_is_undone_and_a_receipt_says_so(test: TestDatabase) {
    let desk = FakePartner::with_card(Card { id: "desk", name: "Desk", ..FakePartner::working_card() });
    let fake = FakePartner::with_card(able());
    let ground = Ground::idle_among(test.clone(), fake, PartnerSettings::default(), vec![desk.clone()]).await;
    let (app, two) = (ground.app(), &ground.two);
    app.work();
    let board = two.board().await;
    let foreign = ground.fake.subscribe_somebody_else("workshop");
    join(&two.ada, 7, "ada-there").await;
    join(&two.bob, 8, "bob-there").await;
    let link = ground.link("workshop").await;
    let (team, other) = (two.product.to_string(), board.to_string());
    let own = [("level", "user"), ("team", team.as_str()), ("room", "attic")];
    assert_eq!(two.bob.post_form("/integrations/fake/link", &own).await.status, 303);
    assert_eq!(two.ada.post_form("/integrations/fake/link", &ground.room(&other, "cellar")).await.status, 303);
    let hooks_before = ground.webhooks("acme/widgets").await.len();
    ground.github_link("acme/widgets").await;
    let ada = app.member("ada@example.com", two.acme).await;
    let end = |room: &str| {
        let settings = LinkSettings(serde_json::json!({ "room": room, "tell": "no" }));
        let checked = CheckedLink { settings, target: format!("room:{room}") };
        End::New(Box::new(NewEnd { partner: "desk".into(), account: None, checked }))
    };
    let (left, right) = (end("tickets"), end("questions"));
    let new = NewMirror { team: two.product, left, right, options: Options::default(), since: None, backfill: None };
    mirrors::make(&app.core, &ada, new).await.unwrap();
    assert_eq!(ground.hook(&link, "1", &Ground::telling("1", "Told by a hook")).await.status, 200);
    entries::write(&app.core, &ada, two.product, "Wrote it down #log @bob").await.unwrap();
    ground.settled().await;
    assert_eq!((ground.fake.subscriptions().len(), desk.subscriptions().len()), (4, 2));

    let says = two.ada.get(&format!("/teams/{}/settings", two.product)).await.text;
    let says = between(&says, "id=\"delete\"", "</section>").unwrap();
    assert!(
        says.contains("2 entries, 5 links and 1 mirror")
            && !says.contains("<details class=\"confirm\" name=\"confirm\" open>")
    );
    two.delete_product().await;
    ground.until("it is deleted", async || two.receipt().await.finished_at.is_some()).await;
    ground.settled().await;
    let subscriptions = ground.fake.subscriptions();
    assert_eq!(subscriptions.len(), 2, "somebody else's and the other team's: {subscriptions:?}");
    assert!(subscriptions.contains(&foreign) && desk.subscriptions().is_empty());
    assert_eq!(ground.webhooks("acme/widgets").await.len(), hooks_before);
    assert_eq!(ground.call(&hook_path(&link), &[], b"{}").await.status, 404);
    assert_eq!((ground.links().await.len(), ground.entries().await.len()), (1, 0));
    assert_eq!(count::<mirror::Entity>(app.database.db.reader()).await, 0);

    let page = two.settings_page().await;
    let receipt = between(&page, "Deleted lately", "</section>").unwrap();
    for said in ["Product", "2 entries, 5 links and 1 mirror", "Removed the subscription to workshop", "acme/widgets"] {
        assert!(receipt.contains(said), "{said} is not in {receipt}");
    }
    assert!(!receipt.contains("Left over") && !receipt.contains("Being deleted"), "{receipt}");
    let audit = two.ada.get(&format!("/organizations/{}/audit", two.acme)).await.text;
    for said in
        ["Team deleted", "Deletion of a team finished", "nothing is left over", "Mirror removed", "Link removed"]
    {
        assert!(audit.contains(said), "{said} is not in {audit}");
    }
    let of_bob = two.bob.get(&format!("/organizations/{}/settings", two.acme)).await.text;
    assert!(!of_bob.contains("Deleted lately") && !of_bob.contains("workshop"), "{of_bob}");

    app.clock.advance(team_deletions::RECEIPTS_KEPT - Duration::from_hours(1));
    assert_eq!(retention::forget(&app.core).await.unwrap().receipts, 0);
    app.clock.advance(Duration::from_hours(2));
    assert_eq!(retention::forget(&app.core).await.unwrap().receipts, 1);
    ground.finish().await;
}

async fn it_is_gone_from_sight_at_once(test: TestDatabase) {
    // Nothing works off the queue, so it stays where it begins.
    let desk = FakePartner::with_card(Card { id: "desk", name: "Desk", ..FakePartner::working_card() });
    let ground = Ground::idle_among(test, FakePartner::default(), PartnerSettings::default(), vec![desk]).await;
    let (app, two, product) = (ground.app(), &ground.two, ground.two.product);
    let link = ground.add("workshop").await;
    let (ada, bob) = (app.member("ada@example.com", two.acme).await, app.member("bob@example.com", two.acme).await);
    let entry = entries::write(&app.core, &bob, product, "Wrote it down").await.unwrap()[0];
    let invited = NewInvitation { role: Role::Member, team: Some(product) };
    let token = invitations::invite(&app.core, &ada, invited).await.unwrap();
    let invitation = format!("/invitations/{}", token.expose_secret());
    two.ada.post_form(&format!("/teams/{product}/digest"), &[("hour", "9")]).await;
    let pages = [
        format!("/teams/{product}"),
        format!("/teams/{product}/settings"),
        format!("/teams/{product}/members"),
        format!("/teams/{product}/live"),
        format!("/teams/{product}/export.csv"),
        format!("/teams/{product}/export.json"),
        format!("/teams/{product}/entries/{entry}"),
        format!("/teams/{product}/delete"),
        path_of(&link),
        format!("{}/activity", path_of(&link)),
    ];
    assert_eq!(two.bob.get(&invitation).await.status, 200);
    let mut watching = live::watch_log(&app.core, &bob, product).await.unwrap();
    let now = app.clock.now();
    let mails = ["http://localhost/teams/".to_owned() + &product.to_string(), "About something else".to_owned()];
    for body in mails {
        let row = mail::Model {
            organization_id: two.acme,
            id: MailId::new(),
            user_id: bob.user,
            subject: "Product: 1 entry".into(),
            body,
            created_at: now,
        };
        row.into_active_model().insert(app.database.db.writer_for_tests()).await.unwrap();
    }
    let recovered = recovery::Model {
        organization_id: two.acme,
        id: RecoveryId::new(),
        user_id: bob.user,
        what: "workshop".into(),
        path: path_of(&link),
        since: now,
    };
    recovered.into_active_model().insert(app.database.db.writer_for_tests()).await.unwrap();

    two.delete_product().await;
    for (client, name) in [(&two.ada, "ada"), (&two.bob, "bob")] {
        for page in &pages {
            assert_eq!(client.get(page).await.status, 404, "{page}, {name}");
        }
        for (path, fields) in [
            ("entries", [("body", "More")]),
            ("settings", [("name", "Other")]),
            ("members", [("user", "x")]),
            ("digest", [("hour", "9")]),
            ("leave", [("", "")]),
        ] {
            let answer = client.post_form(&format!("/teams/{product}/{path}"), &fields).await;
            assert_eq!(answer.status, 404, "{path}, {name}");
        }
        assert_eq!(client.get(&invitation).await.status, 404);
        // It was the only team there is: their pages go on working without one, and none leads to it.
        for (page, status) in [
            ("/", 200),
            ("/log", 200),
            ("/settings", 200),
            ("/organizations", 200),
            ("/integrations", 200),
            ("/integrations/fake", 200),
            // Says that a link needs a team.
            ("/integrations/fake/link", 403),
        ] {
            let answer = client.get(page).await;
            assert_eq!(answer.status, status, "{page}, {name}: {}", answer.text);
            assert!(!answer.text.contains(&product.to_string()), "{page}, {name}: {}", answer.text);
        }
    }
    assert!(two.ada.get("/").await.text.contains("href=\"/teams/new\""), "who may make a team is led to it");
    assert!(two.bob.get("/").await.text.contains("Ask an admin of your organization"));
    let settings = two.settings_page().await;
    assert!(settings.contains("Being deleted") && !settings.contains(&product.to_string()), "{settings}");

    // Who had come in before is out as well.
    timeout(SOON, watching.news()).await.expect("open pages look again");
    assert!(matches!(live::newest(&app.core, &bob, product).await, Err(Error::NotFound)));
    assert!(matches!(entries::write(&app.core, &bob, product, "Late").await, Err(Error::NotFound)));
    assert!(matches!(teams::add_member(&app.core, &ada, product, bob.user).await, Err(Error::NotFound)));
    assert_eq!(ground.hook(&link, "1", &Ground::telling("1", "Late")).await.status, 410);
    let waiting = mail::Entity::find().all(app.database.db.reader()).await.unwrap();
    assert_eq!(waiting.iter().map(|mail| mail.body.as_str()).collect::<Vec<_>>(), ["About something else"]);
    assert_eq!(count::<recovery::Entity>(app.database.db.reader()).await, 0);
    ground.finish().await;
}

async fn a_partner_who_is_away_is_waited_for(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let (app, two) = (ground.app(), &ground.two);
    let link = ground.add("workshop").await;
    integration_links::install(&app.core, two.acme, link.id).await.unwrap();
    two.delete_product().await;
    ground.fake.trouble_destroying(Trouble::Fails(ErrorKind::Unavailable));
    assert!(integration_links::uninstall(&app.core, two.acme, link.id).await.is_err());
    for _ in 0..2 {
        assert!(matches!(two.go_on().await, Outcome::Later { .. }));
    }
    assert_eq!(ground.find(link.id).await.state, LinkState::Removing, "what has to be undone is still known");
    assert_eq!(two.ada.get(&format!("/teams/{}", two.product)).await.status, 404);
    assert!(two.settings_page().await.contains("A partner who is away is waited for"));

    // It is gone there, and the job that says so is not over.
    integration_links::uninstall(&app.core, two.acme, link.id).await.unwrap();
    assert!(ground.fake.subscriptions().is_empty());
    assert!(matches!(two.go_on().await, Outcome::Later { .. }), "an installation may go with it");
    two.undo_links().await;
    assert_eq!(two.go_on().await, Outcome::Done);
    assert!(two.settings_page().await.contains("Removed the subscription to workshop"));
    ground.finish().await;
}

async fn what_a_partner_does_not_let_go_stands_on_the_receipt(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let two = &ground.two;
    ground.link("workshop").await;
    ground.fake.trouble_destroying(Trouble::Fails(ErrorKind::Forbidden));
    two.delete_product().await;
    ground.until("it is deleted", async || two.receipt().await.finished_at.is_some()).await;
    let page = two.settings_page().await;
    assert!(between(&page, "Deleted lately", "</section>").unwrap().contains("Left over: the subscription"), "{page}");
    let audit = two.ada.get(&format!("/organizations/{}/audit", two.acme)).await.text;
    assert!(audit.contains("1 thing is left over at a partner"), "{audit}");
    assert!(ground.links().await.is_empty());
    ground.finish().await;
}

async fn only_an_admin_who_means_it_can(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let (app, path, product) = (&two.app, two.deletion(), two.product);
    let before = app.database.rows().await;
    let sure = [("team_name", "Product")];
    let page = two.bob.get(&format!("/teams/{product}/settings")).await.text;
    assert!(!page.contains("Delete the team") && two.settings_page().await.contains("Product"));
    assert_eq!(two.bob.post_form(&path, &sure).await.status, 403);
    assert_eq!(two.eve.post_form(&path, &sure).await.status, 404);
    assert_eq!(app.visitor().post_form(&path, &sure).await.status, 303);
    for wrong in ["", "product", "Acme", "<script>", "Product 2"] {
        let answer = two.ada.post_form(&path, &[("team_name", wrong)]).await;
        assert_eq!(answer.status, 422, "{wrong:?}");
        let section = between(&answer.text, "id=\"delete\"", "</section>").unwrap();
        assert!(section.contains("id=\"team_name-error\"") && section.contains("name=\"confirm\" open"), "{section}");
        assert!(
            !answer.text.contains("<script>")
                && (wrong == "<script>" || section.contains(&format!("value=\"{wrong}\"")))
        );
    }
    assert_eq!(app.database.rows().await, before, "something was changed");
    let ada = app.member("ada@example.com", two.acme).await;
    let bob = app.member("bob@example.com", two.acme).await;
    organizations::change_role(&app.core, &ada, bob.user, Role::Admin).await.unwrap();
    let admin = app.member("bob@example.com", two.acme).await;
    organizations::change_role(&app.core, &ada, bob.user, Role::Member).await.unwrap();
    let demoted = team_deletions::begin(&app.core, &admin, product, "Product").await;
    assert!(matches!(demoted, Err(Error::Forbidden(_))), "{demoted:?}");

    organizations::change_role(&app.core, &ada, bob.user, Role::Admin).await.unwrap();
    assert_eq!(two.bob.post_form(&path, &sure).await.status, 303, "an admin may");
    app.clock.advance(Duration::from_mins(1));
    let twice = two.ada.post_form(&path, &sure).await;
    assert_eq!((twice.status, twice.location()), (303, format!("/organizations/{}/settings#teams", two.acme).as_str()));
    assert!(two.settings_page().await.contains("Product was deleted already."));
    assert_eq!(two.eve.post_form(&path, &sure).await.status, 404, "it is nothing to others");
    assert_eq!(two.go_on().await, Outcome::Done);
    assert_eq!(two.ada.post_form(&path, &sure).await.status, 303, "nor is it a mistake afterwards");
    two.app.finish().await;
}

async fn of_two_who_ask_at_once_one_deletes_it(test: TestDatabase) {
    let two = TestApp::two_organizations(test).await;
    let (core, ada) = (&two.app.core, two.app.member("ada@example.com", two.acme).await);
    let begin = || team_deletions::begin(core, &ada, two.product, "Product");
    let (one, other) = tokio::join!(begin(), begin());
    assert!(
        matches!((&one, &other), (Ok(()), Err(Error::NotFound)) | (Err(Error::NotFound), Ok(()))),
        "{one:?} {other:?}"
    );
    assert_eq!(count::<team_deletion::Entity>(two.app.database.db.reader()).await, 1);
    assert_eq!(count::<job::Entity>(two.app.database.db.reader()).await, 1);

    // A job that was given up is followed by another, until there is nothing left to do.
    team_deletions::gave_up(core, two.acme, two.product).await.unwrap();
    assert_eq!(count::<job::Entity>(two.app.database.db.reader()).await, 2);
    assert_eq!(two.go_on().await, Outcome::Done);
    team_deletions::gave_up(core, two.acme, two.product).await.unwrap();
    assert_eq!(count::<job::Entity>(two.app.database.db.reader()).await, 2);
    two.app.finish().await;
}

async fn a_link_that_was_being_made_is_undone_as_well(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let (app, two) = (ground.app(), &ground.two);
    let link = ground.add("workshop").await;
    integration_links::install(&app.core, two.acme, link.id).await.unwrap();
    let made = ground.find(link.id).await;
    two.delete_product().await;
    // As if its commit came after that of the deletion.
    let late = made.into_active_model().reset_all();
    late.update(app.database.db.writer_for_tests()).await.unwrap();
    assert!(matches!(two.go_on().await, Outcome::Later { .. }));
    assert_eq!(ground.find(link.id).await.state, LinkState::Removing);
    two.undo_links().await;
    assert_eq!(two.go_on().await, Outcome::Done);
    assert!(ground.fake.subscriptions().is_empty() && ground.links().await.is_empty());
    assert!(two.settings_page().await.contains("Removed the subscription to workshop"));
    ground.finish().await;
}

async fn the_organizations_deletion_takes_it_along(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let (app, two) = (ground.app(), &ground.two);
    ground.add("workshop").await;
    two.delete_product().await;
    let sure = [("name", "Acme"), ("password", PASSWORD)];
    let asked = two.ada.post_form(&format!("/organizations/{}/delete", two.acme), &sure).await;
    assert_eq!(asked.status, 303);
    assert_eq!(two.go_on().await, Outcome::Done);
    assert_eq!(ground.links().await.len(), 1, "its receipt needs the link");
    assert_eq!(count::<team::Entity>(app.database.db.reader()).await, 2, "and has the rest");
    app.work();
    let id: DeletionId = asked.location().rsplit_once('/').unwrap().1.parse().unwrap();
    ground
        .until("it is deleted", async || {
            let row = deletion::Entity::find_by_id(id).one(app.database.db.reader());
            row.await.unwrap().unwrap().finished_at.is_some()
        })
        .await;
    assert_eq!(two.go_on().await, Outcome::Done);
    assert_eq!(count::<team_deletion::Entity>(app.database.db.reader()).await, 0);
    ground.finish().await;
}

on_both_databases!(
    nothing_of_it_is_left_and_nothing_else_is_touched,
    what_may_be_a_teams_says_whose_it_is,
    it_may_be_cut_off_anywhere_and_run_twice,
    what_was_made_at_partners_is_undone_and_a_receipt_says_so,
    it_is_gone_from_sight_at_once,
    a_partner_who_is_away_is_waited_for,
    what_a_partner_does_not_let_go_stands_on_the_receipt,
    only_an_admin_who_means_it_can,
    of_two_who_ask_at_once_one_deletes_it,
    a_link_that_was_being_made_is_undone_as_well,
    the_organizations_deletion_takes_it_along,
);
