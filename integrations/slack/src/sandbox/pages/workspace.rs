//! A workspace: its channels in a list, and the apps installed in it.

use askama::Template;
use axum::response::Response;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::channels::Kind;
use super::{Page, Visit, see, show as show_page};

/// A channel in the list beside a channel.
pub(super) struct Row {
    pub id: String,
    pub name: String,
    pub archived: bool,
    pub joined: bool,
}

struct InstalledApp {
    id: String,
    name: String,
    bot: String,
    scopes: Vec<String>,
    by: String,
    for_all: bool,
    tokens: usize,
}

#[derive(Template)]
#[template(path = "sandbox/apps.html")]
struct AppsPage {
    page: Page,
    team: String,
    workspace: String,
    apps: Vec<InstalledApp>,
}

/// What that person sees: everything public, and what they are in.
pub(super) fn rows(world: &World, team: &str, me: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = world
        .channels_of(team)
        .filter(|channel| channel.is_visible_to(me))
        .map(|channel| Row {
            id: channel.id.clone(),
            name: match channel.kind {
                Kind::Public => format!("# {}", channel.name),
                Kind::Private => format!("🔒 {}", channel.name),
                Kind::Direct => {
                    let other = channel.members.iter().find(|it| *it != me).and_then(|id| world.users.get(id));
                    format!("@ {}", other.map_or("", |user| &user.real_name))
                }
            },
            archived: channel.archived,
            joined: channel.members.contains(me),
        })
        .collect();
    rows.sort_by(|one, other| (one.archived, &one.name).cmp(&(other.archived, &other.name)));
    rows
}

/// On to the first channel of theirs.
pub(super) fn show(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let me = visit.member(world)?;
    let team = world.workspace(visit.param("team"))?.id.clone();
    let rows = rows(world, &team, &me);
    let first = rows.iter().find(|row| row.joined && !row.archived).or(rows.first()).ok_or_else(Refusal::no_channel)?;
    Ok(see(world, &format!("/client/{team}/{}", first.id)))
}

pub(super) fn apps(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.member(world)?;
    let team = world.workspace(visit.param("team"))?;
    let mut apps = Vec::new();
    for installation in world.installations.iter().filter(|it| it.teams.contains(&team.id)) {
        let app = world.app(&installation.app)?;
        let alive = |it: &&super::super::world::tokens::Token| {
            it.app == app.id && it.teams == installation.teams && it.end().is_none()
        };
        apps.push(InstalledApp {
            id: app.id.clone(),
            name: app.name.clone(),
            bot: installation.bot.clone(),
            scopes: installation.scopes.clone(),
            by: world.user(&installation.installed_by)?.name.clone(),
            for_all: installation.enterprise,
            tokens: world.tokens.list.iter().filter(alive).count(),
        });
    }
    Ok(show_page(&AppsPage {
        page: Page::new(world, &visit.visitor, &format!("Apps · {}", team.name)),
        team: team.id.clone(),
        workspace: team.name.clone(),
        apps,
    }))
}

pub(super) fn uninstall(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.member(world)?;
    world.uninstall(visit.param("app"), visit.param("team"))?;
    Ok(see(world, &format!("/client/{}/apps", visit.param("team"))))
}

pub(super) fn revoke(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.member(world)?;
    world.revoke_tokens(visit.param("app"), visit.param("team"))?;
    Ok(see(world, &format!("/client/{}/apps", visit.param("team"))))
}
