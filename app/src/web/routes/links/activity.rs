//! `/integrations/{p}/link/{id}/activity`: everything that came in and went out through a link, newest first. The part of it
//! that changes is served alone too, for who looks at it with scripts.

use askama::Template;
use axum::{
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use integration_contract::{Capability, FieldErrors, FormInput, text::without_nul};
use uuid::Uuid;

use super::{event::EventRow, link_of, link_path};
use crate::{
    core::{
        self, Core, inbox, integration_links, outbox,
        people::Member,
        traces::{self, Direction, Ended, Filter},
    },
    db::entity::integration_link::Model,
    web::{
        self,
        extract::SignedIn,
        page::{Page, Place},
    },
};

/// How many events a page has.
const SHOWN: u64 = 50;

/// How many the link's own page has.
const FEW: u64 = 10;

/// How many failed events are done again at once.
pub(super) const MOST_AGAIN: u64 = 200;

/// How the end of an event is written in addresses and chosen in the form.
const ENDS: [(&str, &str, Ended); 4] = [
    ("something", "Came to something", Ended::Something),
    ("nothing", "Came to nothing", Ended::Nothing),
    ("failed", "Failed", Ended::Failed),
    ("waiting", "Waiting", Ended::Waiting),
];

/// The same for the way.
const WAYS: [(&str, &str, Direction); 2] = [("in", "Arrived", Direction::In), ("out", "Told", Direction::Out)];

/// What is asked of a link's activity.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    filter: Filter,
    before: Option<Uuid>,
    sought: String,
    part: Option<Part>,
}

/// What of the page is wanted, when it is not the whole page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The list.
    List,
    /// The list as the link's own page has it.
    Few,
}

impl Asked {
    fn read(input: &FormInput) -> core::Result<Self> {
        let mut errors = FieldErrors::default();
        let mut asked = Self { sought: input.one("q").to_owned(), ..Self::default() };
        let mut read = |name: &str, sentence: &str, take: &mut dyn FnMut(&str) -> bool| {
            let text = input.one(name);
            if !text.is_empty() && !take(text) {
                errors.add(name, sentence);
            }
        };
        read("state", "Choose a state from the list.", &mut |text| {
            asked.filter.ended = ENDS.iter().find(|(word, ..)| *word == text).map(|(_, _, ended)| *ended);
            asked.filter.ended.is_some()
        });
        read("way", "Choose a way from the list.", &mut |text| {
            asked.filter.direction = WAYS.iter().find(|(word, ..)| *word == text).map(|(_, _, way)| *way);
            asked.filter.direction.is_some()
        });
        read("before", "Go back to the newest.", &mut |text| {
            asked.before = text.parse().ok();
            asked.before.is_some()
        });
        read("part", "There is no such part of the page.", &mut |text| {
            asked.part = match text {
                "list" => Some(Part::List),
                "few" => Some(Part::Few),
                _ => None,
            };
            asked.part.is_some()
        });
        if errors.is_empty() { Ok(asked) } else { Err(core::Error::Invalid(errors)) }
    }

    fn state(&self) -> &'static str {
        ENDS.iter().find(|(_, _, ended)| Some(*ended) == self.filter.ended).map_or("", |(word, ..)| word)
    }

    fn way(&self) -> &'static str {
        WAYS.iter().find(|(_, _, way)| Some(*way) == self.filter.direction).map_or("", |(word, ..)| word)
    }

    fn is_state(&self, word: &str) -> bool {
        self.state() == word
    }

    fn is_way(&self, word: &str) -> bool {
        self.way() == word
    }

    fn is_plain(&self) -> bool {
        self.filter == Filter::default() && self.before.is_none() && self.sought.is_empty()
    }

    /// Its address.
    fn address(&self, link: &Model) -> String {
        let before = self.before.map(|before| before.to_string()).unwrap_or_default();
        let part = match self.part {
            None => "",
            Some(Part::List) => "list",
            Some(Part::Few) => "few",
        };
        let pairs =
            [("state", self.state()), ("way", self.way()), ("q", &self.sought), ("before", &before), ("part", part)];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
        match query.finish() {
            query if query.is_empty() => format!("{}/activity", link_path(link)),
            query => format!("{}/activity?{query}", link_path(link)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = web::Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, web::Error> {
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let input = pairs.map(|(name, value)| (without_nul(&name), without_nul(&value))).collect();
        Ok(Self::read(&input)?)
    }
}

/// The part of a page that changes: `templates/links/_activity.html`.
pub(super) struct Activity {
    pub(super) events: Vec<EventRow>,
    /// Where the older ones are.
    pub(super) older: Option<String>,
    /// Where the part itself is served, if it is to be kept fresh.
    pub(super) live: Option<String>,
    /// The page it is on, to come back to.
    pub(super) here: String,
    /// Where its buttons post to.
    pub(super) action: String,
    /// Whether something is left out.
    pub(super) narrowed: bool,
}

impl Activity {
    /// The newest events, as the link's own page has them.
    pub(super) async fn newest(core: &Core, link: &Model, may_replay: bool) -> web::Result<Self> {
        let asked = Asked { part: Some(Part::Few), ..Asked::default() };
        Self::of(core, link, &asked, may_replay).await
    }

    async fn of(core: &Core, link: &Model, asked: &Asked, may_replay: bool) -> web::Result<Self> {
        let few = asked.part == Some(Part::Few);
        let (events, next) = if asked.sought.is_empty() {
            let most = if few { FEW } else { SHOWN };
            let listing = traces::list(core, link, asked.filter, asked.before, most).await?;
            (listing.events, listing.next)
        } else {
            (traces::search(core, link, &asked.sought).await?, None)
        };
        let of = |part| Asked { part, ..asked.clone() };
        let is_live = asked.before.is_none() && asked.sought.is_empty();
        let part = if few { Part::Few } else { Part::List };
        Ok(Self {
            events: events.into_iter().map(|event| EventRow::of(link, event, may_replay)).collect(),
            older: next.filter(|_| !few).map(|next| Asked { before: Some(next), ..of(None) }.address(link)),
            live: is_live.then(|| of(Some(part)).address(link)),
            here: if few { link_path(link) } else { of(None).address(link) },
            action: link_path(link),
            narrowed: !asked.is_plain(),
        })
    }
}

#[derive(Template)]
#[template(path = "links/activity.html")]
struct ActivityPage {
    page: Page,
    back: String,
    name: String,
    asked: Asked,
    all: String,
    activity: Activity,
    /// Whether both ways are used.
    both_ways: bool,
    failed: u64,
    failed_in_words: String,
}

impl ActivityPage {
    fn ends(&self) -> [(&'static str, &'static str, Ended); 4] {
        ENDS
    }

    fn ways(&self) -> [(&'static str, &'static str, Direction); 2] {
        WAYS
    }
}

/// The part alone.
#[derive(Template)]
#[template(path = "links/activity_part.html")]
struct ActivityPart {
    page: Page,
    activity: Activity,
}

/// `GET /integrations/{p}/link/{id}/activity`
pub async fn show(
    State(core): State<Core>,
    Path((id, link)): Path<(String, String)>,
    asked: Asked,
    who: SignedIn,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let (member, link) = link_of(&core, &who, partner, &link).await?;
    let may_replay = integration_links::must_manage(&member, &link).is_ok() && integration_links::lives(&link);
    let activity = Activity::of(&core, &link, &asked, may_replay).await?;
    if asked.part.is_some() {
        let page = who.bare_page_of_team(link.organization_id, link.team_id).await?;
        let part = ActivityPart { page, activity };
        return web::page::draw(StatusCode::OK, &part);
    }
    let failed = if may_replay { count_failed(&core, &link).await? } else { 0 };
    let title = format!("Activity of {}", link.name);
    let page = who.page_of_team(&title, link.organization_id, link.team_id).await?.at(Place::Integrations);
    let card = partner.integration.card();
    let answer = ActivityPage {
        page,
        back: link_path(&link),
        all: Asked::default().address(&link),
        both_ways: card.hooks.is_some() && card.capabilities.contains(&Capability::Deliver),
        name: link.name,
        asked,
        activity,
        failed,
        failed_in_words: if failed > MOST_AGAIN { format!("the first {MOST_AGAIN}") } else { failed.to_string() },
    };
    web::page::draw(StatusCode::OK, &answer)
}

/// How many events failed and can be done again; counts a little further than can be done at once.
pub(super) async fn count_failed(core: &Core, link: &Model) -> core::Result<u64> {
    let most = MOST_AGAIN + 1;
    let hooks = inbox::count_failed(core, link.organization_id, link.id, most).await?;
    Ok(hooks + outbox::count_failed(core, link.organization_id, link.id, most).await?)
}

/// Does again what failed, and says so.
pub(super) async fn replay_failed(core: &Core, who: &Member, link: &Model) -> core::Result<String> {
    let read = inbox::replay_failed(core, who, link.id, MOST_AGAIN).await?;
    let left = MOST_AGAIN.saturating_sub(read);
    let sent = if left > 0 { outbox::replay_failed(core, who, link.id, left).await? } else { 0 };
    let again = match (read, sent) {
        (0, 0) => return Ok("Nothing here has failed.".to_owned()),
        (read, 0) => format!("Being read again: {read}."),
        (0, sent) => format!("On their way again: {sent}."),
        (read, sent) => format!("Being read again: {read}. On their way again: {sent}."),
    };
    let rest = count_failed(core, link).await?;
    Ok(match rest {
        0 => again,
        rest if rest > MOST_AGAIN => {
            format!("{again} More than {MOST_AGAIN} are left: replay them when these are done.")
        }
        rest => format!("{again} Left: {rest}. Replay them when these are done."),
    })
}
