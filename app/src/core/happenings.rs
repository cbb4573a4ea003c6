//! Understanding a kept hook: the partner says what happened, and the log and the link follow, in one commit.

use std::time::Duration;

use integration_contract::{Answer, Author, Error as PartnerError, ErrorKind, Happening, HookCall, Reading, Verified};
use jiff::civil::Date;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter};

use super::{
    Core, Error, Result,
    entries::{self, Recorded},
    inbox, integration_links, integration_users, items, outbox,
    partners::Partner,
    traces,
};
use crate::{
    clock::day_of,
    db::{
        EntryId, MessageId, OrganizationId, UserId,
        entity::{
            Tenant,
            inbox_message::{self, MessageState},
            inbox_outcome::Did,
            integration_link::{self, LinkLevel, LinkState},
            team,
        },
    },
};

/// How long somebody we do not know can take the offer to say who they are.
const CLAIM_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads one kept hook. Run by the job; a message that was read before is left alone.
///
/// # Errors
/// When the database does not answer.
pub async fn read(core: &Core, organization: OrganizationId, id: MessageId) -> Result<()> {
    let message = match inbox::load(core, organization, id).await {
        Ok(message) => message,
        Err(Error::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    if message.state != MessageState::Received {
        return Ok(());
    }
    let Some(link) = integration_links::load(core, organization, message.link_id).await? else { return Ok(()) };
    let outcome = match link.state {
        LinkState::Removing | LinkState::Removed => Outcome::ignored("The link was removed."),
        LinkState::Paused => {
            // Whoever wrote to it may be waiting for an answer.
            let partner = core.partners.get(&link.partner)?;
            let seen = integration_links::as_partner_sees(core, &link);
            let answer_to = partner.integration.hook(&seen, &call_of(&message)).ok().and_then(|read| read.answer_to);
            let reading = Reading { answer_to, ..Reading::ignored("The link is paused.") };
            return apply(core, partner, &link, &message, reading).await;
        }
        LinkState::Pending | LinkState::Active | LinkState::Broken => {
            let partner = core.partners.get(&link.partner)?;
            match reading_of(core, partner, &link, &message).await {
                Ok(reading) => return apply(core, partner, &link, &message, reading).await,
                Err(Error::Partner(error)) if error.passes() => return Err(error.into()),
                Err(Error::Partner(error)) => {
                    if error.kind() == ErrorKind::Unauthorized && partner.acts_with_accounts() {
                        integration_links::account_is_broken(core, &link, error.sentence()).await?;
                        return hold(core, &link, &message, &error).await;
                    }
                    Outcome { state: MessageState::Failed, reason: Some(error.sentence().to_owned()) }
                }
                Err(error) => return Err(error),
            }
        }
    };
    core.db.write(async |tx| outcome.write(core, tx, &message).await).await
}

/// Keeps a message that can't be read before the link's account works again; it is read by itself then.
async fn hold(
    core: &Core,
    link: &integration_link::Model,
    message: &inbox_message::Model,
    error: &PartnerError,
) -> Result<()> {
    core.db
        .write(async |tx| {
            integration_links::broke(core, tx, link, error).await?;
            inbox::hold(tx, message, error.sentence()).await
        })
        .await?;
    core.queue.wake();
    Ok(())
}

/// What the partner's crate reads in the message, the partner asked where the hook does not say it all.
async fn reading_of(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    message: &inbox_message::Model,
) -> Result<Reading> {
    let seen = integration_links::as_partner_sees(core, link);
    let reading = partner.integration.hook(&seen, &call_of(message))?;
    let Some(what) = &reading.look_up else { return Ok(reading) };
    let account = integration_links::account(core, partner, link).await?;
    let looked_up = partner.integration.look_up(&account, &seen, what).await?;
    Ok(Reading { answer_to: looked_up.answer_to.or(reading.answer_to), ..looked_up })
}

/// The job that reads a message is out of attempts: the message says so, and can be read again by hand.
///
/// # Errors
/// When the database does not answer.
pub async fn gave_up(core: &Core, organization: OrganizationId, id: MessageId, why: &str) -> Result<()> {
    let (state, now) = (MessageState::Failed, core.clock.now());
    core.db.write(async |tx| inbox::finish(tx, now, organization, id, state, Some(why.to_owned())).await).await
}

/// Where the message ends.
struct Outcome {
    state: MessageState,
    reason: Option<String>,
}

impl Outcome {
    fn ignored(reason: impl Into<String>) -> Self {
        Self { state: MessageState::Ignored, reason: Some(reason.into()) }
    }

    async fn write(self, core: &Core, tx: &DatabaseTransaction, message: &inbox_message::Model) -> Result<()> {
        let label = match self.state {
            MessageState::Done => "done",
            MessageState::Ignored => "ignored",
            _ => "failed",
        };
        metrics::counter!("hooks_read_total", "partner" => message.partner.clone(), "outcome" => label).increment(1);
        let (organization, now) = (message.organization_id, core.clock.now());
        inbox::finish(tx, now, organization, message.id, self.state, self.reason).await
    }
}

async fn apply(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    message: &inbox_message::Model,
    reading: Reading,
) -> Result<()> {
    core.db
        .write(async |tx| {
            heard_of(tx, link, message.received_at).await?;
            let mut came_of_it = None;
            let mut why_not = reading.ignored;
            let mut happenings = reading.happenings;
            // Items are held before anything is told, see `items::record`.
            happenings.sort_by_key(|happening| !matches!(happening, Happening::Item(_)));
            for happening in happenings {
                match happen(core, tx, partner, link, message, happening).await? {
                    Ok(came) => came_of_it.get_or_insert_with(Came::default).add(came),
                    Err(reason) => why_not = why_not.or(Some(reason)),
                }
            }
            let outcome = if came_of_it.is_some() {
                Outcome { state: MessageState::Done, reason: None }
            } else {
                Outcome::ignored(why_not.unwrap_or_else(|| "Nothing happened that this link tells of.".to_owned()))
            };
            if let Some(to) = reading.answer_to {
                let came = came_of_it.unwrap_or_default();
                answer(core, tx, partner, link, message, &to, came, outcome.reason.clone()).await?;
            }
            outcome.write(core, tx, message).await
        })
        .await?;
    // What it is about may have to be told to other partners.
    core.queue.wake();
    Ok(())
}

/// What came of a happening, as far as whoever wrote to us wants to know.
#[derive(Default)]
struct Came {
    /// Their entries, in the order of their lines.
    written: Vec<EntryId>,
    /// Who they are, when that is nobody we know.
    unknown: Option<Author>,
}

impl Came {
    fn add(&mut self, other: Self) {
        self.written.extend(other.written);
        self.unknown = self.unknown.take().or(other.unknown);
    }
}

/// Answers whoever wrote to us, and offers somebody we do not know to say who they are.
#[allow(clippy::too_many_arguments, reason = "what is answered, and what came of it")]
async fn answer(
    core: &Core,
    tx: &DatabaseTransaction,
    partner: &Partner,
    link: &integration_link::Model,
    message: &inbox_message::Model,
    to: &str,
    came: Came,
    why_not: Option<String>,
) -> Result<()> {
    let organization = link.organization_id;
    let connect = match &came.unknown {
        Some(author) => {
            integration_users::offer_claim(core, tx, organization, partner, author, &came.written, CLAIM_WITHIN).await?
        }
        None => None,
    };
    let answer = Answer {
        written: outbox::outgoing(core, tx, organization, &came.written).await?,
        why_not,
        connect: connect.map(Into::into),
    };
    outbox::answer(core, tx, link, message.id, to, answer).await
}

/// One happening; the inner error is the reason why nothing came of it.
async fn happen(
    core: &Core,
    tx: &DatabaseTransaction,
    partner: &Partner,
    link: &integration_link::Model,
    message: &inbox_message::Model,
    happening: Happening,
) -> Result<Result<Came, String>> {
    let organization = link.organization_id;
    let there_or = |there: bool, reason: &str| if there { Ok(Came::default()) } else { Err(reason.to_owned()) };
    Ok(match happening {
        Happening::Entry(entry) => {
            let user = author(tx, organization, partner, &entry.author).await?;
            if link.level == LinkLevel::User && user != link.user_id {
                return Ok(Err("Somebody else did this, and the link is for one person.".to_owned()));
            }
            let external_id = entry.external_id.clone();
            let entry = recorded(tx, link, message, user, entry.happened_at, entry).await?;
            let new = entries::record(core, tx, organization, link.team_id, entry).await?;
            note(tx, link, message, &external_id, if new { Did::Wrote } else { Did::Knew }).await?;
            there_or(new, "The log has this already.")
        }
        Happening::Lines(lines) => {
            let user = author(tx, organization, partner, &lines.author).await?;
            if link.level == LinkLevel::User && user != link.user_id {
                return Ok(Err("Somebody else wrote this, and the link is for one person.".to_owned()));
            }
            let unknown = user.is_none().then(|| lines.author.clone());
            let lines = recorded(tx, link, message, user, lines.happened_at, lines).await?;
            let written = entries::record_lines(core, tx, organization, link.team_id, lines).await?;
            if let Ok(written) = &written {
                traces::note(tx, message, written.iter().map(|id| outbox::about_entry(*id)), Did::Wrote).await?;
            }
            written.map(|written| Came { written, unknown })
        }
        Happening::EntryEdited { external_id, text } => {
            let changed = entries::amend(core, tx, organization, link.id, &external_id, &text).await?;
            note(tx, link, message, &external_id, Did::Changed).await?;
            there_or(changed, "The log has no entry of what was edited.")
        }
        Happening::EntryRetracted { external_id } => {
            let retracted = entries::retract(core, tx, organization, link.id, &external_id).await?;
            note(tx, link, message, &external_id, Did::TookBack).await?;
            there_or(retracted, "The log has no entry of what was deleted.")
        }
        Happening::Item(change) => {
            let user = author(tx, organization, partner, &change.by).await?;
            let about = |item| outbox::about_change(item, &change);
            let recorded = items::record(core, tx, link, user, (*change).clone()).await?;
            traces::note(tx, message, recorded.iter().map(|item| about(*item)), Did::Told).await?;
            recorded.map(|_| Came::default())
        }
        of_link => {
            integration_links::follow(core, tx, partner, link, of_link).await?;
            Ok(Came::default())
        }
    })
}

/// Notes which entries, known by this name, the hook led to.
async fn note(
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    message: &inbox_message::Model,
    external_id: &str,
    did: Did,
) -> Result<()> {
    let entries = entries::known_as(tx, link.organization_id, link.id, external_id).await?;
    traces::note(tx, message, entries.into_iter().map(outbox::about_entry), did).await
}

/// What the partner told of, with whose it is and on which day: ready to be written.
async fn recorded<Told>(
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    message: &inbox_message::Model,
    user: Option<UserId>,
    happened_at: Option<i64>,
    told: Told,
) -> Result<Recorded<Told>> {
    let occurred_on = day_in_team(tx, link, message, happened_at).await?;
    Ok(Recorded { user, link: link.id, partner: link.partner.clone(), told, occurred_on })
}

/// The day in the team's time zone on which it happened at the partner (unix seconds), or the hook arrived.
async fn day_in_team(
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    message: &inbox_message::Model,
    happened_at: Option<i64>,
) -> Result<Date> {
    let team = team::Entity::of(link.organization_id)
        .filter(team::Column::Id.eq(link.team_id))
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let moment = happened_at.and_then(|seconds| seconds.checked_mul(1000)).unwrap_or(message.received_at);
    // A partner's clock, or its payload, may be far off; the log has no days in the future.
    Ok(day_of(moment.min(message.received_at), &entries::zone(&team)))
}

/// Which of our users the partner's account belongs to.
pub(super) async fn author(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    partner: &Partner,
    author: &Author,
) -> Result<Option<UserId>> {
    match &author.id {
        // No account of ours has a NUL in its id, and PostgreSQL does not take such a text.
        Some(id) if !id.contains('\0') => integration_users::user_of_account(db, organization, partner.id(), id).await,
        _ => Ok(None),
    }
}

/// Notes when the link was last heard of, to the minute: a busy link's row would otherwise be written with each hook.
async fn heard_of(tx: &DatabaseTransaction, link: &integration_link::Model, at: i64) -> Result<()> {
    if link.hook_seen_at.is_some_and(|seen| at - seen < 60_000) {
        return Ok(());
    }
    integration_links::change_living(tx, link, |row| row.hook_seen_at = Set(Some(at))).await
}

/// A kept hook as it was when it was verified.
pub(super) fn call_of(message: &inbox_message::Model) -> Verified<HookCall> {
    let headers = serde_json::from_value(message.headers.clone()).unwrap_or_default();
    Verified::from_inbox(HookCall { headers, key: None, body: message.body.clone().into() })
}
