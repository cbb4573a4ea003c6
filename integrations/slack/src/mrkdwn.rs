//! Slack's text, both ways: what people wrote, as plain text; and plain text, so that nothing in it is markup to Slack.
//! <https://docs.slack.dev/messaging/formatting-message-text>

use std::collections::BTreeMap;

use integration_contract::{Words, text};
use linkify::{LinkFinder, LinkKind};

use crate::oauth::is_id;

/// Names of people by their ids at Slack.
pub(crate) type Names = BTreeMap<String, String>;

/// Longer things between angle brackets are no markup of Slack's.
const LONGEST_MARKUP: usize = 3000;

/// What Slack's text says to a reader: names instead of ids, links with their address, and `&`, `<` and `>` themselves.
pub(crate) fn plain(written: &str, names: &Names) -> String {
    let mut said = String::with_capacity(written.len());
    for piece in pieces(written) {
        match piece {
            Piece::Text(text) => said.push_str(&unescaped(text)),
            Piece::Markup(markup) => said.push_str(&read(markup, names)),
        }
    }
    text::without_nul(&said)
}

/// How Slack shows a text that we wrote: which of its words are bold, and which lead somewhere.
pub(crate) fn shown(written: &str) -> Vec<Words> {
    let mut shown = Vec::new();
    for piece in pieces(written) {
        match piece {
            Piece::Markup(markup) => {
                let (address, label) = markup.split_once('|').unwrap_or((markup, markup));
                let text = unescaped(if label.is_empty() { address } else { label });
                shown.push(Words { text, link: true, ..Words::default() });
            }
            Piece::Text(text) => shown_bold(text, &mut shown),
        }
    }
    shown
}

/// Between two stars on one line.
fn shown_bold(text: &str, shown: &mut Vec<Words>) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('*') {
        let closed = after.split_once('*').filter(|(within, _)| !within.is_empty() && !within.contains('\n'));
        let Some((within, beyond)) = closed else { break };
        shown.extend((!before.is_empty()).then(|| Words::plain(unescaped(before))));
        shown.push(Words { text: unescaped(within), bold: true, ..Words::default() });
        rest = beyond;
    }
    shown.extend((!rest.is_empty()).then(|| Words::plain(unescaped(rest))));
}

/// The ids of the people that the text mentions, in order.
pub(crate) fn mentioned(written: &str) -> Vec<&str> {
    let user = |piece| match piece {
        Piece::Markup(markup) => markup.strip_prefix('@').map(|user| user.split('|').next().unwrap_or_default()),
        Piece::Text(_) => None,
    };
    pieces(written).into_iter().filter_map(user).collect()
}

/// The text without mentions of this person, and without the space that they leave.
pub(crate) fn without(written: &str, user: &str) -> String {
    let mut rest = String::with_capacity(written.len());
    let mut after_mention = false;
    for piece in pieces(written) {
        match piece {
            Piece::Markup(markup)
                if markup.strip_prefix('@').is_some_and(|name| name.split('|').next() == Some(user)) =>
            {
                after_mention = true;
                continue;
            }
            Piece::Markup(markup) => {
                rest.push('<');
                rest.push_str(markup);
                rest.push('>');
            }
            Piece::Text(text) if after_mention => {
                let text = text.trim_start_matches([' ', ',', ':']);
                let glued = rest.ends_with(|end: char| !end.is_whitespace()) && !text.starts_with(char::is_whitespace);
                rest.push_str(if glued && !text.is_empty() { " " } else { "" });
                rest.push_str(text);
            }
            Piece::Text(text) => rest.push_str(text),
        }
        after_mention = false;
    }
    rest.trim().to_owned()
}

enum Piece<'a> {
    Text(&'a str),
    /// What stood between `<` and `>`.
    Markup(&'a str),
}

fn pieces(written: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = written;
    while let Some(open) = rest.find('<') {
        let (before, from) = rest.split_at(open);
        let close = from.find('>').filter(|close| *close <= LONGEST_MARKUP && is_markup(&from[1..*close]));
        let (piece, after) = match close {
            Some(close) => (Piece::Markup(&from[1..close]), &from[close + 1..]),
            None => (Piece::Text(&from[..1]), &from[1..]),
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// A literal `<` comes as `&lt;` in messages; in commands it may come as it was typed.
fn is_markup(between: &str) -> bool {
    let what = between.split('|').next().unwrap_or_default();
    match what.split_at_checked(1) {
        _ if between.contains(['<', '\n']) => false,
        Some(("@" | "#", id)) => is_id(id),
        Some(("!", special)) => special.starts_with(|sign: char| sign.is_ascii_alphabetic()),
        _ => what.contains("://") || what.starts_with("mailto:") || what.starts_with("tel:"),
    }
}

fn read(markup: &str, names: &Names) -> String {
    let (what, label) = match markup.split_once('|') {
        Some((what, label)) => (what, Some(unescaped(label)).filter(|label| !label.trim().is_empty())),
        None => (markup, None),
    };
    match what.split_at_checked(1) {
        Some(("@", user)) => {
            let name = names.get(user).cloned().or(label).unwrap_or_else(|| user.to_owned());
            format!("@{}", name.trim_start_matches('@'))
        }
        Some(("#", channel)) => format!("#{}", label.as_deref().unwrap_or(channel).trim_start_matches('#')),
        Some(("!", special)) => match label {
            Some(label) => label,
            None => format!("@{}", special.split('^').next().unwrap_or_default()),
        },
        _ => {
            let address = unescaped(what);
            let shown = address.strip_prefix("mailto:").or(address.strip_prefix("tel:")).unwrap_or(&address);
            match label {
                // Slack labels `example.com`, as it was typed, with itself.
                Some(label) if shown.contains(label.trim_end_matches('/')) => shown.to_owned(),
                Some(label) => format!("{label} ({shown})"),
                None => shown.to_owned(),
            }
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Plain text in which Slack finds no markup: no mention, no ping, no link.
pub(crate) fn escaped(text: &str) -> String {
    text::without_nul(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The same, with its web addresses as links, and at most `limit` characters long as Slack counts them.
pub(crate) fn linked(text: &str, limit: usize) -> String {
    let mut kept = limit;
    loop {
        let written = with_links(&text::cut(text, kept));
        if written.chars().count() <= limit || kept == 0 {
            return written;
        }
        // Escaping makes a character up to five, and a link its address besides.
        kept = kept * 3 / 4;
    }
}

fn with_links(text: &str) -> String {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let mut written = String::with_capacity(text.len());
    for span in finder.spans(text) {
        match span.kind() {
            // An address that was cut leads elsewhere.
            Some(LinkKind::Url) if is_web(span.as_str()) && !span.as_str().ends_with('…') => {
                written.push_str(&link(span.as_str(), span.as_str()));
            }
            _ => written.push_str(&escaped(span.as_str())),
        }
    }
    written
}

/// A link that shows `label`; only the label where the address leads to no web page.
pub(crate) fn link(address: &str, label: &str) -> String {
    let label = escaped(&label.replace(['\n', '\r'], " "));
    if !is_web(address) || address.chars().any(|sign| sign.is_control() || sign.is_whitespace()) {
        return label;
    }
    let address = address.replace('|', "%7C");
    format!("<{}|{}>", escaped(&address), label.replace('|', "¦"))
}

fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(written: &str) -> String {
        plain(written, &[("U1".to_owned(), "Ada".to_owned())].into())
    }

    #[test]
    fn slacks_text_reads_as_plain_text() {
        for (written, wanted) in [
            ("shipped &lt;search&gt; &amp; more", "shipped <search> & more"),
            ("&amp;lt;", "&lt;"),
            ("with <@U1> and <@U2>", "with @Ada and @U2"),
            ("with <@U2|bob>", "with @bob"),
            ("in <#C1|done>, <#C2>", "in #done, #C2"),
            ("<!here> <!channel|@channel> <!subteam^S1|@ops>", "@here @channel @ops"),
            ("<!date^1392734382^{date}|18 February>", "18 February"),
            ("see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&c=2"),
            ("see <https://example.com/a|the plan>", "see the plan (https://example.com/a)"),
            ("see <http://example.com|example.com>", "see http://example.com"),
            ("to <mailto:a@example.com|a@example.com>", "to a@example.com"),
            ("a < b, <", "a < b, <"),
            ("<>", "<>"),
            ("make <the> page <@bob> <b>bold</b> <! now>", "make <the> page <@bob> <b>bold</b> <! now>"),
            ("a\0b", "a\u{fffd}b"),
        ] {
            assert_eq!(said(written), wanted, "{written}");
        }
    }

    #[test]
    fn a_mention_of_the_app_leaves_no_trace() {
        for (written, rest) in [
            ("<@UB> shipped it", "shipped it"),
            ("<@UB>: shipped it\n! waiting for <@U1>", "shipped it\n! waiting for <@U1>"),
            ("shipped it <@UB>", "shipped it"),
            ("shipped <@UB> it", "shipped it"),
            ("shipped<@UB>it", "shipped it"),
            ("<@UB|patchbay>", ""),
            ("<@UBX> shipped", "<@UBX> shipped"),
        ] {
            assert_eq!(without(written, "UB"), rest, "{written}");
        }
        assert_eq!(mentioned("<@U1> <#C1|x> <@U2|bob> @U3"), ["U1", "U2"]);
    }

    #[test]
    fn nothing_in_our_text_is_markup_to_slack() {
        assert_eq!(escaped("<!channel> & <@U1>"), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
        assert_eq!(
            linked("see https://example.com/?a=1&b=2.", 100),
            "see <https://example.com/?a=1&amp;b=2|https://example.com/?a=1&amp;b=2>."
        );
        assert_eq!(linked("javascript:alert(1) ftp://x.example", 100), "javascript:alert(1) ftp://x.example");
        assert_eq!(link("javascript:alert(1)", "x"), "x");
        assert_eq!(
            link("https://example.com/>|<!here", "a|b\n<!here>"),
            "<https://example.com/&gt;%7C&lt;!here|a¦b &lt;!here&gt;>"
        );
    }

    #[test]
    fn long_texts_are_cut_below_the_limit() {
        for text in ["&".repeat(5000), "https://example.com/a ".repeat(300), "👩‍👩‍👧‍👦".repeat(3000)] {
            let written = linked(&text, 2900);
            assert!(written.chars().count() <= 2900 && written.ends_with('…'), "{}", written.chars().count());
        }
        assert_eq!(linked("short", 2900), "short");
    }
}
