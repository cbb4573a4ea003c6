//! Text from outside, made fit to keep: without NUL, and cut where a reader would cut it.

use unicode_segmentation::UnicodeSegmentation;

/// Replaces NUL, which PostgreSQL can't store, by U+FFFD on every database alike.
pub fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// At most `limit` characters as a person counts them; what is cut ends in an ellipsis.
pub fn cut(text: &str, limit: usize) -> String {
    let mut borders = text.grapheme_indices(true);
    match borders.nth(limit) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.grapheme_indices(true).nth(limit.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", text[..kept].trim_end())
        }
    }
}

/// The first line that says something, cut to `limit`.
pub fn first_line(text: &str, limit: usize) -> String {
    cut(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default(), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_falls_between_characters_as_a_person_counts_them() {
        assert_eq!(cut("shipped", 7), "shipped");
        assert_eq!(cut("shipped it", 8), "shipped…");
        assert_eq!(cut("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 2), "👩‍👩‍👧‍👦…");
        assert_eq!(cut("", 3), "");
    }

    #[test]
    fn the_first_line_is_the_first_that_says_something() {
        assert_eq!(first_line("\n  \n Fix the build \n\nbecause", 80), "Fix the build");
        assert_eq!(first_line("", 80), "");
    }

    #[test]
    fn nul_is_replaced() {
        assert_eq!(without_nul("a\0b"), "a\u{fffd}b");
    }
}
