//! Password links: the way back for somebody who forgot their password.
//!
//! A link counts once, for an hour, and until the next one is made or the password is changed. Only a hash of its token
//! is kept. It goes by mail ([`ask`]); whoever runs the server can also make one to pass on ([`make`]).
//!
//! The request that asks does the same for every address, known or not: it adds a job. The job finds out whether there
//! is somebody to write to, and makes the token then and there ([`send`]), so that no mail with a token in it waits in
//! the database.

use std::{net::IpAddr, time::Duration};

use integration_contract::{ExposeSecret, FieldErrors, SecretString};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};
use url::Url;

use super::{
    Core, Error, Result,
    mail::{self, Letter, Undelivered},
    partners::our_url,
    passwords, sealing, sessions, users,
};
use crate::{
    db::{
        Db, MailId, OrganizationId, Outdated, UserId,
        entity::{
            password_link::{Column, Entity, Model},
            user,
        },
    },
    queue::{self, NewJob, Outcome},
};

/// The job that mails a link: payload `{"user": id}`, also where there is no such user.
pub const SEND: &str = "send_password_link";

/// How long a link counts.
pub const LASTS: Duration = Duration::from_hours(1);

/// Nobody is mailed a link more often than this: whoever knows an address could fill its mailbox, and make each link
/// worthless before it is opened.
pub const PAUSE: Duration = Duration::from_mins(5);

/// Every job is some tenant's, and a user is none's: these take their turn among the tenants as one of them.
const NO_TENANT: OrganizationId = OrganizationId(Uuid::nil());

/// Has a link mailed to whoever has this address here. How that ended is not told, nor can it be seen from the time it
/// takes.
///
/// # Errors
/// [`Error::Invalid`] (`email`) for what can't be an address; [`Error::TooMany`] for who keeps asking.
pub async fn ask(core: &Core, from: IpAddr, email: &str) -> Result<()> {
    let email = users::address(email);
    core.0.attempts.on_account(&email, from)?;
    if let Err(sentence) = users::check_address(&email) {
        return Err(Error::field("email", sentence));
    }
    // Who is not known gets a job too, about nobody: the same statements, and the same commit.
    let user = users::at(&core.db, &email).await?.map_or_else(UserId::new, |user| user.id);
    let job = NewJob {
        organization: NO_TENANT,
        kind: SEND,
        payload: serde_json::json!({ "user": user }),
        // Of two that are asked for at once, the second sees that the first was mailed.
        lane: Some(format!("password:{user}")),
        run_at: None,
    };
    core.db.write(async |tx| queue::add(tx, job).await).await?;
    core.queue.wake();
    tracing::info!(%from, "a password link was asked for");
    Ok(())
}

/// Makes a link and mails it, unless there is nobody to mail it to, or they got one just now. Run by the job.
///
/// Each try makes a link of its own. So one that the mail server took without our hearing of it counts no longer when
/// the next one comes.
///
/// # Errors
/// When the database does not answer.
pub async fn send(core: &Core, id: UserId) -> Result<Outcome> {
    let Some(user) = user::Entity::find_by_id(id).one(core.db.reader()).await? else { return Ok(Outcome::Done) };
    let mailed = Entity::find_by_id(id).filter(Column::MailedAt.gt(core.clock.before(PAUSE)));
    if mailed.one(core.db.reader()).await?.is_some() {
        return Ok(Outcome::Done);
    }
    if !core.sends_mail() {
        let why = "This process has no mail server set, unlike the one that was asked.".to_owned();
        return Ok(Outcome::Again { after: None, why });
    }
    let token = core.db.write(async |tx| renew(tx, core.clock.now(), id).await).await?;
    let letter = letter(core, &user, &token);
    // Its own name for each try: mailboxes drop the second of two mails of one name, and here the second one counts.
    match mail::send_at_once(core, MailId::new().0, &user, &letter).await {
        Ok(()) => {}
        Err(Undelivered::Passes(why)) => return Ok(Outcome::Again { after: None, why }),
        Err(Undelivered::Refused(why)) => return Ok(Outcome::Failed { why }),
    }
    core.db
        .write(async |tx| {
            Entity::update_many()
                .col_expr(Column::MailedAt, Expr::value(core.clock.now()))
                .filter(Column::UserId.eq(id))
                .filter(Column::TokenHash.eq(hash_of(&token)))
                .exec(tx)
                .await
        })
        .await?;
    tracing::info!(user = %id, "a password link was mailed");
    Ok(Outcome::Done)
}

fn letter(core: &Core, user: &user::Model, token: &SecretString) -> Letter {
    let site = &core.site.name;
    // Not the name: whoever signs up with somebody else's address could write to them with it.
    Letter {
        subject: format!("A new password for {site}"),
        body: format!(
            "Somebody, probably you, has forgotten the password of {email} at {site}. Choose a new one here:\n{url}\n\n\
             The link counts once, and for an hour.\n\n\
             If it was not you, there is nothing to do: the password stays as it is.\n",
            email = user.email,
            url = address(&core.site.public_url, token),
        ),
    }
}

/// Makes a link for whoever has this address, to be passed on by hand: for whoever runs the server. It is kept nowhere,
/// and a link that was made before counts no longer.
///
/// # Errors
/// [`Error::NotFound`] when nobody has the address.
pub async fn make(db: &Db, now: i64, email: &str) -> Result<(user::Model, SecretString)> {
    let user = users::at(db, email).await?.ok_or(Error::NotFound)?;
    let token = db.write(async |tx| renew(tx, now, user.id).await).await?;
    Ok((user, token))
}

/// The address of the page on which a link's password is set.
pub fn address(public_url: &Url, token: &SecretString) -> Url {
    our_url(public_url, &format!("password/new/{}", token.expose_secret()))
}

/// Whose password a link sets; changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for a link that does not count: unknown, used, expired, or no longer the newest.
pub async fn look(core: &Core, token: &SecretString) -> Result<user::Model> {
    let row = open(core.db.reader(), core.clock.now(), token).await?;
    user::Entity::find_by_id(row.user_id).one(core.db.reader()).await?.ok_or(Error::NotFound)
}

/// Sets a new password, ends the link and all sessions of its user.
///
/// # Errors
/// As [`look`]; [`Error::Invalid`] (`password`), and the link still counts; [`Error::TooMany`] for who keeps trying.
pub async fn set_password(core: &Core, from: IpAddr, token: &SecretString, new: &SecretString) -> Result<user::Model> {
    core.0.attempts.on_address(from)?;
    let user = look(core, token).await?;
    let mut errors = FieldErrors::default();
    passwords::check(&mut errors, "password", new);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let password_hash = core.0.passwords.hash(new).await?;
    core.db
        .write(async |tx| {
            // The row decides between two who press the button at once.
            let used = Entity::delete_many()
                .filter(Column::TokenHash.eq(hash_of(token)))
                .filter(Column::ExpiresAt.gt(core.clock.now()))
                .exec(tx)
                .await?;
            if used.rows_affected == 0 {
                return Err(Error::NotFound);
            }
            user::Entity::update_many()
                .col_expr(user::Column::PasswordHash, password_hash.clone().into())
                .filter(user::Column::Id.eq(user.id))
                .exec(tx)
                .await?;
            Ok(sessions::end_all(tx, user.id).await?)
        })
        .await?;
    tracing::info!(user = %user.id, %from, "a new password was set with a link");
    Ok(user::Model { password_hash, ..user })
}

/// Makes a user's link count no longer: their password was changed.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(tx: &DatabaseTransaction, user: UserId) -> Result<(), DbErr> {
    Entity::delete_by_id(user).exec(tx).await?;
    Ok(())
}

/// Forgets the links whose hour is over. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_expired(core: &Core) -> Result<u64> {
    let limit = core.clock.now();
    let over = Outdated { table: "password_links", key: "user_id", which: "expires_at <= $1", limit, of: None };
    Ok(core.db.forget(over).await?)
}

/// Makes a link's token, in the place of the one there was.
async fn renew(tx: &DatabaseTransaction, now: i64, user: UserId) -> Result<SecretString, DbErr> {
    let token = sealing::random_text(32);
    let row = Model {
        user_id: user,
        token_hash: hash_of(&token),
        created_at: now,
        expires_at: now + i64::try_from(LASTS.as_millis()).unwrap_or(i64::MAX),
        mailed_at: None,
    };
    let instead = OnConflict::column(Column::UserId)
        .update_columns([Column::TokenHash, Column::CreatedAt, Column::ExpiresAt, Column::MailedAt])
        .to_owned();
    Entity::insert(row.into_active_model()).on_conflict(instead).exec_without_returning(tx).await?;
    Ok(token)
}

/// The row of a link that counts now.
async fn open(db: &impl ConnectionTrait, now: i64, token: &SecretString) -> Result<Model> {
    let row = Entity::find().filter(Column::TokenHash.eq(hash_of(token))).filter(Column::ExpiresAt.gt(now));
    row.one(db).await?.ok_or(Error::NotFound)
}

fn hash_of(token: &SecretString) -> Vec<u8> {
    sealing::digest_of(token.expose_secret().as_bytes())
}
