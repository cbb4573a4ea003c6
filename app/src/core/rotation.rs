//! Rotation: a new key is added to the key file, and everything that is sealed is sealed anew with it.
//!
//! Processes that run meanwhile see the new key by themselves. It can be interrupted anywhere and run again: what was
//! done stays done, the check value of the instance is sealed last, and as long as it is old no further key is added.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    instance,
    sealing::{Place, Vault},
};
use crate::db::{
    Db, IntegrationUserId, LinkId, MirrorChangeId, MirrorPairId, OrganizationId, OutboxMessageId,
    entity::{
        Tenant, integration_link, integration_user, mirror_change, mirror_pair, oauth_state, organization,
        outbox_message,
    },
};

/// Rows per transaction: on SQLite nobody else writes meanwhile.
const BATCH: u64 = 50;

/// What a rotation came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// The version that everything is sealed with now.
    pub version: u8,
    /// Whether it went on with a rotation that had been interrupted.
    pub resumed: bool,
    /// Values that were sealed anew, by column.
    pub sealed: Vec<(&'static str, u64)>,
    /// Values that do not open with any key; they were left as they are.
    pub closed: Vec<Closed>,
}

/// A value that does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The table and column.
    pub column: &'static str,
    /// The tenant.
    pub organization: OrganizationId,
    /// The row.
    pub row: Uuid,
}

/// Adds a key and seals everything with it.
///
/// # Errors
/// When the key file or the database can't be written. Run it again then.
pub async fn rotate(db: &Db, vault: &Vault) -> anyhow::Result<Rotated> {
    let resumed = !instance::is_rotated(db, vault).await?;
    if !resumed {
        vault.add_key()?;
    }
    let mut rotated = Rotated { version: vault.newest_version(), resumed, ..Rotated::default() };
    // What another process sealed just before it saw the new key may be committed only now: look until there is none.
    loop {
        let pass = pass(db, vault).await?;
        rotated.closed = pass.closed;
        let found_some = pass.sealed.iter().any(|(_, count)| *count > 0);
        merge(&mut rotated.sealed, pass.sealed);
        if !found_some {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    instance::rotate(db, vault).await?;
    Ok(rotated)
}

#[derive(Default)]
struct Pass {
    sealed: Vec<(&'static str, u64)>,
    closed: Vec<Closed>,
}

impl Pass {
    fn add(&mut self, column: &'static str, count: u64) {
        merge(&mut self.sealed, vec![(column, count)]);
    }
}

fn merge(into: &mut Vec<(&'static str, u64)>, more: Vec<(&'static str, u64)>) {
    for (column, count) in more {
        match into.iter_mut().find(|(known, _)| *known == column) {
            Some((_, sum)) => *sum += count,
            None => into.push((column, count)),
        }
    }
}

/// Seals anew whatever is not sealed with the newest key, tenant by tenant.
async fn pass(db: &Db, vault: &Vault) -> Result<Pass, DbErr> {
    let mut pass = Pass::default();
    let organizations: Vec<OrganizationId> = organization::Entity::find()
        .select_only()
        .column(organization::Column::Id)
        .order_by_asc(organization::Column::Id)
        .into_tuple()
        .all(db.reader())
        .await?;
    for organization in organizations {
        let tenant = TenantPass { db, vault, organization };
        tenant
            .column::<integration_user::Entity>(
                &mut pass,
                (integration_user::Column::Id, integration_user::Column::Credentials),
                |row| Place::credentials(organization, IntegrationUserId(row)),
            )
            .await?;
        tenant
            .column::<integration_link::Entity>(
                &mut pass,
                (integration_link::Column::Id, integration_link::Column::HookSecret),
                |row| Place::hook_secret(organization, LinkId(row)),
            )
            .await?;
        tenant
            .column::<integration_link::Entity>(
                &mut pass,
                (integration_link::Column::Id, integration_link::Column::GivenSecret),
                |row| Place::given_secret(organization, LinkId(row)),
            )
            .await?;
        tenant
            .column::<outbox_message::Entity>(
                &mut pass,
                (outbox_message::Column::Id, outbox_message::Column::Content),
                |row| Place::outbox_content(organization, OutboxMessageId(row)),
            )
            .await?;
        tenant
            .column::<mirror_change::Entity>(
                &mut pass,
                (mirror_change::Column::Id, mirror_change::Column::Content),
                |row| Place::mirror_content(organization, MirrorChangeId(row)),
            )
            .await?;
        tenant
            .column::<mirror_pair::Entity>(&mut pass, (mirror_pair::Column::Id, mirror_pair::Column::Saying), |row| {
                Place::mirror_saying(organization, MirrorPairId(row))
            })
            .await?;
    }
    verifiers(db, vault, &mut pass).await?;
    Ok(pass)
}

struct TenantPass<'a> {
    db: &'a Db,
    vault: &'a Vault,
    organization: OrganizationId,
}

impl TenantPass<'_> {
    /// One sealed column of one tenant, in batches by id.
    async fn column<E: Tenant>(
        &self,
        pass: &mut Pass,
        (id, sealed): (E::Column, E::Column),
        place: impl Fn(Uuid) -> Place,
    ) -> Result<(), DbErr> {
        let mut after = Uuid::nil();
        loop {
            let rows: Vec<(Uuid, Vec<u8>)> = E::of(self.organization)
                .filter(sealed.is_not_null())
                .filter(id.gt(after))
                .select_only()
                .columns([id, sealed])
                .order_by_asc(id)
                .limit(BATCH)
                .into_tuple()
                .all(self.db.reader())
                .await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after = *last;
            let old = rows.into_iter().map(|(row, record)| (place(row), record)).collect();
            self.batch(pass, old, async |tx, place, old, new| {
                let changed = E::update_of(self.organization)
                    .col_expr(sealed, Expr::value(new))
                    .filter(id.eq(place.row))
                    .filter(sealed.eq(old))
                    .exec(tx)
                    .await?;
                if changed.rows_affected == 0 {
                    return Ok(None);
                }
                let row = E::of(self.organization).filter(id.eq(place.row)).select_only().column(sealed);
                row.into_tuple().one(tx).await
            })
            .await?;
        }
    }

    /// Seals those that are not sealed with the newest key, in one commit. `replace` puts the new form where the old one
    /// still stands, and reads what stands there then; nothing when the old one was gone.
    async fn batch(
        &self,
        pass: &mut Pass,
        rows: Vec<(Place, Vec<u8>)>,
        replace: impl AsyncFn(&DatabaseTransaction, Place, Vec<u8>, Vec<u8>) -> Result<Option<Vec<u8>>, DbErr>,
    ) -> Result<(), DbErr> {
        let newest = self.vault.newest_version();
        let mut fresh = Vec::new();
        for (place, record) in rows {
            if Vault::version_of(&record) == Some(newest) {
                continue;
            }
            let Ok(clear) = self.vault.open(place, &record) else {
                pass.closed.push(Closed { column: place.column, organization: place.organization, row: place.row });
                continue;
            };
            fresh.push((place, record, clear));
        }
        let Some(column) = fresh.first().map(|(place, ..)| place.column) else { return Ok(()) };
        let count = self
            .db
            .write(async |tx| {
                let mut count = 0;
                for (place, old, clear) in fresh {
                    let new = self.vault.seal(place, &clear);
                    // Only over what was read: a token that was refreshed meanwhile is newer than ours.
                    let Some(stands) = replace(tx, place, old, new).await? else { continue };
                    // Before the old form is given up: what stands there now must open to the same text.
                    if !self.vault.open(place, &stands).is_ok_and(|again| same(&again, &clear)) {
                        return Err(DbErr::Custom("a value sealed anew does not open: the batch was undone".into()));
                    }
                    count += 1;
                }
                Ok(count)
            })
            .await?;
        pass.add(column, count);
        Ok(())
    }
}

/// The verifiers of consents under way: few, and gone within minutes.
async fn verifiers(db: &Db, vault: &Vault, pass: &mut Pass) -> Result<(), DbErr> {
    let states =
        oauth_state::Entity::find().filter(oauth_state::Column::Verifier.is_not_null()).all(db.reader()).await?;
    for state in states {
        let tenant = TenantPass { db, vault, organization: state.organization_id };
        let place = Place::verifier(state.organization_id, &state.state_hash);
        let Some(record) = state.verifier else { continue };
        tenant
            .batch(pass, vec![(place, record)], async |tx, _, old, new| {
                let hash = &state.state_hash;
                let changed = oauth_state::Entity::update_many()
                    .col_expr(oauth_state::Column::Verifier, Expr::value(new))
                    .filter(oauth_state::Column::StateHash.eq(hash.clone()))
                    .filter(oauth_state::Column::Verifier.eq(old))
                    .exec(tx)
                    .await?;
                if changed.rows_affected == 0 {
                    return Ok(None);
                }
                let row = oauth_state::Entity::find_by_id(hash.clone()).one(tx).await?;
                Ok(row.and_then(|row| row.verifier))
            })
            .await?;
    }
    Ok(())
}

fn same(a: &integration_contract::SecretString, b: &integration_contract::SecretString) -> bool {
    use integration_contract::ExposeSecret;
    a.expose_secret() == b.expose_secret()
}
