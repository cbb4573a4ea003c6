//! What a mirror does, as the person chose it, and what it calls the copies it makes.

use serde::{Deserialize, Serialize};

use crate::db::entity::mirror::{Model, Side};

/// What a person chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Whose new items get a copy on the other side.
    pub creates: Creates,
    /// Comments are copied, both ways.
    pub comments: bool,
    /// What is closed or opened again on one side is so on the other.
    pub states: bool,
    /// Labels or tags that come or go on one side do so on the other.
    pub labels: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { creates: Creates::Left, comments: true, states: true, labels: false }
    }
}

/// Whose new items get a copy on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Creates {
    /// The left side's.
    Left,
    /// The right side's.
    Right,
    /// Both sides'.
    Both,
    /// Nobody's: what has a copy stays in step, and no new ones are made.
    Nobody,
}

impl Creates {
    /// Whether this side's new items get a copy.
    pub fn of(self, side: Side) -> bool {
        match self {
            Self::Both => true,
            Self::Nobody => false,
            Self::Left => side == Side::Left,
            Self::Right => side == Side::Right,
        }
    }
}

/// As it stands in the mirror's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What the person chose.
    #[serde(flatten)]
    pub options: Options,
    /// What the copies of the left side's items are called on the right.
    pub(super) left: Naming,
    /// And those of the right side's on the left.
    pub(super) right: Naming,
}

impl Settings {
    /// What the copy of this item is called at the other side's partner, where that keeps such names.
    pub(super) fn external_id(&self, origin: Side, item: &str) -> String {
        match origin {
            Side::Left => self.left.name(item),
            Side::Right => self.right.name(item),
        }
    }
}

/// The settings of a mirror's row; none when the row was written by something else.
pub fn of(mirror: &Model) -> Option<Settings> {
    serde_json::from_value(mirror.settings.clone())
        .inspect_err(|_| tracing::error!(mirror = %mirror.id, "the settings of a mirror can't be read"))
        .ok()
}

/// How copies are named: `gh-13`, and where several places are mirrored into one, `gh:1296269:13`.
///
/// It is decided when the mirror is made and never changes, because the copies keep their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Naming {
    /// The partner's abbreviation.
    short: String,
    /// Which place of that partner's, where others are mirrored to the same side, too.
    place: Option<String>,
}

impl Naming {
    /// Names for the copies of items at `target`. `is_only` says that no other target of a partner with this abbreviation is,
    /// or ever was, mirrored to where the copies are made.
    pub fn new(short: &str, target: &str, is_only: bool) -> Self {
        Self { short: short.to_owned(), place: (!is_only).then(|| place(target)) }
    }

    fn name(&self, item: &str) -> String {
        match &self.place {
            None => format!("{}-{item}", self.short),
            Some(place) => format!("{}:{place}:{item}", self.short),
        }
    }
}

/// A target in a word: its number when it is one kind of thing and a number, `repository:1296269`, else its letters and
/// digits.
fn place(target: &str) -> String {
    let number = target.split_once(':').map(|(_, number)| number);
    match number.filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(number) => number.to_owned(),
        None => target.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_after_its_original() {
        assert_eq!(Naming::new("gh", "repository:1296269", true).name("13"), "gh-13");
        assert_eq!(Naming::new("gh", "repository:1296269", false).name("13"), "gh:1296269:13");
        assert_eq!(Naming::new("zd", "acme.example", false).name("7"), "zd:acme-example:7");
    }

    #[test]
    fn settings_stay_as_they_were_chosen() {
        let settings = Settings {
            options: Options { creates: Creates::Both, ..Options::default() },
            left: Naming::new("gh", "repository:1", true),
            right: Naming::new("zd", "acme", false),
        };
        let row = serde_json::json!(settings);
        assert_eq!(row["creates"], "both");
        assert_eq!(serde_json::from_value::<Settings>(row).unwrap(), settings);
        assert_eq!(settings.external_id(Side::Left, "13"), "gh-13");
        assert_eq!(settings.external_id(Side::Right, "7"), "zd:acme:7");
        assert!(Creates::Both.of(Side::Left) && Creates::Left.of(Side::Left) && !Creates::Left.of(Side::Right));
    }
}
