//! People's text in Flowdock's fields. Nothing in it is markup: what is, we wrote.
//!
//! Bodies may hold HTML, titles and values of fields only links, names and states nothing at all.

use integration_contract::{Words, text};
use linkify::{LinkFinder, LinkKind};
use url::Url;

/// `&`, `<`, `>` and `"` as themselves, also within an attribute.
pub(crate) fn escaped(written: &str) -> String {
    text::without_nul(written).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One line of it.
pub(crate) fn line(written: &str, limit: usize) -> String {
    escaped(&text::first_line(written, limit))
}

/// All of it: lines are lines, and addresses are links.
pub(crate) fn body(written: &str, limit: usize) -> String {
    let written = text::cut(written.trim(), limit).replace("\r\n", "\n");
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let pieces = finder.spans(&written).map(|span| match span.kind() {
        Some(_) => link(Some(span.as_str()), span.as_str()),
        None => escaped(span.as_str()),
    });
    pieces.collect::<String>().replace('\n', "<br>")
}

/// What leads somewhere on the web; the words alone when it does not.
pub(crate) fn link(to: Option<&str>, words: &str) -> String {
    match to.and_then(web) {
        Some(url) => format!("<a href=\"{}\">{}</a>", escaped(&url), escaped(words)),
        None => escaped(words),
    }
}

/// How Flowdock shows a text that we wrote: its words, and which of them lead somewhere.
pub(crate) fn shown(written: &str) -> Vec<Words> {
    let mut shown = Vec::new();
    let mut rest = written;
    while let Some((before, from)) = rest.split_once('<') {
        let Some((tag, after)) = from.split_once('>') else { break };
        shown.extend((!before.is_empty()).then(|| Words::plain(unescaped(before))));
        rest = match after.split_once("</a>").filter(|_| tag.starts_with("a ")) {
            Some((label, after)) => {
                shown.push(Words { text: unescaped(label), link: true, ..Words::default() });
                after
            }
            // The only other one that we write is <br>.
            None => {
                shown.push(Words::plain("\n"));
                after
            }
        };
    }
    shown.extend((!rest.is_empty()).then(|| Words::plain(unescaped(rest))));
    shown
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// An address that a browser may be sent to.
pub(crate) fn web(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host().is_some()).then(|| url.into())
}

/// Where Flowdock documents no HTML: it may be shown as it is, and it may not be escaped.
pub(crate) fn plain(written: &str, limit: usize) -> String {
    text::first_line(&text::without_nul(written).replace(['<', '>'], ""), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_people_wrote_is_markup() {
        assert_eq!(line("<b>a</b> & \"b\" 'c'\nsecond", 80), "&lt;b&gt;a&lt;/b&gt; &amp; &quot;b&quot; 'c'");
        assert_eq!(body("<script>\r\nalert(1)\n\n&amp;", 80), "&lt;script&gt;<br>alert(1)<br><br>&amp;amp;");
        assert_eq!(plain("Eve <script>\u{0}\nx", 80), "Eve script\u{fffd}");
    }

    #[test]
    fn addresses_are_links_and_only_those_of_the_web() {
        assert_eq!(
            body("see https://example.com/?a=1&b=\"2\" now", 80),
            "see <a href=\"https://example.com/?a=1&amp;b=\">https://example.com/?a=1&amp;b=</a>&quot;2&quot; now"
        );
        assert_eq!(body("javascript:alert(1) data:text/html,x", 80), "javascript:alert(1) data:text/html,x");
        for nowhere in ["javascript:alert(1)", "//evil.example", "data:text/html,x", "", "ftp://example.com/"] {
            assert_eq!(link(Some(nowhere), "a<b"), "a&lt;b", "{nowhere}");
        }
        assert_eq!(link(Some("https://example.com/\"><x"), "y"), "<a href=\"https://example.com/%22%3E%3Cx\">y</a>");
    }
}
