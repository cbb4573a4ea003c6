//! What `Accept` asks for beyond JSON: texts also, or only, as HTML or plain.
//! <https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types>

use std::fmt;

use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

/// How `body` fields are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    Raw,
    Html,
    Plain,
    Full,
}

pub(super) struct Media {
    version: &'static str,
    texts: Option<Texts>,
}

impl Media {
    /// `application/vnd.github[.v3][.raw|.html|.text|.full][+json]`.
    pub fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let wanted = accept.split("vnd.github").nth(1).unwrap_or_default();
        let wanted = wanted.split(['+', ',', ';']).next().unwrap_or_default();
        let texts = match wanted.rsplit('.').next() {
            Some("raw") => Some(Texts::Raw),
            Some("html") => Some(Texts::Html),
            Some("text") => Some(Texts::Plain),
            Some("full") => Some(Texts::Full),
            _ => None,
        };
        Self { version: if wanted.starts_with(".v3") { "github.v3" } else { "github" }, texts }
    }

    /// Adds the forms that are asked for to everything that has a body and an author.
    pub fn render(&self, value: &mut Value) {
        let Some(texts) = self.texts.filter(|texts| *texts != Texts::Raw) else {
            return;
        };
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.render(item)),
            Value::Object(fields) if fields.contains_key("user") || fields.contains_key("author") => {
                let Some(body) = fields.get("body").cloned() else {
                    return;
                };
                let text = body.as_str().unwrap_or_default();
                if texts != Texts::Plain {
                    fields.insert("body_html".to_owned(), json!(html(text)));
                }
                if texts != Texts::Html {
                    fields.insert("body_text".to_owned(), json!(text));
                }
                if texts != Texts::Full {
                    fields.remove("body");
                }
            }
            _ => {}
        }
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = match self.texts {
            None => "",
            Some(Texts::Raw) => "; param=raw",
            Some(Texts::Html) => "; param=html",
            Some(Texts::Plain) => "; param=text",
            Some(Texts::Full) => "; param=full",
        };
        write!(f, "{}{texts}; format=json", self.version)
    }
}

/// Paragraphs only: enough for a client to find a field it can show, without a Markdown reader of our own.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped
        .split("\n\n")
        .map(|paragraph| format!("<p dir=\"auto\">{}</p>", paragraph.replace('\n', "<br>\n")))
        .collect()
}
