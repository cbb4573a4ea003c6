//! What the whole instance remembers: a check value, sealed like everything else. With another key than the one this
//! database's secrets were sealed with, it does not open, and nothing is started.

use std::path::Path;

use anyhow::{Context, bail};
use integration_contract::SecretString;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, sea_query::OnConflict};

use super::sealing::{Place, Vault};
use crate::db::{Db, entity::instance};

const CHECK: &str = "key_check";
const TEXT: &str = "sealed with this key";

/// Opens the vault of this database, making the key file at the first start. The flag says whether it was made now.
///
/// # Errors
/// When the key file is missing or another one than this database's secrets were sealed with. Nothing is changed then.
pub async fn open_vault(db: &Db, key_file: &Path) -> anyhow::Result<(Vault, bool)> {
    let path = key_file.display();
    if has_key(db).await? && !key_file.exists() {
        bail!(
            "The key file {path} is missing, and this database holds secrets that were sealed with it: put it back from \
             your backup, or set PATCHBAY_KEY_FILE to where it is."
        );
    }
    let (vault, made) = Vault::open_or_create(key_file)?;
    if !fits(db, &vault).await? {
        bail!(
            "The key file {path} is not the one this database's secrets were sealed with: put the right one back from \
             your backup, or set PATCHBAY_KEY_FILE to where it is."
        );
    }
    Ok((vault, made))
}

/// Whether the vault opens the check value; `None` when there is no value yet.
///
/// # Errors
/// When the database does not answer.
pub async fn opens(db: &Db, vault: &Vault) -> Result<Option<bool>, DbErr> {
    let kept = check_value(db.reader()).await?;
    Ok(kept.map(|kept| vault.open(Place::check(), &kept).is_ok()))
}

/// Whether a vault was ever opened on this database.
///
/// # Errors
/// When the database does not answer.
pub async fn has_key(db: &Db) -> Result<bool, DbErr> {
    Ok(check_value(db.reader()).await?.is_some())
}

/// Whether the vault opens the check value; makes the value when there is none yet.
async fn fits(db: &Db, vault: &Vault) -> anyhow::Result<bool> {
    let kept = match check_value(db.reader()).await? {
        Some(kept) => kept,
        None => {
            let fresh = vault.seal(Place::check(), &TEXT.into());
            let row = instance::ActiveModel { name: Set(CHECK.to_owned()), value: Set(fresh) };
            let kept = db
                .write(async |tx| {
                    // Somebody else's first start may come in between: then theirs counts.
                    let nothing = OnConflict::column(instance::Column::Name).do_nothing().to_owned();
                    instance::Entity::insert(row).on_conflict(nothing).exec_without_returning(tx).await?;
                    check_value(tx).await
                })
                .await?;
            kept.context("the check value was not kept")?
        }
    };
    Ok(vault.open(Place::check(), &kept).is_ok())
}

/// Whether the check value was sealed with the newest key. A rotation seals it last.
pub(super) async fn is_rotated(db: &Db, vault: &Vault) -> Result<bool, DbErr> {
    let kept = check_value(db.reader()).await?;
    Ok(kept.is_none_or(|kept| Vault::version_of(&kept) == Some(vault.newest_version())))
}

/// Seals the check value with the newest key.
pub(super) async fn rotate(db: &Db, vault: &Vault) -> Result<(), DbErr> {
    let fresh = vault.seal(Place::check(), &SecretString::from(TEXT));
    db.write(async |tx| {
        let row = instance::ActiveModel { name: Set(CHECK.to_owned()), value: Set(fresh) };
        instance::Entity::update(row).exec(tx).await.map(drop)
    })
    .await
}

async fn check_value(db: &impl ConnectionTrait) -> Result<Option<Vec<u8>>, DbErr> {
    let row = instance::Entity::find().filter(instance::Column::Name.eq(CHECK)).one(db).await?;
    Ok(row.map(|row| row.value))
}
