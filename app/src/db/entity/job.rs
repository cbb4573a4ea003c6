//! Jobs of the durable queue. Only the room `queue` touches them.

use sea_orm::entity::prelude::*;

use crate::db::OrganizationId;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    /// Its number, in the order of adding.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// For which tenant.
    pub organization_id: OrganizationId,
    /// What kind of job.
    pub kind: String,
    /// Ids, never content.
    pub payload: Json,
    /// Jobs of one lane run one after the other.
    pub lane: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// Not before, unix milliseconds by the database's clock.
    pub run_at: i64,
    /// How often it failed.
    pub attempts: i32,
    /// How often a process died with it in hand.
    pub deaths: i32,
    /// Which worker has it.
    pub lease_owner: Option<String>,
    /// Until when, unix milliseconds by the database's clock.
    pub leased_until: Option<i64>,
    /// Rises with each lease; a late owner's writes carry an old one.
    pub fence: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was added or last replayed, unix milliseconds by the database's clock.
    pub created_at: i64,
    /// When it was given up, unix milliseconds by the database's clock.
    pub died_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a job stands. A finished job's row is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum JobState {
    /// Can be taken.
    #[sea_orm(string_value = "ready")]
    Ready,
    /// Behind another of its lane.
    #[sea_orm(string_value = "blocked")]
    Blocked,
    /// For its time.
    #[sea_orm(string_value = "waiting")]
    Waiting,
    /// In a worker's hands.
    #[sea_orm(string_value = "leased")]
    Leased,
    /// Processes died with it in hand; a person decides.
    #[sea_orm(string_value = "quarantined")]
    Quarantined,
    /// Out of attempts; it can be replayed.
    #[sea_orm(string_value = "dead")]
    Dead,
}
