//! The tables of a tenant, in the order in which its rows go, and which of them a team leaves behind.

/// How the rows of a table belong to a team: what tells those that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The organization's: none goes with a team. The team itself goes last, by itself.
    Organization,
    /// The team's own.
    Team,
    /// The team's links, once nothing is to be undone for them any more.
    RemovedLink,
    /// Such a link's.
    Link,
    /// A mirror's of the team.
    Mirror,
    /// A few hang on each row of another table, and the database takes them along with it.
    Along,
}

impl Whose {
    /// Which rows go with a team, as SQL in which `$1` is the tenant and `$2` the team; none where there is nothing to do.
    pub fn of_team(self) -> Option<&'static str> {
        match self {
            Self::Organization | Self::Along => None,
            Self::Team => Some("team_id = $2"),
            Self::RemovedLink => Some("team_id = $2 AND state = 'removed'"),
            Self::Link => Some(
                "link_id IN (SELECT id FROM integration_links
                 WHERE organization_id = $1 AND team_id = $2 AND state = 'removed')",
            ),
            Self::Mirror => Some("mirror_id IN (SELECT id FROM mirrors WHERE organization_id = $1 AND team_id = $2)"),
        }
    }
}

/// Every table with an `organization_id` but the queue's, with its primary key; those that others point at come after
/// these, so that no commit takes along more than it names.
pub const TABLES: [(&str, &str, Whose); 34] = [
    ("inbox_outcomes", "organization_id, message_id, about", Whose::Along),
    ("inbox_marks", "organization_id, link_id, mark", Whose::Link),
    ("inbox_messages", "organization_id, id", Whose::Link),
    ("outbox_attempts", "organization_id, id", Whose::Link),
    ("outbox_messages", "organization_id, id", Whose::Link),
    ("posts", "organization_id, link_id, about", Whose::Link),
    ("mirror_comments", "organization_id, pair_id, side, comment_id", Whose::Along),
    ("mirror_changes", "organization_id, id", Whose::Mirror),
    ("mirror_pairs", "organization_id, id", Whose::Mirror),
    ("mirror_backfills", "organization_id, id", Whose::Mirror),
    ("told_mirror_breaks", "organization_id, mirror_id", Whose::Mirror),
    ("mirrors", "organization_id, id", Whose::Team),
    ("items", "organization_id, id", Whose::Link),
    ("remotes", "organization_id, id", Whose::Link),
    ("told_breaks", "organization_id, link_id", Whose::Link),
    ("integration_links", "organization_id, id", Whose::RemovedLink),
    ("action_marks", "organization_id, mark", Whose::Organization),
    ("account_claims", "token_hash", Whose::Organization),
    ("oauth_states", "state_hash", Whose::Organization),
    ("told_account_breaks", "organization_id, integration_user_id", Whose::Organization),
    ("integration_users", "organization_id, id", Whose::Organization),
    ("recoveries", "organization_id, id", Whose::Organization),
    ("entry_tags", "organization_id, entry_id, tag", Whose::Along),
    ("entry_mentions", "organization_id, entry_id, user_id", Whose::Along),
    ("entries", "organization_id, id", Whose::Team),
    ("mails", "organization_id, id", Whose::Organization),
    ("digest_refusals", "organization_id, team_id, user_id", Whose::Team),
    ("team_digests", "organization_id, team_id", Whose::Team),
    ("invitations", "organization_id, id", Whose::Team),
    ("team_members", "organization_id, team_id, user_id", Whose::Team),
    ("teams", "organization_id, id", Whose::Organization),
    ("team_deletions", "organization_id, team_id", Whose::Organization),
    ("audit_events", "organization_id, id", Whose::Organization),
    ("members", "organization_id, user_id", Whose::Organization),
];
