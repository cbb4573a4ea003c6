//! Delivering: one message, one attempt, and what follows from how it ended.

use std::time::Duration;

use integration_contract::{Error as PartnerError, ErrorKind, Http, Receipt};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::{
    TOO_OLD,
    attempt::{Attempt, last_of_link, readable, were_told, word},
    compose::{Composed, Unsent, compose},
    hold_link,
    keep::{hold, must_step_back, step_back},
    line::{self, Line, Notes},
    load, milliseconds,
};
use crate::{
    core::{Core, Error, Result, integration_links, partners::Partner},
    db::{
        OrganizationId, OutboxMessageId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            outbox_message::{Column, Entity, Model, OutboxKind, OutboxState},
        },
    },
    queue::Outcome,
};

/// When to try again a partner that asks us to slow down and does not say how much.
const SLOW_DOWN: Duration = Duration::from_secs(30);

/// So many attempts in vain are shown on the link; one or two pass before anybody looks.
const WORTH_SHOWING: i32 = 3;

/// Sends one message. Run by the job; a message that is done, or has a newer job, is left alone.
///
/// # Errors
/// When the database does not answer. What the partner does wrong is in the outcome.
pub async fn deliver(core: &Core, organization: OrganizationId, id: OutboxMessageId, turn: i32) -> Result<Outcome> {
    let Some(message) = load(core.db.reader(), organization, id).await? else { return Ok(Outcome::Done) };
    if message.state != OutboxState::Waiting || message.turn != turn {
        return Ok(Outcome::Done);
    }
    let Some(link) = integration_links::load(core, organization, message.link_id).await? else {
        return Ok(Outcome::Done);
    };
    match link.state {
        LinkState::Removing | LinkState::Removed => {
            return finish(core, &message, OutboxState::Cancelled, "The link was removed.").await;
        }
        // Whoever wrote to us is answered, whatever the state of the link.
        _ if message.kind == OutboxKind::Answer => {}
        LinkState::Paused => return finish(core, &message, OutboxState::Skipped, "The link is paused.").await,
        LinkState::Pending | LinkState::Broken => {
            let held = core.db.write(async |tx| hold(tx, &message).await).await?;
            return Ok(if held { Outcome::Done } else { Outcome::Later { after: Duration::ZERO } });
        }
        LinkState::Active if must_step_back(core, &message).await? => {
            step_back(core, &message).await?;
            return Ok(Outcome::Done);
        }
        LinkState::Active => {}
    }
    let Ok(partner) = core.partners.get(&link.partner) else {
        return finish(core, &message, OutboxState::Failed, "This installation no longer has this integration.").await;
    };
    if let Some(after) = too_soon(core, partner, &message).await? {
        return Ok(Outcome::Later { after });
    }
    let delivery = match compose(core, partner, &link, &message).await? {
        Ok(composed) => Delivery { core, partner, link: &link, message: &message, composed },
        Err(Unsent { state, reason }) => return finish(core, &message, state, reason).await,
    };
    delivery.attempt().await
}

/// The job that sends a message, in this turn if one is named, is out of attempts: the message says so, and can be sent
/// again by hand.
///
/// # Errors
/// When the database does not answer.
pub async fn gave_up(
    core: &Core,
    organization: OrganizationId,
    id: OutboxMessageId,
    turn: Option<i32>,
    why: &str,
) -> Result<()> {
    let Some(message) = load(core.db.reader(), organization, id).await? else { return Ok(()) };
    if turn.is_some_and(|turn| turn != message.turn) {
        // A newer job has it.
        return Ok(());
    }
    finish(core, &message, OutboxState::Failed, why).await?;
    Ok(())
}

/// How long the link's pace still asks to wait.
async fn too_soon(core: &Core, partner: &Partner, message: &Model) -> Result<Option<Duration>> {
    let Some(pace) = partner.integration.card().pace.filter(|_| message.kind != OutboxKind::Answer) else {
        return Ok(None);
    };
    let last = last_of_link(core, message.organization_id, message.link_id).await?;
    let passed = last.and_then(|last| u64::try_from(core.clock.now() - last).ok()).map(Duration::from_millis);
    Ok(passed.and_then(|passed| pace.checked_sub(passed)).filter(|left| !left.is_zero()))
}

/// A message that can be sent now.
struct Delivery<'a> {
    core: &'a Core,
    partner: &'a Partner,
    link: &'a integration_link::Model,
    message: &'a Model,
    composed: Composed,
}

impl Delivery<'_> {
    async fn attempt(self) -> Result<Outcome> {
        let core = self.core;
        let account: Uuid = self.link.integration_user_id.map_or(self.link.id.0, |account| account.0);
        let permit = match core.breakers().enter(core.clock.now(), account, self.partner.id()) {
            Ok(permit) => permit,
            Err(after) => return Ok(Outcome::Later { after }),
        };
        let Some(attempt) = Attempt::begin(core, self.message, &self.composed.outgoing).await? else {
            return Ok(Outcome::Done);
        };
        let notes = Notes::default();
        let result = match self.call(&notes).await {
            Ok(receipt) => Ok(receipt),
            Err(Error::Partner(error)) => Err(error),
            Err(error) => return Err(error),
        };
        match &result {
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::UnknownOutcome) => {
                permit.failed(core.clock.now());
            }
            // It was not asked.
            _ if notes.stopped() => drop(permit),
            _ => permit.answered(),
        }
        let outcome = result.as_ref().map_or_else(|error| word(error.kind()), |_| "delivered");
        metrics::counter!("outbox_delivered_total", "partner" => self.partner.id(), "outcome" => outcome).increment(1);
        self.follow(&attempt, &notes, result).await
    }

    async fn call(&self, notes: &Notes) -> Result<Receipt> {
        let Self { core, partner, link, message, composed } = self;
        // Making the account ready may refresh its token, which is nobody's wish for a link that was just removed.
        if line::begin(core, link.organization_id, link.id).await?.is_none() {
            return Err(notes.stop().into());
        }
        let mut account = integration_links::account(core, partner, link).await?;
        account.http = Http::new(Line {
            inner: account.http,
            core: (*core).clone(),
            organization: link.organization_id,
            link: link.id,
            shows_paths: message.kind != OutboxKind::Answer,
            notes: notes.clone(),
        });
        let seen = integration_links::as_partner_sees(core, link);
        Ok(partner.integration.deliver(&account, &seen, &composed.outgoing).await?)
    }

    /// Writes down how the attempt ended and what follows from it, in one commit.
    async fn follow(
        self,
        attempt: &Attempt,
        notes: &Notes,
        result: std::result::Result<Receipt, PartnerError>,
    ) -> Result<Outcome> {
        let core = self.core;
        let end = self.end_of(&result);
        if let (End::LinkBroken { account: true, .. }, Err(error)) = (&end, &result) {
            integration_links::account_is_broken(core, self.link, error.sentence()).await?;
        }
        let now = core.clock.now();
        let outcome = core
            .db
            .write(async |tx| {
                hold_link(tx, self.link.organization_id, self.link.id).await?;
                attempt.end(tx, self.message, self.composed.status, &result, notes, now).await?;
                self.write(tx, end, notes, now).await
            })
            .await?;
        core.queue.wake();
        Ok(outcome)
    }

    /// What follows from how the partner took it. The kind of an error decides, as documented on
    /// [`integration_contract::Integration::deliver`].
    fn end_of<'r>(&self, result: &'r std::result::Result<Receipt, PartnerError>) -> End<'r> {
        let error = match result {
            Ok(receipt) => return End::Delivered { note: receipt.note.clone() },
            Err(error) => error,
        };
        let sentence = error.sentence().to_owned();
        let is_answer = self.message.kind == OutboxKind::Answer;
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::UnknownOutcome => End::Again { after: error.wait(), sentence },
            ErrorKind::RateLimited => {
                // Waiting does not count as an attempt, but it has an end too.
                let old = self.core.clock.now() - self.message.created_at > milliseconds(TOO_OLD);
                let after = error.wait().unwrap_or(SLOW_DOWN);
                if old { End::Again { after: Some(after), sentence } } else { End::Later { after, sentence } }
            }
            // Where the link does not act with the account, it is the link that is not let in.
            ErrorKind::Unauthorized if !is_answer => {
                End::LinkBroken { account: self.partner.acts_with_accounts(), error }
            }
            ErrorKind::Gone if !is_answer => End::LinkGone { sentence },
            ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::NotConfigured if !is_answer => {
                End::LinkBroken { account: false, error }
            }
            _ => End::Failed { sentence },
        }
    }

    async fn write(&self, tx: &DatabaseTransaction, end: End<'_>, notes: &Notes, now: i64) -> Result<Outcome> {
        let Self { core, message, .. } = self;
        Ok(match end {
            End::Delivered { note } => {
                were_told(tx, message, &self.composed.told, now).await?;
                let done = Ending { state: OutboxState::Delivered, reason: None, note };
                let delivered = done.write(tx, message, now, Some(message.version)).await?;
                self.link_fares(tx, None).await?;
                if delivered { Outcome::Done } else { self.was_not_all(tx).await? }
            }
            End::Again { after, sentence } => {
                self.in_trouble(tx, &sentence).await?;
                Outcome::Again { after, why: sentence }
            }
            End::Later { after, sentence } => {
                self.in_trouble(tx, &sentence).await?;
                Outcome::Later { after }
            }
            End::LinkBroken { error, .. } => {
                integration_links::broke(core, tx, self.link, error).await?;
                super::keep::hold_all(tx, self.link).await?;
                Outcome::Done
            }
            End::LinkGone { sentence } => {
                integration_links::gone(core, tx, self.partner, self.link, &sentence).await?;
                Outcome::Done
            }
            // Its message was cancelled with the link.
            End::Failed { .. } if notes.stopped() => Outcome::Done,
            End::Failed { sentence } => {
                let failed = Ending { state: OutboxState::Failed, reason: Some(sentence), note: None };
                failed.write(tx, message, now, None).await?;
                Outcome::Done
            }
        })
    }

    /// It was sent, and yet it is not done: either it changed meanwhile, and goes out again as it is now, or its link
    /// was removed while it was on the wire.
    async fn was_not_all(&self, tx: &DatabaseTransaction) -> Result<Outcome> {
        let Some(now) = load(tx, self.message.organization_id, self.message.id).await? else {
            return Ok(Outcome::Done);
        };
        if now.state == OutboxState::Cancelled {
            let note = "It was on its way already when the link was removed.";
            Entity::update_of(now.organization_id)
                .col_expr(Column::Note, Expr::val(note))
                .filter(Column::Id.eq(now.id))
                .exec(tx)
                .await?;
        }
        let again = now.state == OutboxState::Waiting && now.turn == self.message.turn;
        Ok(if again { Outcome::Later { after: Duration::ZERO } } else { Outcome::Done })
    }

    async fn in_trouble(&self, tx: &DatabaseTransaction, sentence: &str) -> Result<()> {
        let reason = readable(&format!("{sentence} Trying again."));
        Entity::update_of(self.message.organization_id)
            .col_expr(Column::Reason, Expr::val(reason.as_str()))
            .filter(Column::Id.eq(self.message.id))
            .filter(Column::State.eq(OutboxState::Waiting))
            .exec(tx)
            .await?;
        let worth_showing = self.message.attempts + 1 >= WORTH_SHOWING;
        self.link_fares(tx, Some(reason).filter(|_| worth_showing)).await
    }

    /// Lets a working link say what is in the way of its messages, and that nothing is any more.
    async fn link_fares(&self, tx: &DatabaseTransaction, trouble: Option<String>) -> Result<()> {
        if self.message.kind == OutboxKind::Answer || self.link.reason == trouble {
            return Ok(());
        }
        integration_links::change_living(tx, self.link, |row| {
            if row.state.as_ref() == &LinkState::Active {
                row.reason = Set(trouble);
            }
        })
        .await
    }
}

/// What follows from an attempt.
enum End<'a> {
    Delivered { note: Option<String> },
    Again { after: Option<Duration>, sentence: String },
    Later { after: Duration, sentence: String },
    LinkBroken { account: bool, error: &'a PartnerError },
    LinkGone { sentence: String },
    Failed { sentence: String },
}

/// Where a message ends.
struct Ending {
    state: OutboxState,
    reason: Option<String>,
    note: Option<String>,
}

impl Ending {
    /// Writes it, unless the message was finished meanwhile or, when a version is named, has changed; says whether it did. What a
    /// digest took with it ends with it.
    async fn write(&self, tx: &DatabaseTransaction, message: &Model, now: i64, version: Option<i32>) -> Result<bool> {
        let reason = self.reason.as_deref().map(readable);
        let mut of_message = Entity::update_of(message.organization_id)
            .col_expr(Column::State, self.state.into())
            .col_expr(Column::Reason, Expr::val(reason.clone()))
            .col_expr(Column::Note, Expr::val(self.note.as_deref().map(readable)))
            .col_expr(Column::FinishedAt, Expr::val(now))
            .filter(Column::Id.eq(message.id))
            .filter(Column::Turn.eq(message.turn))
            .filter(Column::State.is_in(OutboxState::LIVING));
        // What happened to an item stands nowhere else, and can be sent again.
        let again =
            message.kind == OutboxKind::Item && matches!(self.state, OutboxState::Failed | OutboxState::Skipped);
        if !again {
            of_message = of_message.col_expr(Column::Content, Expr::val(None::<Vec<u8>>));
        }
        if let Some(version) = version {
            of_message = of_message.filter(Column::Version.eq(version));
        }
        let written = of_message.exec(tx).await?.rows_affected > 0;
        if written && message.kind == OutboxKind::Digest {
            Entity::update_of(message.organization_id)
                .col_expr(Column::State, self.state.into())
                .col_expr(Column::Reason, Expr::val(reason))
                .col_expr(Column::FinishedAt, Expr::val(now))
                .filter(Column::DigestId.eq(message.id))
                .exec(tx)
                .await?;
        }
        Ok(written)
    }
}

/// Ends a message that is not sent.
async fn finish(core: &Core, message: &Model, state: OutboxState, reason: &str) -> Result<Outcome> {
    let ending = Ending { state, reason: Some(reason.to_owned()), note: None };
    core.db
        .write(async |tx| {
            hold_link(tx, message.organization_id, message.link_id).await?;
            ending.write(tx, message, core.clock.now(), None).await
        })
        .await?;
    Ok(Outcome::Done)
}
