//! `/teams/{team}/export.csv` and `export.json`: what the log shows under a filter, all of it, as a file. `/log/export.…` is the
//! same of what a person did in all their teams. Without a filter it is everything, what is archived as well: then the file
//! is what is left of a log when it goes.

use std::collections::HashMap;

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
        entries::{self, Entry, Filter, Shown, export, export_own},
        teams,
    },
    db::{EntryId, TeamId, entity::team},
    web::{
        Result,
        download::{self, moment},
        extract::{Path, SignedIn},
    },
};

/// One entry as a file has it. Days and times are the team's.
#[derive(Serialize)]
struct Line {
    /// Whose log, where the file is of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    id: EntryId,
    day: String,
    status: String,
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
            team: None,
            id: row.id,
            day: row.occurred_on,
            status: row.status.word(),
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

    /// In the order of [`NAMES`], and the team behind them.
    fn fields(self) -> Vec<String> {
        let fields = [
            self.id.to_string(),
            self.day,
            self.status,
            self.text,
            self.person,
            self.tags.join(" "),
            self.source.unwrap_or_default(),
            self.link.unwrap_or_default(),
            self.done_on.unwrap_or_default(),
            self.written_at,
            self.archived_at.unwrap_or_default(),
        ];
        fields.into_iter().chain(self.team).collect()
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
    Ok(download::csv(&name_of(&core, &team), &NAMES, fields(lines)))
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

/// `GET /log/export.csv`
pub(super) async fn own_csv(State(core): State<Core>, who: SignedIn, asked: Asked) -> Result<Response> {
    let lines = own_lines(&core, &who, &asked).await?;
    let names: Vec<&str> = NAMES.into_iter().chain(["team"]).collect();
    Ok(download::csv(&own_name(&core), &names, fields(lines)))
}

/// `GET /log/export.json`
pub(super) async fn own_json(State(core): State<Core>, who: SignedIn, asked: Asked) -> Result<Response> {
    let lines = own_lines(&core, &who, &asked).await?;
    let about = json!({ "id": who.person.user.id, "name": who.person.user.name });
    Ok(download::json(&own_name(&core), ("person", &about), "entries", lines))
}

/// What a person did, each line with its team and in that team's time zone.
async fn own_lines(
    core: &Core,
    who: &SignedIn,
    asked: &Asked,
) -> Result<impl Stream<Item = core::Result<Vec<Line>>> + Send + use<>> {
    let member = who.member()?;
    let teams = teams::of_member(core, &member).await?;
    let teams: HashMap<TeamId, (TimeZone, String)> =
        teams.into_iter().map(|team| (team.id, (entries::zone(&team), team.name))).collect();
    let line = move |entry: Entry| {
        let (zone, team) = teams.get(&entry.row.team_id).cloned().unwrap_or((TimeZone::UTC, String::new()));
        Line { team: Some(team), ..Line::new(&zone, entry) }
    };
    let pieces = export_own(core, &member, &wanted(asked)).await?;
    Ok(pieces.map_ok(move |piece| piece.into_iter().map(&line).collect()))
}

fn fields(
    lines: impl Stream<Item = core::Result<Vec<Line>>> + Send + 'static,
) -> impl Stream<Item = core::Result<Vec<Vec<String>>>> + Send + 'static {
    lines.map_ok(|piece| piece.into_iter().map(Line::fields).collect())
}

/// What goes into the file.
fn wanted(asked: &Asked) -> Filter {
    if asked.filter == Filter::default() {
        return Filter { shown: Some(Shown::Everything), ..Filter::default() };
    }
    asked.filter.clone()
}

fn own_name(core: &Core) -> String {
    format!("my-log-{}", core.clock.today(&TimeZone::UTC))
}

async fn lines(
    core: &Core,
    who: &SignedIn,
    id: TeamId,
    asked: &Asked,
) -> Result<(team::Model, impl Stream<Item = core::Result<Vec<Line>>> + Send + use<>)> {
    let (member, team) = teams::find(core, &who.person, id).await?;
    let zone = entries::zone(&team);
    let pieces = export(core, &member, id, &wanted(asked)).await?;
    audit::note_alone(core, &member, Deed::LogExported, &team).await?;
    Ok((team, pieces.map_ok(move |piece| piece.into_iter().map(|entry| Line::new(&zone, entry)).collect())))
}

fn name_of(core: &Core, team: &team::Model) -> String {
    format!("{}-{}", download::slug(&team.name, "log"), entries::today(core, team))
}
