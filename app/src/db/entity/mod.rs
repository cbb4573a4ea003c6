//! The tables, one file each. A tenant's table is entered through [`Tenant`] and in no other way.

use sea_orm::{ColumnTrait, DeleteMany, EntityTrait, QueryFilter, Select, UpdateMany};

use super::OrganizationId;

pub mod account_claim;
pub mod action_mark;
pub mod audit_event;
pub mod deletion;
pub mod digest_refusal;
pub mod entry;
pub mod entry_mention;
pub mod entry_tag;
pub mod inbox_mark;
pub mod inbox_message;
pub mod inbox_outcome;
pub mod instance;
pub mod integration_link;
pub mod integration_user;
pub mod invitation;
pub mod item;
pub mod job;
pub mod mail;
pub mod member;
pub mod mirror;
pub mod mirror_backfill;
pub mod mirror_change;
pub mod mirror_comment;
pub mod mirror_pair;
pub mod oauth_state;
pub mod organization;
pub mod outbox_attempt;
pub mod outbox_message;
pub mod password_link;
pub mod post;
pub mod recovery;
pub mod remote;
pub mod session;
pub mod team;
pub mod team_deletion;
pub mod team_digest;
pub mod team_member;
pub mod told_account_break;
pub mod told_break;
pub mod told_mirror_break;
pub mod user;

/// A table whose rows belong to a tenant. Queries start here, so that none can forget whose rows it wants.
pub trait Tenant: EntityTrait {
    /// The column that names the tenant.
    const ORGANIZATION: Self::Column;

    /// The column that says since when a row is on its way out, where there is one: queries do not find it any more.
    const GOING_SINCE: Option<Self::Column> = None;

    /// The rows of one tenant.
    fn of(organization: OrganizationId) -> Select<Self> {
        staying(Self::find().filter(Self::ORGANIZATION.eq(organization)))
    }

    /// The rows of the tenants a person belongs to.
    fn of_any(organizations: impl IntoIterator<Item = OrganizationId>) -> Select<Self> {
        staying(Self::find().filter(Self::ORGANIZATION.is_in(organizations)))
    }

    /// The rows of one tenant, and among them those on their way out: for who takes them away.
    fn of_with_going(organization: OrganizationId) -> Select<Self> {
        Self::find().filter(Self::ORGANIZATION.eq(organization))
    }

    /// Changes rows of one tenant.
    fn update_of(organization: OrganizationId) -> UpdateMany<Self> {
        Self::update_many().filter(Self::ORGANIZATION.eq(organization))
    }

    /// Deletes rows of one tenant.
    fn delete_of(organization: OrganizationId) -> DeleteMany<Self> {
        Self::delete_many().filter(Self::ORGANIZATION.eq(organization))
    }
}

fn staying<T: Tenant>(rows: Select<T>) -> Select<T> {
    match T::GOING_SINCE {
        Some(since) => rows.filter(since.is_null()),
        None => rows,
    }
}

macro_rules! tenant {
    ($($going_since:ident)?) => {
        impl super::Tenant for Entity {
            const ORGANIZATION: Column = Column::OrganizationId;
            $(const GOING_SINCE: Option<Column> = Some(Column::$going_since);)?
        }
    };
}
use tenant;
