//! The files of `static/`, built into the binary. (A debug build reads them from the folder, so that a change of the
//! CSS shows on reload.)
//!
//! Pages name a file by [`url`], which carries a piece of its digest: browsers keep it for a year and still see a
//! change at once.

use axum::{
    extract::{Path, RawQuery},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../static"]
struct Files;

/// Where a file is served. A file that does not exist has an address too; it answers 404.
pub fn url(path: &str) -> String {
    match Files::get(path) {
        Some(file) => format!("/static/{path}?v={}", version(&file)),
        None => format!("/static/{path}"),
    }
}

/// `GET /static/{*path}`
pub async fn show(Path(path): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&path) else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    let tag = format!("\"{}\"", version(&file));
    // Kept for ever only under the name of exactly this content: an old page may ask a new server, or the other way.
    let kept = if query.as_deref() == Some(&format!("v={}", version(&file))) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let common = [
        (header::ETAG, HeaderValue::from_str(&tag)),
        (header::CACHE_CONTROL, Ok(HeaderValue::from_static(kept))),
        (header::X_CONTENT_TYPE_OPTIONS, Ok(HeaderValue::from_static("nosniff"))),
        (header::CONTENT_TYPE, HeaderValue::from_str(&content_type(&file))),
    ];
    let common: HeaderMap = common.into_iter().filter_map(|(name, value)| Some((name, value.ok()?))).collect();
    if has(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, file.data.into_owned()).into_response()
}

fn version(file: &EmbeddedFile) -> String {
    hex::encode(&file.metadata.sha256_hash()[..6])
}

fn content_type(file: &EmbeddedFile) -> String {
    let guessed = file.metadata.mimetype();
    if guessed.starts_with("text/") { format!("{guessed}; charset=utf-8") } else { guessed.to_owned() }
}

/// Whether the browser says it has the content with this tag.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, query: Option<String>, if_none_match: &[(header::HeaderName, HeaderValue)]) -> Response {
        show(Path(path.to_owned()), RawQuery(query), if_none_match.iter().cloned().collect()).await
    }

    #[tokio::test]
    async fn a_file_is_kept_for_ever_under_its_own_name_only() {
        let url = url("app.css");
        let query = url.strip_prefix("/static/app.css?").unwrap().to_owned();

        let named = get("app.css", Some(query), &[]).await;
        assert_eq!(named.status(), 200);
        assert!(named.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(named.headers()["content-type"], "text/css; charset=utf-8");
        assert_eq!(named.headers()["x-content-type-options"], "nosniff");

        for other in [None, Some("v=000000000000".to_owned())] {
            assert_eq!(get("app.css", other, &[]).await.headers()["cache-control"], "no-cache");
        }
    }

    #[tokio::test]
    async fn a_browser_that_has_it_is_told_so() {
        let tag = get("app.css", None, &[]).await.headers()["etag"].clone();
        let listed = format!("\"x\", W/{}", tag.to_str().unwrap());
        for (asked, status) in
            [(tag, 304), (HeaderValue::from_str(&listed).unwrap(), 304), (HeaderValue::from_static("\"x\""), 200)]
        {
            assert_eq!(get("app.css", None, &[(header::IF_NONE_MATCH, asked)]).await.status(), status);
        }
    }

    #[tokio::test]
    async fn nothing_outside_the_folder_is_served() {
        let odd =
            ["../Cargo.toml", "/etc/passwd", "..", "", ".", "app.css\0", "APP.CSS/", "./../app/src/lib.rs", "a\\..\\b"];
        for path in odd {
            assert_eq!(get(path, None, &[]).await.status(), 404, "{path:?}");
        }
    }
}
