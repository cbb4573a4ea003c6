//! What a handler gives back, and lists that come in pages.

use axum::http::StatusCode;
use serde_json::Value;
use url::form_urlencoded;

use super::super::world::World;
use super::call::Call;

const PER_PAGE: usize = 30;
const PER_PAGE_MAX: usize = 100;

pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Option<Value>,
    pub link: Option<String>,
    pub location: Option<String>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), link: None, location: None }
    }

    /// 201, and where the new thing is.
    pub fn created(body: Value) -> Self {
        let location = body["url"].as_str().map(str::to_owned);
        Self { status: StatusCode::CREATED, location, ..Self::ok(body) }
    }

    /// 202: it will happen.
    pub fn accepted(body: Value) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(body) }
    }

    /// 204: it happened, there is nothing to say.
    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, link: None, location: None }
    }

    /// One page of `items`, shown only as far as they are on it, with the `Link` header.
    pub fn page<T>(world: &World, call: &Call, items: Vec<T>, show: impl Fn(&T) -> Value) -> Self {
        let number = |name: &str| call.query(name).and_then(|text| text.parse::<usize>().ok()).filter(|it| *it > 0);
        let size = number("per_page").unwrap_or(PER_PAGE).min(PER_PAGE_MAX);
        let page = number("page").unwrap_or(1);
        let last = items.len().div_ceil(size).max(1);
        let shown = items.iter().skip(size.saturating_mul(page - 1)).take(size).map(show).collect();
        let mut links = Vec::new();
        let mut add = |page: usize, rel: &str| links.push(link(world, call, "page", &page.to_string(), rel));
        if page > 1 {
            add((page - 1).min(last), "prev");
        }
        if page < last {
            add(page + 1, "next");
            add(last, "last");
        }
        if page > 1 {
            add(1, "first");
        }
        Self { link: (!links.is_empty()).then(|| links.join(", ")), ..Self::ok(Value::Array(shown)) }
    }
}

/// `<address with this parameter>; rel="…"`. Repositories appear by number, as on GitHub: clients must not
/// build these themselves.
pub(super) fn link(world: &World, call: &Call, parameter: &str, value: &str, rel: &str) -> String {
    let kept = call.query_pairs().filter(|(name, _)| *name != parameter);
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).append_pair(parameter, value).finish();
    format!("<{}{}?{query}>; rel=\"{rel}\"", world.api(), call.path_by_number(world))
}
