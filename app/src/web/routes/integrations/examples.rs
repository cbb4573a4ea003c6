//! Pictures for a partner's page: what its events become, and what it would be told. The first are drawn by the log's own
//! template, the second are what the partner's crate makes of sample entries and items.

use integration_contract::{Card, Example, Picture, PicturePart};

use crate::{
    core::{Core, partners::Partner, previews},
    web::routes::log::shown,
};

/// What comes of one kind of event.
pub struct Shown {
    /// The kind.
    pub label: &'static str,
    /// An entry of the log.
    pub entry: Option<shown::Entry>,
    /// Or something that happened to an item, in a line.
    pub happened: Option<Happened>,
}

/// Something that happened to an item.
pub struct Happened {
    /// Who did it.
    pub author: &'static str,
    /// What they did: `opened`.
    pub did: &'static str,
    /// What people call the item.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
}

impl Shown {
    /// What comes of each kind of event of a partner; of what only leaves there is nothing.
    pub fn all(card: &Card) -> Vec<Self> {
        card.events.iter().filter_map(|event| Self::of(card, event.label, &event.example)).collect()
    }

    fn of(card: &Card, label: &'static str, example: &Example) -> Option<Self> {
        let (mut entry, mut happened) = (None, None);
        match *example {
            Example::Entry { text, status, author, source } => {
                entry = Some(shown::Entry::example(card, text, status, author, source));
            }
            Example::Item { name, title, did, author } => happened = Some(Happened { author, did, name, title }),
            Example::Told => return None,
        }
        Some(Self { label, entry, happened })
    }
}

/// A message at the partner: `templates/integrations/_picture.html`.
pub struct Message {
    /// What it tells: "An entry".
    pub what: &'static str,
    /// Whose message it is there.
    pub by: String,
    /// Its pieces.
    pub parts: Vec<PicturePart>,
    /// Its buttons.
    pub buttons: Vec<String>,
}

impl Message {
    /// What the partner would be told of sample entries and items; none where it is told nothing.
    pub fn all(core: &Core, partner: &Partner) -> Vec<Self> {
        let samples = previews::samples(core, partner).into_iter();
        samples.map(|(what, picture)| Self::of(&core.site.name, what, picture)).collect()
    }

    /// A picture, of a message of the app called `site` unless it is somebody's own.
    pub fn of(site: &str, what: &'static str, picture: Picture) -> Self {
        Self { what, by: picture.by.unwrap_or_else(|| site.to_owned()), parts: picture.parts, buttons: picture.buttons }
    }
}
