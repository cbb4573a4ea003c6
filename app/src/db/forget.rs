//! Forgetting: rows whose time is over are deleted a few at a time, so that nobody waits long for SQLite's one writer.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};
use tokio::time::sleep;

use super::{Db, OrganizationId, TeamId};

/// Rows of one table whose time is over.
#[derive(Clone, Copy, Debug)]
pub struct Outdated<'a> {
    /// The table.
    pub table: &'static str,
    /// The columns of its primary key.
    pub key: &'static str,
    /// Which rows, as SQL in which `$1` is `limit`.
    pub which: &'a str,
    /// Unix milliseconds, or as many milliseconds ago.
    pub limit: i64,
    /// Whose; none for everybody's.
    pub of: Option<OrganizationId>,
}

/// Rows of one table that a team leaves behind.
#[derive(Clone, Copy, Debug)]
pub struct OfTeam {
    /// The table.
    pub table: &'static str,
    /// The columns of its primary key.
    pub key: &'static str,
    /// Which rows, as SQL in which `$1` is the tenant and `$2` the team.
    pub which: &'static str,
    /// Whose team it is.
    pub organization: OrganizationId,
    /// Which one.
    pub team: TeamId,
}

/// Rows of one table that each tenant keeps for as long as it chose.
#[derive(Clone, Copy, Debug)]
pub struct Aged {
    /// The table.
    pub table: &'static str,
    /// The columns of its primary key.
    pub key: &'static str,
    /// The columns that say how old a row is, in unix milliseconds: it goes when all of them are older. An index begins
    /// with the tenant and the first.
    pub times: &'static [&'static str],
    /// What else has to be so of a row that goes, as SQL.
    pub which: &'static str,
    /// The column of `organizations` that says how many days it keeps them; null is for ever.
    pub kept_days: &'static str,
}

impl Aged {
    /// Which rows go, as SQL, where `limit` is how old they have to be.
    fn condition(&self, limit: &str) -> String {
        let older: String = self.times.iter().map(|time| format!("{time} < {limit} AND ")).collect();
        format!("{older}{}", self.which)
    }
}

/// How long a day is.
pub const A_DAY: i64 = 24 * 3600 * 1000;

impl Db {
    /// Deletes, of all tenants, the rows that are older than their tenant keeps them. Answers with how many.
    ///
    /// Whose rows are over their time is one query, a step in an index for each tenant. Only those are then entered.
    ///
    /// # Errors
    /// As [`Self::forget`].
    pub async fn forget_aged(&self, aged: Aged, now: i64) -> Result<u64, DbErr> {
        let Aged { table, key, kept_days, .. } = aged;
        let over = aged.condition(&format!("$1 - CAST(o.{kept_days} AS bigint) * {A_DAY}"));
        // A subquery with a limit, so that no planner reads the table as a whole to answer for all tenants at once.
        let sql = format!(
            "SELECT id, {kept_days} FROM organizations AS o WHERE {kept_days} IS NOT NULL AND (
                 SELECT 1 FROM {table} WHERE organization_id = o.id AND {over} LIMIT 1) = 1"
        );
        let overdue = Statement::from_sql_and_values(self.reader.get_database_backend(), sql, [now.into()]);
        let which = aged.condition("$1");
        let mut all = 0;
        for row in self.reader.query_all_raw(overdue).await? {
            let (organization, days): (OrganizationId, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let limit = now - i64::from(days) * A_DAY;
            all += self.forget(Outdated { table, key, which: &which, limit, of: Some(organization) }).await?;
        }
        Ok(all)
    }

    /// How many rows of one tenant would go if they had to be older than `limit`, in unix milliseconds.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_aged(&self, aged: Aged, of: OrganizationId, limit: i64) -> Result<u64, DbErr> {
        let (table, which) = (aged.table, aged.condition("$1"));
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE organization_id = $2 AND {which}");
        let values: [Value; 2] = [limit.into(), of.into()];
        let count = Statement::from_sql_and_values(self.reader.get_database_backend(), sql, values);
        let counted: Option<i64> =
            self.reader.query_one_raw(count).await?.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(counted.unwrap_or_default().unsigned_abs())
    }

    /// Deletes rows whose time is over, a few in each commit, until there are none. Answers with how many.
    ///
    /// Several processes may do it at once: each takes rows that no other has in hand.
    ///
    /// # Errors
    /// The database's. What was deleted until then stays deleted.
    pub async fn forget(&self, outdated: Outdated<'_>) -> Result<u64, DbErr> {
        let Outdated { table, key, which, limit, of } = outdated;
        let (which, values): (String, Vec<Value>) = match of {
            None => (which.to_owned(), vec![limit.into()]),
            Some(organization) => {
                (format!("organization_id = $2 AND {which}"), vec![limit.into(), organization.into()])
            }
        };
        self.forget_rows(table, key, &which, values).await
    }

    /// Deletes rows of a team in the same way.
    ///
    /// # Errors
    /// As [`Self::forget`].
    pub async fn forget_of_team(&self, rows: OfTeam) -> Result<u64, DbErr> {
        let OfTeam { table, key, which, organization, team } = rows;
        let which = format!("organization_id = $1 AND {which}");
        self.forget_rows(table, key, &which, vec![organization.into(), team.into()]).await
    }

    async fn forget_rows(&self, table: &str, key: &str, which: &str, values: Vec<Value>) -> Result<u64, DbErr> {
        let backend = self.reader.get_database_backend();
        // Usually there is none, and on SQLite looking first leaves the writer to others.
        let any = Statement::from_sql_and_values(
            backend,
            format!("SELECT 1 FROM {table} WHERE {which} LIMIT 1"),
            values.clone(),
        );
        if self.reader.query_one_raw(any).await?.is_none() {
            return Ok(0);
        }
        let others = if backend == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
        let sql = |rows: i64| {
            format!(
                "WITH outdated AS MATERIALIZED (SELECT {key} FROM {table} WHERE {which} LIMIT {rows} {others})
                 DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM outdated)"
            )
        };
        let (mut batch, mut all) = (Batch::default(), 0);
        loop {
            let (some, begun) = self
                .write(async |tx| {
                    // From here on others wait.
                    let begun = Instant::now();
                    let delete = Statement::from_sql_and_values(backend, sql(batch.rows), values.clone());
                    Ok::<_, DbErr>((tx.execute_raw(delete).await?.rows_affected(), begun))
                })
                .await?;
            all += some;
            if some < batch.rows.unsigned_abs() {
                return Ok(all);
            }
            let took = begun.elapsed();
            batch.learn(took);
            // As much time for the others as they had to wait.
            sleep(took).await;
        }
    }
}

/// How many rows to delete in one commit: a row of one table has a megabyte, of another a hundred bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Batch {
    rows: i64,
}

impl Batch {
    /// No commit should keep others waiting for longer.
    const LONGEST: Duration = Duration::from_millis(50);
    const MOST: i64 = 2000;

    /// The next one is smaller when this one came near the limit, and greater when it was far from it.
    fn learn(&mut self, took: Duration) {
        if took > Self::LONGEST / 2 {
            self.rows = (self.rows / 4).max(1);
        } else if took < Self::LONGEST / 8 {
            self.rows = (self.rows * 2).min(Self::MOST);
        }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self { rows: 50 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(a_row_takes: Duration) -> (i64, Duration) {
        let mut batch = Batch::default();
        (0..20).for_each(|_| batch.learn(a_row_takes * u32::try_from(batch.rows).unwrap()));
        (batch.rows, a_row_takes * u32::try_from(batch.rows).unwrap())
    }

    #[test]
    fn a_batch_grows_while_it_is_quick_and_never_settles_beyond_the_limit() {
        assert_eq!(settled(Duration::from_nanos(10)).0, Batch::MOST);
        for micros in [1, 10, 100, 1000, 10_000] {
            let (rows, took) = settled(Duration::from_micros(micros));
            assert!(rows >= 1 && took <= Batch::LONGEST, "{rows} rows take {took:?}");
        }
    }

    #[test]
    fn rows_that_are_slow_each_go_one_by_one() {
        assert_eq!(settled(Duration::from_millis(200)).0, 1);
    }
}
