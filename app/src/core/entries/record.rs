//! Entries that a hook makes, changes or takes back, inside the caller's transaction and each at most once.
//!
//! No tags and no mentions are read out of a partner's text: strangers write it, `#42` and `#include` stand in it, and
//! nobody of the team meant them. Who edits such an entry here may add some.

use integration_contract::{NewEntry, Status, text};
use jiff::civil::Date;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect, TryInsertResult,
};

use super::{change::forget_words, fit, is_blank};
use crate::{
    core::Result,
    core::sealing::digest_of,
    db::{
        EntryId, LinkId, OrganizationId, TeamId, UserId,
        entity::{
            Tenant,
            entry::{self, EntryStatus},
        },
    },
};

/// The longest name of a source or an author.
const LONGEST_NAME: usize = 200;
/// The longest address that is kept.
const LONGEST_ADDRESS: usize = 2_000;
/// The longest `external_id` that is kept as it is: a database's index does not take any length.
const LONGEST_ID: usize = 200;

/// What a hook tells of, ready to be written.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Who did it, when the partner's account belongs to one of us.
    pub user: Option<UserId>,
    /// The link it came through.
    pub link: LinkId,
    /// The partner it came from.
    pub partner: String,
    /// What the partner's crate read in the hook.
    pub entry: NewEntry,
    /// The day in the team's time zone.
    pub occurred_on: Date,
}

/// Writes an entry, unless the link has told of it before; says whether it is new. Its time is when it happened at the
/// partner, or `now`.
///
/// # Errors
/// When the database does not answer.
pub async fn record(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
    recorded: Recorded,
    now: i64,
) -> Result<bool> {
    let Recorded { user, link, partner, entry, occurred_on } = recorded;
    let happened_at = entry.happened_at.and_then(|seconds| seconds.checked_mul(1000)).unwrap_or(now);
    let source = short(&entry.source);
    let row = entry::Model {
        organization_id: organization,
        id: EntryId::new(),
        team_id: team,
        user_id: user,
        status: status(entry.status),
        body: body(&entry.text, &source),
        occurred_on: occurred_on.to_string(),
        completed_on: None,
        archived_at: None,
        partner: Some(partner),
        link_id: Some(link),
        external_id: Some(external(&entry.external_id)),
        source: Some(source),
        source_url: entry.url.as_deref().and_then(address),
        author_name: Some(short(&entry.author.name)).filter(|name| !is_blank(name)),
        author_url: entry.author.url.as_deref().and_then(address),
        created_at: happened_at,
        updated_at: now,
    };
    let written = entry::Entity::insert(row.into_active_model())
        .on_conflict_do_nothing_on([entry::Column::OrganizationId, entry::Column::LinkId, entry::Column::ExternalId])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(written, TryInsertResult::Inserted(rows) if rows > 0))
}

/// Follows a change of the text behind an entry; says whether there is such an entry.
///
/// # Errors
/// When the database does not answer.
pub async fn amend(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    external_id: &str,
    text: &str,
    now: i64,
) -> Result<bool> {
    let Some(entry) = told(tx, organization, link, external_id).await? else { return Ok(false) };
    forget_words(tx, organization, entry.id).await?;
    let text = body(text, entry.source.as_deref().unwrap_or_default());
    let mut row = entry.into_active_model();
    row.body = Set(text);
    row.updated_at = Set(now);
    row.update(tx).await?;
    Ok(true)
}

/// Archives the entry of something that was deleted at the partner; says whether there is such an entry.
///
/// # Errors
/// When the database does not answer.
pub async fn retract(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    external_id: &str,
    now: i64,
) -> Result<bool> {
    let Some(entry) = told(tx, organization, link, external_id).await? else { return Ok(false) };
    if entry.archived_at.is_none() {
        let mut row = entry.into_active_model();
        row.archived_at = Set(Some(now));
        row.updated_at = Set(now);
        row.update(tx).await?;
    }
    Ok(true)
}

async fn told(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    external_id: &str,
) -> Result<Option<entry::Model>> {
    let query = entry::Entity::of(organization)
        .filter(entry::Column::LinkId.eq(link))
        .filter(entry::Column::ExternalId.eq(external(external_id)))
        .lock_exclusive();
    Ok(query.one(tx).await?)
}

fn status(status: Status) -> EntryStatus {
    match status {
        Status::Done => EntryStatus::Done,
        Status::Goal => EntryStatus::Goal,
        Status::Blocked => EntryStatus::Blocked,
    }
}

/// The text, or where it came from when there is nothing in it to see.
fn body(text: &str, source: &str) -> String {
    let text = fit(text);
    if is_blank(&text) { fit(source) } else { text }
}

fn short(name: &str) -> String {
    let name = text::first_line(&text::without_nul(name), LONGEST_NAME);
    name[..name.floor_char_boundary(4 * LONGEST_NAME)].to_owned()
}

/// An http or https address of sensible length; anything else would be a dead or a dangerous link.
fn address(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && text.len() <= LONGEST_ADDRESS).then(|| url.into())
}

fn external(id: &str) -> String {
    let id = text::without_nul(id);
    if id.len() <= LONGEST_ID { id } else { format!("sha256:{}", hex::encode(digest_of(id.as_bytes()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_kept() {
        assert_eq!(
            address("https://forge.example/acme/widgets/issues/42").as_deref(),
            Some("https://forge.example/acme/widgets/issues/42")
        );
        for bad in ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", "ftp://example.com"] {
            assert_eq!(address(bad), None, "{bad}");
        }
        assert_eq!(address(&format!("https://example.com/{}", "x".repeat(LONGEST_ADDRESS))), None);
    }

    #[test]
    fn an_external_id_of_any_length_stays_itself() {
        assert_eq!(external("issue:42"), "issue:42");
        let (long, other) = ("x".repeat(100_000), format!("{}y", "x".repeat(99_999)));
        assert!(external(&long).len() < LONGEST_ID);
        assert_ne!(external(&long), external(&other));
    }

    #[test]
    fn a_text_with_nothing_to_see_reads_as_its_source() {
        assert_eq!(body(" \u{200b}\n", "acme/widgets#42"), "acme/widgets#42");
        assert_eq!(body(" Opened issue ", "acme/widgets#42"), "Opened issue");
    }
}
