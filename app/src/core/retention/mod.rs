//! Retention: what is kept for how long, and forgetting what is over its time. What an organization may choose is in
//! `choose`.

mod choose;

use std::time::{Duration, Instant};

use super::{
    Core, Result, actions, audit, deletions, entries, inbox, integration_users, invitations, items, mail, mirrors,
    outbox, password_links, sessions,
};
use crate::queue::dead;

pub use choose::{ENTRY_DAYS, Keeping, MESSAGE_DAYS, Older, choose, in_words, would_go};

/// How long the marks by which a repeated hook is known are kept, and dead letters. Longer than any partner delivers
/// again: an old hook would count as new else. No organization can choose less.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

/// How many of each were forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Sessions that ended by themselves.
    pub sessions: u64,
    /// Consents that nobody came back from.
    pub consents: u64,
    /// Invitations that count no longer.
    pub invitations: u64,
    /// Password links that count no longer.
    pub password_links: u64,
    /// Jobs that were given up.
    pub dead_letters: u64,
    /// Hooks that were read, and are older than their organization keeps them.
    pub messages: u64,
    /// Marks of hooks.
    pub marks: u64,
    /// Marks of clicks in partners' products.
    pub clicks: u64,
    /// What was sent to partners, or was not.
    pub outgoing: u64,
    /// What stands at partners and has not changed for long.
    pub posts: u64,
    /// Items that nothing was heard of for long.
    pub items: u64,
    /// Changes that mirrors heard of.
    pub mirror_changes: u64,
    /// What was joined by mirrors that were removed.
    pub mirror_pairs: u64,
    /// What works again, and nobody came to read.
    pub recoveries: u64,
    /// Entries that are older than their organization keeps them.
    pub entries: u64,
    /// Deeds of long ago.
    pub deeds: u64,
    /// Receipts of organizations and teams that were deleted.
    pub receipts: u64,
}

/// Forgets what is over its time, of all tenants. May run in several processes at once, and may be cut off anywhere.
///
/// # Errors
/// When the database does not answer; the rest is left for the next time.
pub async fn forget(core: &Core) -> Result<Forgotten> {
    let begun = Instant::now();
    let forgotten = Forgotten {
        sessions: sessions::forget_ended(core).await?,
        consents: integration_users::forget_stale_consents(core).await?,
        invitations: invitations::forget_expired(core).await?,
        password_links: password_links::forget_expired(core).await?,
        dead_letters: dead::forget(&core.db, KEPT).await?,
        messages: inbox::forget_messages(core).await?,
        marks: inbox::forget_marks(core, KEPT).await?,
        clicks: actions::forget_marks(core).await?,
        outgoing: outbox::forget_messages(core).await?,
        posts: outbox::forget_posts(core, outbox::POSTS_KEPT).await?,
        items: items::forget(core, items::KEPT).await?,
        mirror_changes: mirrors::forget_changes(core).await?,
        mirror_pairs: mirrors::forget_pairs(core, KEPT).await?,
        recoveries: mail::health::forget_recoveries(core, KEPT).await?,
        entries: entries::forget(core).await?,
        deeds: audit::forget(core, audit::KEPT).await?,
        receipts: deletions::forget_receipts(core).await? + deletions::team::forget_receipts(core).await?,
    };
    forgotten.publish(begun.elapsed());
    Ok(forgotten)
}

impl Forgotten {
    fn publish(self, took: Duration) {
        let Self {
            sessions,
            consents,
            invitations,
            password_links,
            dead_letters,
            messages,
            marks,
            clicks,
            outgoing,
            posts,
            items,
            mirror_changes,
            mirror_pairs,
            recoveries,
            entries,
            deeds,
            receipts,
        } = self;
        tracing::info!(
            sessions,
            consents,
            invitations,
            password_links,
            dead_letters,
            messages,
            marks,
            clicks,
            outgoing,
            posts,
            items,
            mirror_changes,
            mirror_pairs,
            recoveries,
            entries,
            deeds,
            receipts,
            ?took,
            "forgot what is over its time"
        );
        let counts = [
            ("sessions", sessions),
            ("consents", consents),
            ("invitations", invitations),
            ("password_links", password_links),
            ("dead_letters", dead_letters),
            ("messages", messages),
            ("marks", marks),
            ("clicks", clicks),
            ("outgoing", outgoing),
            ("posts", posts),
            ("items", items),
            ("mirror_changes", mirror_changes),
            ("mirror_pairs", mirror_pairs),
            ("recoveries", recoveries),
            ("entries", entries),
            ("deeds", deeds),
            ("receipts", receipts),
        ];
        for (what, count) in counts {
            metrics::counter!("patchbay_forgotten_total", "what" => what).increment(count);
        }
        metrics::histogram!("patchbay_forgetting_seconds").record(took);
    }
}
