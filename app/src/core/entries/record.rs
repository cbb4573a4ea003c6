//! Entries that a hook makes, changes or takes back, inside the caller's transaction and each at most once.
//!
//! No tags and no mentions are read out of a partner's text: strangers write it, `#42` and `#include` stand in it, and
//! nobody of the team meant them. Who edits such an entry here may add some. Lines that somebody wrote for the log, only
//! from another place, are read as if they were typed here.

use integration_contract::{NewEntry, NewLines, Status, text};
use jiff::civil::Date;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QueryFilter, QuerySelect, TryInsertResult,
};

use super::{
    change::forget_words,
    fit,
    handles::Handles,
    is_blank,
    lines::{self, Line, lines},
    search,
    write::{mention_rows, tag_rows},
};
use crate::{
    core::{
        Core, Result,
        outbox::{self, Occasion},
        people::Member,
        sealing::digest_of,
    },
    db::{
        EntryId, LinkId, OrganizationId, TeamId, UserId,
        entity::{
            Tenant,
            entry::{self, EntryStatus},
            entry_mention, entry_tag,
        },
    },
};

/// The longest name of a source or an author.
const LONGEST_NAME: usize = 200;
/// The longest address that is kept.
const LONGEST_ADDRESS: usize = 2_000;
/// The longest `external_id` that is kept as it is: a database's index does not take any length.
const LONGEST_ID: usize = 200;

/// What a hook tells of, ready to be written: a [`NewEntry`], or [`NewLines`] that somebody wrote for the log there.
#[derive(Clone, Debug)]
pub struct Recorded<Told> {
    /// Who did or wrote it, when the partner's account belongs to one of us.
    pub user: Option<UserId>,
    /// The link it came through.
    pub link: LinkId,
    /// The partner it came from.
    pub partner: String,
    /// What the partner's crate read in the hook.
    pub told: Told,
    /// The day in the team's time zone.
    pub occurred_on: Date,
}

/// Writes an entry, unless the link has told of it before; says whether it is new. Its time is when it happened at the
/// partner, or now. What partners are told of it is in the same commit, here and below: wake the queue after it.
///
/// # Errors
/// When the database does not answer.
pub async fn record(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
    recorded: Recorded<NewEntry>,
) -> Result<bool> {
    let (id, now) = (EntryId::new(), core.clock.now());
    let Recorded { user, link, partner, told: entry, occurred_on } = recorded;
    let happened_at = entry.happened_at.and_then(|seconds| seconds.checked_mul(1000)).unwrap_or(now);
    let source = short(&entry.source);
    let body = body(&entry.text, &source);
    let row = entry::Model {
        organization_id: organization,
        id,
        team_id: team,
        user_id: user,
        status: status(entry.status),
        folded: search::folded(&body, Some(&source)),
        body,
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
        author_avatar: entry.author.avatar.as_deref().and_then(address),
        item: entry.item.as_deref().map(short),
        created_at: happened_at,
        recorded_at: now,
        updated_at: now,
    };
    let written = entry::Entity::insert(row.into_active_model())
        .on_conflict_do_nothing_on([entry::Column::OrganizationId, entry::Column::LinkId, entry::Column::ExternalId])
        .exec_without_returning(tx)
        .await?;
    let new = matches!(written, TryInsertResult::Inserted(rows) if rows > 0);
    if new {
        outbox::tell(core, tx, organization, team, &[id], Occasion::News).await?;
    }
    Ok(new)
}

/// Follows a change of the text behind an entry; says whether there is such an entry.
///
/// # Errors
/// When the database does not answer.
pub async fn amend(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    external_id: &str,
    text: &str,
) -> Result<bool> {
    let Some(entry) = told(tx, organization, link, external_id).await? else { return Ok(false) };
    forget_words(tx, organization, entry.id).await?;
    let (id, team) = (entry.id, entry.team_id);
    let text = body(text, entry.source.as_deref().unwrap_or_default());
    let folded = search::folded(&text, entry.source.as_deref());
    let mut row = entry.into_active_model();
    row.body = Set(text);
    row.folded = Set(folded);
    row.updated_at = Set(core.clock.now());
    row.update(tx).await?;
    outbox::tell(core, tx, organization, team, &[id], Occasion::Follow).await?;
    Ok(true)
}

/// Writes an entry for each line, or lets the entries of an earlier version of the message follow: changed lines change
/// their entries, lines that are gone are archived, and what was taken back before comes back. Answers with the entries
/// in the order of the lines, or with a sentence about the line that can't be used: then nothing is written.
///
/// # Errors
/// When the database does not answer.
pub async fn record_lines(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
    recorded: Recorded<NewLines>,
) -> Result<Result<Vec<EntryId>, String>> {
    let now = core.clock.now();
    let typed = match lines(&recorded.told.text) {
        Ok(typed) => typed,
        Err(sentence) => return Ok(Err(sentence)),
    };
    let handles = Handles::for_texts(tx, organization, team, typed.iter().map(|line| line.body.as_str())).await?;
    let mut there = told_lines(tx, organization, recorded.link, &recorded.told.external_id).await?;
    // The newest entry of a day stands first. Ids grow, so the first line takes the last: a message reads as written.
    let mut fresh: Vec<EntryId> = typed.iter().map(|_| EntryId::new()).collect();
    fresh.reverse();
    let (mut written, mut news, mut followed) = (Vec::new(), Vec::new(), Vec::new());
    for ((index, line), fresh) in typed.into_iter().enumerate().zip(fresh) {
        let name = line_name(&recorded.told.external_id, index);
        let known =
            there.iter().position(|row| row.external_id.as_ref() == Some(&name)).map(|at| there.swap_remove(at));
        let id = known.as_ref().map_or(fresh, |row| row.id);
        written.push(id);
        if known
            .as_ref()
            .is_some_and(|row| row.body == line.body && row.status == line.status && row.archived_at.is_none())
        {
            continue;
        }
        let reworded = known.as_ref().is_some_and(|row| row.status == line.status && row.archived_at.is_none());
        if reworded { &mut followed } else { &mut news }.push(id);
        forget_words(tx, organization, id).await?;
        let (tags, mentioned) = (tag_rows(organization, id, &line.body), handles.mentioned(&line.body));
        match known {
            Some(row) => follow_line(tx, row, line, now).await?,
            None => {
                let row = line_row(organization, team, &recorded, id, name, line, now);
                entry::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
            }
        }
        entry_tag::Entity::insert_many(tags).exec_without_returning(tx).await?;
        let mentions = mention_rows(organization, id, mentioned);
        entry_mention::Entity::insert_many(mentions).exec_without_returning(tx).await?;
    }
    for gone in there {
        followed.extend(archive(tx, gone, now).await?);
    }
    outbox::tell(core, tx, organization, team, &news, Occasion::News).await?;
    outbox::tell(core, tx, organization, team, &followed, Occasion::Follow).await?;
    Ok(Ok(written))
}

async fn follow_line(tx: &DatabaseTransaction, row: entry::Model, line: Line, now: i64) -> Result<()> {
    let completed_on = (row.status == line.status).then(|| row.completed_on.clone()).flatten();
    let folded = search::folded(&line.body, row.source.as_deref());
    let mut row = row.into_active_model();
    row.body = Set(line.body);
    row.folded = Set(folded);
    row.status = Set(line.status);
    row.completed_on = Set(completed_on);
    row.archived_at = Set(None);
    row.updated_at = Set(now);
    row.update(tx).await?;
    Ok(())
}

fn line_row(
    organization: OrganizationId,
    team: TeamId,
    recorded: &Recorded<NewLines>,
    id: EntryId,
    name: String,
    line: Line,
    now: i64,
) -> entry::Model {
    let told = &recorded.told;
    let source = short(&told.source);
    entry::Model {
        organization_id: organization,
        id,
        team_id: team,
        user_id: recorded.user,
        status: line.status,
        folded: search::folded(&line.body, Some(&source)),
        body: line.body,
        occurred_on: recorded.occurred_on.to_string(),
        completed_on: None,
        archived_at: None,
        partner: Some(recorded.partner.clone()),
        link_id: Some(recorded.link),
        external_id: Some(name),
        source: Some(source),
        source_url: told.url.as_deref().and_then(address),
        author_name: Some(short(&told.author.name)).filter(|name| !is_blank(name)),
        author_url: told.author.url.as_deref().and_then(address),
        author_avatar: told.author.avatar.as_deref().and_then(address),
        item: None,
        created_at: told.happened_at.and_then(|seconds| seconds.checked_mul(1000)).unwrap_or(now),
        recorded_at: now,
        updated_at: now,
    }
}

/// Under which name the entry of a message's n-th line is kept: the first under that of the message.
fn line_name(external_id: &str, index: usize) -> String {
    match index {
        0 => external(external_id),
        _ => format!("{}#{}", external(external_id), index + 1),
    }
}

/// Makes entries the member's that were written by nobody we knew.
///
/// # Errors
/// When the database does not answer.
pub async fn adopt(core: &Core, tx: &DatabaseTransaction, who: &Member, ids: &[EntryId]) -> Result<()> {
    let orphans = entry::Entity::of(who.organization)
        .filter(entry::Column::Id.is_in(ids.iter().copied()))
        .filter(entry::Column::UserId.is_null())
        .all(tx)
        .await?;
    for orphan in orphans {
        let (team, id) = (orphan.team_id, orphan.id);
        let mut row = orphan.into_active_model();
        row.user_id = Set(Some(who.user));
        row.updated_at = Set(core.clock.now());
        row.update(tx).await?;
        outbox::tell(core, tx, who.organization, team, &[id], Occasion::Follow).await?;
    }
    Ok(())
}

/// The entries that a link's partner tells of by this name, archived ones included.
///
/// # Errors
/// When the database does not answer.
pub async fn known_as(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    link: LinkId,
    external_id: &str,
) -> Result<Vec<EntryId>> {
    let query = entry::Entity::of(organization)
        .filter(entry::Column::LinkId.eq(link))
        .filter(entry::Column::ExternalId.is_in((0..lines::MOST).map(|index| line_name(external_id, index))))
        .select_only()
        .column(entry::Column::Id);
    Ok(query.into_tuple().all(db).await?)
}

/// Archives the entry of something that was deleted at the partner, or the entries of its lines; says whether there is
/// any.
///
/// # Errors
/// When the database does not answer.
pub async fn retract(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    external_id: &str,
) -> Result<bool> {
    let entries = told_lines(tx, organization, link, external_id).await?;
    let Some(team) = entries.first().map(|entry| entry.team_id) else { return Ok(false) };
    let mut gone = Vec::new();
    for entry in entries {
        gone.extend(archive(tx, entry, core.clock.now()).await?);
    }
    outbox::tell(core, tx, organization, team, &gone, Occasion::Follow).await?;
    Ok(true)
}

/// Archives an entry that is not yet; answers with it if so.
async fn archive(tx: &DatabaseTransaction, entry: entry::Model, now: i64) -> Result<Option<EntryId>> {
    if entry.archived_at.is_some() {
        return Ok(None);
    }
    let id = entry.id;
    let mut row = entry.into_active_model();
    row.archived_at = Set(Some(now));
    row.updated_at = Set(now);
    row.update(tx).await?;
    Ok(Some(id))
}

/// The entry of this name, and those of the lines of a message of this name.
async fn told_lines(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
    external_id: &str,
) -> Result<Vec<entry::Model>> {
    let query = entry::Entity::of(organization)
        .filter(entry::Column::LinkId.eq(link))
        .filter(entry::Column::ExternalId.is_in((0..lines::MOST).map(|index| line_name(external_id, index))))
        .lock_exclusive();
    Ok(query.all(tx).await?)
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

/// What a partner's word for the work is here.
pub fn status(status: Status) -> EntryStatus {
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

/// The name of something at a partner, in one line of sensible length.
pub(in crate::core) fn short(name: &str) -> String {
    let name = text::first_line(&text::without_nul(name), LONGEST_NAME);
    name[..name.floor_char_boundary(4 * LONGEST_NAME)].to_owned()
}

/// An http or https address of sensible length; anything else would be a dead or a dangerous link.
pub(in crate::core) fn address(text: &str) -> Option<String> {
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
