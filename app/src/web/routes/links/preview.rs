//! What a form's settings would have made of what was there already: `templates/links/preview.html`.

use integration_contract::text;

use super::event::trace_path;
use crate::{
    core::{
        Core, Error,
        outbox::{self, WouldTell},
        partners::Partner,
        previews::{self, Heard, Said},
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
    /// What was heard, where the partner sends any hooks.
    pub(super) heard: Option<HeardRows>,
    /// What would have been told, where the partner can be told anything.
    pub(super) told: Option<Vec<ToldRow>>,
}

/// The last hooks, or what would have come as hooks.
pub(super) struct HeardRows {
    /// What has to be said of them.
    pub(super) note: Option<String>,
    pub(super) rows: Vec<HeardRow>,
}

/// A hook, or what would have come as one.
pub(super) struct HeardRow {
    /// The hook's trace.
    pub(super) trace: Option<String>,
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
            (true, true) => Some(HeardRows::lately(core, partner, link).await?),
            (true, false) => Some(HeardRows::kept(core, partner, link).await?),
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
        Ok(Self { heard, told })
    }
}

impl HeardRows {
    /// What has arrived through the link.
    async fn kept(core: &Core, partner: &Partner, link: &Model) -> web::Result<Self> {
        let heard = previews::arriving(core, partner, link).await?;
        let nothing = "Nothing has arrived through this link yet, so there is nothing to show.";
        let note = heard.is_empty().then(|| nothing.to_owned());
        Ok(Self { note, rows: heard.into_iter().map(|heard| HeardRow::of(link, heard)).collect() })
    }

    /// What happened before the link is there.
    async fn lately(core: &Core, partner: &Partner, link: &Model) -> web::Result<Self> {
        let name = partner.name();
        let (lately, note) = match previews::lately(core, partner, link).await {
            Ok(Some(lately)) => {
                let note = if lately.heard.is_empty() {
                    format!("{name} shows nothing of {} that happened lately.", link.name)
                } else {
                    format!(
                        "This happened in {} lately. None of it comes into the log, because a link counts from now on.",
                        link.name
                    )
                };
                let note = [Some(note), lately.left_out].into_iter().flatten().collect::<Vec<_>>().join(" ");
                (lately.heard, note)
            }
            Ok(None) => (
                Vec::new(),
                format!(
                    "{name} shows nothing of what was before the link, and it counts from now on, not backwards. Once something has arrived, \
                     the preview in the link's settings shows it."
                ),
            ),
            Err(Error::Partner(error)) => {
                (Vec::new(), format!("What happened lately can't be shown: {}", error.sentence()))
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { note: Some(note), rows: lately.into_iter().map(|heard| HeardRow::of(link, heard)).collect() })
    }
}

impl HeardRow {
    fn of(link: &Model, heard: Heard) -> Self {
        Self {
            trace: heard.id.map(|id| trace_path(link, &id.to_string())),
            at: Moment::at(heard.at),
            event: heard.event,
            said: heard.said.into_iter().map(|said| (tone(&said), cut(said))).collect(),
        }
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
