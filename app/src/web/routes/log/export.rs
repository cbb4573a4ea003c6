//! `/teams/{team}/export.csv` and `export.json`: what the log shows under a filter, all of it, as a file.

use axum::{extract::State, response::Response};
use futures::{Stream, TryStreamExt};
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;

use super::asked::Asked;
use crate::{
    core::{
        self, Core,
        audit::{self, Deed},
        entries::{self, Entry, export},
        teams,
    },
    db::{
        EntryId, TeamId,
        entity::{entry::EntryStatus, team},
    },
    web::{
        Result,
        download::{self, moment},
        extract::{Path, SignedIn},
    },
};

/// One entry as a file has it. Days and times are the team's.
#[derive(Serialize)]
struct Line {
    id: EntryId,
    day: String,
    status: &'static str,
    text: String,
    person: String,
    tags: Vec<String>,
    source: Option<String>,
    link: Option<String>,
    done_on: Option<String>,
    written_at: String,
    archived_at: Option<String>,
}

/// The first line of a CSV file, in the order of [`Line::fields`].
const NAMES: [&str; 11] =
    ["id", "day", "status", "text", "person", "tags", "source", "link", "done_on", "written_at", "archived_at"];

impl Line {
    fn new(zone: &TimeZone, entry: Entry) -> Self {
        let mut tags: Vec<String> = entry.tags.into_iter().collect();
        tags.sort();
        let row = entry.row;
        Self {
            id: row.id,
            day: row.occurred_on,
            status: match row.status {
                EntryStatus::Done => "done",
                EntryStatus::Goal => "goal",
                EntryStatus::Blocked => "blocked",
            },
            text: row.body,
            person: entry.author,
            tags,
            source: row.source.or(row.partner),
            link: row.source_url,
            done_on: row.completed_on,
            written_at: moment(zone, row.created_at),
            archived_at: row.archived_at.map(|millis| moment(zone, millis)),
        }
    }

    fn fields(self) -> [String; NAMES.len()] {
        [
            self.id.to_string(),
            self.day,
            self.status.to_owned(),
            self.text,
            self.person,
            self.tags.join(" "),
            self.source.unwrap_or_default(),
            self.link.unwrap_or_default(),
            self.done_on.unwrap_or_default(),
            self.written_at,
            self.archived_at.unwrap_or_default(),
        ]
    }
}

/// `GET /teams/{team}/export.csv`
pub(super) async fn csv(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    asked: Asked,
) -> Result<Response> {
    let (team, lines) = lines(&core, &who, id, &asked).await?;
    let lines = lines.map_ok(|piece| piece.into_iter().map(Line::fields).collect());
    Ok(download::csv(&name_of(&core, &team), NAMES, lines))
}

/// `GET /teams/{team}/export.json`
pub(super) async fn json(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    asked: Asked,
) -> Result<Response> {
    let (team, lines) = lines(&core, &who, id, &asked).await?;
    let about = json!({ "id": team.id, "name": team.name, "time_zone": team.time_zone });
    Ok(download::json(&name_of(&core, &team), ("team", &about), "entries", lines))
}

async fn lines(
    core: &Core,
    who: &SignedIn,
    id: TeamId,
    asked: &Asked,
) -> Result<(team::Model, impl Stream<Item = core::Result<Vec<Line>>> + Send + use<>)> {
    let (member, team) = teams::find(core, &who.person, id).await?;
    let zone = entries::zone(&team);
    let pieces = export(core, &member, id, &asked.filter).await?;
    audit::note_alone(core, &member, Deed::LogExported, &team).await?;
    Ok((team, pieces.map_ok(move |piece| piece.into_iter().map(|entry| Line::new(&zone, entry)).collect())))
}

fn name_of(core: &Core, team: &team::Model) -> String {
    format!("{}-{}", download::slug(&team.name, "log"), entries::today(core, team))
}
