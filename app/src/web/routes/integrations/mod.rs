//! `/integrations`: the `catalogue`, and each `partner`'s own page. Starting a connection is in `connect`, the link form
//! in `links`, a mirror's offer in `mirrors::offer`.

mod asked;
mod catalogue;
pub mod examples;
mod installation;
mod partner;
mod standing;

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use integration_contract::{Card, Connect};

pub use asked::folded;
pub use catalogue::{Tile, show as catalogue};
pub use installation::{Installation, account_state};
pub(super) use partner::draw;
pub use partner::show as partner;

use crate::{core::Core, web};

/// `GET /integrations/{p}/icon.svg`
pub async fn icon(State(core): State<Core>, Path(id): Path<String>) -> web::Result<Response> {
    let icon = core.partners.get(&id)?.integration.card().icon;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=3600")], icon)
        .into_response())
}

/// Whether a link of this partner acts with an account.
pub fn needs_account(card: &Card) -> bool {
    matches!(card.connect, Connect::OAuth { .. })
}

/// A text of ours, such as a crate's README, as HTML. Raw HTML in it is shown as text: a page of ours holds only markup of
/// ours. Not for what people write, whose links may lead anywhere.
pub fn markdown(text: &str) -> String {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        // The page has its own first and second headings.
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: below(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

fn below(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::{H3, H4, H5, H6};
    match level as u8 {
        0..=1 => H3,
        2 => H4,
        3 => H5,
        _ => H6,
    }
}
