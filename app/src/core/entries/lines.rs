//! What people type into the log: a line is an entry, and how it begins says what it is.
//!
//! `[]` or `[ ]` begins a goal, `[x]` something done, `!` a blocker; any other line is something done. A list that was
//! written elsewhere may be pasted: `- ` or `* ` before a marker is none of the entry's text.

use integration_contract::text::without_nul;

use super::{LONGEST, fits, is_blank};
use crate::db::entity::entry::EntryStatus;

/// The most entries that can be written at once.
pub(super) const MOST: usize = 50;

/// One typed line, without its marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub status: EntryStatus,
    pub body: String,
}

/// The lines of a typed text, blank ones left out; or a sentence about what to change.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, String> {
    let text = without_nul(text);
    let written: Vec<&str> = text.split(['\n', '\r']).filter(|line| !is_blank(line)).collect();
    match written.len() {
        0 => Err("Write what got done.".into()),
        1..=MOST => written
            .iter()
            .enumerate()
            .map(|(index, line)| checked(line).map_err(|why| place(&written, index, why)))
            .collect(),
        many => Err(format!("These are {many} lines; write at most {MOST} at once.")),
    }
}

fn checked(line: &str) -> Result<Line, String> {
    let (status, body) = marked(line.trim());
    if is_blank(body) {
        return Err("has nothing after its marker. Write what it is about.".into());
    }
    if !fits(body) {
        return Err(format!("is too long. Use at most {LONGEST} characters."));
    }
    Ok(Line { status, body: body.to_owned() })
}

/// Names the line only when there are several.
fn place(written: &[&str], index: usize, why: String) -> String {
    match written.len() {
        1 => format!("The entry {why}"),
        _ => format!("Entry {} {why}", index + 1),
    }
}

/// The status a line's beginning gives it, and what follows the marker.
fn marked(line: &str) -> (EntryStatus, &str) {
    let item = ["- ", "* "].iter().find_map(|bullet| line.strip_prefix(bullet)).map(str::trim_start);
    // A line that begins like an item of a list, and has no marker, is a line.
    item.and_then(by_marker).or_else(|| by_marker(line)).unwrap_or((EntryStatus::Done, line))
}

/// The same of a line that begins with a marker.
fn by_marker(line: &str) -> Option<(EntryStatus, &str)> {
    let marker = |marks: &[&str]| marks.iter().find_map(|mark| line.strip_prefix(mark)).map(str::trim_start);
    if let Some(body) = marker(&["[]", "[ ]"]) {
        Some((EntryStatus::Goal, body))
    } else if let Some(body) = marker(&["[x]", "[X]"]).filter(|body| !body.starts_with('(')) {
        // `[x](https://…` is a link as some people write it.
        Some((EntryStatus::Done, body))
    } else if line.starts_with('!') && !line.starts_with("![") {
        // `![…](https://…` is a picture as some people write it.
        Some((EntryStatus::Blocked, line.trim_start_matches('!').trim_start()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_marker_says_what_a_line_is() {
        use EntryStatus::{Blocked, Done, Goal};
        for (line, status, body) in [
            ("Shipped it", Done, "Shipped it"),
            ("  Shipped it \t", Done, "Shipped it"),
            ("[] Ship it", Goal, "Ship it"),
            ("[ ] Ship it", Goal, "Ship it"),
            ("[]Ship it", Goal, "Ship it"),
            ("  [] Ship it", Goal, "Ship it"),
            ("[x] Shipped it", Done, "Shipped it"),
            ("[X] Shipped it", Done, "Shipped it"),
            ("[x](https://example.com) read", Done, "[x](https://example.com) read"),
            ("! No access", Blocked, "No access"),
            ("!No access", Blocked, "No access"),
            ("!!! No access", Blocked, "No access"),
            ("![plan](https://example.com/p.png)", Done, "![plan](https://example.com/p.png)"),
            ("[  ] not a marker", Done, "[  ] not a marker"),
            ("[y] not a marker", Done, "[y] not a marker"),
            ("Wow! [] #done", Done, "Wow! [] #done"),
            ("[] ! both", Goal, "! both"),
            ("- [ ] Ship it", Goal, "Ship it"),
            ("* [] Ship it", Goal, "Ship it"),
            ("  -  [x] Shipped it", Done, "Shipped it"),
            ("- [X] Shipped it", Done, "Shipped it"),
            ("- ! No access", Blocked, "No access"),
            ("- Shipped it", Done, "- Shipped it"),
            ("* [x](https://example.com) read", Done, "* [x](https://example.com) read"),
            ("-[ ] not an item", Done, "-[ ] not an item"),
            ("- - [ ] nor this", Done, "- - [ ] nor this"),
            ("a\0b", Done, "a\u{fffd}b"),
        ] {
            assert_eq!(lines(line).unwrap(), [Line { status, body: body.into() }], "{line:?}");
        }
    }

    #[test]
    fn a_line_is_an_entry_and_blank_lines_are_none() {
        let many = lines("one\r\n\r\n[] two\n \u{200b}\n! three\rfour").unwrap();
        assert_eq!(many.iter().map(|line| line.body.as_str()).collect::<Vec<_>>(), ["one", "two", "three", "four"]);
    }

    #[test]
    fn what_can_t_be_used_gets_a_sentence() {
        for (text, sentence) in [
            (String::new(), "Write what got done."),
            (" \n\u{feff}\n".into(), "Write what got done."),
            ("[]".into(), "The entry has nothing after its marker. Write what it is about."),
            ("one\n!!".into(), "Entry 2 has nothing after its marker. Write what it is about."),
            ("x".repeat(1_000_000), "The entry is too long. Use at most 2000 characters."),
            ("x\n".repeat(51), "These are 51 lines; write at most 50 at once."),
        ] {
            assert_eq!(lines(&text).unwrap_err(), sentence);
        }
        assert_eq!(lines(&"x\n".repeat(50)).unwrap().len(), 50);
        assert!(lines(&"👩‍👩‍👧‍👦".repeat(1_000)).is_ok());
        assert!(lines(&"x".repeat(LONGEST)).is_ok());
    }

    proptest! {
        #[test]
        fn no_line_is_lost(text in r"(\PC|\n|\r|\t|\[\] |\[x\]|!|#|@|\x00|\u{200b}){0,200}") {
            let written = without_nul(&text).split(['\n', '\r']).filter(|line| !is_blank(line)).count();
            if let Ok(lines) = lines(&text) {
                prop_assert_eq!(lines.len(), written);
                prop_assert!(lines.iter().all(|line| !is_blank(&line.body)));
            }
        }
    }
}
