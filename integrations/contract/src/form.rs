//! The link form as data: a partner declares it, one template draws it.

use std::collections::BTreeMap;

use crate::Error;

/// A form, without the fields that are the host's own (team or user, CSRF token).
#[derive(Clone, Debug, Default)]
pub struct LinkForm {
    /// In the order they are drawn.
    pub fields: Vec<Field>,
    /// Something the person should know, such as "showing the first 5,000 repositories".
    pub notice: Option<String>,
    /// The fields whose values decide what others offer: when one is changed, the form is asked for again.
    pub redrawn_by: &'static [&'static str],
}

impl LinkForm {
    /// Whether other fields offer something else when this one is changed.
    pub fn redraws(&self, field: &str) -> bool {
        self.redrawn_by.contains(&field)
    }
}

/// One field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in the submitted form; never one of the host's: `team`, `level`, `csrf`, `_method`, `link`.
    pub name: &'static str,
    /// What a person reads beside it.
    pub label: &'static str,
    /// A sentence below it.
    pub help: String,
    /// How it is drawn and what it submits.
    pub kind: FieldKind,
    /// The values that stand in it.
    pub values: Vec<String>,
}

/// How a field is drawn.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// A text box with suggestions to search in; anything else can be pasted.
    Search {
        /// The suggestions.
        choices: Vec<Choice>,
        /// An example of what to paste.
        placeholder: &'static str,
    },
    /// One of a few.
    One(Vec<Choice>),
    /// Any number of a few, as check boxes.
    Many(Vec<Choice>),
    /// Any number of the organization's people. The host knows them: it draws their names and submits our ids.
    Members,
    /// A line of text.
    Text {
        /// An example.
        placeholder: &'static str,
    },
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is submitted.
    pub value: String,
    /// What a person reads.
    pub label: String,
}

/// What was submitted, or stands in the form so far: all values of each name, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormInput(BTreeMap<String, Vec<String>>);

impl FormInput {
    /// The first value of a field, trimmed; empty when absent.
    pub fn one(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", |value| value.trim())
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing was submitted under any name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one value.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.entry(name.into()).or_default().push(value.into());
    }

    /// Adds one value, unless it is there.
    pub fn with(&mut self, name: &str, value: &str) {
        if !self.all(name).iter().any(|there| there == value) {
            self.push(name, value);
        }
    }

    /// Every value, in the order of names.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_str())))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for FormInput {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        let mut input = Self::default();
        for (name, value) in pairs {
            input.push(name, value);
        }
        input
    }
}

/// A sentence per field that needs changing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<String, String>);

impl FieldErrors {
    /// Just one.
    pub fn of(field: &str, sentence: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, sentence);
        errors
    }

    /// The first sentence of a field is kept.
    pub fn add(&mut self, field: &str, sentence: impl Into<String>) {
        self.0.entry(field.to_owned()).or_insert_with(|| sentence.into());
    }

    /// The sentence beside a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// Every field's sentence, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, sentence)| (field.as_str(), sentence.as_str()))
    }

    /// Nothing to change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a form did not become a link.
#[derive(Debug)]
pub enum LinkRefused {
    /// The person can mend it; nothing was done at the partner.
    Fields(FieldErrors),
    /// The partner did not let us find out.
    Partner(Error),
}

impl From<Error> for LinkRefused {
    fn from(error: Error) -> Self {
        Self::Partner(error)
    }
}

impl From<FieldErrors> for LinkRefused {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}
