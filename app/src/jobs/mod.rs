//! What waits in the queue: one arm per kind of job, each a line or two into `core`.
//!
//! A job carries ids and can be run twice: the core looks the row up first, and what is gone or done is success.

pub mod upkeep;

use std::time::Duration;

use async_trait::async_trait;
use integration_contract::ErrorKind;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    core::{
        Core, Error, Result, deletions, happenings, inbox, integration_links, integration_users, mail, mirrors, outbox,
        password_links,
    },
    db::{
        DeletionId, IntegrationUserId, LinkId, MailId, MessageId, MirrorBackfillId, MirrorChangeId, MirrorId,
        MirrorPairId, OutboxMessageId, TeamId, UserId,
    },
    queue::{Job, Outcome, Policy, Work},
};

/// Runs every kind of job this binary knows.
pub struct Jobs {
    core: Core,
}

#[derive(Deserialize)]
struct OfLink {
    link: LinkId,
}

#[derive(Deserialize)]
struct OfMessage {
    message: MessageId,
}

#[derive(Deserialize)]
struct OfOutgoing {
    message: OutboxMessageId,
    #[serde(default)]
    turn: i32,
}

#[derive(Deserialize)]
struct OfChange {
    change: MirrorChangeId,
    pair: MirrorPairId,
}

#[derive(Deserialize)]
struct OfMirror {
    mirror: MirrorId,
}

#[derive(Deserialize)]
struct OfBackfill {
    backfill: MirrorBackfillId,
    turn: i32,
}

#[derive(Deserialize)]
struct OfAccount {
    account: IntegrationUserId,
}

#[derive(Deserialize)]
struct OfMail {
    mail: MailId,
}

#[derive(Deserialize)]
struct OfUser {
    user: UserId,
}

#[derive(Deserialize)]
struct OfDeletion {
    deletion: DeletionId,
}

#[derive(Deserialize)]
struct OfTeam {
    team: TeamId,
}

impl Jobs {
    /// Jobs that work on this core.
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    async fn perform(&self, job: &Job) -> Result<()> {
        let (core, organization) = (&self.core, job.organization);
        match job.kind.as_str() {
            integration_links::INSTALL => {
                integration_links::install(core, organization, payload::<OfLink>(job)?.link).await
            }
            integration_links::UNINSTALL => {
                integration_links::uninstall(core, organization, payload::<OfLink>(job)?.link).await
            }
            integration_links::INSPECT => {
                integration_links::inspect_again(core, organization, payload::<OfLink>(job)?.link).await
            }
            integration_links::NOTICE => {
                integration_links::notice(core, organization, payload::<OfLink>(job)?.link).await
            }
            inbox::READ_MESSAGE => happenings::read(core, organization, payload::<OfMessage>(job)?.message).await,
            outbox::SEND_DIGEST => outbox::strike(core, organization, payload::<OfOutgoing>(job)?.message).await,
            other => Err(anyhow::anyhow!("there is no job of the kind {other}").into()),
        }
    }

    /// Sends a message. How that ended is more than whether it worked.
    async fn deliver(&self, job: &Job) -> Result<Outcome> {
        let OfOutgoing { message, turn } = payload(job)?;
        outbox::deliver(&self.core, job.organization, message, turn).await
    }

    /// Carries a change from one side of a mirror to the other.
    async fn carry(&self, job: &Job) -> Result<Outcome> {
        let OfChange { change, pair } = payload(job)?;
        mirrors::carry(&self.core, job.organization, change, pair, job.age).await
    }

    /// Makes up a bit more for what was there before a mirror.
    async fn backfill(&self, job: &Job) -> Result<Outcome> {
        let OfBackfill { backfill, turn } = payload(job)?;
        mirrors::go_on_with_backfill(&self.core, job.organization, backfill, turn, job.age).await
    }

    /// Gives an account back, once nothing at the partner needs it any more.
    async fn give_back(&self, job: &Job) -> Result<Outcome> {
        integration_users::give_back(&self.core, job.organization, payload::<OfAccount>(job)?.account).await
    }

    async fn take_down(&self, job: &Job) -> Result<Outcome> {
        mirrors::take_down(&self.core, job.organization, payload::<OfMirror>(job)?.mirror).await
    }

    /// Sends a mail. The mail server has its own ways of saying no.
    async fn send_mail(&self, job: &Job) -> Result<Outcome> {
        mail::send(&self.core, job.organization, payload::<OfMail>(job)?.mail).await
    }

    /// Mails somebody a link with which they set a new password.
    async fn send_password_link(&self, job: &Job) -> Result<Outcome> {
        password_links::send(&self.core, payload::<OfUser>(job)?.user).await
    }

    /// Deletes an organization, for as far as it comes.
    async fn delete_organization(&self, job: &Job) -> Result<Outcome> {
        deletions::go_on(&self.core, job.organization, payload::<OfDeletion>(job)?.deletion).await
    }

    /// Deletes a team, for as far as it comes.
    async fn delete_team(&self, job: &Job) -> Result<Outcome> {
        deletions::team::go_on(&self.core, job.organization, payload::<OfTeam>(job)?.team).await
    }

    async fn end(&self, job: &Job, why: &str) -> Result<()> {
        let (core, organization) = (&self.core, job.organization);
        match job.kind.as_str() {
            integration_links::INSTALL => {
                integration_links::install_gave_up(core, organization, payload::<OfLink>(job)?.link, why).await
            }
            integration_links::UNINSTALL => {
                integration_links::uninstall_gave_up(core, organization, payload::<OfLink>(job)?.link, why).await
            }
            inbox::READ_MESSAGE => {
                happenings::gave_up(core, organization, payload::<OfMessage>(job)?.message, why).await
            }
            integration_users::DISCONNECT => {
                integration_users::forget(core, organization, payload::<OfAccount>(job)?.account).await
            }
            outbox::DELIVER => {
                let OfOutgoing { message, turn } = payload(job)?;
                outbox::gave_up(core, organization, message, Some(turn), why).await
            }
            deletions::DELETE => deletions::gave_up(core, organization, payload::<OfDeletion>(job)?.deletion).await,
            deletions::team::DELETE => deletions::team::gave_up(core, organization, payload::<OfTeam>(job)?.team).await,
            mail::SEND => mail::forget(core, organization, payload::<OfMail>(job)?.mail).await,
            outbox::SEND_DIGEST => {
                outbox::gave_up(core, organization, payload::<OfOutgoing>(job)?.message, None, why).await
            }
            mirrors::CARRY => mirrors::gave_up(core, organization, payload::<OfChange>(job)?.change, why).await,
            mirrors::BACKFILL => {
                let OfBackfill { backfill, turn } = payload(job)?;
                mirrors::backfill_gave_up(core, organization, backfill, turn, why).await
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Work for Jobs {
    async fn run(&self, job: &Job) -> Outcome {
        let done = match job.kind.as_str() {
            outbox::DELIVER => self.deliver(job).await,
            mirrors::CARRY => self.carry(job).await,
            mirrors::BACKFILL => self.backfill(job).await,
            mirrors::REMOVE => self.take_down(job).await,
            integration_users::DISCONNECT => self.give_back(job).await,
            mail::SEND => self.send_mail(job).await,
            password_links::SEND => self.send_password_link(job).await,
            deletions::DELETE => self.delete_organization(job).await,
            deletions::team::DELETE => self.delete_team(job).await,
            _ => self.perform(job).await.map(|()| Outcome::Done),
        };
        done.unwrap_or_else(|error| outcome(job, error))
    }

    async fn gave_up(&self, job: &Job, why: &str) {
        if let Err(error) = self.end(job, why).await {
            tracing::error!(job = ?job.lease, kind = job.kind, %error, "could not note that a job was given up");
        }
    }

    fn policy(&self, kind: &str) -> Policy {
        patience_with(kind)
    }
}

/// A message whose partner has to be asked first waits for it as long as other work at a partner does. Its attempts are
/// for what goes wrong here.
const READING_WAITS: Duration = Duration::from_secs(76 * 3600);
const SHORTEST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How long one run of a deletion may take; the next goes on with it.
const DELETING: Duration = Duration::from_secs(3600);

fn patience_with(kind: &str) -> Policy {
    match kind {
        inbox::READ_MESSAGE | outbox::SEND_DIGEST => Policy::FEW_TRIES,
        // A large organization or team has many rows, and they go a few at a time.
        deletions::DELETE | deletions::team::DELETE => Policy { timeout: DELETING, ..Policy::DAYS },
        // Nobody looks into their mailbox for longer.
        password_links::SEND => {
            Policy { patience: password_links::LASTS, longest_pause: password_links::LASTS / 12, ..Policy::FEW_TRIES }
        }
        // All others work at a partner or a mail server, who may be away for a weekend. A kind that only a newer binary knows waits as
        // long: that one will run it.
        _ => Policy::DAYS,
    }
}

fn outcome(job: &Job, error: Error) -> Outcome {
    match error {
        Error::Partner(error) => {
            tracing::info!(job = ?job.lease, kind = job.kind, organization = %job.organization, partner_error = ?error.kind(), "a partner did not do its part");
            let why = error.sentence().to_owned();
            match error.kind() {
                _ if job.kind == inbox::READ_MESSAGE && error.passes() && job.age < READING_WAITS => {
                    Outcome::Later { after: error.wait().unwrap_or((job.age / 4).clamp(SHORTEST_WAIT, LONGEST_WAIT)) }
                }
                ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::UnknownOutcome => {
                    Outcome::Again { after: error.wait(), why }
                }
                _ => Outcome::Failed { why },
            }
        }
        error => {
            tracing::error!(job = ?job.lease, kind = job.kind, organization = %job.organization, error = ?error, "a job failed");
            Outcome::Again { after: None, why: "Something went wrong on our side.".to_owned() }
        }
    }
}

fn payload<T: DeserializeOwned>(job: &Job) -> Result<T> {
    serde_json::from_value(job.payload.clone()).map_err(|error| anyhow::anyhow!("a job's payload: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_works_at_a_partner_is_tried_for_days() {
        use integration_links::{INSPECT, INSTALL, NOTICE, UNINSTALL};
        for kind in [
            INSTALL,
            UNINSTALL,
            INSPECT,
            NOTICE,
            integration_users::DISCONNECT,
            outbox::DELIVER,
            mail::SEND,
            "of_a_newer_binary",
        ] {
            assert_eq!(patience_with(kind), Policy::DAYS, "{kind}");
        }
        assert_eq!(patience_with(inbox::READ_MESSAGE), Policy::FEW_TRIES);
        assert_eq!(
            patience_with(password_links::SEND).patience,
            password_links::LASTS,
            "nobody waits longer for a mail"
        );
    }
}
