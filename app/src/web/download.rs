//! Files that people take away: streamed piece by piece, as JSON or as comma-separated values that no spreadsheet can be
//! harmed by.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, future, stream};
use http::{HeaderValue, header};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::core;

/// Lets spreadsheets know that the letters are UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A file of comma-separated values: a line of names, and a line for each that comes in pieces.
pub fn csv(
    name: &str,
    names: &[&str],
    pieces: impl Stream<Item = core::Result<Vec<Vec<String>>>> + Send + 'static,
) -> Response {
    let head = format!("{BYTE_ORDER_MARK}{}", csv_line(names));
    let lines = pieces.map_ok(|piece| piece.iter().map(|line| csv_line(line)).collect::<String>());
    file(&format!("{name}.csv"), "text/csv; charset=utf-8", text(head).chain(lines))
}

/// A file of JSON: `{"about": …, "list": […]}`, with the list in pieces.
pub fn json<T: Serialize + Send + 'static>(
    name: &str,
    about: (&str, &serde_json::Value),
    list: &str,
    pieces: impl Stream<Item = core::Result<Vec<T>>> + Send + 'static,
) -> Response {
    let (word, about) = about;
    let head = format!("{{\"{word}\":{about},\"{list}\":[");
    let lines =
        pieces.scan(true, |first, piece| future::ready(Some(piece.and_then(|piece| json_lines(first, &piece)))));
    file(&format!("{name}.json"), "application/json", text(head).chain(lines).chain(text("\n]}\n".to_owned())))
}

/// A name that every file system takes.
pub fn slug(name: &str, or: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-").to_lowercase();
    if slug.is_empty() { or.to_owned() } else { slug }
}

/// A moment (unix milliseconds) in a time zone, with its distance from UTC.
pub fn moment(zone: &TimeZone, millis: i64) -> String {
    let moment = Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned(zone.clone());
    moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn text(text: String) -> impl Stream<Item = core::Result<String>> + Send {
    stream::once(future::ok(text))
}

/// A file to be kept. When a piece fails, the connection is cut off: a browser then says that the download is not whole.
fn file(name: &str, kind: &'static str, pieces: impl Stream<Item = core::Result<String>> + Send + 'static) -> Response {
    let called = name.to_owned();
    let pieces = pieces.map_ok(Bytes::from).inspect_err(move |error| {
        tracing::warn!(name = called, ?error, "an export was cut off");
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

fn json_lines(first: &mut bool, piece: &[impl Serialize]) -> core::Result<String> {
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
/// who may write here, or whose words a partner brings, could otherwise run something on a reader's machine.
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
        assert_eq!(slug("Product & Co.", "log"), "product-co");
        assert_eq!(slug("../../etc/passwd\"; x=\"", "log"), "etc-passwd-x");
        assert_eq!(slug("Приложение", "log"), "log");
    }

    #[test]
    fn a_moment_is_the_teams() {
        let vienna = TimeZone::get("Europe/Vienna").unwrap();
        assert_eq!(moment(&vienna, 1_795_348_800_000), "2026-11-22T13:00:00+01:00");
        assert_eq!(moment(&TimeZone::UTC, 1_795_348_800_000), "2026-11-22T12:00:00+00:00");
    }
}
