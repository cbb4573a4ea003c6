//! What a person does in a channel: each a form, and back to the channel.

use axum::extract::State;
use axum::response::Response;
use integration_sandboxkit::pages::sent_by_ourselves;
use integration_sandboxkit::visits::{Brought, Visited};

use super::super::Sandbox;
use super::super::hooks::command::{self, Typed};
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::channels::Kind;
use super::{Page, Visit, see};

/// Who does it, in which channel: one they may know of, in the workspace of the path.
struct Place {
    me: String,
    channel: String,
}

impl Place {
    fn of(world: &World, visit: &Visit) -> Result<Self, Refusal> {
        let me = visit.member(world)?;
        let channel = world.visible_channel(&me, visit.param("channel"))?;
        if channel.team != visit.param("team") {
            return Err(Refusal::no_channel());
        }
        Ok(Self { me, channel: channel.id.clone() })
    }

    /// The same, for those who are in the channel.
    fn as_member(world: &World, visit: &Visit) -> Result<Self, Refusal> {
        let place = Self::of(world, visit)?;
        let joined = world.channel(&place.channel)?.members.contains(&place.me);
        if joined { Ok(place) } else { Err(Refusal::new("not_in_channel")) }
    }
}

fn back(world: &World, visit: &Visit) -> Result<Response, Refusal> {
    Ok(see(world, &format!("/client/{}/{}", visit.param("team"), visit.param("channel"))))
}

/// A message, or a command: then the page waits until the app has answered.
pub(super) async fn say(State(sandbox): State<Sandbox>, brought: Brought) -> Response {
    let ours = sent_by_ourselves(&brought.headers);
    let visit = Visit::new(&sandbox.world(), brought);
    let done = match read(&sandbox, &visit, ours) {
        Ok(typed) if typed.line.starts_with('/') => command::run(&sandbox, typed).await,
        Ok(typed) => {
            let thread = visit.fields.text("thread_ts");
            sandbox.change(|world| world.type_message(&typed.user, &typed.channel, &typed.line, thread)).map(drop)
        }
        Err(refusal) => Err(refusal),
    };
    let world = sandbox.world();
    // Down to what was said last.
    let there = || see(&world, &format!("/client/{}/{}#compose", visit.param("team"), visit.param("channel")));
    done.map(|()| there()).unwrap_or_else(|refusal| Page::refusal(&world, &visit.visitor, &refusal))
}

fn read(sandbox: &Sandbox, visit: &Visit, ours: bool) -> Result<Typed, Refusal> {
    if !ours {
        return Err(Sandbox::other_site());
    }
    let place = Place::as_member(&sandbox.world(), visit)?;
    // A browser's lines end in two signs.
    let line = visit.text("text")?.replace("\r\n", "\n");
    Ok(Typed { team: visit.param("team").to_owned(), channel: place.channel, user: place.me, line })
}

pub(super) fn edit(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    let line = visit.text("text")?.replace("\r\n", "\n");
    world.retype_message(&place.me, &place.channel, &visit.text("ts")?, &line)?;
    back(world, visit)
}

pub(super) fn delete(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    world.delete(&place.me, &place.channel, &visit.text("ts")?)?;
    back(world, visit)
}

/// Adds the reaction, or takes it back.
pub(super) fn react(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    let (ts, name) = (visit.text("ts")?, visit.text("name")?);
    match world.react(&place.me, &place.channel, &ts, &name) {
        Err(refusal) if refusal.error == "already_reacted" => {
            world.take_reaction_back(&place.me, &place.channel, &ts, &name)?;
        }
        other => other?,
    }
    back(world, visit)
}

pub(super) fn join(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::of(world, visit)?;
    world.join_channel(&place.me, &place.channel, None)?;
    back(world, visit)
}

pub(super) fn leave(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    world.leave_channel(&place.me, &place.channel)?;
    Ok(see(world, &format!("/client/{}/", visit.param("team"))))
}

/// Of a colleague or an app's bot.
pub(super) fn invite(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    let user = visit.text("user")?;
    if !world.user(&user)?.is_in(visit.param("team")) {
        return Err(Refusal::new("user_not_found"));
    }
    world.join_channel(&user, &place.channel, Some(&place.me))?;
    back(world, visit)
}

pub(super) fn remove(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    world.leave_channel(&visit.text("user")?, &place.channel)?;
    back(world, visit)
}

pub(super) fn archive(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    world.archive_channel(&place.me, &place.channel)?;
    back(world, visit)
}

pub(super) fn unarchive(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::of(world, visit)?;
    world.unarchive_channel(&place.me, &place.channel)?;
    back(world, visit)
}

pub(super) fn rename(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    world.rename_channel(&place.me, &place.channel, &visit.text("name")?)?;
    back(world, visit)
}

pub(super) fn delete_channel(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::as_member(world, visit)?;
    world.delete_channel(&place.me, &place.channel)?;
    Ok(see(world, &format!("/client/{}/", visit.param("team"))))
}

pub(super) fn create(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let me = visit.member(world)?;
    let kind = if visit.fields.get("private").is_some() { Kind::Private } else { Kind::Public };
    let team = visit.param("team");
    let id = world.add_channel(None, &me, team, &visit.text("name")?, kind)?;
    Ok(see(world, &format!("/client/{team}/{id}")))
}
