//! Typed ids: a team's id can't be passed where a link's is wanted.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one, sorting after those made before it.
            #[allow(clippy::new_without_default, reason = "an id is made on purpose, never by default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

ids! {
    /// A user: a person, in any number of organizations.
    UserId
    /// An organization: the tenant.
    OrganizationId
    /// A team of an organization.
    TeamId
    /// An invitation link.
    InvitationId
    /// An entry of a team's log.
    EntryId
    /// A user's account at a partner.
    IntegrationUserId
    /// A configured pipe to a partner.
    LinkId
    /// An item at a partner.
    ItemId
    /// Something made at a partner.
    RemoteId
    /// A kept hook.
    MessageId
    /// A message on its way to a partner.
    OutboxMessageId
    /// One try at sending one.
    AttemptId
    /// Two links whose items are kept in step.
    MirrorId
    /// Two items that are kept in step.
    MirrorPairId
    /// A change on its way from one to the other.
    MirrorChangeId
    /// A person's wish that what was there before a mirror gets copies too.
    MirrorBackfillId
    /// A mail that is still to be sent.
    MailId
    /// Something that works again, still to be said on a page.
    RecoveryId
    /// A deed in an organization's audit log.
    AuditEventId
    /// An organization's deletion, and its receipt.
    DeletionId
}
