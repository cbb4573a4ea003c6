//! What stands in an entry's text: addresses, tags and mentions, and the words between them.
//!
//! A tag is `#` and a word with a letter in it (`#42` is an issue's number), a mention `@` and a name; neither begins
//! inside a word or an address. Whether a mention names somebody is decided in [`super::handles`].

use std::collections::BTreeSet;

use linkify::{LinkFinder, LinkKind};
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

/// The longest tag or name, in bytes; what is longer is not meant as one.
const LONGEST_WORD: usize = 128;
/// More tags than this do not sort an entry; they are left as words.
const MOST_TAGS: usize = 20;

/// A piece of a text. Put together, all pieces are the text again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Words(&'a str),
    /// An http or https address.
    Address(&'a str),
    /// A tag, with its `#`.
    Tag(&'a str),
    /// A name, with its `@`.
    Mention(&'a str),
}

/// Takes a text apart.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let mut pieces = Vec::new();
    let mut words_from = 0;
    for link in finder.links(text) {
        let address = readable(link.as_str());
        if is_address(address) {
            words(text, words_from, link.start(), &mut pieces);
            pieces.push(Piece::Address(address));
            words_from = link.start() + address.len();
        }
    }
    words(text, words_from, text.len(), &mut pieces);
    pieces
}

/// The tags in a text, as they are kept: in lower case, each once.
pub(super) fn tags(text: &str) -> BTreeSet<String> {
    let tags = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Tag(tag) => Some(tag_name(tag)),
        _ => None,
    });
    let mut seen = BTreeSet::new();
    for tag in tags {
        if seen.len() < MOST_TAGS {
            seen.insert(tag);
        }
    }
    seen
}

/// A tag as it is kept: without its `#`, in lower case.
pub(super) fn tag_name(tag: &str) -> String {
    tag.strip_prefix('#').unwrap_or(tag).to_lowercase()
}

/// An address up to the first character that is none: one that can't be seen, or that turns the direction of reading.
fn readable(address: &str) -> &str {
    let odd = |one: &str| one.starts_with(|c: char| !c.is_ascii() && !c.is_alphanumeric());
    let end = address.grapheme_indices(true).find(|(_, one)| odd(one)).map_or(address.len(), |(at, _)| at);
    &address[..end]
}

fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            // `https://bank.example@evil.example` reads as the wrong one of the two.
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// Finds tags and mentions between two places of the text.
fn words<'a>(text: &'a str, from: usize, to: usize, pieces: &mut Vec<Piece<'a>>) {
    let mut plain_from = from;
    let mut at = from;
    let mut before = text[..from].chars().next_back();
    while let Some(c) = text[at..to].chars().next() {
        let length = match c {
            '#' | '@' if !before.is_some_and(continues) => marked(&text[at..to]),
            _ => 0,
        };
        if length == 0 {
            before = Some(c);
            at += c.len_utf8();
            continue;
        }
        if plain_from < at {
            pieces.push(Piece::Words(&text[plain_from..at]));
        }
        let word = &text[at..at + length];
        pieces.push(if c == '#' { Piece::Tag(word) } else { Piece::Mention(word) });
        at += length;
        plain_from = at;
        before = word.chars().next_back();
    }
    if plain_from < to {
        pieces.push(Piece::Words(&text[plain_from..to]));
    }
}

/// Whether a `#` or `@` after this character is part of what stands before: `acme/widgets#42`, `ada@example.com`.
fn continues(before: char) -> bool {
    before.is_alphanumeric() || matches!(before, '_' | '-' | '/' | '&' | '#' | '@' | '.' | '+')
}

/// How many bytes of a text that begins with a mark are the mark and its word; 0 when there is no word.
fn marked(text: &str) -> usize {
    let tag = text.starts_with('#');
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_') || (!tag && matches!(c, '.' | '+'));
    let mut length = 0;
    // By characters as a person counts them, so that marks above and below a letter stay with it.
    for one in text[1..].graphemes(true) {
        if !one.starts_with(belongs) || length > LONGEST_WORD {
            break;
        }
        length += one.len();
    }
    let word = text[1..1 + length].trim_end_matches(['-', '_', '.', '+']);
    let says_something = if tag { word.chars().any(char::is_alphabetic) } else { !word.is_empty() };
    if says_something && word.len() <= LONGEST_WORD { 1 + word.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let marked = pieces(text).into_iter().filter_map(|piece| match piece {
            Piece::Words(_) => None,
            Piece::Address(it) | Piece::Tag(it) | Piece::Mention(it) => Some(it.to_owned()),
        });
        marked.collect()
    }

    #[test]
    fn tags_mentions_and_addresses_are_found_where_people_mean_them() {
        for (text, expected) in [
            ("Shipped #launch with @ada", vec!["#launch", "@ada"]),
            ("#launch, (#beta) \"#gamma\"!", vec!["#launch", "#beta", "#gamma"]),
            ("#größe #हिन्दी #日本語 #v2-rc_1", vec!["#größe", "#हिन्दी", "#日本語", "#v2-rc_1"]),
            ("#launch- and #launch_", vec!["#launch", "#launch"]),
            ("Fixed #42, acme/widgets#42 and C#", vec![]),
            ("acme/widgets#main a&#x27;b ##twice /#/path", vec![]),
            ("# heading, #-, #_ and #", vec![]),
            ("@ada.lovelace. @bob's @grace+hopper", vec!["@ada.lovelace", "@bob", "@grace+hopper"]),
            ("ada@example.com and a.@b", vec![]),
            ("@", vec![]),
            ("See https://example.com/a#launch?x=@ada.", vec!["https://example.com/a#launch?x=@ada"]),
            (
                "(http://example.com/a_(b)) <https://example.com>",
                vec!["http://example.com/a_(b)", "https://example.com"],
            ),
            ("javascript:alert(1) data:text/html,x ftp://example.com mailto:a@b.example", vec![]),
            ("https://bank.example@evil.example/", vec![]),
            ("example.com www.example.com", vec![]),
            ("https://example.com/\u{202e}gpj.exe", vec!["https://example.com/"]),
            ("https://de.wikipedia.org/wiki/Größe!", vec!["https://de.wikipedia.org/wiki/Größe"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn an_overlong_word_is_no_tag() {
        assert!(found(&format!("#{}", "x".repeat(LONGEST_WORD))).len() == 1);
        assert!(found(&format!("#{}", "x".repeat(LONGEST_WORD + 1))).is_empty());
        assert!(found(&format!("#a{}", "\u{301}".repeat(1_000_000))).is_empty());
    }

    #[test]
    fn tags_are_kept_in_lower_case_once_and_not_without_end() {
        assert_eq!(tags("#Launch #launch #LAUNCH #b"), BTreeSet::from(["b".to_owned(), "launch".to_owned()]));
        let many: String = (0..100).map(|n| format!("#tag{n} ")).collect();
        assert_eq!(tags(&many).len(), MOST_TAGS);
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(text in r"(\PC|#\w|@\w|https?://|\.|\x00|\u{301}|\u{202e}){0,100}") {
            let again: String = pieces(&text).into_iter().map(|piece| match piece {
                Piece::Words(it) | Piece::Address(it) | Piece::Tag(it) | Piece::Mention(it) => it,
            }).collect();
            prop_assert_eq!(again, text);
        }
    }
}
