//! Lanes: of the jobs of one lane at most one is ready, waiting or leased; the rest are blocked behind it, by number.
//!
//! On PostgreSQL whoever adds to a lane or takes its head away holds the lane's advisory lock until its commit. Without
//! it, one that adds behind a head and one that finishes that head could each miss what the other does, and the new job
//! would stay blocked for ever. SQLite has one writer at a time anyway. Should all that ever be wrong, a unique index
//! still refuses a second head.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};

use super::clock;
use crate::db::{Db, OrganizationId};

/// The states of a lane's head, written as in the condition of the index that lets each lane have one head only.
const HEAD: &str = "state IN ('ready', 'waiting', 'leased')";

/// A lane of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, FromQueryResult)]
pub struct Lane {
    /// The tenant.
    #[sea_orm(alias = "organization_id")]
    pub organization: OrganizationId,
    /// Its name within the tenant.
    #[sea_orm(alias = "lane")]
    pub name: String,
}

impl Lane {
    /// What stands for it among PostgreSQL's advisory locks. Should two lanes share one, they only wait for each other.
    fn lock_number(&self) -> i64 {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.organization.0.as_bytes());
        context.update(self.name.as_bytes());
        let hash = context.finish();
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_ref()[..8]);
        i64::from_be_bytes(first)
    }
}

/// Holds the lanes until the end of the transaction; one after the other in a fixed order, so that no two can wait for
/// each other.
pub async fn lock(tx: &impl ConnectionTrait, lanes: &BTreeSet<Lane>) -> Result<(), DbErr> {
    if lanes.is_empty() || tx.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut numbers: Vec<i64> = lanes.iter().map(Lane::lock_number).collect();
    numbers.sort_unstable();
    let numbers = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let sql = "SELECT pg_advisory_xact_lock(number) FROM unnest(string_to_array($1, ',')::bigint[]) AS number";
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [numbers.into()])).await?;
    Ok(())
}

/// "The number of the head" of the lane that stands in `of`, as SQL: null if there is none.
///
/// A sub-select with a limit rather than an EXISTS: that could be planned as one pass over the heads of all lanes.
pub fn head_of(of: &str) -> String {
    format!("(SELECT id FROM jobs WHERE {} AND {HEAD} ORDER BY lane LIMIT 1)", is_in(of))
}

/// "The number of the first that is blocked" in the lane that stands in `of`, as SQL: null if there is none.
pub fn next_of(of: &str) -> String {
    format!("(SELECT id FROM jobs WHERE {} AND state = 'blocked' ORDER BY lane, id LIMIT 1)", is_in(of))
}

/// "The lane is that which stands in `of`", as SQL, for who orders by it. Between it and itself rather than equal to it:
/// in the order of something that is always the same PostgreSQL sees nothing, and where many are in a lane it would read
/// the table from its start, expecting one of them soon.
fn is_in(of: &str) -> String {
    format!("organization_id = {of}.organization_id AND lane >= {of}.lane AND lane <= {of}.lane")
}

/// Lets the next of each lane go on, if nothing stands before it. The lanes must be held. Answers with how many did.
pub async fn promote(tx: &impl ConnectionTrait, lanes: &BTreeSet<Lane>) -> Result<u64, DbErr> {
    if lanes.is_empty() {
        return Ok(0);
    }
    let backend = tx.get_database_backend();
    let now = clock::now(backend);
    let places: Vec<String> = (0..lanes.len()).map(|at| format!("(${}, ${})", 2 * at + 1, 2 * at + 2)).collect();
    let sql = format!(
        "WITH moved (organization_id, lane) AS (VALUES {})
         UPDATE jobs SET state = CASE WHEN run_at > {now} THEN 'waiting' ELSE 'ready' END
         WHERE id IN (SELECT CASE WHEN {} IS NULL THEN {} END FROM moved)",
        places.join(", "),
        head_of("moved"),
        next_of("moved"),
    );
    let values = lanes.iter().flat_map(|lane| [lane.organization.into(), lane.name.clone().into()]);
    Ok(tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?.rows_affected())
}

/// Lets lanes go on whose head is gone though nobody promoted the next. Every way a head goes promotes, so this finds
/// something only after rows were removed by hand. Answers with how many.
///
/// # Errors
/// The database's.
pub async fn move_lanes_on(db: &Db) -> Result<u64, DbErr> {
    let sql = format!(
        "SELECT DISTINCT organization_id, lane FROM jobs AS behind WHERE state = 'blocked' AND NOT EXISTS (
             SELECT 1 FROM jobs WHERE organization_id = behind.organization_id AND lane = behind.lane AND {HEAD}
         ) LIMIT 100"
    );
    let statement = Statement::from_string(db.reader().get_database_backend(), sql);
    let orphans: BTreeSet<Lane> = Lane::find_by_statement(statement).all(db.reader()).await?.into_iter().collect();
    if orphans.is_empty() {
        return Ok(0);
    }
    db.write(async |tx| {
        lock(tx, &orphans).await?;
        promote(tx, &orphans).await
    })
    .await
}
