//! The inbox: a hook that was answered is kept with all that belongs to it, once.

mod faults;
mod keeping;
mod messages;
mod repeats;

use std::collections::BTreeMap;

use bytes::Bytes;
use patchbay::{
    clock::Clock,
    core::{
        Core, Site, Tools,
        inbox::{self, Arrival, Inbox, NewMessage, Received},
        partners::Partners,
        sealing::Vault,
    },
    db::{
        Backend, LinkId, MessageId, OrganizationId, TeamId,
        entity::{
            inbox_mark,
            inbox_message::{self, MessageState},
            integration_link::{self, LinkLevel, LinkState},
            job, organization, team,
        },
    },
    queue::Queue,
};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder};
use serde_json::json;

use crate::harness::TestDatabase;

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

    async fn receive_owned(&self, id: usize) -> Received {
        self.receive(&format!("delivery {id}"), &format!("body {id}")).await
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
        let acme = organization::Model::new(organization, "Acme".into(), 0);
        organization::Entity::insert(acme.into_active_model()).exec_without_returning(tx).await?;
        let product = team::ActiveModel {
            organization_id: Set(organization),
            id: Set(team),
            name: Set("Product".into()),
            time_zone: Set("UTC".into()),
            created_at: Set(0),
            deleting_since: Set(None),
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
