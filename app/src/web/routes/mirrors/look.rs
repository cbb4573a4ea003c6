//! What would become of the last items of both sides, as the last step before a mirror is made shows it.

use integration_contract::text;

use crate::{
    core::mirrors::{Fate, Forecast, Outlook, Preview, When},
    web::page::{Moment, Tone},
};

/// How much of a title stands in a line.
const LONGEST: usize = 120;

/// How much of a copy's text is shown.
const LONGEST_TEXT: usize = 600;

/// One side, as the page draws it: `templates/mirrors/_look.html`.
pub struct Seen {
    /// What the partner is called.
    pub partner: String,
    /// Where there.
    pub place: String,
    /// What the other side's partner is called.
    pub other: String,
    /// The last ones first.
    pub items: Vec<SeenItem>,
    /// Why there are none.
    pub problem: Option<String>,
}

/// One item.
pub struct SeenItem {
    /// What people call it.
    pub name: String,
    /// One line.
    pub title: String,
    /// Its page.
    pub url: Option<String>,
    /// Who opened it.
    pub author: String,
    /// When.
    pub opened: Option<Moment>,
    /// How what would become of it looks.
    pub tone: Tone,
    /// What would become of it, in a word or two.
    pub state: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// What the copy would say.
    pub copy: Option<SeenCopy>,
}

/// The copy of an item.
pub struct SeenCopy {
    /// What it is called at its partner.
    pub external_id: String,
    /// One line.
    pub title: String,
    /// Markdown, shown as it is: somebody else's text is no markup of ours.
    pub body: String,
    /// Its labels or tags.
    pub labels: Vec<String>,
}

impl Seen {
    /// Both sides.
    pub fn both(preview: Preview) -> [Self; 2] {
        let names = (preview.left.partner.clone(), preview.right.partner.clone());
        [Self::of(preview.left, names.1), Self::of(preview.right, names.0)]
    }

    fn of(outlook: Outlook, other: String) -> Self {
        let Outlook { partner, place, items } = outlook;
        let (items, problem) = match items {
            Ok(items) => (items.into_iter().map(SeenItem::of).collect(), None),
            Err(sentence) => (Vec::new(), Some(sentence)),
        };
        Self { partner, place, other, items, problem }
    }
}

impl SeenItem {
    fn of(forecast: Forecast) -> Self {
        let (tone, state, reason, copy) = match forecast.fate {
            Fate::Copied { copy, when: When::MadeUpFor } => (Tone::Good, "Is copied", None, Some(copy)),
            Fate::Copied { copy, when: When::NextChange } => {
                let reason = "As soon as something happens to it.".to_owned();
                (Tone::Good, "Is copied", Some(reason), Some(copy))
            }
            Fate::Missed { copy, reason } => (Tone::Neutral, "Would have been copied", Some(reason), Some(copy)),
            Fate::Left(reason) => (Tone::Neutral, "No copy", Some(reason), None),
        };
        Self {
            name: forecast.name,
            title: text::first_line(&forecast.title, LONGEST),
            url: forecast.url,
            author: forecast.author.name,
            opened: forecast.opened_at.map(|at| Moment::at(at.saturating_mul(1000))),
            tone,
            state,
            reason,
            copy: copy.map(|copy| SeenCopy {
                external_id: copy.external_id,
                title: copy.title,
                body: shortened(&copy.body),
                labels: copy.labels,
            }),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}
