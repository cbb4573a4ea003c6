//! What happened to a link's events: the timeline, the story of each, what is done again, and what settings would have made
//! of them.

mod previews;
mod replays;
mod stories;
mod timeline;

use integration_contract::PartnerSettings;
use integration_testkit::FakePartner;
use patchbay::db::{LinkId, entity::inbox_message};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::{
    harness::TestDatabase,
    outbox::{World, now},
};

/// A team whose partner has items and is told things.
async fn world(test: TestDatabase) -> World {
    World::with(test, now(), FakePartner::with_card(FakePartner::able_card()), PartnerSettings::default()).await
}

/// A hook that tells of an entry.
fn entry(id: &str, text: &str) -> Value {
    json!({ "do": "entry", "id": id, "text": text, "by": { "id": "7", "name": "somebody" } })
}

fn path(link: LinkId) -> String {
    format!("/integrations/fake/link/{link}")
}

fn activity(link: LinkId) -> String {
    format!("{}/activity", path(link))
}

/// All hooks, oldest first.
async fn hooks(world: &World) -> Vec<inbox_message::Model> {
    let all = inbox_message::Entity::find().order_by_asc(inbox_message::Column::Id);
    all.all(world.core.db.reader()).await.unwrap()
}
