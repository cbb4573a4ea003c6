//! What a form's settings would have made of what was there already: `templates/links/preview.html`.

use integration_contract::text;

use super::event::trace_path;
use crate::{
    core::{
        Core,
        outbox::{self, WouldTell},
        partners::Partner,
        previews::{self, Said},
    },
    db::entity::integration_link::Model,
    web::{
        self,
        page::{Moment, Tone},
    },
};

/// How much of a text is shown.
const LONGEST: usize = 300;

/// A preview.
pub(super) struct Preview {
    /// The last hooks, where the partner sends any.
    pub(super) heard: Option<Vec<HeardRow>>,
    /// What would have been told, where the partner can be told anything.
    pub(super) told: Option<Vec<ToldRow>>,
    /// Whether the link is not there yet.
    pub(super) is_new: bool,
}

/// A hook.
pub(super) struct HeardRow {
    pub(super) trace: String,
    pub(super) at: Moment,
    pub(super) event: String,
    pub(super) said: Vec<(Tone, Said)>,
}

/// Something that would, or would not, have been told.
pub(super) struct ToldRow {
    /// "Goal of Ada, 22 November"
    pub(super) about: String,
    pub(super) text: String,
    pub(super) href: Option<String>,
    pub(super) tone: Tone,
    /// Whether it would have been told.
    pub(super) word: String,
    pub(super) reason: Option<&'static str>,
}

impl Preview {
    /// Of a link, stored or not.
    pub(super) async fn of(core: &Core, partner: &Partner, link: &Model, is_new: bool) -> web::Result<Self> {
        let hears = partner.integration.card().hooks.is_some();
        let heard = match (hears, is_new) {
            (false, _) => None,
            (true, true) => Some(Vec::new()),
            (true, false) => {
                let heard = previews::arriving(core, partner, link).await?.into_iter().map(|heard| HeardRow {
                    trace: trace_path(link, &heard.id.to_string()),
                    at: Moment::at(heard.at),
                    event: heard.event,
                    said: heard.said.into_iter().map(|said| (tone(&said), cut(said))).collect(),
                });
                Some(heard.collect())
            }
        };
        let leaving = previews::leaving(core, partner, link).await?;
        let told = leaving.map(|leaving| {
            let entries = leaving.entries.into_iter().map(|foreseen| {
                let entry = foreseen.entry;
                ToldRow {
                    about: format!("{}, {}", entry.author, entry.day),
                    text: text::cut(&entry.text, LONGEST),
                    href: Some(format!("/teams/{}/entries/{}", link.team_id, foreseen.id)),
                    ..ToldRow::of(foreseen.told)
                }
            });
            let changes = leaving.changes.into_iter().map(|foreseen| {
                let (item, what) = (&foreseen.change.item, crate::core::items::word(&foreseen.change.what));
                ToldRow {
                    about: format!("{}, through {}", foreseen.change.by.name, foreseen.source),
                    text: text::cut(&outbox::item_in_words(&item.name, &item.title, what), LONGEST),
                    ..ToldRow::of(foreseen.told)
                }
            });
            entries.chain(changes).collect()
        });
        Ok(Self { heard, told, is_new })
    }
}

impl ToldRow {
    fn of(told: Result<WouldTell, &'static str>) -> Self {
        let (tone, word, reason) = match told {
            Ok(WouldTell::Now) => (Tone::Good, "Told".to_owned(), None),
            Ok(WouldTell::Digest(hour)) => (Tone::Good, format!("In the digest at {hour}:00"), None),
            Err(reason) => (Tone::Neutral, "Not told".to_owned(), Some(reason)),
        };
        Self { about: String::new(), text: String::new(), href: None, tone, word, reason }
    }
}

fn cut(said: Said) -> Said {
    Said { text: text::cut(&said.text, LONGEST), ..said }
}

/// How a line of what a hook says looks.
fn tone(said: &Said) -> Tone {
    match (said.comes, said.what) {
        (true, _) => Tone::Good,
        (false, "Failed") => Tone::Bad,
        (false, _) => Tone::Neutral,
    }
}
