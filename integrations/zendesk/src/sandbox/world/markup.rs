//! HTML of comments: made from plain text, and read from what a client sent.

/// Tags that a comment may have.
const ALLOWED: [&str; 22] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "u",
    "ul",
    "del",
];
/// Tags whose content goes with them.
const DROPPED: [&str; 2] = ["script", "style"];
/// Tags that end a line of the plain text.
const LINES: [&str; 11] = ["blockquote", "br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "pre"];

pub(in super::super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A comment's HTML, of its plain text.
pub(in super::super) fn from_plain(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|it| format!("<p dir=\"auto\">{}</p>", escape(it).replace('\n', "<br>")));
    wrapped(&paragraphs.collect::<String>())
}

fn wrapped(html: &str) -> String {
    format!("<div class=\"zd-comment\" dir=\"auto\">{html}</div>")
}

/// What was sent as HTML, made harmless, and as plain text.
pub(in super::super) fn from_html(html: &str) -> (String, String) {
    let (mut clean, mut plain) = (String::new(), String::new());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        write_text(&rest[..open], &mut clean, &mut plain);
        let is_tag = rest[open + 1..].starts_with(|it: char| it.is_ascii_alphabetic() || matches!(it, '/' | '!'));
        let Some(length) = rest[open..].find('>').filter(|_| is_tag) else {
            write_text("&lt;", &mut clean, &mut plain);
            rest = &rest[open + 1..];
            continue;
        };
        let tag = &rest[open + 1..open + length];
        rest = &rest[open + length + 1..];
        let name = tag.trim_start_matches('/').split(|it: char| !it.is_ascii_alphanumeric()).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if DROPPED.contains(&name.as_str()) && !tag.starts_with('/') {
            let end = rest.to_ascii_lowercase().find(&format!("</{name}")).unwrap_or(rest.len());
            rest = &rest[end..];
        } else if ALLOWED.contains(&name.as_str()) {
            let closing = tag.starts_with('/');
            let link = if name == "a" && !closing { href(tag) } else { String::new() };
            clean.push_str(&format!("<{}{name}{link}>", if closing { "/" } else { "" }));
            let ends_line = LINES.contains(&name.as_str()) && (closing || name == "br" || name == "hr");
            if ends_line && !plain.ends_with('\n') {
                plain.push('\n');
            }
        }
    }
    write_text(rest, &mut clean, &mut plain);
    (wrapped(&clean), plain.trim().to_owned())
}

fn write_text(text: &str, clean: &mut String, plain: &mut String) {
    let read = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&");
    clean.push_str(&escape(&read));
    plain.push_str(&read);
}

/// The address of a link, if it is one a browser may follow.
fn href(tag: &str) -> String {
    let value = tag.split_once("href=").map_or("", |(_, value)| value);
    let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next().unwrap_or_default(),
        None => value.split_whitespace().next().unwrap_or_default(),
    };
    let safe = ["http://", "https://", "mailto:"].iter().any(|scheme| value.starts_with(scheme));
    if safe { format!(" href=\"{}\" rel=\"noreferrer\"", escape(&value.replace("&amp;", "&"))) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_harmless_and_plain() {
        let (clean, plain) = from_html(
            "<p onclick=\"x()\">A &amp; <b>bold</b> <a href='https://x.example/?a=1&amp;b=2' target=_top>link</a></p>\
             <script>alert('<b>')</script><p>two<br>three < four</p><img src=x onerror=y>",
        );

        let expected =
            "<p>A &amp; <b>bold</b> <a href=\"https://x.example/?a=1&amp;b=2\" rel=\"noreferrer\">link</a></p>";
        assert!(clean.contains(expected), "{clean}");
        assert!(!clean.contains("script") && !clean.contains("onclick") && !clean.contains("img"), "{clean}");
        assert_eq!(plain, "A & bold link\ntwo\nthree < four");
    }

    #[test]
    fn plain_text_becomes_paragraphs() {
        let html = from_plain("a < b\nc\n\nd");

        assert_eq!(
            html,
            "<div class=\"zd-comment\" dir=\"auto\"><p dir=\"auto\">a &lt; b<br>c</p><p dir=\"auto\">d</p></div>"
        );
    }
}
