//! Claiming: the tenants take turns, and none may fill the house.
//!
//! Two rules make it fair. The tenants with something ready are served in a circle, one job each until the slots are
//! full, however much each has waiting: finding the next tenant is one step in an index. And a tenant may hold at most
//! half of the slots that the others leave ([`Slots`]), so that there is room for the next one even when every job of
//! the rest hangs until its timeout.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

use super::{
    Job, clock,
    lease::{Lease, Owner, milliseconds},
};
use crate::db::{Db, OrganizationId};

/// How many jobs may run at once, and whose run now.
#[derive(Clone, Debug)]
pub struct Slots {
    all: usize,
    held: HashMap<OrganizationId, usize>,
}

impl Slots {
    /// So many, all free.
    pub fn new(all: usize) -> Self {
        Self { all: all.max(1), held: HashMap::new() }
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.all.saturating_sub(self.held.values().sum())
    }

    /// Whether one is free and the tenant holds less than half of what the others leave.
    pub fn may_take(&self, organization: OrganizationId) -> bool {
        let held = self.held.get(&organization).copied().unwrap_or(0);
        let left_by_others = self.free() + held;
        self.free() > 0 && held < left_by_others.div_ceil(2)
    }

    /// Takes one for a tenant.
    pub fn take(&mut self, organization: OrganizationId) {
        *self.held.entry(organization).or_default() += 1;
    }

    /// Gives one back.
    pub fn give_back(&mut self, organization: OrganizationId) {
        if let Some(held) = self.held.get_mut(&organization) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&organization);
            }
        }
    }

    /// How many each tenant gets now, going round until the slots are full or everyone has what they may have.
    fn share_out(&self, turn: &[OrganizationId]) -> Vec<(OrganizationId, u32)> {
        let mut slots = self.clone();
        let mut shares: Vec<(OrganizationId, u32)> = turn.iter().map(|organization| (*organization, 0)).collect();
        loop {
            let mut anyone = false;
            for (organization, share) in &mut shares {
                if slots.may_take(*organization) {
                    slots.take(*organization);
                    *share += 1;
                    anyone = true;
                }
            }
            if !anyone {
                return shares;
            }
        }
    }
}

/// Whose turn is next.
#[derive(Clone, Debug)]
pub struct Turn(OrganizationId);

impl Default for Turn {
    fn default() -> Self {
        Self(OrganizationId(Uuid::nil()))
    }
}

/// What a claim brought.
pub struct Claimed {
    /// The jobs, leased.
    pub jobs: Vec<Job>,
    /// Whether more may be ready than these.
    pub more: bool,
}

/// Claims as many ready jobs as the slots allow, all in one commit. The slots are not taken yet.
///
/// # Errors
/// The database's. If the commit itself failed, some may be leased: see [`super::lease::release_strays`].
pub async fn claim(db: &Db, owner: &Owner, slots: &Slots, turn: &mut Turn, lease: Duration) -> Result<Claimed, DbErr> {
    let organizations = next_in_turn(db, turn, slots.free() + slots.held.len()).await?;
    let shares = slots.share_out(&organizations);
    if !shares.iter().any(|(_, share)| *share > 0) {
        return Ok(Claimed { jobs: Vec::new(), more: !shares.is_empty() });
    }
    let claimed = db
        .write(async |tx| {
            let mut claimed = Claimed { jobs: Vec::new(), more: false };
            for (organization, share) in &shares {
                if *share == 0 {
                    claimed.more = true;
                    continue;
                }
                let jobs = claim_of(tx, owner, *organization, *share, lease).await?;
                claimed.more |= jobs.len() >= *share as usize;
                claimed.jobs.extend(jobs);
            }
            Ok::<_, DbErr>(claimed)
        })
        .await?;
    if let Some((last, _)) = shares.iter().rev().find(|(_, share)| *share > 0) {
        turn.0 = *last;
    }
    Ok(claimed)
}

/// The tenants with something ready, from the one after the last served round to that one, at most `most`: steps from
/// tenant to tenant along the index, whatever each has ready, and at its end begins again at the start.
async fn next_in_turn(db: &Db, turn: &Turn, most: usize) -> Result<Vec<OrganizationId>, DbErr> {
    let backend = db.reader().get_database_backend();
    let step = |after: &str| {
        format!("(SELECT organization_id FROM jobs WHERE state = 'ready' {after} ORDER BY organization_id LIMIT 1)")
    };
    let sql = format!(
        "WITH RECURSIVE turn (place, organization, again) AS (
             SELECT 1, {}, 0
             UNION ALL
             SELECT place + 1,
                 CASE WHEN organization IS NULL THEN {} ELSE {} END,
                 CASE WHEN organization IS NULL THEN 1 ELSE again END
             FROM turn WHERE place <= $2 AND (again = 0 OR organization <= $1)
         ) SELECT organization FROM turn WHERE again = 0 AND organization IS NOT NULL OR organization <= $1
           ORDER BY place LIMIT $2",
        step("AND organization_id > $1"),
        step(""),
        step("AND organization_id > turn.organization"),
    );
    let values = [turn.0.into(), i64::try_from(most).unwrap_or(i64::MAX).into()];
    let rows = db.reader().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

async fn claim_of(
    tx: &DatabaseTransaction,
    owner: &Owner,
    organization: OrganizationId,
    share: u32,
    lease: Duration,
) -> Result<Vec<Job>, DbErr> {
    let backend = tx.get_database_backend();
    let now = clock::now(backend);
    // On PostgreSQL the choice stands in a WITH that locks, and so runs once: as a plain IN (…) it could be planned to
    // run again for each row, and take more than its share.
    let (choose, lock, chosen) = match backend {
        DbBackend::Sqlite => ("", "", "id IN (SELECT id FROM jobs {ready})"),
        _ => (
            "WITH chosen AS MATERIALIZED (SELECT id FROM jobs {ready})",
            "FOR UPDATE SKIP LOCKED",
            "id IN (SELECT id FROM chosen)",
        ),
    };
    // Between it and itself: with an equal sign PostgreSQL may read the table from its start, see `lane::is_in`.
    let ready = format!(
        "WHERE state = 'ready' AND organization_id >= $1 AND organization_id <= $1
         ORDER BY organization_id, id LIMIT $2 {lock}"
    );
    let sql = format!(
        "{choose} UPDATE jobs SET state = 'leased', fence = fence + 1, lease_owner = $3, leased_until = {now} + $4
         WHERE {chosen}
         RETURNING id, fence, kind, payload, lane, attempts, deaths, leased_until - $4 AS claimed_at, run_at, created_at"
    )
    .replace("{ready}", &ready);
    let values = [organization.into(), i64::from(share).into(), owner.as_str().into(), milliseconds(lease).into()];
    let mut rows = Claim::find_by_statement(Statement::from_sql_and_values(backend, sql, values)).all(tx).await?;
    rows.sort_by_key(|row| row.id);
    Ok(rows.into_iter().map(|row| row.into_job(owner, organization)).collect())
}

/// A row just leased.
#[derive(FromQueryResult)]
struct Claim {
    id: i64,
    fence: i64,
    kind: String,
    payload: serde_json::Value,
    lane: Option<String>,
    attempts: i32,
    deaths: i32,
    claimed_at: i64,
    run_at: i64,
    created_at: i64,
}

impl Claim {
    fn into_job(self, owner: &Owner, organization: OrganizationId) -> Job {
        let since = |moment: i64| Duration::from_millis(u64::try_from(self.claimed_at - moment).unwrap_or(0));
        let (age, waited) = (since(self.created_at), since(self.run_at));
        metrics::histogram!("patchbay_job_wait_seconds").record(waited);
        Job {
            lease: Lease { id: self.id, fence: self.fence, owner: owner.clone() },
            organization,
            kind: self.kind,
            payload: self.payload,
            lane: self.lane,
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            deaths: u32::try_from(self.deaths).unwrap_or(0),
            age,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant(number: u128) -> OrganizationId {
        OrganizationId(Uuid::from_u128(number))
    }

    fn filled(all: usize, tenants: u128) -> Slots {
        let mut slots = Slots::new(all);
        let turn: Vec<_> = (1..=tenants).map(tenant).collect();
        for (organization, share) in slots.share_out(&turn) {
            (0..share).for_each(|_| slots.take(organization));
        }
        slots
    }

    #[test]
    fn one_tenant_alone_holds_half() {
        let slots = filled(32, 1);
        assert_eq!(slots.free(), 16);
    }

    #[test]
    fn the_only_slot_can_be_taken() {
        assert!(Slots::new(1).may_take(tenant(1)));
        assert!(Slots::new(0).may_take(tenant(1)));
    }

    #[test]
    fn a_slot_given_back_can_be_taken_again() {
        let mut slots = filled(2, 1);
        assert!(!slots.may_take(tenant(1)));
        slots.give_back(tenant(1));
        assert_eq!(slots.free(), 2);
        assert!(slots.may_take(tenant(1)));
    }

    proptest! {
        #[test]
        fn there_is_room_for_one_more_tenant(all in 1_usize..64, tenants in 1_u128..8) {
            // As long as there are some more slots than tenants to share them.
            prop_assume!(all > 2 * tenants as usize);
            let slots = filled(all, tenants);
            prop_assert!(slots.may_take(tenant(99)), "{slots:?}");
        }

        #[test]
        fn shares_are_even_and_never_more_than_the_slots(all in 1_usize..64, tenants in 1_u128..12) {
            let turn: Vec<_> = (1..=tenants).map(tenant).collect();
            let shares = Slots::new(all).share_out(&turn);
            let given: Vec<u32> = shares.iter().map(|(_, share)| *share).collect();
            prop_assert!(given.iter().sum::<u32>() as usize <= all);
            prop_assert!(given.iter().max().unwrap() - given.iter().min().unwrap() <= 1, "{given:?}");
            prop_assert!(given[0] >= 1);
        }
    }
}
