//! A flow: its inbox beside its chat.

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::chat::{Post, Poster};
use super::super::world::flows::{Flow, FlowChange};
use super::super::world::html;
use super::super::world::messages::{Message, Place};
use super::super::world::threads::Thread;
use super::{Page, Visit, see, show};

/// Shown of inbox and chat each, the newest.
const SHOWN: usize = 50;

/// A message, ready to be read.
pub(super) struct Line {
    pub id: u64,
    pub picture: String,
    pub who: String,
    /// What kind, when it is not plain chat.
    pub kind: String,
    pub at: String,
    /// HTML that has been through `world::html`.
    pub title: String,
    pub body: String,
    /// Plain.
    pub text: String,
    pub tags: Vec<String>,
    pub thread: Option<Head>,
    pub deletable: bool,
}

/// A thread in one line.
pub(super) struct Head {
    pub id: String,
    /// HTML that has been through `world::html`.
    pub title: String,
    /// The same without links.
    pub plain: String,
    pub status: String,
    pub colour: String,
    pub source: String,
}

struct Trouble {
    source: String,
    error: String,
}

#[derive(Template)]
#[template(path = "sandbox/flow.html")]
struct FlowPage {
    page: Page,
    path: String,
    name: String,
    organization: String,
    joined: bool,
    people: Vec<String>,
    troubles: Vec<Trouble>,
    inbox: Vec<Line>,
    chat: Vec<Line>,
}

pub(super) fn show_flow(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.user()?;
    let flow = world.flow_at(user, visit.param("org"), visit.param("flow"))?;
    let place = Place::Flow(flow.id.clone());
    let joined = flow.is_in(user);
    let lines = |inbox: bool| {
        let fits = |it: &&Message| joined && it.new.is_inbox() == inbox;
        world.messages_of(&place).rev().filter(fits).take(SHOWN).map(|it| line(world, user, it)).collect()
    };
    let troubled = world.sources_of(&flow.id).filter_map(|it| Some((it, it.error_message.clone()?)));
    let troubles = troubled.map(|(source, error)| Trouble { source: source.name.clone(), error }).collect();
    let people = flow.members.keys().filter_map(|id| world.users.get(id)).map(|it| it.name.clone()).collect();
    Ok(show(&FlowPage {
        page: Page::new(world, &visit.visitor, &flow.name),
        path: world.flow_path(flow),
        name: flow.name.clone(),
        organization: world.flow_organization(flow)?.name.clone(),
        joined,
        people,
        troubles,
        inbox: lines(true),
        chat: lines(false),
    }))
}

/// A message as `user` sees it.
pub(super) fn line(world: &World, user: u64, message: &Message) -> Line {
    let new = &message.new;
    let app = new.source.and_then(|id| world.sources.iter().find(|it| it.id == id)).map(|source| source.app);
    let person = world.users.get(&new.user);
    let of_author = |key: &str| new.author.as_ref().and_then(|author| author[key].as_str()).map(str::to_owned);
    let who = person.map(|it| it.name.clone()).or(of_author("name")).or(new.external_user_name.clone());
    let picture = match (person, of_author("avatar")) {
        (Some(person), _) => world.api(&format!("/avatars/{}", person.id)),
        (None, Some(avatar)) if avatar.starts_with("http") => avatar,
        (None, _) => world.api(&format!("/icons/{}", app.unwrap_or(0))),
    };
    let own = new.user == user;
    Line {
        id: message.id,
        picture,
        who: who.unwrap_or_else(|| "somebody".to_owned()),
        kind: if new.event == "message" { String::new() } else { new.event.clone() },
        at: message.sent.strftime("%H:%M:%S").to_string(),
        title: new.title.clone().unwrap_or_default(),
        body: new.body.clone().unwrap_or_default(),
        text: text(new.event.as_str(), &new.content),
        tags: new.tags.iter().filter(|tag| !tag.contains(':')).cloned().collect(),
        thread: new.thread.as_ref().and_then(|id| world.threads.get(id)).map(|thread| head(world, thread)),
        deletable: new.is_inbox() || (own && new.event != "status"),
    }
}

fn text(event: &str, content: &Value) -> String {
    let part = |path: &str| content.pointer(path).and_then(Value::as_str).unwrap_or_default();
    match (event, content) {
        (_, Value::String(text)) => text.clone(),
        ("comment", _) => part("/text").to_owned(),
        ("file", _) => format!("uploaded {}", part("/file_name")),
        ("mail", _) => format!("{}: {}", part("/subject"), part("/content")),
        ("source-add", _) => format!("added {} as a source: {}", part("/application"), part("/source/name")),
        _ => String::new(),
    }
}

pub(super) fn head(world: &World, thread: &Thread) -> Head {
    let source = thread.source.and_then(|id| world.sources.iter().find(|it| it.id == id));
    let app = source.and_then(|source| world.app(source.app).ok());
    let status = thread.state.status.clone();
    Head {
        id: thread.id.clone(),
        title: thread.state.title.clone(),
        plain: html::plain(&thread.state.title),
        status: status.as_ref().map_or_else(String::new, |it| it.value.clone()),
        colour: status.map_or_else(|| "grey".to_owned(), |it| it.colour),
        source: source.zip(app).map_or_else(String::new, |(it, app)| format!("{} · {}", app.form.name, it.name)),
    }
}

pub(super) fn join(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let user = visit.user()?;
    let flow: &Flow = world.flow_at(user, visit.param("org"), visit.param("flow"))?;
    let id = flow.id.clone();
    world.change_flow(user, &id, FlowChange { open: Some(true), ..FlowChange::default() })?;
    Ok(see(world, &visit.below_flow("")))
}

pub(super) fn say(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    say_in(world, visit, None)?;
    Ok(see(world, &visit.below_flow("")))
}

/// Says what the form says, in a thread or out of all.
pub(super) fn say_in(world: &mut World, visit: &Visit, thread: Option<String>) -> Result<u64, Refusal> {
    let place = Place::Flow(visit.joined(world)?);
    let post = Post {
        event: Some("message".to_owned()),
        content: Value::from(visit.fields.get("text").unwrap_or_default()),
        thread_id: thread,
        ..Post::default()
    };
    world.post(Poster::User(visit.user()?), &place, post)
}

pub(super) fn delete(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let place = Place::Flow(visit.joined(world)?);
    world.delete_message(visit.user()?, &place, visit.id("id")?)?;
    Ok(see(world, &visit.below_flow("")))
}
