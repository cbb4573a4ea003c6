//! The audit log: who did what in an organization, and when. Rows are never changed.

use sea_orm::entity::prelude::*;

use crate::db::{AuditEventId, OrganizationId, UserId};

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEventId,
    /// Who did it; none when it came about by itself.
    pub user_id: Option<UserId>,
    /// What they were called then.
    pub user_name: Option<String>,
    /// What was done.
    pub deed: Deed,
    /// What kind of thing it was done to.
    pub subject: Subject,
    /// Which one.
    pub subject_id: Option<Uuid>,
    /// What it was called then.
    pub subject_name: String,
    /// What else there is to say of it.
    pub detail: Option<String>,
    /// Unix milliseconds.
    pub at: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::tenant!();

impl Subject {
    /// In the order in which they are offered.
    pub const ALL: [Self; 6] = [Self::Member, Self::Team, Self::Link, Self::Mirror, Self::Account, Self::Organization];

    /// The word that the table, addresses and files use.
    pub fn word(self) -> String {
        self.to_value()
    }
}

/// What kind of thing something was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Subject {
    /// Who belongs to the organization, or may come to.
    Member,
    /// A team.
    Team,
    /// A link to a partner.
    Link,
    /// A mirror.
    Mirror,
    /// An account at a partner.
    Account,
    /// The organization itself.
    Organization,
}

macro_rules! deeds {
    ($($(#[$doc:meta])* $deed:ident of $subject:ident: $words:literal,)+) => {
        /// What can be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
        #[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
        pub enum Deed {
            $($(#[$doc])* $deed,)+
        }

        impl Deed {
            /// What it is done to.
            pub fn subject(self) -> Subject {
                match self {
                    $(Self::$deed => Subject::$subject,)+
                }
            }

            /// The word that the table and files use.
            pub fn word(self) -> String {
                self.to_value()
            }

            /// As people read it.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$deed => $words,)+
                }
            }
        }
    };
}

deeds! {
    /// Made the organization.
    Founded of Organization: "Organization founded",
    /// Gave it another name.
    Renamed of Organization: "Name changed",
    /// Chose how long things are kept.
    RetentionChanged of Organization: "Retention changed",
    /// Took the audit log away as a file.
    AuditExported of Organization: "Audit log exported",
    /// Made an invitation.
    Invited of Member: "Invitation made",
    /// Made an invitation count no longer.
    InvitationRevoked of Member: "Invitation revoked",
    /// Came in by an invitation.
    Joined of Member: "Joined",
    /// Gave a member another role.
    RoleChanged of Member: "Role changed",
    /// Took a member out.
    MemberRemoved of Member: "Member removed",
    /// Left by themselves.
    Left of Member: "Left",
    /// Made a team.
    TeamMade of Team: "Team made",
    /// Changed a team's name or time zone.
    TeamChanged of Team: "Team changed",
    /// Deleted a team.
    TeamDeleted of Team: "Team deleted",
    /// Nothing is left of a deleted team.
    TeamDeletionFinished of Team: "Deletion of a team finished",
    /// Put somebody into a team.
    TeamMemberAdded of Team: "Added to team",
    /// Took somebody out of a team.
    TeamMemberRemoved of Team: "Taken out of team",
    /// Chose the hour of a team's digest, or ended it.
    DigestChosen of Team: "Digest chosen",
    /// Took a team's log away as a file.
    LogExported of Team: "Log exported",
    /// Made a link.
    LinkMade of Link: "Link made",
    /// Gave a link other settings.
    LinkChanged of Link: "Link changed",
    /// Paused a link.
    LinkPaused of Link: "Link paused",
    /// Started a link again.
    LinkResumed of Link: "Link resumed",
    /// Let a link act with their own account.
    LinkTakenOver of Link: "Link taken over",
    /// Removed a link.
    LinkRemoved of Link: "Link removed",
    /// The far end of a link was removed at the partner.
    LinkGone of Link: "Link lost its far end",
    /// Had hooks of a link read again.
    HooksReplayed of Link: "Hooks replayed",
    /// Had messages of a link sent again.
    MessagesReplayed of Link: "Messages replayed",
    /// Looked at a hook as it came.
    PayloadSeen of Link: "Raw hook looked at",
    /// Made a mirror.
    MirrorMade of Mirror: "Mirror made",
    /// Gave a mirror other options.
    MirrorChanged of Mirror: "Mirror changed",
    /// Paused a mirror.
    MirrorPaused of Mirror: "Mirror paused",
    /// Started a mirror again.
    MirrorResumed of Mirror: "Mirror resumed",
    /// Had what was there before a mirror copied.
    BackfillBegun of Mirror: "Copying of earlier items begun",
    /// Stopped that.
    BackfillStopped of Mirror: "Copying of earlier items stopped",
    /// Had a change carried again.
    MirrorRetried of Mirror: "Change replayed",
    /// Removed a mirror.
    MirrorRemoved of Mirror: "Mirror removed",
    /// Connected an account at a partner.
    AccountConnected of Account: "Account connected",
    /// Disconnected one.
    AccountDisconnected of Account: "Account disconnected",
}
