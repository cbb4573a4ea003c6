//! What users, organizations and teams may be called.

use integration_contract::FieldErrors;

/// The longest name, in characters.
pub const LONGEST: usize = 100;

/// The name as it is kept; adds a sentence to `errors` when it can't be.
pub fn name(errors: &mut FieldErrors, field: &str, text: &str) -> String {
    let name = text.trim();
    if name.chars().all(is_invisible) {
        errors.add(field, "Enter a name.");
    } else if name.chars().count() > LONGEST {
        errors.add(field, format!("Use at most {LONGEST} characters."));
    } else if name.chars().any(char::is_control) {
        errors.add(field, "Leave out line breaks and control characters.");
    }
    name.to_owned()
}

/// A name of these alone could not be seen, or clicked.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_something_to_see_on_one_line() {
        let sentence = |text: &str| {
            let mut errors = FieldErrors::default();
            name(&mut errors, "name", text);
            errors.get("name").map(str::to_owned)
        };
        for good in ["A", "  Ada Lovelace ", "🦀", "<script>", &"é".repeat(100)] {
            assert_eq!(sentence(good), None, "{good}");
        }
        for bad in ["", "   ", "\u{200b}\u{feff}", "a\nb", "a\0b", &"é".repeat(101)] {
            assert!(sentence(bad).is_some(), "{bad:?}");
        }
    }
}
