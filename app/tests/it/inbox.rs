//! The inbox: a hook that was answered is kept with all that belongs to it, once.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use patchbay::{
    clock::Clock,
    core::{
        Core, Error, Site, Tools,
        inbox::{self, Arrival, Inbox, NewMessage, READ_MESSAGE, Received},
        partners::Partners,
        sealing::Vault,
    },
    db::{
        Backend, LinkId, MessageId, OrganizationId, TeamId,
        entity::{
            inbox_mark,
            inbox_message::{self, MessageState},
            integration_link::{self, LinkLevel, LinkState},
            job::{self, JobState},
            organization, team,
        },
    },
    queue::Queue,
};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder};
use serde_json::json;

use crate::harness::{TestDatabase, on_both_databases};

/// An inbox and a link.
struct World {
    core: Core,
    inbox: Inbox,
    organization: OrganizationId,
    link: LinkId,
    _test: TestDatabase,
}

impl World {
    async fn new(test: TestDatabase) -> Self {
        let (vault, _) = Vault::open_or_create(&test.folder.path().join("key")).unwrap();
        let queue = Queue::new(test.db.clone());
        let clock = Clock::by_hand(1_795_000_000_000);
        let inbox = Inbox::new(test.db.clone(), queue.clone(), clock.clone());
        let site = Site { name: "Patchbay".into(), public_url: "http://localhost/".parse().unwrap() };
        // Keeping hooks calls nobody.
        let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let partners = Partners::new([]).unwrap();
        let core = Core::new(Tools { db: test.db.clone(), clock, vault, queue, partners, site });
        let (organization, link) = link(&core).await;
        Self { core, inbox, organization, link, _test: test }
    }

    fn message(&self, delivery: &str, body: &str) -> NewMessage {
        NewMessage {
            organization: self.organization,
            link: self.link,
            partner: "github".into(),
            event: "issues.opened".into(),
            delivery: delivery.into(),
            lane: "issue:1".into(),
            headers: BTreeMap::from([("x-github-event".into(), vec!["issues".into()])]),
            body: Bytes::copy_from_slice(body.as_bytes()),
            state: Arrival::Received,
        }
    }

    async fn receive(&self, delivery: &str, body: &str) -> Received {
        self.inbox.receive(self.message(delivery, body)).await.unwrap()
    }

    async fn messages(&self) -> Vec<inbox_message::Model> {
        let messages = inbox_message::Entity::find().order_by_asc(inbox_message::Column::Id);
        messages.all(self.core.db.reader()).await.unwrap()
    }

    async fn jobs(&self) -> Vec<job::Model> {
        job::Entity::find().order_by_asc(job::Column::Id).all(self.core.db.reader()).await.unwrap()
    }

    async fn marks(&self) -> usize {
        inbox_mark::Entity::find().all(self.core.db.reader()).await.unwrap().len()
    }

    async fn finish(&self, id: MessageId, state: MessageState, reason: Option<&str>) {
        let now = self.core.clock.now();
        let write = async |tx: &_| inbox::finish(tx, now, self.organization, id, state, reason.map(Into::into)).await;
        self.core.db.write(write).await.unwrap();
    }

    /// Nobody can write marks until the answer is dropped.
    async fn hold_the_marks(&self) -> sea_orm::DatabaseTransaction {
        let tx = self.core.db.begin().await.unwrap();
        if self.core.db.backend() == Backend::Postgres {
            tx.execute_unprepared("LOCK TABLE inbox_marks IN ACCESS EXCLUSIVE MODE").await.unwrap();
        }
        tx
    }

    async fn sql(&self, statement: &str) {
        self.core.db.writer_for_tests().execute_unprepared(statement).await.unwrap();
    }
}

/// A link of a new organization.
async fn link(core: &Core) -> (OrganizationId, LinkId) {
    let (organization, team) = (OrganizationId::new(), TeamId::new());
    let rows = async |tx: &sea_orm::DatabaseTransaction| {
        let acme = organization::Model { id: organization, name: "Acme".into(), created_at: 0 };
        organization::Entity::insert(acme.into_active_model()).exec_without_returning(tx).await?;
        let product = team::ActiveModel {
            organization_id: Set(organization),
            id: Set(team),
            name: Set("Product".into()),
            time_zone: Set("UTC".into()),
            created_at: Set(0),
        };
        team::Entity::insert(product).exec_without_returning(tx).await
    };
    core.db.write(rows).await.unwrap();
    (organization, link_of(core, organization, team).await)
}

/// A link of a team.
pub async fn link_of(core: &Core, organization: OrganizationId, team: TeamId) -> LinkId {
    let link = LinkId::new();
    let row = async |tx: &sea_orm::DatabaseTransaction| {
        let pipe = integration_link::ActiveModel {
            organization_id: Set(organization),
            id: Set(link),
            partner: Set("github".into()),
            level: Set(LinkLevel::Team),
            team_id: Set(team),
            target: Set("1".into()),
            settings: Set(json!({})),
            name: Set("acme/widgets".into()),
            state: Set(LinkState::Active),
            state_since: Set(0),
            hook_key: Set(link.to_string()),
            created_at: Set(0),
            updated_at: Set(0),
            ..Default::default()
        };
        integration_link::Entity::insert(pipe).exec_without_returning(tx).await
    };
    core.db.write(row).await.unwrap();
    link
}

async fn a_new_hook_is_kept_whole_with_marks_and_job(test: TestDatabase) {
    let world = World::new(test).await;

    assert_eq!(world.receive("d1", "{}").await, Received::New);

    let kept = world.messages().await.remove(0);
    assert_eq!((kept.organization_id, kept.link_id), (world.organization, world.link));
    assert_eq!(
        (kept.event.as_str(), kept.delivery.as_str(), kept.body.as_slice()),
        ("issues.opened", "d1", &b"{}"[..])
    );
    assert_eq!(kept.headers, json!({ "x-github-event": ["issues"] }));
    assert_eq!(kept.digest, digest(&SHA256, b"{}").as_ref());
    assert_eq!(
        (kept.state, kept.received_at, kept.finished_at),
        (MessageState::Received, world.core.clock.now(), None)
    );
    assert_eq!(world.marks().await, 2);
    let job = world.jobs().await.remove(0);
    assert_eq!(
        (job.kind.as_str(), job.payload, job.state),
        (READ_MESSAGE, json!({ "message": kept.id }), JobState::Ready)
    );
    assert_eq!(job.lane, Some(format!("link:{}:issue:1", world.link)));
    assert_eq!(inbox::load(&world.core, world.organization, kept.id).await.unwrap(), kept);
}

async fn a_repeated_delivery_is_known_by_its_name_and_by_its_body(test: TestDatabase) {
    let world = World::new(test).await;
    assert_eq!(world.receive("d1", "one").await, Received::New);

    assert_eq!(world.receive("d1", "one").await, Received::Repeated);
    assert_eq!(world.receive("d1", "other").await, Received::Repeated);
    assert_eq!(world.receive("d2", "one").await, Received::Repeated);
    // The name of a repeat is a name that was seen.
    assert_eq!(world.receive("d2", "a third").await, Received::Repeated);

    let other_event = NewMessage { event: "issues.closed".into(), ..world.message("d3", "one") };
    assert_eq!(world.inbox.receive(other_event).await.unwrap(), Received::New);
    let (organization, link) = link(&world.core).await;
    let other_link = NewMessage { organization, link, ..world.message("d1", "one") };
    assert_eq!(world.inbox.receive(other_link).await.unwrap(), Received::New);
    assert_eq!((world.messages().await.len(), world.jobs().await.len()), (3, 3));
}

async fn deliveries_without_a_name_are_told_apart_by_their_bodies(test: TestDatabase) {
    let world = World::new(test).await;
    assert_eq!(world.receive("", "one").await, Received::New);
    assert_eq!(world.receive("", "two").await, Received::New);
    assert_eq!(world.receive("", "one").await, Received::Repeated);
}

async fn two_hundred_deliveries_twenty_times_each_from_eight_callers_are_two_hundred_messages(test: TestDatabase) {
    let world = Arc::new(World::new(test).await);
    let callers = (0..8).map(|caller| {
        let world = world.clone();
        tokio::spawn(async move {
            let mut new = 0;
            for copy in 0..20 {
                // Every caller brings every copy it is responsible for, each round from another place.
                let mine = (0..200).filter(|id| (id + copy) % 8 == caller).map(|id| (id + 40 * copy) % 200);
                let receiving = mine.map(|id| world.receive_owned(id));
                let received = futures::future::join_all(receiving).await;
                new += received.iter().filter(|received| **received == Received::New).count();
            }
            new
        })
    });
    let new: usize = futures::future::join_all(callers).await.into_iter().map(Result::unwrap).sum();

    assert_eq!(new, 200);
    let (messages, jobs) = (world.messages().await, world.jobs().await);
    assert_eq!((messages.len(), jobs.len(), world.marks().await), (200, 200, 400));
    let names: HashSet<_> = messages.iter().map(|message| message.delivery.clone()).collect();
    assert_eq!(names.len(), 200);
}

impl World {
    async fn receive_owned(&self, id: usize) -> Received {
        self.receive(&format!("delivery {id}"), &format!("body {id}")).await
    }
}

async fn of_those_alike_in_one_commit_the_first_is_new(test: TestDatabase) {
    let world = World::new(test).await;
    let held = world.hold_the_marks().await;
    // The first fills the writer's hands; the others wait, and are committed together.
    let calls = [("x", "x"), ("a", "1"), ("a", "2"), ("b", "1"), ("b", "3"), ("c", "4"), ("c", "4")];
    let receiving = calls.map(|(delivery, body)| world.receive(delivery, body));
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.rollback().await.unwrap();
    };
    let (received, ()) = futures::join!(futures::future::join_all(receiving), release);

    use Received::{New, Repeated};
    assert_eq!(received, [New, New, Repeated, Repeated, Repeated, New, Repeated]);
    let kept: Vec<_> = world.messages().await.into_iter().map(|message| message.delivery).collect();
    assert_eq!(kept, ["x", "a", "c"]);
    assert_eq!(world.jobs().await.len(), 3);
}

async fn one_message_that_cant_be_kept_does_not_harm_those_beside_it(test: TestDatabase) {
    let world = World::new(test).await;
    let held = world.hold_the_marks().await;
    let gone = NewMessage { link: LinkId::new(), ..world.message("gone", "gone") };
    let mut calls = vec![world.message("x", "x"), world.message("a", "a"), gone];
    calls.extend((0..20).map(|number| world.message(&number.to_string(), &number.to_string())));
    let receiving = calls.into_iter().map(|message| world.inbox.receive(message));
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.rollback().await.unwrap();
    };
    let (received, ()) = futures::join!(futures::future::join_all(receiving), release);

    for (place, received) in received.into_iter().enumerate() {
        match place {
            2 => assert!(matches!(received, Err(Error::NotFound)), "{received:?}"),
            _ => assert_eq!(received.unwrap(), Received::New),
        }
    }
    assert_eq!((world.messages().await.len(), world.jobs().await.len()), (22, 22));
}

async fn a_caller_that_hangs_up_leaves_nothing_half_done(test: TestDatabase) {
    let world = Arc::new(World::new(test).await);
    let callers = (0..300_u64).map(|number| {
        let world = world.clone();
        let message = world.message(&number.to_string(), &number.to_string());
        tokio::spawn(async move {
            let patience = Duration::from_micros(number * 97 % 4000);
            tokio::time::timeout(patience, world.inbox.receive(message)).await
        })
    });
    let outcomes = futures::future::join_all(callers).await;
    let answered = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Ok(Ok(Received::New))))).count();
    // A last one: what stands before it is committed when it is answered.
    world.receive("last", "last").await;

    let (messages, jobs) = (world.messages().await, world.jobs().await);
    assert!(messages.len() > answered, "{} of {answered}", messages.len());
    assert_eq!(world.marks().await, 2 * messages.len());
    let of_jobs: HashSet<_> = jobs.iter().map(|job| job.payload["message"].as_str().unwrap().to_owned()).collect();
    let of_messages: HashSet<_> = messages.iter().map(|message| message.id.to_string()).collect();
    assert_eq!(of_jobs, of_messages);
    // Those who asked again are told the truth.
    let mut new = 0;
    for number in 0..300 {
        let received = world.receive(&number.to_string(), &number.to_string()).await;
        new += usize::from(received == Received::New);
    }
    assert_eq!(messages.len() + new, 301);
}

async fn a_database_that_does_not_answer_is_told_within_the_deadline(test: TestDatabase) {
    let world = World::new(test).await;
    let held = world.hold_the_marks().await;
    let begun = Instant::now();

    let refused = world.inbox.receive(world.message("d1", "{}")).await;

    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    held.rollback().await.unwrap();
    // Whether the first call was kept after all does not matter: there is one message.
    world.receive("d1", "{}").await;
    assert_eq!((world.messages().await.len(), world.jobs().await.len()), (1, 1));
}

async fn without_its_job_a_message_is_not_kept_and_not_marked(test: TestDatabase) {
    let world = World::new(test).await;
    world.sql("ALTER TABLE jobs RENAME TO jobs_elsewhere").await;

    let refused = world.inbox.receive(world.message("d1", "{}")).await;

    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    assert_eq!((world.messages().await.len(), world.marks().await), (0, 0));
    world.sql("ALTER TABLE jobs_elsewhere RENAME TO jobs").await;
    assert_eq!(world.receive("d1", "{}").await, Received::New);
}

async fn an_ignored_hook_is_kept_with_its_reason_and_without_a_job(test: TestDatabase) {
    let world = World::new(test).await;
    let state = Arrival::Ignored { reason: "The link is paused.".into() };
    let message = NewMessage { state, ..world.message("d1", "{}") };

    assert_eq!(world.inbox.receive(message.clone()).await.unwrap(), Received::New);
    assert_eq!(world.inbox.receive(message).await.unwrap(), Received::Repeated);

    let kept = world.messages().await.remove(0);
    assert_eq!((kept.state, kept.reason.as_deref()), (MessageState::Ignored, Some("The link is paused.")));
    assert!(kept.finished_at.is_some());
    assert!(world.jobs().await.is_empty());
}

async fn of_rejected_hooks_the_beginning_of_the_last_hundred_is_kept(test: TestDatabase) {
    let world = World::new(test).await;
    let rejected = |number: usize| {
        let state = Arrival::Rejected { reason: "Its body is not JSON.".into() };
        NewMessage { state, ..world.message("same", &format!("{number:03}{}", "x".repeat(5000))) }
    };
    for ten in 0..12 {
        let receiving = (0..10).map(|number| world.inbox.receive(rejected(10 * ten + number)));
        for received in futures::future::join_all(receiving).await {
            assert_eq!(received.unwrap(), Received::New);
        }
    }

    let kept = world.messages().await;
    assert_eq!(kept.len(), 100);
    assert!(kept[0].body.starts_with(b"020") && kept[99].body.starts_with(b"119"));
    assert_eq!(kept[0].body.len(), 1024);
    assert_eq!(kept[99].digest, digest(&SHA256, &rejected(119).body).as_ref());
    assert_eq!((world.marks().await, world.jobs().await.len()), (0, 0));
    assert_eq!(world.receive("same", "{}").await, Received::New);
}

async fn names_of_any_kind_are_made_fit_to_store(test: TestDatabase) {
    let world = World::new(test).await;
    let long = "\0ä".repeat(5000);
    let message = NewMessage {
        event: long.clone(),
        delivery: long.clone(),
        lane: long.clone(),
        headers: BTreeMap::from([("x".into(), vec!["a\0b".into()])]),
        state: Arrival::Received,
        ..world.message("", "\0")
    };
    assert_eq!(world.inbox.receive(message).await.unwrap(), Received::New);

    let kept = world.messages().await.remove(0);
    assert_eq!(kept.event, "\u{fffd}ä".repeat(100));
    assert_eq!(kept.headers, json!({ "x": ["a\u{fffd}b"] }));
    assert_eq!(kept.body, b"\0");
    // Names that differ only beyond what is kept are different names.
    let longer = NewMessage { delivery: format!("{long}!"), ..world.message("", "another") };
    assert_eq!(world.inbox.receive(longer).await.unwrap(), Received::New);
}

async fn what_became_of_a_message_stands_on_the_links_page(test: TestDatabase) {
    let world = World::new(test).await;
    for number in 0..5 {
        world.receive(&number.to_string(), &number.to_string()).await;
    }
    let ids: Vec<_> = world.messages().await.iter().map(|message| message.id).collect();
    world.finish(ids[4], MessageState::Ignored, Some("Nobody wants stars.\0")).await;

    let (core, organization, link) = (&world.core, world.organization, world.link);
    let page = inbox::list(core, organization, link, None, 2).await.unwrap();
    assert_eq!(page.iter().map(|line| line.id).collect::<Vec<_>>(), [ids[4], ids[3]]);
    assert_eq!(
        (page[0].state, page[0].reason.as_deref()),
        (MessageState::Ignored, Some("Nobody wants stars.\u{fffd}"))
    );
    assert_eq!(page[0].finished_at, Some(core.clock.now()));
    let rest = inbox::list(core, organization, link, Some(ids[3]), 10).await.unwrap();
    assert_eq!(rest.iter().map(|line| line.id).collect::<Vec<_>>(), [ids[2], ids[1], ids[0]]);
    assert!(inbox::list(core, OrganizationId::new(), link, None, 10).await.unwrap().is_empty());
    assert!(matches!(inbox::load(core, OrganizationId::new(), ids[0]).await, Err(Error::NotFound)));
}

async fn a_failed_or_ignored_message_can_be_read_again(test: TestDatabase) {
    let world = World::new(test).await;
    let (core, organization, link) = (&world.core, world.organization, world.link);
    world.receive("d1", "{}").await;
    let id = world.messages().await[0].id;
    assert!(matches!(inbox::replay(core, organization, link, id).await, Err(Error::Conflict(_))));

    world.finish(id, MessageState::Failed, Some("too odd")).await;
    world.sql("UPDATE jobs SET state = 'dead'").await;
    assert!(matches!(inbox::replay(core, OrganizationId::new(), link, id).await, Err(Error::NotFound)));
    assert!(matches!(inbox::replay(core, organization, LinkId::new(), id).await, Err(Error::NotFound)));
    inbox::replay(core, organization, link, id).await.unwrap();

    let again = world.messages().await.remove(0);
    assert_eq!((again.state, again.reason, again.finished_at), (MessageState::Received, None, None));
    let jobs = world.jobs().await;
    assert_eq!((jobs.len(), jobs[0].state, &jobs[0].payload), (1, JobState::Ready, &json!({ "message": id })));
    assert_eq!(jobs[0].lane, Some(format!("link:{}:issue:1", world.link)));
    assert!(matches!(inbox::replay(core, organization, link, id).await, Err(Error::Conflict(_))));
}

async fn marks_and_finished_messages_are_forgotten_after_a_while(test: TestDatabase) {
    let world = World::new(test).await;
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    for number in 0..5 {
        world.receive(&number.to_string(), &number.to_string()).await;
    }
    let messages = world.messages().await;
    for message in &messages[1..] {
        world.finish(message.id, MessageState::Done, None).await;
    }
    world.core.clock.advance(days(20));
    world.receive("young", "young").await;
    assert_eq!(world.receive("0", "0").await, Received::Repeated);
    let forget = async || {
        let messages = inbox::forget_messages(&world.core, days(30)).await.unwrap();
        (messages, inbox::forget_marks(&world.core, days(30)).await.unwrap())
    };
    assert_eq!(forget().await, (0, 0));
    world.core.clock.advance(days(11));

    assert_eq!(forget().await, (4, 10));

    let left: Vec<_> = world.messages().await.into_iter().map(|message| message.delivery).collect();
    assert_eq!(left, ["0", "young"], "one that was not read yet is not forgotten");
    assert_eq!(world.marks().await, 2);
    assert_eq!(world.receive("1", "1").await, Received::New);
}

async fn a_flood_is_kept_and_its_jobs_stand_in_the_order_of_arrival(test: TestDatabase) {
    let world = World::new(test).await;
    for number in 0..50 {
        let receiving = ["a", "b"].map(|lane| {
            let message = world.message(&format!("{lane}{number}"), &format!("{lane}{number:02}"));
            world.inbox.receive(NewMessage { lane: lane.into(), ..message })
        });
        for received in futures::future::join_all(receiving).await {
            received.unwrap();
        }
    }
    let bodies: Vec<_> = world.messages().await.into_iter().map(|message| (message.id, message.body)).collect();
    for lane in ["a", "b"] {
        let name = format!("link:{}:{lane}", world.link);
        let jobs: Vec<_> = world.jobs().await.into_iter().filter(|job| job.lane.as_deref() == Some(&name)).collect();
        let order: Vec<_> = jobs
            .iter()
            .map(|job| {
                let id = job.payload["message"].as_str().unwrap();
                bodies.iter().find(|(of, _)| of.to_string() == id).unwrap().1.clone()
            })
            .collect();
        assert!(order.is_sorted() && order.len() == 50);
        assert_eq!(jobs[0].state, JobState::Ready);
        assert!(jobs[1..].iter().all(|job| job.state == JobState::Blocked));
    }
}

on_both_databases!(
    a_new_hook_is_kept_whole_with_marks_and_job,
    a_repeated_delivery_is_known_by_its_name_and_by_its_body,
    deliveries_without_a_name_are_told_apart_by_their_bodies,
    two_hundred_deliveries_twenty_times_each_from_eight_callers_are_two_hundred_messages,
    of_those_alike_in_one_commit_the_first_is_new,
    one_message_that_cant_be_kept_does_not_harm_those_beside_it,
    a_caller_that_hangs_up_leaves_nothing_half_done,
    a_database_that_does_not_answer_is_told_within_the_deadline,
    without_its_job_a_message_is_not_kept_and_not_marked,
    an_ignored_hook_is_kept_with_its_reason_and_without_a_job,
    of_rejected_hooks_the_beginning_of_the_last_hundred_is_kept,
    names_of_any_kind_are_made_fit_to_store,
    what_became_of_a_message_stands_on_the_links_page,
    a_failed_or_ignored_message_can_be_read_again,
    marks_and_finished_messages_are_forgotten_after_a_while,
    a_flood_is_kept_and_its_jobs_stand_in_the_order_of_arrival,
);
