//! Mail: told to people where they are, each thing once.
//!
//! Whoever has something to tell writes the mail and its job in the transaction that decides that it is told
//! ([`write()`]). The job hands it to the mailer and forgets it ([`send`]); what can't be sent is tried again for days. A
//! process that dies between the two sends again, under the same Message-ID.

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, prelude::Uuid};

use super::{Core, Result};
use crate::{
    db::{
        MailId, OrganizationId, UserId,
        entity::{Tenant, mail, member, user},
    },
    queue::{self, NewJob, Outcome},
};

pub mod digest;
pub mod health;
mod mailer;

pub use mailer::{Mailer, Undelivered};

/// The job that sends a mail: payload `{"mail": id}`.
pub const SEND: &str = "send_mail";

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Writes a mail to each of these people, with its job. Wake the queue after the commit.
///
/// # Errors
/// When the database does not answer.
pub async fn write(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    to: impl IntoIterator<Item = UserId>,
    letter: &Letter,
) -> Result<()> {
    let mails: Vec<mail::Model> = to
        .into_iter()
        .map(|user_id| mail::Model {
            organization_id: organization,
            id: MailId::new(),
            user_id,
            subject: letter.subject.clone(),
            body: letter.body.clone(),
            created_at: core.clock.now(),
        })
        .collect();
    let job = |mail: &mail::Model| NewJob {
        organization,
        kind: SEND,
        payload: serde_json::json!({ "mail": mail.id }),
        lane: None,
        run_at: None,
    };
    let jobs = mails.iter().map(job).collect();
    if mails.is_empty() {
        return Ok(());
    }
    mail::Entity::insert_many(mails.into_iter().map(IntoActiveModel::into_active_model))
        .exec_without_returning(tx)
        .await?;
    Ok(queue::add_many(tx, jobs).await?)
}

/// Sends a mail, unless it was sent, or whom it is for has left the organization. Run by the job.
///
/// # Errors
/// When the database does not answer.
pub async fn send(core: &Core, organization: OrganizationId, id: MailId) -> Result<Outcome> {
    let db = core.db.reader();
    let Some(mail) = mail::Entity::of(organization).filter(mail::Column::Id.eq(id)).one(db).await? else {
        return Ok(Outcome::Done);
    };
    let is_member = member::Entity::of(organization).filter(member::Column::UserId.eq(mail.user_id)).one(db).await?;
    let user = user::Entity::find_by_id(mail.user_id).one(db).await?;
    if let (Some(_), Some(user)) = (is_member, user) {
        let letter = Letter { subject: mail.subject, body: mail.body };
        match core.0.mailer.carry(&core.site, id, &user, &letter).await {
            Ok(()) => {}
            Err(Undelivered::Passes(why)) => return Ok(Outcome::Again { after: None, why }),
            Err(Undelivered::Refused(why)) => return Ok(Outcome::Failed { why }),
        }
    }
    forget(core, organization, id).await?;
    Ok(Outcome::Done)
}

/// Sends a letter to somebody without keeping it: for what belongs to no organization. Whoever has it sends it again.
///
/// # Errors
/// Why it did not leave.
pub async fn send_at_once(core: &Core, id: Uuid, to: &user::Model, letter: &Letter) -> Result<(), Undelivered> {
    core.0.mailer.carry(&core.site, MailId(id), to, letter).await
}

/// Forgets a mail that was sent, or that can't be.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(core: &Core, organization: OrganizationId, id: MailId) -> Result<()> {
    core.db
        .write(async |tx| {
            mail::Entity::delete_of(organization).filter(mail::Column::Id.eq(id)).exec(tx).await?;
            Ok(())
        })
        .await
}
