//! What is over its time is forgotten, of every tenant, and nothing else is.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use patchbay::{
    core::{
        Core,
        inbox::{Arrival, NewMessage, Received},
        invitations::{self, NewInvitation},
        password_links,
        retention::{self, Forgotten, KEPT},
    },
    db::{
        Db, OrganizationId, TeamId,
        entity::{inbox_mark, inbox_message, invitation, job, member::Role, oauth_state, session},
    },
    jobs::upkeep::{Rhythm, keep_up},
};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    harness::{TestApp, TestDatabase, TwoOrganizations, on_both_databases},
    inbox::link_of,
};

const AN_HOUR: Duration = Duration::from_hours(1);
const A_DAY: Duration = Duration::from_hours(24);

async fn what_is_over_its_time_goes_and_the_rest_stays(test: TestDatabase) {
    let world = TestApp::two_organizations(test).await;
    let db = world.app.database.db.clone();
    leave_something(&world, "old").await;
    password_links::make(&db, world.app.clock.now(), "bob@example.com").await.unwrap();
    world.app.clock.advance(KEPT - AN_HOUR);
    age_dead_letters(&db, KEPT - AN_HOUR).await;
    leave_something(&world, "young").await;
    password_links::make(&db, world.app.clock.now(), "ada@example.com").await.unwrap();
    let all = counts(&db).await;

    // Of what was left at first, only that had its time which is short-lived. Two invitations made the members.
    let short_lived = Forgotten { sessions: 3, consents: 2, invitations: 3, password_links: 1, ..Forgotten::default() };
    assert_eq!(retention::forget(&world.app.core).await.unwrap(), short_lived);
    assert_eq!(counts(&db).await, [all[0] - 3, all[1] - 2, all[2] - 3, all[3], all[4], all[5]]);

    world.app.clock.advance(2 * AN_HOUR);
    age_dead_letters(&db, 2 * AN_HOUR).await;
    let long_lived =
        Forgotten { consents: 2, password_links: 1, dead_letters: 2, messages: 2, marks: 4, ..Forgotten::default() };
    assert_eq!(retention::forget(&world.app.core).await.unwrap(), long_lived);

    // One of each of two tenants, and the session of each of those who logged in since.
    assert_eq!(counts(&db).await, [2, 0, 2, 2, 2, 4]);
    assert_eq!(retention::forget(&world.app.core).await.unwrap(), Forgotten::default());
    world.app.finish().await;
}

async fn a_repeated_hook_is_known_for_thirty_days(test: TestDatabase) {
    let world = TestApp::two_organizations(test).await;
    let core = &world.app.core;
    let hook = hook(core, world.acme, world.product, "d1").await;
    assert_eq!(core.inbox().receive(hook.clone()).await.unwrap(), Received::New);
    read_all(&core.db).await;

    for _ in 0..30 {
        retention::forget(core).await.unwrap();
        assert_eq!(core.inbox().receive(hook.clone()).await.unwrap(), Received::Repeated);
        world.app.clock.advance(A_DAY);
    }

    world.app.clock.advance(AN_HOUR);
    let forgotten = retention::forget(core).await.unwrap();
    assert_eq!((forgotten.messages, forgotten.marks), (1, 2));
    assert_eq!(core.inbox().receive(hook).await.unwrap(), Received::New);
    world.app.finish().await;
}

async fn several_processes_forget_together_what_needs_many_commits(test: TestDatabase) {
    let world = TestApp::two_organizations(test).await;
    let core = &world.app.core;
    let link = link_of(core, world.acme, world.product).await;
    let many = 10_000;
    let marks = (0..many).map(|number: u32| inbox_mark::Model {
        organization_id: world.acme,
        link_id: link,
        mark: number.to_be_bytes().to_vec(),
        seen_at: core.clock.now(),
    });
    for some in marks.collect::<Vec<_>>().chunks(1000) {
        let rows = some.iter().cloned().map(inbox_mark::ActiveModel::from);
        let write = async |tx: &_| inbox_mark::Entity::insert_many(rows).exec_without_returning(tx).await;
        core.db.write(write).await.unwrap();
    }
    world.app.clock.advance(KEPT + AN_HOUR);

    let (one, other) = tokio::join!(retention::forget(core), retention::forget(core));

    assert_eq!(one.unwrap().marks + other.unwrap().marks, u64::from(many));
    assert_eq!(inbox_mark::Entity::find().count(core.db.reader()).await.unwrap(), 0);
    world.app.finish().await;
}

async fn the_upkeep_comes_again_and_again(test: TestDatabase) {
    let world = TestApp::two_organizations(test).await;
    let db = world.app.database.db.clone();
    let rhythm = Rhythm { first: Duration::ZERO, every: Duration::from_millis(20) };
    let upkeep = AbortOnDropHandle::new(tokio::spawn(keep_up(world.app.core.clone(), rhythm)));

    for _ in 0..2 {
        assert_ne!(session::Entity::find().count(db.reader()).await.unwrap(), 0);
        world.app.clock.advance(2 * A_DAY);
        tokio::time::timeout(Duration::from_secs(20), async {
            while session::Entity::find().count(db.reader()).await.unwrap() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .unwrap();
        world.app.log_in("ada@example.com").await;
    }

    assert!(!upkeep.is_finished());
    world.app.finish().await;
}

/// Of each kind one row for each of the two tenants, and a session of ada and of eve.
async fn leave_something(world: &TwoOrganizations, name: &str) {
    let core = &world.app.core;
    for (email, organization, team) in
        [("ada@example.com", world.acme, world.product), ("eve@example.com", world.umbra, world.lab)]
    {
        let who = world.app.member(email, organization).await;
        if name != "old" {
            world.app.log_in(email).await;
        }
        invitations::invite(core, &who, NewInvitation { role: Role::Member, team: None }).await.unwrap();
        let consent = oauth_state::Model {
            state_hash: format!("{name} {organization}").into_bytes(),
            organization_id: organization,
            user_id: who.user,
            session_hash: vec![1],
            partner: "acme".into(),
            verifier: None,
            site: None,
            claim_hash: None,
            return_to: None,
            mends: None,
            take_over: None,
            expires_at: core.clock.now() + 600_000,
        };
        let consent = oauth_state::ActiveModel::from(consent);
        let write = async |tx: &_| oauth_state::Entity::insert(consent).exec_without_returning(tx).await;
        core.db.write(write).await.unwrap();
        core.inbox().receive(hook(core, organization, team, name).await).await.unwrap();
    }
    read_all(&core.db).await;
}

async fn hook(core: &Core, organization: OrganizationId, team: TeamId, delivery: &str) -> NewMessage {
    NewMessage {
        organization,
        link: link_of(core, organization, team).await,
        partner: "acme".into(),
        event: "opened".into(),
        delivery: delivery.into(),
        lane: String::new(),
        headers: BTreeMap::new(),
        body: Bytes::copy_from_slice(delivery.as_bytes()),
        state: Arrival::Received,
    }
}

/// As if the waiting messages had been read without success, and their jobs given up just now.
async fn read_all(db: &Db) {
    sql(db, "UPDATE inbox_messages SET state = 'failed' WHERE state = 'received'").await;
    let now = "(SELECT max(created_at) FROM jobs)";
    sql(db, &format!("UPDATE jobs SET state = 'dead', died_at = {now} WHERE state <> 'dead'")).await;
}

/// Dead letters go by the database's clock, which no test can move.
async fn age_dead_letters(db: &Db, by: Duration) {
    sql(db, &format!("UPDATE jobs SET died_at = died_at - {}", by.as_millis())).await;
}

async fn sql(db: &Db, statement: &str) {
    db.writer_for_tests().execute_unprepared(statement).await.unwrap();
}

/// Sessions, consents, invitations, dead letters, messages, marks.
async fn counts(db: &Db) -> [u64; 6] {
    let db = db.reader();
    [
        session::Entity::find().count(db).await.unwrap(),
        oauth_state::Entity::find().count(db).await.unwrap(),
        invitation::Entity::find().count(db).await.unwrap(),
        job::Entity::find().count(db).await.unwrap(),
        inbox_message::Entity::find().count(db).await.unwrap(),
        inbox_mark::Entity::find().count(db).await.unwrap(),
    ]
}

on_both_databases!(
    what_is_over_its_time_goes_and_the_rest_stays,
    a_repeated_hook_is_known_for_thirty_days,
    several_processes_forget_together_what_needs_many_commits,
    the_upkeep_comes_again_and_again,
);
