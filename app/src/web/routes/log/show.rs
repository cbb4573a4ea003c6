//! `/teams/{team}`: the log, and writing into it.

use std::collections::HashSet;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode};
use integration_contract::FieldErrors;
use jiff::civil::Date;

use super::{
    asked::{Asked, HERE, STATES},
    calendar::Calendar,
    shown::{self, Entry},
};
use crate::{
    core::{
        self, Core,
        entries::{self, Filter, Listing, Streak, Tagged},
        integration_links, live,
        people::Member,
        teams,
    },
    db::{
        TeamId, UserId,
        entity::{team, user},
    },
    web::{
        Result,
        extract::{Form, Path, SignedIn},
        page::{Page, Place, draw},
    },
};

/// Says that only the entries will be shown; `static/live.js` sends it.
pub(super) const PART: &str = "x-patchbay-part";

/// How many of those who have nothing in a day are named.
const QUIET_NAMED: usize = 8;

/// How many open goals and blockers are shown before the rest is folded away.
const OPEN_SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "log/show.html")]
struct LogPage {
    page: Page,
    team: team::Model,
    asked: Asked,
    /// Where what is done here comes back to.
    here: String,
    can_write: bool,
    /// What stands in the field.
    body: String,
    errors: FieldErrors,
    open: Vec<Entry>,
    days: Vec<shown::Day>,
    older: Option<String>,
    day: Option<ShownDay>,
    calendar: Calendar,
    streak: Streak,
    tags: Vec<Tagged>,
    people: Vec<Choice>,
    sources: Vec<Choice>,
    /// What the newest change was called when this was read, for the part of the page that follows; none when it stays
    /// as it is.
    newest: Option<String>,
    /// Whether nothing is linked, and this person may change that.
    may_connect: bool,
}

/// The day that is shown, when it is only one.
struct ShownDay {
    iso: String,
    title: String,
    near: Option<&'static str>,
    before: Option<String>,
    after: Option<String>,
    people: Vec<shown::Person>,
    /// Who of the team has nothing in it, in words.
    quiet: Option<String>,
}

/// Something to choose in the filter.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

impl LogPage {
    fn states(&self) -> Vec<Choice> {
        let chosen = self.asked.state();
        STATES
            .iter()
            .map(|(value, label, _)| Choice {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
                chosen: *value == chosen,
            })
            .collect()
    }

    fn tag(&self) -> &str {
        self.asked.filter.tag.as_deref().unwrap_or_default()
    }

    fn text(&self) -> &str {
        self.asked.filter.text.as_deref().unwrap_or_default()
    }

    /// Whether something other than words is looked for: then its fields are in sight.
    fn is_narrowed(&self) -> bool {
        Filter { text: None, day: None, ..self.asked.filter.clone() } != Filter::default()
    }

    fn is_empty(&self) -> bool {
        self.days.is_empty() && self.day.as_ref().is_none_or(|day| day.people.is_empty())
    }

    /// How many entries a file has at most, as people read it.
    fn most_exported(&self) -> String {
        format!("{},000", entries::MOST_EXPORTED / 1000)
    }

    /// The log with a tag, or without it where that is what is shown.
    fn toggled(&self, tag: &str) -> String {
        if self.tag() == tag { self.unfiltered() } else { Asked::tagged(tag).address(self.team.id) }
    }

    fn file(&self, ending: &str) -> String {
        self.asked.file(self.team.id, ending)
    }

    /// The first and the last day, as fields have them.
    fn span(&self) -> (String, String) {
        let text = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        (text(self.asked.filter.from), text(self.asked.filter.to))
    }

    fn open_shown(&self) -> &[Entry] {
        self.open.get(..OPEN_SHOWN).unwrap_or(&self.open)
    }

    fn open_folded(&self) -> &[Entry] {
        self.open.get(OPEN_SHOWN..).unwrap_or_default()
    }

    /// Tells an entry's page where to go back to.
    fn came_from(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &self.here).finish()
    }

    /// The log without filter, day or page.
    fn plain(&self) -> String {
        Asked::default().address(self.team.id)
    }

    /// What is looked for on the day that is shown, on all days; none where it is looked for on all of them already.
    fn on_all_days(&self) -> Option<String> {
        self.day.as_ref().map(|_| self.asked.on_all_days().address(self.team.id))
    }

    /// The day that is shown, without filter.
    fn unfiltered(&self) -> String {
        self.asked.filter.day.map_or(Asked::default(), |day| Asked::default().on(day)).address(self.team.id)
    }
}

/// `GET /teams/{team}`
pub(super) async fn show(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let page = if headers.contains_key(PART) {
        who.bare_page()
    } else {
        who.page_of(&asked.title(&team.name), team.organization_id).await?
    };
    draw_log(&core, page, &member, team, asked, StatusCode::OK, String::new(), FieldErrors::default()).await
}

/// `GET /teams/{team}/entries`: they stand in the log.
pub(super) async fn back(State(core): State<Core>, who: SignedIn, Path(id): Path<TeamId>) -> Result<Redirect> {
    teams::find(&core, &who.person, id).await?;
    Ok(Redirect::to(&Asked::default().address(id)))
}

/// `POST /teams/{team}/entries`
pub(super) async fn write(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Form(input): Form,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let body = input.all("body").first().cloned().unwrap_or_default();
    let day = match input.one("day") {
        "" => Ok(None),
        text => {
            entries::day(text).map(Some).ok_or_else(|| core::Error::field("day", "A day is written like 2026-11-22."))
        }
    };
    let asked = |day: Option<Date>| day.map_or(Asked::default(), |day| Asked::default().on(day));
    let written = match day {
        Ok(day) => entries::write_on(&core, &member, id, day, &body).await.map(|_| day),
        Err(error) => Err(error),
    };
    match written {
        Ok(day) => Ok(Redirect::to(&asked(day).address(id)).into_response()),
        Err(core::Error::Invalid(errors)) => {
            let asked = asked(entries::day(input.one("day")));
            let page = who.page_of(&team.name, team.organization_id).await?;
            draw_log(&core, page, &member, team, asked, StatusCode::UNPROCESSABLE_ENTITY, body, errors).await
        }
        Err(error) => Err(error.into()),
    }
}

#[allow(clippy::too_many_arguments, reason = "what the page shows; called from the two handlers above only")]
async fn draw_log(
    core: &Core,
    page: Page,
    member: &Member,
    team: team::Model,
    asked: Asked,
    status: StatusCode,
    body: String,
    errors: FieldErrors,
) -> Result<Response> {
    let id = team.id;
    let zone = entries::zone(&team);
    // Asked before the entries are read: what is written in between is then drawn twice rather than never.
    let newest = if asked.before.is_none() { Some(live::newest(core, member, id).await?) } else { None };
    let today = entries::today(core, &team);
    let listing = entries::list(core, member, id, &asked.filter, asked.before).await?;
    let mut open = if asked.is_plain() { entries::open(core, member, id).await? } else { Vec::new() };
    // What stands under today is in sight already.
    open.retain(|entry| {
        entry.row.occurred_on != today.to_string() || listing.entries.iter().all(|shown| shown.row.id != entry.row.id)
    });
    let may_connect = member.is_admin() && !integration_links::any_of_team(core, member.organization, id).await?;
    let (first, last) = Calendar::span(&asked, today);
    let counted = entries::days(core, member, id, first, last).await?;
    let people = teams::members(core, member, id).await?;
    let quiet = quiet(&asked, today, &listing, &people);
    let show = |entry| Entry::new(core, id, &zone, entry);
    let (by_day, by_person) = match asked.filter.day {
        Some(_) => (Vec::new(), shown::by_person(listing.entries.into_iter().map(show).collect())),
        None => {
            let address = |day| Some(Asked::default().on(day).address(id));
            (shown::by_day(today, listing.entries, address, show), Vec::new())
        }
    };
    let log = LogPage {
        page: page.at(Place::Log(id)),
        here: asked.address(id),
        can_write: people.iter().any(|user| user.id == member.user),
        body,
        errors,
        open: open.into_iter().map(show).collect(),
        days: by_day,
        older: listing.next.map(|next| asked.from(next).address(id)),
        day: asked.filter.day.map(|day| shown_day(&asked, id, day, today, by_person, quiet)),
        calendar: Calendar::new(&asked, id, today, &counted),
        streak: entries::streak::of_team(core, member, &team).await?,
        tags: entries::tags(core, member, &team).await?,
        people: people_to_choose(core, member, id, &asked, people).await?,
        sources: sources(core, member, id, &asked).await?,
        newest,
        may_connect,
        team,
        asked,
    };
    draw(status, &log)
}

/// Who of the team has nothing in the day that is shown, where all of it is in sight and it has begun.
fn quiet(asked: &Asked, today: Date, listing: &Listing, people: &[user::Model]) -> Option<String> {
    let begun = asked.filter.day.is_some_and(|day| day <= today);
    let whole = !asked.is_filtered() && asked.before.is_none() && listing.next.is_none();
    if !begun || !whole || listing.entries.is_empty() {
        return None;
    }
    let busy: HashSet<UserId> = listing.entries.iter().filter_map(|entry| entry.row.user_id).collect();
    let quiet: Vec<&str> =
        people.iter().filter(|user| !busy.contains(&user.id)).map(|user| user.name.as_str()).collect();
    let (named, others) = quiet.split_at(quiet.len().min(QUIET_NAMED));
    let yet = if asked.filter.day == Some(today) { " yet" } else { "" };
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    (!named.is_empty()).then(|| format!("Nothing{yet} from {}{more}.", named.join(", ")))
}

fn shown_day(
    asked: &Asked,
    team: TeamId,
    day: Date,
    today: Date,
    people: Vec<shown::Person>,
    quiet: Option<String>,
) -> ShownDay {
    let to = |day: Result<Date, jiff::Error>| day.ok().map(|day| asked.on(day).address(team));
    ShownDay {
        iso: day.to_string(),
        title: day.strftime("%A, %-d %B %Y").to_string(),
        near: shown::near(day, today),
        before: to(day.yesterday()),
        after: to(day.tomorrow()),
        people,
        quiet,
    }
}

async fn people_to_choose(
    core: &Core,
    member: &Member,
    team: TeamId,
    asked: &Asked,
    people: Vec<user::Model>,
) -> Result<Vec<Choice>> {
    let chosen = asked.filter.person;
    let choice =
        |user: user::Model| Choice { value: user.id.to_string(), label: user.name, chosen: chosen == Some(user.id) };
    let mut choices: Vec<Choice> = people.into_iter().map(choice).collect();
    // Somebody who has left the team is not in the list, but stays chosen. Who never wrote into its log has no name here.
    if let Some(other) = chosen.filter(|_| !choices.iter().any(|choice| choice.chosen)) {
        let label = entries::author(core, member, team, other).await?.unwrap_or_else(|| "Somebody else".into());
        choices.push(Choice { value: other.to_string(), label, chosen: true });
    }
    Ok(choices)
}

async fn sources(core: &Core, member: &Member, team: TeamId, asked: &Asked) -> Result<Vec<Choice>> {
    let chosen = asked.source();
    let mut partners = entries::partners(core, member, team).await?;
    if !chosen.is_empty() && chosen != HERE && !partners.iter().any(|partner| partner == chosen) {
        partners.push(chosen.to_owned());
    }
    let here = Choice { value: HERE.into(), label: "Written here".into(), chosen: chosen == HERE };
    let partners = partners.into_iter().map(|partner| Choice {
        label: core.partners.get(&partner).map_or_else(|_| partner.clone(), |known| known.name().to_owned()),
        chosen: partner == chosen,
        value: partner,
    });
    Ok(std::iter::once(here).chain(partners).collect())
}
