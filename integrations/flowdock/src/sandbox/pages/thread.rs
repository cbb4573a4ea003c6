//! A thread: its state, its gear menu, and what was said.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use integration_sandboxkit::pages::sent_by_ourselves;
use integration_sandboxkit::visits::{Brought, Visited};
use serde_json::Value;

use super::super::Sandbox;
use super::super::actions::{self, Answer, sending};
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::messages::{Message, Place};
use super::super::world::threads::Thread;
use super::flow::{Head, Line, head, line, say_in};
use super::{Page, Visit, see, show};

/// An entry of the gear menu.
struct Entry {
    name: String,
    description: String,
    /// A link; else something to do.
    url: Option<String>,
    signed: String,
}

/// What became of the action that was just chosen.
struct Outcome {
    name: String,
    done: bool,
    /// Where the person may say who they are.
    challenge: Option<String>,
    failure: String,
}

#[derive(Template)]
#[template(path = "sandbox/thread.html")]
struct ThreadPage {
    page: Page,
    here: String,
    flow_path: String,
    flow: String,
    head: Head,
    /// HTML that has been through `world::html`.
    body: String,
    external_url: Option<String>,
    fields: Vec<(String, String)>,
    entries: Vec<Entry>,
    outcome: Option<Outcome>,
    messages: Vec<Line>,
}

pub(super) fn show_thread(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let (user, flow) = (visit.user()?, visit.joined(world)?);
    let thread = world.thread(&flow, visit.param("thread"))?;
    let sent = visit.fields.get("sent").and_then(|id| id.parse().ok()).and_then(|id| world.sent(id).ok());
    let outcome = sent.filter(|sent| sent.user == user && sent.thread == thread.id);
    let fits = |it: &&Message| it.new.thread.as_ref() == Some(&thread.id);
    let place = Place::Flow(flow.clone());
    Ok(show(&ThreadPage {
        page: Page::new(world, &visit.visitor, "Thread"),
        here: world.api(&visit.below_flow(&format!("/threads/{}", thread.id))),
        flow_path: visit.below_flow(""),
        flow: world.flow(&flow)?.name.clone(),
        head: head(world, thread),
        body: thread.state.body.clone().unwrap_or_default(),
        external_url: thread.state.external_url.clone(),
        fields: thread.state.fields.iter().map(|it| (it.label.clone(), it.value.clone())).collect(),
        entries: thread.state.actions.iter().map(|action| entry(world, thread, action)).collect(),
        outcome: outcome.map(|sent| read_outcome(sent.name.clone(), &sent.answer)),
        messages: world.messages_of(&place).filter(fits).map(|it| line(world, user, it)).collect(),
    }))
}

fn entry(world: &World, thread: &Thread, action: &Value) -> Entry {
    let text = |name: &str| action[name].as_str().unwrap_or_default().to_owned();
    Entry {
        name: text("name"),
        description: text("description"),
        url: (action["@type"] == "ViewAction").then(|| text("url")),
        signed: actions::signature(world, thread, action),
    }
}

fn read_outcome(name: String, answer: &Answer) -> Outcome {
    let mut outcome = Outcome { name, done: false, challenge: None, failure: String::new() };
    match answer {
        Answer::Done { .. } => outcome.done = true,
        Answer::Challenge { url } => outcome.challenge = Some(url.clone()),
        Answer::Failed { status, body } => outcome.failure = format!("{status} {body}"),
        Answer::Nothing { why } => outcome.failure = (*why).to_owned(),
    }
    outcome
}

pub(super) fn comment(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let thread = visit.param("thread").to_owned();
    say_in(world, visit, Some(thread.clone()))?;
    Ok(see(world, &visit.below_flow(&format!("/threads/{thread}"))))
}

/// Sends the chosen action as the visitor; its outcome is shown on the thread's page.
pub(super) async fn act(State(sandbox): State<Sandbox>, brought: Brought) -> Response {
    let ours = sent_by_ourselves(&brought.headers);
    let visit = Visit::new(&sandbox.world(), brought);
    let allowed = match ours {
        true => visit.joined(&sandbox.world()).and_then(|_| visit.user()),
        false => Err(Sandbox::other_site()),
    };
    let thread = visit.param("thread").to_owned();
    let done = match allowed {
        Ok(user) => sending::send(&sandbox, user, &thread, visit.fields.get("action").unwrap_or_default()).await,
        Err(refusal) => Err(refusal),
    };
    let world = sandbox.world();
    match done {
        Ok(id) => see(&world, &visit.below_flow(&format!("/threads/{thread}?sent={id}"))),
        Err(refusal) => Page::refusal(&world, &visit.visitor, &refusal),
    }
}
