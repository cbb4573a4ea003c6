//! The receipt: what was undone at the partners, what was left over, how much there was, from when to when. On its page
//! and, where mail is set up, by mail.

use integration_contract::{Undone, UndoneOutcome};
use jiff::{Timestamp, tz::TimeZone};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use crate::{
    core::{
        Core, Result,
        mail::{self, Letter, Undelivered},
        partners::our_url,
    },
    db::{
        DeletionId, OrganizationId,
        entity::{
            Tenant, audit_event,
            deletion::{Column, Entity, Model, Stage},
            entry, inbox_message, integration_link, integration_user, member, mirror, mirror_change, outbox_message,
            team, user,
        },
    },
    queue::Outcome,
};

/// How much there was of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Entries of the log.
    pub entries: u64,
    /// Kept hooks.
    pub hooks: u64,
    /// Messages to partners.
    pub messages: u64,
    /// Changes that mirrors carried.
    pub changes: u64,
    /// Links, removed ones included.
    pub links: u64,
    /// Mirrors, removed ones included.
    pub mirrors: u64,
    /// Accounts at partners.
    pub accounts: u64,
    /// Teams.
    pub teams: u64,
    /// Memberships. The people themselves stay.
    pub members: u64,
    /// Deeds in the audit log.
    pub deeds: u64,
}

impl Counts {
    pub(super) async fn of(core: &Core, organization: OrganizationId) -> Result<Self> {
        let db = core.db.reader();
        Ok(Self {
            entries: entry::Entity::of(organization).count(db).await?,
            hooks: inbox_message::Entity::of(organization).count(db).await?,
            messages: outbox_message::Entity::of(organization).count(db).await?,
            changes: mirror_change::Entity::of(organization).count(db).await?,
            links: integration_link::Entity::of(organization).count(db).await?,
            mirrors: mirror::Entity::of(organization).count(db).await?,
            accounts: integration_user::Entity::of(organization).count(db).await?,
            teams: team::Entity::of(organization).count(db).await?,
            members: member::Entity::of(organization).count(db).await?,
            deeds: audit_event::Entity::of(organization).count(db).await?,
        })
    }

    /// Each with its name, in the order in which people care.
    pub fn lines(&self) -> [(&'static str, u64); 10] {
        [
            ("Entries", self.entries),
            ("Hooks", self.hooks),
            ("Messages to partners", self.messages),
            ("Mirrored changes", self.changes),
            ("Links", self.links),
            ("Mirrors", self.mirrors),
            ("Accounts elsewhere", self.accounts),
            ("Teams", self.teams),
            ("Memberships", self.members),
            ("Deeds in the audit log", self.deeds),
        ]
    }
}

/// What is left of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its address has this.
    pub id: DeletionId,
    /// Which organization it was.
    pub deleted: OrganizationId,
    /// What that was called.
    pub name: String,
    /// How far it has come.
    pub stage: Stage,
    /// What became of each thing at a partner.
    pub undone: Vec<Undone>,
    /// How much there was of what; none before it was counted.
    pub counts: Option<Counts>,
    /// Unix milliseconds.
    pub begun_at: i64,
    /// Unix milliseconds; none while it lasts.
    pub finished_at: Option<i64>,
}

impl Receipt {
    pub(super) fn of(row: Model) -> Self {
        Self {
            id: row.id,
            deleted: row.deleted_id,
            name: row.name,
            stage: row.stage,
            undone: serde_json::from_value(row.undone).unwrap_or_default(),
            counts: serde_json::from_value(row.counts).ok(),
            begun_at: row.begun_at,
            finished_at: row.finished_at,
        }
    }

    fn letter(&self, core: &Core) -> Letter {
        let undone: Vec<String> = self.undone.iter().map(|one| format!("- {}", in_words(one))).collect();
        let undone = if undone.is_empty() { "- nothing stood there".to_owned() } else { undone.join("\n") };
        let counts = self.counts.clone().unwrap_or_default().lines();
        let counts: Vec<String> = counts.iter().map(|(what, many)| format!("- {what}: {many}")).collect();
        Letter {
            subject: format!("{} was deleted", self.name),
            body: format!(
                "{name} was deleted, as you asked.\n\nBegun: {begun}\nFinished: {finished}\n\nAt the partners:\n{undone}\n\n\
                 Deleted here:\n{counts}\n\nThe same, for a year: {url}\n",
                name = self.name,
                begun = moment(self.begun_at),
                finished = self.finished_at.map(moment).unwrap_or_default(),
                counts = counts.join("\n"),
                url = our_url(&core.site.public_url, &format!("receipts/{}", self.id)),
            ),
        }
    }
}

fn in_words(undone: &Undone) -> String {
    match &undone.outcome {
        UndoneOutcome::Removed => format!("removed: {}", undone.what),
        UndoneOutcome::AlreadyGone => format!("gone already: {}", undone.what),
        UndoneOutcome::LeftOver(why) => format!("LEFT OVER: {}. {why}", undone.what),
    }
}

fn moment(millis: i64) -> String {
    let at = Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned(TimeZone::UTC);
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// Mails the receipt to whoever asked, once.
pub(super) async fn mail(core: &Core, deletion: &Model) -> Result<Outcome> {
    if deletion.mailed_at.is_some() {
        return Ok(Outcome::Done);
    }
    let Some(user) = user::Entity::find_by_id(deletion.user_id).one(core.db.reader()).await? else {
        return Ok(Outcome::Done);
    };
    let letter = Receipt::of(deletion.clone()).letter(core);
    // Its organization is gone, and with it the mails that wait: this one leaves at once, or when the job comes again.
    match mail::send_at_once(core, deletion.id.0, &user, &letter).await {
        Ok(()) | Err(Undelivered::Refused(_)) => {}
        Err(Undelivered::Passes(why)) => return Ok(Outcome::Again { after: None, why }),
    }
    let mailed = core.db.write(async |tx| {
        let now = core.clock.now();
        let row = Entity::update_many().col_expr(Column::MailedAt, now.into()).filter(Column::Id.eq(deletion.id));
        row.exec(tx).await
    });
    mailed.await?;
    Ok(Outcome::Done)
}
