//! An entry as partners are told of it.

use std::collections::{BTreeSet, HashMap};

use integration_contract::{OutgoingEntry, Status};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::{
    core::{Core, Result, partners::our_url},
    db::{
        EntryId, OrganizationId, TeamId, UserId,
        entity::{
            Tenant,
            entry::{self, EntryStatus},
            team, user,
        },
    },
};

/// An entry's row, and what of it leaves.
pub(super) struct Picture {
    pub row: entry::Model,
    pub seen: OutgoingEntry,
}

/// Entries as partners are told of them, in the order asked for; those that are not there are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn outgoing(
    core: &Core,
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    ids: &[EntryId],
) -> Result<Vec<OutgoingEntry>> {
    Ok(pictures(core, db, organization, ids).await?.into_iter().map(|picture| picture.seen).collect())
}

/// The same with the rows.
pub(super) async fn pictures(
    core: &Core,
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    ids: &[EntryId],
) -> Result<Vec<Picture>> {
    let rows = entry::Entity::of(organization).filter(entry::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    let teams: BTreeSet<TeamId> = rows.iter().map(|row| row.team_id).collect();
    let teams: HashMap<TeamId, String> = team::Entity::of(organization)
        .filter(team::Column::Id.is_in(teams))
        .all(db)
        .await?
        .into_iter()
        .map(|team| (team.id, team.name))
        .collect();
    let users: BTreeSet<UserId> = rows.iter().filter_map(|row| row.user_id).collect();
    let users: HashMap<UserId, String> = if users.is_empty() {
        HashMap::new()
    } else {
        let users = user::Entity::find().filter(user::Column::Id.is_in(users)).all(db).await?;
        users.into_iter().map(|user| (user.id, user.name)).collect()
    };
    let mut rows: HashMap<EntryId, entry::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    let found = ids.iter().filter_map(|id| rows.remove(id));
    Ok(found.map(|row| Picture { seen: seen(core, &row, &teams, &users), row }).collect())
}

fn seen(
    core: &Core,
    row: &entry::Model,
    teams: &HashMap<TeamId, String>,
    users: &HashMap<UserId, String>,
) -> OutgoingEntry {
    let author = row.user_id.and_then(|id| users.get(&id)).or(row.author_name.as_ref());
    OutgoingEntry {
        id: row.id.to_string(),
        url: our_url(&core.site.public_url, &format!("teams/{}/entries/{}", row.team_id, row.id)).into(),
        text: row.body.clone(),
        status: match row.status {
            EntryStatus::Done => Status::Done,
            EntryStatus::Goal => Status::Goal,
            EntryStatus::Blocked => Status::Blocked,
        },
        author: author.cloned().unwrap_or_else(|| "Somebody".to_owned()),
        author_avatar: row.author_avatar.clone(),
        author_id: row.user_id.map(|id| id.to_string()),
        source: row.source.clone(),
        source_url: row.source_url.clone(),
        of_item: row.item.is_some(),
        team: teams.get(&row.team_id).cloned().unwrap_or_default(),
        day: row.occurred_on.clone(),
        archived: row.archived_at.is_some(),
    }
}
