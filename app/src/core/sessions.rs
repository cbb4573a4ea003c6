//! Sessions: who is logged in where.
//!
//! [`Sessions`] is what tower-sessions keeps its records in. Only a hash of a session's id is stored, so a copy of the
//! database opens no session. A session ends 24 hours after its last use and 14 days after its log-in, by our clock.

use std::time::Duration;

use async_trait::async_trait;
use integration_contract::text::without_nul;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, SqlErr,
    sea_query::Expr,
};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use super::{Core, Error, Result, sealing::digest_of};
use crate::db::{
    Outdated, UserId,
    entity::{session, user},
};

/// How long a session lasts without being used.
pub const IDLE: Duration = Duration::from_hours(24);
/// How long a session lasts at most.
pub const ABSOLUTE: Duration = Duration::from_hours(14 * 24);
/// A use is noted when the last note is this old: a page must not cost a commit.
const NOTED_EVERY: Duration = Duration::from_mins(5);

/// Under this key a session's data names its user.
pub const USER: &str = "user";

/// Under this key it has what the browser said of itself when it was opened.
pub const BROWSER: &str = "browser";

/// How much of that is kept, in bytes.
const LONGEST_BROWSER: usize = 300;

/// What a browser says of itself, as it is kept: to be shown, and for nothing else.
pub fn browser_of(user_agent: &str) -> String {
    let text = without_nul(user_agent);
    text[..text.floor_char_boundary(LONGEST_BROWSER)].to_owned()
}

/// What the id of a session is kept as.
pub fn hash_of(id: &Id) -> Vec<u8> {
    digest_of(&id.0.to_le_bytes())
}

/// What a session remembers of the password it was opened with: it counts only while that is the password. Ending the
/// sessions there are is not enough, as a log-in with the old password may be on its way.
pub fn stamp_of(user: &user::Model) -> String {
    hex::encode(&digest_of(user.password_hash.as_bytes())[..16])
}

/// A user's sessions, last used first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(core: &Core, user: UserId) -> Result<Vec<session::Model>> {
    let now = core.clock.now();
    Ok(session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::ExpiresAt.gt(now))
        .order_by_desc(session::Column::SeenAt)
        .all(core.db.reader())
        .await?)
}

/// Whether a session of a user still counts: neither did it end by itself, nor did anybody end it.
///
/// # Errors
/// When the database does not answer.
pub async fn is_open(core: &Core, user: UserId, id_hash: &[u8]) -> Result<bool> {
    let open = session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::IdHash.eq(id_hash))
        .filter(session::Column::ExpiresAt.gt(core.clock.now()));
    Ok(open.one(core.db.reader()).await?.is_some())
}

/// Ends one of a user's own sessions.
///
/// # Errors
/// [`Error::NotFound`] when it is not there or not theirs.
pub async fn end(core: &Core, user: UserId, id_hash: &[u8]) -> Result<()> {
    let ended = core
        .db
        .write(async |tx| {
            session::Entity::delete_many()
                .filter(session::Column::UserId.eq(user))
                .filter(session::Column::IdHash.eq(id_hash))
                .exec(tx)
                .await
        })
        .await?;
    if ended.rows_affected == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Ends all of a user's sessions but the one they are looking from.
///
/// # Errors
/// When the database does not answer.
pub async fn end_all_others(core: &Core, user: UserId, here: &[u8]) -> Result<()> {
    Ok(core.db.write(async |tx| end_others(tx, user, here).await).await?)
}

/// Ends all of a user's sessions.
///
/// # Errors
/// When the database does not answer.
pub async fn end_all(tx: &DatabaseTransaction, user: UserId) -> Result<(), DbErr> {
    session::Entity::delete_many().filter(session::Column::UserId.eq(user)).exec(tx).await?;
    Ok(())
}

/// Ends a user's sessions except `here`.
///
/// # Errors
/// When the database does not answer.
pub async fn end_others(tx: &DatabaseTransaction, user: UserId, here: &[u8]) -> Result<(), DbErr> {
    session::Entity::delete_many()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::IdHash.ne(here))
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets the sessions that ended by themselves. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_ended(core: &Core) -> Result<u64> {
    let limit = core.clock.now();
    Ok(core
        .db
        .forget(Outdated { table: "sessions", key: "id_hash", which: "expires_at <= $1", limit, of: None })
        .await?)
}

/// Where tower-sessions keeps its records.
#[derive(Clone)]
pub struct Sessions {
    core: Core,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// In the database of `core`.
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    async fn note_use(&self, kept: &session::Model, now: i64) -> Result<(), DbErr> {
        self.core
            .db
            .write(async |tx| {
                session::Entity::update_many()
                    .col_expr(session::Column::SeenAt, Expr::value(now))
                    .col_expr(session::Column::ExpiresAt, Expr::value(expiry(kept.created_at, now)))
                    .filter(session::Column::IdHash.eq(kept.id_hash.as_slice()))
                    .exec(tx)
                    .await
            })
            .await?;
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let now = self.core.clock.now();
        let data = data_of(record)?;
        loop {
            let row = session::Model {
                id_hash: hash_of(&record.id),
                user_id: user_of(record),
                data: data.clone(),
                created_at: now,
                seen_at: now,
                expires_at: expiry(now, now),
            };
            let kept = self
                .core
                .db
                .write(async |tx| session::Entity::insert(row.into_active_model()).exec_without_returning(tx).await)
                .await;
            match kept {
                Ok(_) => return Ok(()),
                Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                    record.id = Id::default();
                }
                Err(error) => return Err(backend(&error)),
            }
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let now = self.core.clock.now();
        let data = data_of(record)?;
        // Never an insert: a session that was ended while this request ran must not come back.
        let saved = self.core.db.write(async |tx| {
            session::Entity::update_many()
                .col_expr(session::Column::UserId, Expr::value(user_of(record)))
                .col_expr(session::Column::Data, Expr::value(data))
                .filter(session::Column::IdHash.eq(hash_of(&record.id)))
                .filter(session::Column::ExpiresAt.gt(now))
                .exec(tx)
                .await
        });
        saved.await.map_err(|error| backend(&error))?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let now = self.core.clock.now();
        let kept = session::Entity::find_by_id(hash_of(id))
            .filter(session::Column::ExpiresAt.gt(now))
            .one(self.core.db.reader())
            .await
            .map_err(|error| backend(&error))?;
        let Some(kept) = kept else { return Ok(None) };
        if now - kept.seen_at >= millis(NOTED_EVERY)
            && let Err(error) = self.note_use(&kept, now).await
        {
            // Not worth refusing a page that can be read; the next one notes it.
            tracing::warn!(%error, "the use of a session was not noted");
        }
        let data =
            serde_json::from_value(kept.data).map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(kept.expires_at.div_euclid(1000))
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let deleted = self.core.db.write(async |tx| session::Entity::delete_by_id(hash_of(id)).exec(tx).await).await;
        deleted.map_err(|error| backend(&error))?;
        Ok(())
    }
}

fn data_of(record: &Record) -> session_store::Result<serde_json::Value> {
    serde_json::to_value(&record.data).map_err(|error| session_store::Error::Encode(error.to_string()))
}

fn user_of(record: &Record) -> Option<UserId> {
    record.data.get(USER).and_then(|user| serde_json::from_value(user.clone()).ok())
}

fn backend(error: &DbErr) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

fn expiry(created_at: i64, seen_at: i64) -> i64 {
    (created_at + millis(ABSOLUTE)).min(seen_at + millis(IDLE))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
