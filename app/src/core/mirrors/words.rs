//! What a mirror writes: copies that say who wrote what where, and that call nobody who only happens to have the same
//! name on the other side.

use integration_contract::{Attachment, Author, Comment, Item, text};

/// The longest title that every partner takes.
const LONGEST_TITLE: usize = 250;

/// The longest text, in bytes, below what partners take with what they add to it.
const LONGEST_TEXT: usize = 60_000;

/// Keeps two characters from being read as one thing, and is not seen.
const APART: char = '\u{2060}';

/// The copy's title.
pub(super) fn title(item: &Item) -> String {
    let title = cut_title(&item.title);
    if title.is_empty() { item.name.clone() } else { title }
}

/// A title as every partner takes it.
pub(super) fn cut_title(title: &str) -> String {
    text::first_line(&text::without_nul(title), LONGEST_TITLE)
}

/// The copy's text.
pub(super) fn opened(item: &Item) -> String {
    said(&item.author, "wrote in", item, item.url.as_deref(), &item.body, &[])
}

/// The copy of a comment.
pub(super) fn commented(item: &Item, comment: &Comment) -> String {
    of_comment("wrote in", item, comment)
}

/// What is written when a comment reads otherwise: most partners let nobody change a comment, and a conversation that
/// changes without a word is none.
pub(super) fn comment_edited(item: &Item, comment: &Comment) -> String {
    of_comment("edited a comment in", item, comment)
}

/// What is written when an item's text reads otherwise; by whom, when that is known.
pub(super) fn text_edited(item: &Item, by: Option<&Author>) -> String {
    let somebody = Author { name: "Somebody".to_owned(), ..Author::default() };
    said(by.unwrap_or(&somebody), "edited the text of", item, item.url.as_deref(), &item.body, &[])
}

/// What is written to the one that is left.
pub(super) fn deleted(item: &Item) -> String {
    format!("{} was deleted. This one is not kept in step with anything any more.", inert(&plain(&item.name)))
}

/// Likewise.
pub(super) fn moved(item: &Item, url: Option<&str>) -> String {
    let gone = format!("{} was moved", link(&item.name, item.url.as_deref()));
    let to = url.map(|url| format!(" to {}", address(url))).unwrap_or_default();
    format!("{gone}{to}. This one is not kept in step with it any more.")
}

fn of_comment(did: &str, item: &Item, comment: &Comment) -> String {
    let url = comment.url.as_deref().or(item.url.as_deref());
    said(&comment.author, did, item, url, &comment.body, &comment.attachments)
}

fn said(who: &Author, did: &str, item: &Item, url: Option<&str>, body: &str, files: &[Attachment]) -> String {
    let mut body = body.trim_end();
    let whole = body.len() <= LONGEST_TEXT;
    if !whole {
        body = &body[..body.floor_char_boundary(LONGEST_TEXT)];
    }
    let mut text = format!("**{}** {did} {}:\n\n{}", inert(&plain(&who.name)), link(&item.name, url), inert(body));
    if !whole {
        text.push_str("…\n\n(There is more of it there.)");
    }
    let files: Vec<String> = files
        .iter()
        .filter(|file| !body.contains(&file.url))
        .map(|file| format!("- {}", link(&file.name, Some(&file.url))))
        .collect();
    if !files.is_empty() {
        text.push_str("\n\n");
        text.push_str(&files.join("\n"));
    }
    text
}

fn link(name: &str, url: Option<&str>) -> String {
    let name = plain(name);
    match url {
        Some(url) => format!("[{name}]({})", address(url)),
        None => inert(&name),
    }
}

/// An address that can't end the Markdown it stands in.
fn address(url: &str) -> String {
    url.chars()
        .filter(|letter| !letter.is_whitespace() && !letter.is_control())
        .flat_map(|letter| match letter {
            '(' => "%28".chars().collect::<Vec<_>>(),
            ')' => "%29".chars().collect(),
            '<' => "%3C".chars().collect(),
            '>' => "%3E".chars().collect(),
            other => vec![other],
        })
        .collect()
}

/// A name as it is, in Markdown.
fn plain(name: &str) -> String {
    let name = text::first_line(name, 120);
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '`' | '~' | '|') {
            plain.push('\\');
        }
        plain.push(letter);
    }
    plain
}

/// The text with `@name` and `#13` made inert: on the other side they would call somebody else, or point to something else.
/// Code stays as it is; nobody is called there.
fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            (None, None) => {
                inert_line(line, &mut inert);
                continue;
            }
            (Some(_), _) => {}
        }
        inert.push_str(line);
    }
    inert
}

fn inert_line(line: &str, to: &mut String) {
    let mut in_code = false;
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        to.push(letter);
        let rest = &line[at + letter.len_utf8()..];
        let next = rest.chars().next().unwrap_or(' ');
        match letter {
            // An open one that is never closed is no code.
            '`' if in_code || rest.contains('`') => in_code = !in_code,
            '@' if !in_code && !joins(before) && (next.is_alphanumeric() || next == '_') => to.push(APART),
            '#' if !in_code && !joins(before) && before != '&' && next.is_ascii_digit() => to.push(APART),
            _ => {}
        }
        before = letter;
    }
}

/// Whether what follows this letter belongs to it: an address, a path, a word.
fn joins(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '/' | '.' | '-' | '_' | '=' | '?' | '%' | APART)
}

#[cfg(test)]
mod tests {
    use integration_contract::{ItemKind, ItemState};
    use proptest::prelude::*;

    use super::*;

    fn item(name: &str, body: &str) -> Item {
        Item {
            id: "13".into(),
            kind: ItemKind::Issue,
            name: name.into(),
            title: "It breaks".into(),
            body: body.into(),
            url: Some("https://forge.example/acme/widgets/13".into()),
            state: ItemState::Open,
            state_word: "open".into(),
            author: Author { name: "ada-codes".into(), ..Author::default() },
            assignees: Vec::new(),
            labels: Vec::new(),
            external_id: None,
            created_at: None,
            updated_at: None,
        }
    }

    #[test]
    fn a_copy_says_who_wrote_what_where() {
        assert_eq!(
            opened(&item("acme/widgets#13", "It breaks on Mondays.\n")),
            "**ada-codes** wrote in [acme/widgets#13](https://forge.example/acme/widgets/13):\n\nIt breaks on Mondays."
        );
        let comment = Comment {
            id: "1".into(),
            body: "See ![](https://forge.example/a.png)".into(),
            url: Some("https://forge.example/acme/widgets/13#c1".into()),
            author: Author { name: "bob".into(), ..Author::default() },
            attachments: vec![
                Attachment { name: "a.png".into(), url: "https://forge.example/a.png".into() },
                Attachment { name: "b [1].png".into(), url: "https://forge.example/b(1).png".into() },
            ],
        };
        assert_eq!(
            commented(&item("acme/widgets#13", ""), &comment),
            "**bob** wrote in [acme/widgets#13](https://forge.example/acme/widgets/13#c1):\n\n\
             See ![](https://forge.example/a.png)\n\n- [b \\[1\\].png](https://forge.example/b%281%29.png)"
        );
    }

    #[test]
    fn a_name_is_no_markup() {
        let mut named = item("*a*](x)", "text");
        named.author.name = "**@root**".into();
        let copy = opened(&named);
        assert!(copy.starts_with("**\\*\\*@\u{2060}root\\*\\*** wrote in [\\*a\\*\\](x)](https://"), "{copy}");
    }

    #[test]
    fn nobody_is_called_and_nothing_is_pointed_to() {
        assert_eq!(inert("@ada, see (@bob) and #13"), "@\u{2060}ada, see (@\u{2060}bob) and #\u{2060}13");
        for same in [
            "ada@example.com",
            "https://forge.example/@ada/1#13",
            "`@Override` stays",
            "```\n@Override\n#1\n```\n",
            "~~~ java\n@Override\n```\n@x\n~~~\n",
            "# 13 ways",
            "&#13;",
            "C#",
            "a @ b",
        ] {
            assert_eq!(inert(same), same);
        }
        assert_eq!(inert("an open ` and @ada"), "an open ` and @\u{2060}ada");
        assert_eq!(inert("```\ncode\n```\n@ada"), "```\ncode\n```\n@\u{2060}ada");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let copy = opened(&item("a#1", &"é".repeat(LONGEST_TEXT)));
        assert!(copy.len() < LONGEST_TEXT + 500);
        assert!(copy.ends_with("(There is more of it there.)"));
        let mut long = item("a#1", "");
        long.title = "x".repeat(1000);
        assert_eq!(title(&long).chars().count(), LONGEST_TITLE);
        long.title = " \n".into();
        assert_eq!(title(&long), "a#1");
    }

    proptest! {
        #[test]
        fn any_text_can_be_copied(name in ".{0,40}", body in "(.|\n){0,200}", url in ".{0,40}") {
            let mut any = item(&name, &body);
            any.author.name.clone_from(&body);
            any.url = Some(url.clone());
            let copy = opened(&any);
            prop_assert_eq!(inert(&copy).replace(APART, ""), copy.replace(APART, ""));
            let _ = moved(&any, Some(&url));
        }
    }
}
