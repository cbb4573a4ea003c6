//! The outbox: what is written in the log reaches every link that wants it, once, in order, as it is then; and nothing
//! reaches a link that was removed.

mod answers;
mod calls;
mod digests;
mod gone;
mod items;
pub mod page;
mod removal;
mod telling;
mod troubles;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use integration_contract::{
    Author, CheckedLink, Credentials, LinkSettings, NewEntry, PartnerSettings, SecretString, Status,
};
use integration_testkit::FakePartner;
use patchbay::{
    clock::Clock,
    core::{
        Core, Site, Tools,
        entries::{self, Change, Recorded},
        inbox::{Arrival, NewMessage},
        integration_links::{self, Created, NewLink},
        invitations::{self, NewInvitation},
        mail::Mailer,
        organizations, outbox,
        partners::Partners,
        people::Member,
        sealing::{Place, Vault},
        teams::NewTeam,
        traces, users,
    },
    db::{
        EntryId, IntegrationUserId, LinkId, TeamId, UserId,
        entity::{
            Tenant,
            entry::EntryStatus,
            inbox_message,
            integration_link::{self, LinkLevel},
            integration_user::{self, AccountState},
            item,
            job::{self, JobState},
            member::Role,
            outbox_message::{self, OutboxKind, OutboxState},
        },
    },
    jobs::Jobs,
    queue::{Job, Outcome, Queue, Work, WorkerOptions, Workers, claim, lease},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::TestDatabase;

/// Ada, an owner, and her team Product, with a partner that does as it is told.
pub struct World {
    pub core: Core,
    pub fake: FakePartner,
    pub ada: Member,
    pub bob: Member,
    pub team: TeamId,
    jobs: Arc<Jobs>,
    workers: Mutex<Option<Workers>>,
    pub test: TestDatabase,
}

impl World {
    pub async fn new(test: TestDatabase) -> Self {
        Self::at(test, now()).await
    }

    /// Beginning at a moment (unix milliseconds), at which the clock stands until it is moved.
    pub async fn at(test: TestDatabase, moment: i64) -> Self {
        Self::with(test, moment, listening(), PartnerSettings::default()).await
    }

    pub async fn with(test: TestDatabase, moment: i64, fake: FakePartner, settings: PartnerSettings) -> Self {
        Self::with_mailer(test, moment, fake, settings, Mailer::Log).await
    }

    pub async fn with_mailer(
        test: TestDatabase,
        moment: i64,
        fake: FakePartner,
        settings: PartnerSettings,
        mailer: Mailer,
    ) -> Self {
        let _chosen_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tools = Tools {
            db: test.db.clone(),
            clock: Clock::by_hand(moment),
            vault: Vault::from_text(&SecretString::from(format!("v1:{}", "5a".repeat(32)))).unwrap(),
            queue: Queue::new(test.db.clone()),
            partners: Partners::new([(Arc::new(fake.clone()) as Arc<_>, settings)]).unwrap(),
            site: Site { name: "Patchbay".into(), public_url: "http://localhost:3000".parse().unwrap() },
        };
        let core = Core::with_mailer(tools, mailer);
        let (ada, team) = founder(&core, "ada", "Ada").await;
        let bob = sign_up(&core, "bob", "Bob").await;
        let token = invitations::invite(&core, &ada, NewInvitation { team: Some(team), role: Role::Member });
        invitations::accept(&core, bob, &token.await.unwrap()).await.unwrap();
        let bob = Member { organization: ada.organization, user: bob, role: Role::Member };
        let jobs = Arc::new(Jobs::new(core.clone()));
        Self { core, fake, ada, bob, team, jobs, workers: Mutex::default(), test }
    }

    /// A working link of the team that tells this room of entries.
    pub async fn link(&self, room: &str, tell: &str) -> LinkId {
        self.link_of(&self.ada, self.team, LinkLevel::Team, room, tell).await
    }

    pub async fn link_of(&self, who: &Member, team: TeamId, level: LinkLevel, room: &str, tell: &str) -> LinkId {
        self.link_as(None, who, team, level, room, tell).await
    }

    pub async fn link_as(
        &self,
        account: Option<IntegrationUserId>,
        who: &Member,
        team: TeamId,
        level: LinkLevel,
        room: &str,
        tell: &str,
    ) -> LinkId {
        let settings = LinkSettings(json!({ "room": room, "tell": tell }));
        let checked = CheckedLink { settings, target: format!("room:{room}") };
        let partner = self.core.partners.get("fake").unwrap();
        let new = NewLink { level, team, account, checked };
        let Created::New(link) = integration_links::create(&self.core, who, partner, new).await.unwrap() else {
            panic!("the link was there before");
        };
        integration_links::install(&self.core, who.organization, link.id).await.unwrap();
        // Its inspections go by our clock, which in these tests is not the queue's.
        self.sql("DELETE FROM jobs WHERE kind = 'inspect_link'").await;
        link.id
    }

    /// An account at the partner of this user, or without one an installation, that was connected just now.
    pub async fn account(&self, user: Option<UserId>, id: &str, expires_at: Option<i64>) -> IntegrationUserId {
        let (account, organization, now) = (IntegrationUserId::new(), self.ada.organization, self.core.clock.now());
        let credentials = Credentials {
            access_token: "fake-token".into(),
            refresh_token: None,
            expires_at,
            scopes: Vec::new(),
            site: None,
        };
        let place = Place::credentials(organization, account);
        let row = integration_user::Model {
            organization_id: organization,
            id: account,
            user_id: user,
            partner: "fake".into(),
            account_id: id.into(),
            account_name: format!("{id}-there"),
            account_url: None,
            site: None,
            scopes: json!([]),
            credentials: Some(self.core.vault.seal(place, &credentials.to_sealable())),
            expires_at,
            refreshing_until: None,
            refused_since: None,
            refusals: 0,
            state: AccountState::Connected,
            reason: None,
            broken_since: None,
            connected_at: now,
            created_at: now,
            updated_at: now,
        };
        let row = integration_user::ActiveModel::from(row);
        let write = async |tx: &_| integration_user::Entity::insert(row).exec_without_returning(tx).await;
        self.core.db.write(write).await.unwrap();
        account
    }

    pub async fn account_row(&self, id: IntegrationUserId) -> integration_user::Model {
        let of_id = integration_user::Entity::of(self.ada.organization).filter(integration_user::Column::Id.eq(id));
        of_id.one(self.core.db.reader()).await.unwrap().unwrap()
    }

    /// A genuine hook of a link arrives; it was not read yet.
    pub async fn hook(&self, link: LinkId, mut body: Value) {
        // One that reads like another is known by its marks else.
        body["nonce"] = json!(Uuid::new_v4());
        let message = NewMessage {
            organization: self.ada.organization,
            link,
            partner: "fake".into(),
            event: body["do"].as_str().unwrap().into(),
            delivery: Uuid::new_v4().to_string(),
            lane: String::new(),
            headers: BTreeMap::new(),
            body: body.to_string().into(),
            state: Arrival::Received,
        };
        self.core.inbox().receive(message).await.unwrap();
    }

    /// What became of the hooks, oldest first: done, or why not.
    pub async fn heard_of(&self) -> Vec<String> {
        let all = inbox_message::Entity::of(self.ada.organization).order_by_asc(inbox_message::Column::Id);
        let all = all.all(self.core.db.reader()).await.unwrap();
        all.into_iter().map(|message| message.reason.unwrap_or_else(|| format!("{:?}", message.state))).collect()
    }

    pub async fn items(&self) -> Vec<item::Model> {
        let all = item::Entity::of(self.ada.organization).order_by_asc(item::Column::Id);
        all.all(self.core.db.reader()).await.unwrap()
    }

    pub async fn link_row(&self, id: LinkId) -> integration_link::Model {
        integration_links::load(&self.core, self.ada.organization, id).await.unwrap().unwrap()
    }

    pub async fn remove(&self, id: LinkId) {
        integration_links::remove(&self.core, &self.ada, &self.link_row(id).await).await.unwrap();
    }

    pub async fn write(&self, text: &str) -> Vec<EntryId> {
        entries::write(&self.core, &self.ada, self.team, text).await.unwrap()
    }

    pub async fn edit(&self, id: EntryId, body: &str, status: EntryStatus) {
        let change = Change { body: body.into(), status, day: None, over: None };
        entries::edit(&self.core, &self.ada, self.team, id, change).await.unwrap();
    }

    pub async fn archive(&self, id: EntryId) {
        entries::archive(&self.core, &self.ada, self.team, id).await.unwrap();
    }

    /// What a hook of a link tells.
    pub async fn hooked(&self, link: LinkId, external_id: &str, text: &str) {
        let entry = NewEntry {
            external_id: external_id.into(),
            text: text.into(),
            status: Status::Done,
            url: Some("https://fake.example/1".into()),
            source: "workshop".into(),
            author: Author { id: None, name: "Somebody".into(), url: None, avatar: None },
            happened_at: None,
            item: None,
        };
        let occurred_on = "2026-11-22".parse().unwrap();
        let recorded = Recorded { user: None, link, partner: "fake".into(), told: entry, occurred_on };
        let (core, organization, team) = (&self.core, self.ada.organization, self.team);
        assert!(core.db.write(async |tx| entries::record(core, tx, organization, team, recorded).await).await.unwrap());
    }

    /// All messages, oldest first.
    pub async fn messages(&self) -> Vec<outbox_message::Model> {
        let all = outbox_message::Entity::of(self.ada.organization).order_by_asc(outbox_message::Column::Id);
        all.all(self.core.db.reader()).await.unwrap()
    }

    /// What a link told, the newest first, each with its attempts.
    pub async fn told_through(&self, link: LinkId) -> Vec<outbox::Line> {
        let link = self.link_row(link).await;
        let mut lines = Vec::new();
        for message in self.messages().await.into_iter().rev().filter(|message| message.link_id == link.id) {
            lines.push(traces::told(&self.core, &self.ada, &link, message.id).await.unwrap().delivery.line);
        }
        lines
    }

    pub async fn states(&self) -> Vec<OutboxState> {
        self.messages().await.into_iter().map(|message| message.state).collect()
    }

    /// The texts that stand in the partner's rooms.
    pub fn standing(&self) -> Vec<String> {
        self.fake.posts().into_iter().map(|post| post.text).collect()
    }

    pub async fn job_rows(&self) -> Vec<job::Model> {
        job::Entity::find().order_by_asc(job::Column::Id).all(self.core.db.reader()).await.unwrap()
    }

    /// The jobs of one kind.
    pub async fn jobs_of(&self, kind: &str) -> Vec<job::Model> {
        self.job_rows().await.into_iter().filter(|job| job.kind == kind).collect()
    }

    /// Lets workers run from now on.
    pub fn work(&self, slots: usize) {
        let options = WorkerOptions { slots, poll: Duration::from_millis(10), ..WorkerOptions::default() };
        let workers = Workers::start(self.core.queue.clone(), self.jobs.clone(), options);
        *self.workers.lock().unwrap() = Some(workers);
    }

    /// Lets workers do what can be done at this moment.
    pub async fn run(&self) {
        if self.workers.lock().unwrap().is_none() {
            self.work(8);
        }
        let begun = Instant::now();
        while self.is_busy().await {
            assert!(begun.elapsed() < Duration::from_secs(60), "there is no end: {:?}", self.job_rows().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn is_busy(&self) -> bool {
        let jobs = self.job_rows().await;
        // What is due in a moment is worth waiting for, too.
        let soon = now() + 200;
        jobs.iter().any(|job| match job.state {
            JobState::Ready | JobState::Leased => true,
            JobState::Waiting => job.run_at <= soon,
            _ => false,
        })
    }

    /// Time passes, for us and for the queue, which goes by the database's clock.
    pub async fn pass(&self, time: Duration) {
        let ms = time.as_millis();
        let sql =
            format!("UPDATE jobs SET run_at = run_at - {ms}, created_at = created_at - {ms} WHERE state <> 'leased'");
        self.sql(&sql).await;
        self.core.clock.advance(time);
    }

    /// When the next message is tried again; none if none waits.
    pub async fn next_try(&self) -> Option<Duration> {
        let waiting = self.jobs_of(outbox::DELIVER).await.into_iter().filter(|job| job.state == JobState::Waiting);
        let next = waiting.map(|job| job.run_at - now()).min()?;
        Some(Duration::from_millis(u64::try_from(next).unwrap_or(0) + 1))
    }

    /// Runs, and lets the time pass until nothing is to be sent any more.
    pub async fn run_to_the_end(&self) {
        self.run().await;
        while let Some(wait) = self.next_try().await {
            self.pass(wait).await;
            self.run().await;
        }
    }

    /// The first ready job of a kind, as a worker would have it in hand.
    pub async fn claim(&self, kind: &str) -> Job {
        let (owner, slots, mut turn) = (lease::Owner::new(), claim::Slots::new(1000), claim::Turn::default());
        let lease = Duration::from_secs(30);
        let claimed = claim::claim(&self.core.db, &owner, &slots, &mut turn, lease).await.unwrap();
        claimed.jobs.into_iter().find(|job| job.kind == kind).expect("there is such a job")
    }

    pub async fn do_job(&self, job: &Job) -> Outcome {
        self.jobs.run(job).await
    }

    pub async fn sql(&self, statement: &str) {
        self.core.db.writer_for_tests().execute_unprepared(statement).await.unwrap();
    }

    /// Stops the workers.
    pub async fn finish(self) {
        self.rest().await;
    }

    /// Lets no worker run until [`World::run`].
    pub async fn rest(&self) {
        let workers = self.workers.lock().unwrap().take();
        if let Some(workers) = workers {
            workers.drain(Duration::from_secs(5)).await;
        }
    }

    /// The message about an entry at a link.
    pub async fn message_of(&self, entry: EntryId, link: LinkId) -> outbox_message::Model {
        let of_entry = outbox_message::Entity::of(self.ada.organization)
            .filter(outbox_message::Column::EntryId.eq(entry))
            .filter(outbox_message::Column::LinkId.eq(link))
            .filter(outbox_message::Column::Kind.eq(OutboxKind::Entry))
            .order_by_desc(outbox_message::Column::Id);
        of_entry.one(self.core.db.reader()).await.unwrap().unwrap()
    }
}

fn listening() -> FakePartner {
    FakePartner::with_card(FakePartner::listening_card())
}

pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub async fn founder(core: &Core, local: &str, name: &str) -> (Member, TeamId) {
    let user = sign_up(core, local, name).await;
    let team = NewTeam { name: "Product".into(), time_zone: "Europe/Vienna".into() };
    let (organization, team) = organizations::found_with_team(core, user, &format!("{name}'s"), team).await.unwrap();
    (Member { organization: organization.id, user, role: Role::Owner }, team.id)
}

async fn sign_up(core: &Core, local: &str, name: &str) -> UserId {
    let password = SecretString::from("correct horse battery");
    let new = users::NewUser { email: format!("{local}@example.com"), name: name.into(), password };
    users::sign_up(core, new).await.unwrap().id
}
