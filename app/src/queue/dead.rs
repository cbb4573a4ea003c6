//! Dead letters: jobs that were given up. They are kept, can be read, replayed and discarded.

use std::{collections::BTreeSet, time::Duration};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::{
    Queue, clock,
    lane::{self, Lane},
    lease::milliseconds,
};
use crate::db::{
    Db, OrganizationId, Outdated,
    entity::job::{Column, Entity, JobState, Model},
};

const GIVEN_UP: [JobState; 2] = [JobState::Dead, JobState::Quarantined];

/// A job that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// What kind of job.
    pub kind: String,
    /// Its ids.
    pub payload: serde_json::Value,
    /// Whether processes died of it, rather than that it failed too often.
    pub quarantined: bool,
    /// How often it failed.
    pub attempts: i32,
    /// What went wrong last.
    pub why: Option<String>,
    /// Unix milliseconds.
    pub died_at: Option<i64>,
}

/// A tenant's dead letters, the newest first; `before` is the last one of the page before.
///
/// # Errors
/// The database's.
pub async fn list(
    db: &Db,
    organization: OrganizationId,
    before: Option<i64>,
    most: u64,
) -> Result<Vec<DeadLetter>, DbErr> {
    let mut letters = Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::State.is_in(GIVEN_UP))
        .order_by_desc(Column::Id)
        .limit(most);
    if let Some(before) = before {
        letters = letters.filter(Column::Id.lt(before));
    }
    Ok(letters.all(db.reader()).await?.into_iter().map(DeadLetter::from).collect())
}

/// Gives a dead letter another life: at its old place in its lane, with all its attempts. False if there is none.
///
/// # Errors
/// The database's.
pub async fn replay(queue: &Queue, organization: OrganizationId, id: i64) -> Result<bool, DbErr> {
    let found = queue
        .db
        .write(async |tx| {
            let letter = Entity::find_by_id(id).filter(Column::OrganizationId.eq(organization)).one(tx).await?;
            let Some(letter) = letter else { return Ok(false) };
            let lanes: BTreeSet<Lane> = letter.lane.map(|name| Lane { organization, name }).into_iter().collect();
            lane::lock(tx, &lanes).await?;
            let now = clock::now(tx.get_database_backend());
            // Behind whoever is in the lane; if nobody is, it goes on at once.
            let state = if lanes.is_empty() { JobState::Ready } else { JobState::Blocked };
            let revived = Entity::update_many()
                .filter(Column::Id.eq(id))
                .filter(Column::State.is_in(GIVEN_UP))
                .col_expr(Column::State, Expr::val(state))
                .col_expr(Column::Attempts, Expr::val(0))
                .col_expr(Column::Deaths, Expr::val(0))
                .col_expr(Column::RunAt, Expr::cust(now))
                .col_expr(Column::CreatedAt, Expr::cust(now))
                .col_expr(Column::DiedAt, Expr::val(None::<i64>))
                .exec(tx)
                .await?;
            lane::promote(tx, &lanes).await?;
            Ok::<_, DbErr>(revived.rows_affected > 0)
        })
        .await?;
    queue.wake();
    Ok(found)
}

/// Throws a dead letter away. False if there is none.
///
/// # Errors
/// The database's.
pub async fn discard(db: &Db, organization: OrganizationId, id: i64) -> Result<bool, DbErr> {
    db.write(async |tx| {
        let discarded = Entity::delete_many()
            .filter(Column::OrganizationId.eq(organization))
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in(GIVEN_UP))
            .exec(tx)
            .await?;
        Ok(discarded.rows_affected > 0)
    })
    .await
}

/// Throws away the dead letters about one thing: for when it gets a new job.
///
/// # Errors
/// The database's.
pub async fn discard_about(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    kind: &str,
    payload: &serde_json::Value,
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::State.is_in(GIVEN_UP))
        .filter(Column::Kind.eq(kind))
        .filter(Column::Payload.eq(payload.clone()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets the dead letters older than this, of all tenants. Answers with how many.
///
/// # Errors
/// The database's.
pub async fn forget(db: &Db, older_than: Duration) -> Result<u64, DbErr> {
    let now = clock::now_once(db.reader().get_database_backend());
    let which = format!("state IN ('dead', 'quarantined') AND died_at < {now} - $1");
    db.forget(Outdated { table: "jobs", key: "id", which: &which, limit: milliseconds(older_than), of: None }).await
}

impl From<Model> for DeadLetter {
    fn from(job: Model) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            payload: job.payload,
            quarantined: job.state == JobState::Quarantined,
            attempts: job.attempts,
            why: job.last_error,
            died_at: job.died_at,
        }
    }
}
