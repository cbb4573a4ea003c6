//! What a mirror is to do, as a form: on the way to a new one, and on its own page.

use integration_contract::{FieldErrors, FormInput};
use jiff::{civil::Date, tz::TimeZone};

use crate::core::{
    entries,
    mirrors::{Backfill, Creates, MOST_BACKFILLED, Options},
    teams,
};

/// The most that is suggested of what is there already.
const SUGGESTED: u32 = 50;

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// What it does.
    pub options: Options,
    /// What of that which is there already is copied.
    pub backfill: Option<Backfill>,
}

impl How {
    /// The fields.
    pub const FIELDS: [&'static str; 7] = ["creates", "comments", "states", "labels", "from", "opened", "most"];

    /// What stands in the form before anybody typed.
    pub fn suggested() -> FormInput {
        let mut form = form_of(Options::default());
        form.push("from", "new");
        form.push("most", SUGGESTED.to_string());
        form
    }

    /// The form that says it, with the day as it was typed.
    pub fn form(&self, typed: &FormInput) -> FormInput {
        let mut form = form_of(self.options);
        match self.backfill {
            None => form.push("from", "new"),
            Some(backfill) => {
                form.push("from", "open");
                form.push("opened", typed.one("opened"));
                form.push("most", backfill.most.to_string());
            }
        }
        form
    }

    /// What was typed.
    ///
    /// # Errors
    /// A sentence for each field that can't be used.
    pub fn read(form: &FormInput, zone: &str) -> Result<Self, FieldErrors> {
        let options = options_of(form);
        let backfill = match form.one("from") {
            "new" | "" => Ok(None),
            "open" => backfill_of(form, zone).map(Some),
            _ => Err(FieldErrors::of("from", "Choose from when on.")),
        };
        match (options, backfill) {
            (Ok(options), Ok(backfill)) => match (options.creates, backfill) {
                (Creates::Nobody, Some(_)) => {
                    Err(FieldErrors::of("from", "Where no copies are made, there is nothing to copy."))
                }
                _ => Ok(Self { options, backfill }),
            },
            (Err(mut errors), Err(others)) => {
                others.iter().for_each(|(name, sentence)| errors.add(name, sentence));
                Err(errors)
            }
            (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
        }
    }

    /// In sentences, with the names of both partners.
    pub fn sentences(&self, left: &str, right: &str) -> Vec<String> {
        let mut said = vec![match self.options.creates {
            Creates::Left => format!("What is opened at {left} gets a copy at {right}."),
            Creates::Right => format!("What is opened at {right} gets a copy at {left}."),
            Creates::Both => format!("What is opened at {left} or {right} gets a copy on the other side."),
            Creates::Nobody => "No copies are made; what has one stays in step.".to_owned(),
        }];
        for (is_on, what) in [
            (self.options.comments, "Comments are copied, both ways."),
            (self.options.states, "What is closed or reopened on one side is so on the other."),
            (self.options.labels, "Labels and tags follow."),
        ] {
            said.extend(is_on.then(|| what.to_owned()));
        }
        said.push(match self.backfill {
            None => "It begins with what is opened from now on.".to_owned(),
            Some(backfill) => format!("Of what is open already, up to {} are copied.", backfill.most),
        });
        said
    }
}

/// The options alone.
///
/// # Errors
/// See [`How::read`].
pub fn options_of(form: &FormInput) -> Result<Options, FieldErrors> {
    let creates = match form.one("creates") {
        "left" => Creates::Left,
        "right" => Creates::Right,
        "both" => Creates::Both,
        "nobody" => Creates::Nobody,
        _ => return Err(FieldErrors::of("creates", "Choose whose new items get a copy.")),
    };
    let is_on = |name: &str| !form.one(name).is_empty();
    Ok(Options { creates, comments: is_on("comments"), states: is_on("states"), labels: is_on("labels") })
}

/// The form that says these.
pub fn form_of(options: Options) -> FormInput {
    let creates = match options.creates {
        Creates::Left => "left",
        Creates::Right => "right",
        Creates::Both => "both",
        Creates::Nobody => "nobody",
    };
    let mut form = FormInput::from_iter([("creates", creates)]);
    for (is_on, name) in [(options.comments, "comments"), (options.states, "states"), (options.labels, "labels")] {
        if is_on {
            form.push(name, "on");
        }
    }
    form
}

/// The choices of the field `creates`, in words.
pub fn creators(left: &str, right: &str) -> [(&'static str, String); 4] {
    [
        ("left", format!("What is opened at {left} gets a copy at {right}")),
        ("right", format!("What is opened at {right} gets a copy at {left}")),
        ("both", "Both: each side's new items get a copy on the other".to_owned()),
        ("nobody", "Neither: what has a copy stays in step, and no new ones are made".to_owned()),
    ]
}

fn backfill_of(form: &FormInput, zone: &str) -> Result<Backfill, FieldErrors> {
    let mut errors = FieldErrors::default();
    let opened_since = match form.one("opened") {
        "" => Some(0),
        day => entries::day(day).and_then(|day| midnight(day, zone)),
    };
    if opened_since.is_none() {
        errors.add("opened", "Type a day as 2026-11-22, or leave it empty.");
    }
    let most = form.one("most").parse().ok().filter(|most| (1..=MOST_BACKFILLED).contains(most));
    if most.is_none() {
        errors.add("most", format!("Choose a number from 1 to {MOST_BACKFILLED}."));
    }
    match (opened_since, most) {
        (Some(opened_since), Some(most)) => Ok(Backfill { opened_since, most }),
        _ => Err(errors),
    }
}

/// When a day begins for the team.
fn midnight(day: Date, zone: &str) -> Option<i64> {
    let zone = teams::zone(zone).unwrap_or(TimeZone::UTC);
    Some(day.to_zoned(zone).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<How, FieldErrors> {
        How::read(&pairs.iter().copied().collect(), "Europe/Vienna")
    }

    #[test]
    fn what_is_suggested_can_be_sent() {
        let how = How::read(&How::suggested(), "UTC").unwrap();
        assert_eq!((how.options, how.backfill), (Options::default(), None));
        assert_eq!(
            form_of(how.options),
            FormInput::from_iter([("creates", "left"), ("comments", "on"), ("states", "on")])
        );
    }

    #[test]
    fn what_is_there_already_is_bounded() {
        let how = read(&[("creates", "both"), ("from", "open"), ("opened", "2026-11-22"), ("most", "20")]).unwrap();
        // The midnight of the team's zone.
        assert_eq!(how.backfill, Some(Backfill { opened_since: 1_795_302_000, most: 20 }));
        let all = read(&[("creates", "left"), ("from", "open"), ("most", "1")]).unwrap();
        assert_eq!(all.backfill, Some(Backfill { opened_since: 0, most: 1 }));
        for (form, field) in [
            (vec![("from", "new")], "creates"),
            (vec![("creates", "everybody")], "creates"),
            (vec![("creates", "left"), ("from", "yesterday")], "from"),
            (vec![("creates", "nobody"), ("from", "open"), ("most", "1")], "from"),
            (vec![("creates", "left"), ("from", "open"), ("most", "0")], "most"),
            (vec![("creates", "left"), ("from", "open"), ("most", "501")], "most"),
            (vec![("creates", "left"), ("from", "open"), ("most", "many")], "most"),
            (vec![("creates", "left"), ("from", "open"), ("most", "1"), ("opened", "32.13.")], "opened"),
            (vec![("creates", "left"), ("from", "open"), ("most", "1"), ("opened", "20261122")], "opened"),
            (vec![("creates", "left"), ("from", "open"), ("most", "1"), ("opened", "-009999-01-01")], "opened"),
        ] {
            let errors = read(&form).unwrap_err();
            assert!(errors.get(field).is_some(), "{form:?}: {errors:?}");
        }
    }
}
