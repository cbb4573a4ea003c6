//! `/log`: what the person did, over all their teams of the current organization, and for how many days in a row.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use jiff::tz::TimeZone;

use super::{
    asked::Asked,
    show::PART,
    shown::{self, Entry},
};
use crate::{
    core::{
        Core,
        entries::{self, Streak},
        live,
    },
    db::TeamId,
    web::{
        Result,
        extract::SignedIn,
        page::{Page, Place, draw},
    },
};

#[derive(Template)]
#[template(path = "log/mine.html")]
struct MyLogPage {
    page: Page,
    organization: String,
    asked: Asked,
    /// Where what is done here comes back to.
    here: String,
    streak: Streak,
    days: Vec<shown::Day>,
    older: Option<String>,
    in_a_team: bool,
    /// What the newest change was called when this was read; none where the page stays as it is.
    newest: Option<String>,
}

impl MyLogPage {
    fn file(&self, ending: &str) -> String {
        self.asked.own_file(ending)
    }

    fn text(&self) -> &str {
        self.asked.filter.text.as_deref().unwrap_or_default()
    }

    /// Tells an entry's page where to go back to.
    fn came_from(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &self.here).finish()
    }
}

/// `GET /log`
pub(super) async fn show(
    State(core): State<Core>,
    who: SignedIn,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response> {
    let member = who.member()?;
    // Asked before the entries are read: what is written in between is then drawn twice rather than never.
    let newest = if asked.before.is_none() { Some(live::newest_own(&core, &member).await?) } else { None };
    let mine = entries::mine(&core, &member, &asked.filter, asked.before).await?;
    let zones: HashMap<TeamId, (TimeZone, &str)> =
        mine.teams.iter().map(|team| (team.id, (entries::zone(team), team.name.as_str()))).collect();
    let today = mine.teams.iter().map(|team| entries::today(&core, team)).max();
    let today = today.unwrap_or_else(|| core.clock.today(&TimeZone::UTC));
    let show = |entry: entries::Entry| {
        let team = entry.row.team_id;
        let (zone, name) = zones.get(&team).cloned().unwrap_or((TimeZone::UTC, ""));
        let place = (Asked::default().address(team), name.to_owned());
        Entry { team: Some(place), ..Entry::new(&core, team, &zone, entry) }
    };
    let organization = who.person.memberships.iter().find(|one| one.organization.id == member.organization);
    let page = if headers.contains_key(PART) { who.bare_page() } else { who.page(&asked.title("My log")).await? };
    let page = MyLogPage {
        page: page.at(Place::Mine),
        newest,
        organization: organization.map(|one| one.organization.name.clone()).unwrap_or_default(),
        here: asked.own_address(),
        streak: mine.streak,
        older: mine.listing.next.map(|next| asked.from(next).own_address()),
        in_a_team: !mine.teams.is_empty(),
        days: shown::by_day(today, mine.listing.entries, |_| None, show),
        asked,
    };
    draw(StatusCode::OK, &page)
}
