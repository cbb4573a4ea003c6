//! The audit log: who did what in an organization, about what, and when.
//!
//! Whoever does something notes it in the transaction that does it ([`note`]), so that neither is there without the other.
//! Names are kept as they were then. What is secret, and what people write into their logs, has no place in it. [`list()`]
//! and [`export`] are for the organization's admins.

mod list;

use std::time::Duration;

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, prelude::Uuid};

pub use crate::db::entity::audit_event::{Deed, Subject};
pub use list::{Cursor, Filter, MOST_EXPORTED, Piece, export, list, people};

use super::{Core, Error, Result, people::Member};
use crate::db::{
    AuditEventId, LinkId, MessageId, OrganizationId, Outdated, UserId,
    entity::{Tenant, audit_event, integration_link, integration_user, mirror, organization, team, user},
};

/// How long it is known who did what.
pub const KEPT: Duration = Duration::from_hours(2 * 365 * 24);

/// Whoever looks at the same thing again within this time has looked at it once.
const ONE_LOOK: Duration = Duration::from_hours(1);

/// What something was done to: which one, what it is called now, and what else there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    id: Option<Uuid>,
    /// What it is called now.
    pub(super) name: String,
    detail: Option<String>,
}

impl About {
    /// Something without an id that could be looked up.
    pub fn named(name: impl Into<String>) -> Self {
        Self { id: None, name: name.into(), detail: None }
    }

    /// One of the people here.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn person(tx: &DatabaseTransaction, id: UserId) -> Result<Self> {
        Ok(Self::of(id.0, &name_of(tx, id).await?.unwrap_or_default()))
    }

    /// One link of an organization.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there.
    pub async fn link(tx: &DatabaseTransaction, organization: OrganizationId, id: LinkId) -> Result<Self> {
        let of = integration_link::Entity::of(organization).filter(integration_link::Column::Id.eq(id));
        Ok(Self::from(&of.one(tx).await?.ok_or(Error::NotFound)?))
    }

    /// With what else there is to say.
    #[must_use]
    pub fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Something whose row is gone.
    pub fn of(id: Uuid, name: &str) -> Self {
        Self { id: Some(id), name: name.to_owned(), detail: None }
    }
}

impl From<&organization::Model> for About {
    fn from(organization: &organization::Model) -> Self {
        Self::of(organization.id.0, &organization.name)
    }
}

impl From<&team::Model> for About {
    fn from(team: &team::Model) -> Self {
        Self::of(team.id.0, &team.name)
    }
}

impl From<&integration_link::Model> for About {
    fn from(link: &integration_link::Model) -> Self {
        Self::of(link.id.0, &link.name).saying(&link.partner)
    }
}

impl From<&mirror::Model> for About {
    fn from(mirror: &mirror::Model) -> Self {
        Self::of(mirror.id.0, &mirror.name)
    }
}

impl From<&integration_user::Model> for About {
    fn from(account: &integration_user::Model) -> Self {
        Self::of(account.id.0, &account.account_name).saying(&account.partner)
    }
}

/// Notes that a member does something. Call it in the transaction that does it.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn note(
    core: &Core,
    tx: &DatabaseTransaction,
    who: &Member,
    deed: Deed,
    about: impl Into<About>,
) -> Result<()> {
    let name = name_of(tx, who.user).await?;
    write(core, tx, who.organization, Some((who.user, name)), deed, about.into()).await
}

/// Notes what came about by itself.
///
/// # Errors
/// See [`note`].
pub async fn note_by_itself(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    deed: Deed,
    about: impl Into<About>,
) -> Result<()> {
    write(core, tx, organization, None, deed, about.into()).await
}

/// Notes something that changes nothing else, such as taking a log away as a file.
///
/// # Errors
/// See [`note`].
pub async fn note_alone(core: &Core, who: &Member, deed: Deed, about: impl Into<About>) -> Result<()> {
    let about = about.into();
    core.db.write(async |tx| note(core, tx, who, deed, about).await).await
}

/// Notes that a member looks at a hook as it came; reloading the page within an hour is the same look.
///
/// # Errors
/// See [`note`].
pub async fn note_look(core: &Core, who: &Member, link: &integration_link::Model, hook: MessageId) -> Result<()> {
    let about = About::from(link).saying(format!("hook {hook}"));
    if list::has_looked(core, who, link.id, &about.detail, core.clock.before(ONE_LOOK)).await? {
        return Ok(());
    }
    note_alone(core, who, Deed::PayloadSeen, about).await
}

/// Forgets what was done longer than this ago, in all organizations. Answers with how much.
///
/// # Errors
/// See [`note`].
pub async fn forget(core: &Core, older_than: Duration) -> Result<u64> {
    let (key, limit) = ("organization_id, id", core.clock.before(older_than));
    Ok(core.db.forget(Outdated { table: "audit_events", key, which: "at < $1", limit, of: None }).await?)
}

async fn write(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    who: Option<(UserId, Option<String>)>,
    deed: Deed,
    about: About,
) -> Result<()> {
    let (user_id, user_name) = who.map_or((None, None), |(id, name)| (Some(id), name));
    let event = audit_event::Model {
        organization_id: organization,
        id: AuditEventId::new(),
        user_id,
        user_name,
        deed,
        subject: deed.subject(),
        subject_id: about.id,
        subject_name: about.name,
        detail: about.detail,
        at: core.clock.now(),
    };
    audit_event::Entity::insert(event.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

async fn name_of(tx: &DatabaseTransaction, id: UserId) -> Result<Option<String>> {
    Ok(user::Entity::find_by_id(id).one(tx).await?.map(|user| user.name))
}
