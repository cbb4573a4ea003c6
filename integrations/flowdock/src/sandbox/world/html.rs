//! The HTML that is let through: only links in titles and fields, a list of plain tags in bodies.
//!
//! Everything else is shown as the text it is: `<` becomes `&lt;`.

const IN_TITLES: &[&str] = &["a"];
const IN_BODIES: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
const EMPTY: &[&str] = &["br", "hr", "img"];

/// Titles of messages and threads, values of fields.
pub(super) fn title(text: &str) -> String {
    limit(text, IN_TITLES)
}

/// Bodies.
pub(super) fn body(text: &str) -> String {
    limit(text, IN_BODIES)
}

/// A title (as [`title`] left it) without its links.
pub(in super::super) fn plain(text: &str) -> String {
    let mut kept = String::new();
    for (number, part) in text.split('<').enumerate() {
        kept.push_str(if number == 0 { part } else { part.split_once('>').map_or("", |(_, rest)| rest) });
    }
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    named.into_iter().fold(kept, |text, (name, letter)| text.replace(name, letter))
}

fn limit(text: &str, allowed: &[&str]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        match read_tag(rest, allowed) {
            Some((Tag::Open { name, attributes }, length)) => {
                kept.push('<');
                kept.push_str(name);
                for (attribute, value) in attributes {
                    kept.push_str(&format!(" {attribute}=\"{}\"", value.replace('"', "&quot;")));
                }
                kept.push('>');
                if !EMPTY.contains(&name) {
                    open.push(name);
                }
                rest = &rest[length..];
            }
            Some((Tag::Close(name), length)) => {
                // One that closes nothing is dropped.
                if let Some(position) = open.iter().rposition(|it| *it == name) {
                    for name in open.drain(position..).rev() {
                        kept.push_str(&format!("</{name}>"));
                    }
                }
                rest = &rest[length..];
            }
            None => {
                kept.push_str("&lt;");
                rest = &rest[1..];
            }
        }
    }
    kept.push_str(rest);
    for name in open.into_iter().rev() {
        kept.push_str(&format!("</{name}>"));
    }
    kept
}

enum Tag<'a> {
    Open { name: &'a str, attributes: Vec<(&'static str, &'a str)> },
    Close(&'a str),
}

/// The tag that `text` begins with, if it may stay, and how long it is.
fn read_tag<'a>(text: &'a str, allowed: &[&'a str]) -> Option<(Tag<'a>, usize)> {
    let end = end_of_tag(text)?;
    let inside = &text[1..end];
    let (closing, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
    let name_end = inside.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(inside.len());
    let name = allowed.iter().copied().find(|name| name.eq_ignore_ascii_case(&inside[..name_end]))?;
    let tag =
        if closing { Tag::Close(name) } else { Tag::Open { name, attributes: attributes(name, &inside[name_end..]) } };
    Some((tag, end + 1))
}

/// The `>` that is not inside quotes.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

/// Only where a link leads and where a picture is, and only to the web or an address of mail.
fn attributes<'a>(name: &str, text: &'a str) -> Vec<(&'static str, &'a str)> {
    let wanted = match name {
        "a" => "href",
        "img" => "src",
        _ => return Vec::new(),
    };
    let Some(at) = text.to_ascii_lowercase().find(&format!("{wanted}=")) else { return Vec::new() };
    let value = &text[at + wanted.len() + 1..];
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
        _ => value.split(|letter: char| letter.is_whitespace() || letter == '/').next(),
    };
    let schemes = ["http://", "https://", "mailto:", "cid:"];
    let value = value.filter(|value| schemes.iter().any(|scheme| value.starts_with(scheme)));
    value.map(|value| (wanted, value)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{body, title};

    #[test]
    fn titles_keep_links_and_nothing_else() {
        let given =
            r#"closed <a href="https://x.example/1" onclick="steal()">#1</a> <b>now</b> & <script>alert(1)</script>"#;

        let expected =
            "closed <a href=\"https://x.example/1\">#1</a> &lt;b>now&lt;/b> & &lt;script>alert(1)&lt;/script>";
        assert_eq!(title(given), expected);
    }

    #[test]
    fn bodies_keep_plain_tags_closed_and_no_way_to_run_anything() {
        assert_eq!(body("<p>one<br/><em>two"), "<p>one<br><em>two</em></p>");
        assert_eq!(body("<a href='javascript:alert(1)'>x</a></div>"), "<a>x</a>");
        assert_eq!(body("<img src=x onerror=alert(1)>"), "<img>");
        assert_eq!(body("2 < 3 > 1"), "2 &lt; 3 > 1");
        assert_eq!(body("<iframe src=https://x.example>"), "&lt;iframe src=https://x.example>");
    }
}
