//! Searching the log: every word has to stand somewhere in an entry's text, or in the name of where it came from.
//!
//! Each entry keeps its text folded, because the databases disagree about what lower case is beyond a to z: so both find
//! the same.

use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{LikeExpr, SimpleExpr},
};

use crate::db::entity::entry;

/// The longest text that can be searched for, in characters.
pub const LONGEST_SEARCH: usize = 200;

/// Takes the meaning from the next character of a pattern.
const ESCAPE: char = '!';

/// What is kept of an entry to be found by.
pub(super) fn folded(body: &str, source: Option<&str>) -> String {
    fold(&format!("{body}\n{}", source.unwrap_or_default()))
}

/// That every word of `text` stands in an entry.
pub(super) fn contains(text: &str) -> Condition {
    text.split_whitespace().fold(Condition::all(), |all, word| all.add(has(word)))
}

fn has(word: &str) -> SimpleExpr {
    entry::Column::Folded.like(LikeExpr::new(pattern(word)).escape(ESCAPE))
}

fn pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in fold(word).chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Letter by letter, so that a part of a word folds as it does within the whole.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_pattern_is_taken_by_its_letters() {
        assert_eq!(pattern("100%"), "%100!%%");
        assert_eq!(pattern("a_b!"), "%a!_b!!%");
        assert_eq!(pattern("C:\\Ä"), "%c:\\ä%");
    }

    #[test]
    fn a_part_of_a_word_folds_as_within_it() {
        for (whole, part) in [("ΟΔΟΣΑ", "ΟΔΟΣ"), ("STRASSE", "Strass"), ("İstanbul", "İ")] {
            assert!(folded(whole, None).contains(&fold(part)), "{part} in {whole}");
        }
        assert_eq!(folded("Fixed", Some("Acme/Widgets#42")), "fixed\nacme/widgets#42");
    }
}
