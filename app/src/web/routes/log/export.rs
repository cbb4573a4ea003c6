//! `/teams/{team}/export.csv` and `export.json`: what the log shows under a filter, all of it, as a file. `/log/export.…` is the
//! same of what a person did in all their teams.

use std::collections::HashMap;

use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, future, stream};
use http::{HeaderValue, header};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::json;

use super::asked::Asked;
use crate::{
    core::{
        self, Core,
        entries::{self, Entry, export, export_own},
        teams,
    },
    db::{
        EntryId, TeamId,
        entity::{entry::EntryStatus, team},
    },
    web::{
        Result,
        extract::{Path, SignedIn},
    },
};

/// Lets spreadsheets know that the letters are UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One entry as a file has it. Days and times are the team's.
#[derive(Serialize)]
struct Line {
    /// Whose log, where the file is of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
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
            team: None,
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

    /// In the order of [`NAMES`], and the team behind them.
    fn fields(self) -> Vec<String> {
        let fields = [
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
    Ok(csv_file(&name_of(&core, &team), &NAMES, lines))
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
    Ok(json_file(&name_of(&core, &team), &format!("\"team\":{about}"), lines))
}

/// `GET /log/export.csv`
pub(super) async fn own_csv(State(core): State<Core>, who: SignedIn, asked: Asked) -> Result<Response> {
    let lines = own_lines(&core, &who, &asked).await?;
    let names: Vec<&str> = NAMES.into_iter().chain(["team"]).collect();
    Ok(csv_file(&own_name(&core), &names, lines))
}

/// `GET /log/export.json`
pub(super) async fn own_json(State(core): State<Core>, who: SignedIn, asked: Asked) -> Result<Response> {
    let lines = own_lines(&core, &who, &asked).await?;
    let about = json!({ "id": who.person.user.id, "name": who.person.user.name });
    Ok(json_file(&own_name(&core), &format!("\"person\":{about}"), lines))
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
    let pieces = export_own(core, &member, &asked.filter).await?;
    Ok(pieces.map_ok(move |piece| piece.into_iter().map(&line).collect()))
}

fn csv_file(
    name: &str,
    names: &[&str],
    lines: impl Stream<Item = core::Result<Vec<Line>>> + Send + 'static,
) -> Response {
    let head = format!("{BYTE_ORDER_MARK}{}", csv_line(names));
    let lines = lines.map_ok(|piece| piece.into_iter().map(|line| csv_line(&line.fields())).collect::<String>());
    file(&format!("{name}.csv"), "text/csv; charset=utf-8", text(head).chain(lines))
}

/// `about` is what stands before the entries, as a member of an object.
fn json_file(name: &str, about: &str, lines: impl Stream<Item = core::Result<Vec<Line>>> + Send + 'static) -> Response {
    let head = format!("{{{about},\"entries\":[");
    let lines = lines.scan(true, |first, piece| future::ready(Some(piece.and_then(|piece| json_lines(first, &piece)))));
    file(&format!("{name}.json"), "application/json", text(head).chain(lines).chain(text("\n]}\n".to_owned())))
}

fn name_of(core: &Core, team: &team::Model) -> String {
    format!("{}-{}", slug(&team.name), entries::today(core, team))
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
    let pieces = export(core, &member, id, &asked.filter).await?;
    Ok((team, pieces.map_ok(move |piece| piece.into_iter().map(|entry| Line::new(&zone, entry)).collect())))
}

fn text(text: String) -> impl Stream<Item = core::Result<String>> + Send {
    stream::once(future::ok(text))
}

/// A file to be kept. When a piece fails, the connection is cut off: a browser then says that the download is not whole.
fn file(name: &str, kind: &'static str, pieces: impl Stream<Item = core::Result<String>> + Send + 'static) -> Response {
    let pieces = pieces.map_ok(Bytes::from).inspect_err(|error| tracing::warn!(?error, "an export was cut off"));
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// A name that every file system takes.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-").to_lowercase();
    if slug.is_empty() { "log".to_owned() } else { slug }
}

/// A moment in the team's time zone, with its distance from UTC.
fn moment(zone: &TimeZone, millis: i64) -> String {
    let moment = Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned(zone.clone());
    moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn json_lines(first: &mut bool, piece: &[Line]) -> core::Result<String> {
    let mut text = String::new();
    for line in piece {
        text.push_str(if std::mem::take(first) { "\n" } else { ",\n" });
        text.push_str(&serde_json::to_string(line).map_err(anyhow::Error::from)?);
    }
    Ok(text)
}

/// A line as RFC 4180 has it.
fn csv_line(fields: &[impl AsRef<str>]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| csv_field(field.as_ref())).collect();
    fields.join(",") + "\r\n"
}

/// A field in quotes where it needs them. One that a spreadsheet would take for a formula begins with a `'`: anybody
/// who may write into the log, or whose words a partner brings here, could otherwise run something on a reader's machine.
fn csv_field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', ';', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_has_to_be() {
        for (text, field) in [
            ("", ""),
            ("plain words", "plain words"),
            ("one, two", "\"one, two\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+49 1", "\"'+49 1\""),
            ("-", "\"'-\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("1=1", "1=1"),
        ] {
            assert_eq!(csv_field(text), field);
        }
        assert_eq!(csv_line(&["a", "b,c"]), "a,\"b,c\"\r\n");
    }

    #[test]
    fn a_file_has_a_name_everywhere() {
        assert_eq!(slug("Product & Co."), "product-co");
        assert_eq!(slug("../../etc/passwd\"; x=\""), "etc-passwd-x");
        assert_eq!(slug("Приложение"), "log");
    }

    #[test]
    fn a_moment_is_the_teams() {
        let vienna = TimeZone::get("Europe/Vienna").unwrap();
        assert_eq!(moment(&vienna, 1_795_348_800_000), "2026-11-22T13:00:00+01:00");
        assert_eq!(moment(&TimeZone::UTC, 1_795_348_800_000), "2026-11-22T12:00:00+00:00");
    }
}
