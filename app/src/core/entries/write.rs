//! Writing entries here, by hand: several at once, a line each.

use jiff::civil::Date;
use sea_orm::{DatabaseTransaction, EntityTrait, IntoActiveModel};

use super::{
    Standing, change,
    handles::Handles,
    lines::{Line, lines},
    pieces, search,
};
use crate::{
    core::{
        Core, Error, Result,
        outbox::{self, Occasion},
        people::Member,
    },
    db::{
        EntryId, OrganizationId, TeamId, UserId,
        entity::{entry, entry_mention, entry_tag, user},
    },
};

/// Writes the lines of a text into today's log.
///
/// # Errors
/// [`Error::Invalid`] (`body`) with a sentence about the first line that can't be used: then none is written.
/// [`Error::NotFound`] for who does not see the team, [`Error::Forbidden`] for an admin who is not in it.
pub async fn write(core: &Core, who: &Member, team: TeamId, text: &str) -> Result<Vec<EntryId>> {
    write_on(core, who, team, None, text).await
}

/// [`write()`] into the log of a day; none is today.
///
/// # Errors
/// As [`write()`]; [`Error::Invalid`] (`day`) for a day too far ahead.
pub async fn write_on(core: &Core, who: &Member, team: TeamId, day: Option<Date>, text: &str) -> Result<Vec<EntryId>> {
    let lines = lines(text).map_err(|sentence| Error::field("body", sentence))?;
    let written = core
        .db
        .write(async |tx| {
            let standing = Standing::of(tx, who, team).await?;
            standing.must_be_in_team("write in its log")?;
            let who = standing.who;
            let today = standing.today(core);
            let day = change::checked_day(day.unwrap_or(today), today)?;
            let author = user::Entity::find_by_id(who.user).one(tx).await?.ok_or(Error::NotFound)?;
            let written = insert(tx, &author, who.organization, team, day, core.clock.now(), lines).await?;
            outbox::tell(core, tx, who.organization, team, &written, Occasion::News).await?;
            Ok::<_, Error>(written)
        })
        .await?;
    core.queue.wake();
    Ok(written)
}

async fn insert(
    tx: &DatabaseTransaction,
    author: &user::Model,
    organization: OrganizationId,
    team: TeamId,
    day: Date,
    now: i64,
    lines: Vec<Line>,
) -> Result<Vec<EntryId>> {
    let handles = Handles::for_texts(tx, organization, team, lines.iter().map(|line| line.body.as_str())).await?;
    // The newest entry of a day stands first. Ids grow, so the first line takes the last: a batch reads as typed.
    let mut ids: Vec<EntryId> = lines.iter().map(|_| EntryId::new()).collect();
    ids.reverse();
    let (mut tags, mut mentions) = (Vec::new(), Vec::new());
    let mut rows = Vec::new();
    for (&id, line) in ids.iter().zip(lines) {
        tags.extend(tag_rows(organization, id, &line.body));
        mentions.extend(mention_rows(organization, id, handles.mentioned(&line.body)));
        let row = entry::Model {
            organization_id: organization,
            id,
            team_id: team,
            user_id: Some(author.id),
            status: line.status,
            folded: search::folded(&line.body, None),
            body: line.body,
            occurred_on: day.to_string(),
            completed_on: None,
            archived_at: None,
            partner: None,
            link_id: None,
            external_id: None,
            source: None,
            source_url: None,
            author_name: Some(author.name.clone()),
            author_url: None,
            author_avatar: None,
            item: None,
            created_at: now,
            recorded_at: now,
            updated_at: now,
        };
        rows.push(row.into_active_model());
    }
    entry::Entity::insert_many(rows).exec_without_returning(tx).await?;
    entry_tag::Entity::insert_many(tags).exec_without_returning(tx).await?;
    entry_mention::Entity::insert_many(mentions).exec_without_returning(tx).await?;
    Ok(ids)
}

pub(super) fn tag_rows(organization_id: OrganizationId, entry_id: EntryId, body: &str) -> Vec<entry_tag::ActiveModel> {
    let row = |tag| entry_tag::Model { organization_id, entry_id, tag }.into_active_model();
    pieces::tags(body).into_iter().map(row).collect()
}

pub(super) fn mention_rows(
    organization_id: OrganizationId,
    entry_id: EntryId,
    users: impl IntoIterator<Item = UserId>,
) -> Vec<entry_mention::ActiveModel> {
    let row = |user_id| entry_mention::Model { organization_id, entry_id, user_id }.into_active_model();
    users.into_iter().map(row).collect()
}
