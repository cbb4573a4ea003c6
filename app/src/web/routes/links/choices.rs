//! What there is to choose in a field with many choices: a few at a time, narrowed by what is typed. Without scripts a button
//! draws the form again with what fits; with them (`static/combobox.js`) the same route serves the choices alone.

use std::collections::BTreeMap;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use integration_contract::{Choice, FieldKind, FormInput, LinkForm, text::without_nul};

use crate::{
    core::link_forms::{SHOWN, narrow},
    web,
};

/// The part of an address that asks for choices alone.
const PART: &str = "choices";
/// Nothing that anybody looks for is longer.
const LONGEST: usize = 200;

/// The fields with choices to search in, as they are drawn: `templates/links/fields.html`.
#[derive(Default)]
pub struct Combos {
    of: BTreeMap<&'static str, Combo>,
    /// Where the choices alone are served; without the field and what is sought.
    address: String,
}

/// One of them.
#[derive(Default)]
pub struct Combo {
    /// How many there are.
    pub total: usize,
    /// What was looked for by the button, and what of it can be chosen by one.
    pub offered: Option<Offered>,
}

/// What a search came to.
pub struct Offered {
    /// The first of them.
    pub choices: Vec<Choice>,
    /// How many more there are.
    pub more: usize,
}

/// What a form that was sent wants besides being sent.
pub enum Wanted {
    /// It is drawn again with this in its fields.
    Redraw(FormInput),
    /// It was sent.
    Sent,
}

impl Wanted {
    /// What the buttons beside the fields say.
    pub fn of(form: &FormInput) -> Self {
        let chosen = form.pairs().find_map(|(name, value)| Some((name.strip_prefix("choose:")?, value)));
        match (chosen, form.one("action")) {
            (Some((field, value)), _) => {
                let others = form.pairs().filter(|(name, _)| !name.starts_with("choose:") && *name != field);
                Self::Redraw(others.chain([(field, value)]).collect())
            }
            (None, action) if action == "redraw" || action.starts_with("search:") => Self::Redraw(form.clone()),
            (None, _) => Self::Sent,
        }
    }
}

impl Combos {
    /// Leaves in the form what is shown at once, and notes the rest. `address` is where the choices alone are served.
    pub fn narrowing(form: &mut LinkForm, so_far: &FormInput, address: String) -> Self {
        let searched = so_far.one("action").strip_prefix("search:").unwrap_or_default();
        let mut of = BTreeMap::new();
        for field in &mut form.fields {
            let FieldKind::Search { choices, .. } = &mut field.kind else { continue };
            let total = choices.len();
            let sought = if field.name == searched { so_far.one(field.name) } else { "" };
            let found = narrow(choices, sought);
            let shown: Vec<Choice> = found.iter().take(SHOWN).map(|choice| (*choice).clone()).collect();
            let more = found.len() - shown.len();
            let offered = (field.name == searched).then(|| Offered { choices: shown.clone(), more });
            if total > SHOWN {
                let gap = if field.help.is_empty() { "" } else { " " };
                field.help.push_str(&format!("{gap}There are {total} to choose from: type a part of the name."));
            }
            *choices = shown;
            of.insert(field.name, Combo { total, offered });
        }
        Self { of, address }
    }

    /// Whether there are too many in this field to show them at once.
    pub fn is_long(&self, field: &str) -> bool {
        self.of.get(field).is_some_and(|combo| combo.total > SHOWN)
    }

    /// What a search in this field came to.
    pub fn offered(&self, field: &str) -> Option<&Offered> {
        self.of.get(field)?.offered.as_ref()
    }

    /// Where the choices of this field are served.
    pub fn address(&self, field: &str) -> String {
        let joint = if self.address.contains('?') { '&' } else { '?' };
        format!("{}{joint}part={PART}&field={field}", self.address)
    }
}

/// What is asked of a form's choices, apart from what stands in it.
pub struct Sought {
    field: String,
    words: String,
}

impl Sought {
    /// Reads it off an address, if it asks for choices alone.
    pub fn read(query: &str) -> Option<Self> {
        let input: FormInput = url::form_urlencoded::parse(query.as_bytes()).collect();
        (input.one("part") == PART).then(|| Self {
            field: input.one("field").to_owned(),
            words: without_nul(input.one("q")).chars().take(LONGEST).collect(),
        })
    }

    /// What else the address says, which stands in the form.
    pub fn so_far(query: &str) -> FormInput {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(name, _)| !matches!(name.as_ref(), "part" | "field" | "q")).collect()
    }

    /// The choices alone.
    ///
    /// # Errors
    /// When the template fails.
    pub fn answer(&self, form: &LinkForm, problem: Option<String>) -> web::Result<Response> {
        let field = form.fields.iter().find(|field| field.name == self.field);
        let all = match field.map(|field| &field.kind) {
            Some(FieldKind::Search { choices, .. }) => narrow(choices, &self.words),
            _ => Vec::new(),
        };
        let total = all.len();
        let choices = all.into_iter().take(SHOWN).cloned().collect::<Vec<_>>();
        let said = match (problem, total, total - choices.len()) {
            (Some(problem), ..) => problem,
            (None, 0, _) => "Nothing on the list fits. What you typed is tried as it is.".to_owned(),
            (None, 1, _) => "1 choice.".to_owned(),
            (None, many, 0) => format!("{many} choices."),
            (None, many, _) => format!("The first {} of {many}: type more to narrow them.", choices.len()),
        };
        web::page::draw(StatusCode::OK, &ChoicesPart { choices, said })
    }
}

#[derive(Template)]
#[template(path = "links/choices_part.html")]
struct ChoicesPart {
    choices: Vec<Choice>,
    /// How many there are, for who does not see them.
    said: String,
}
