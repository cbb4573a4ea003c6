//! Threads and their messages; and doing what a thread offers. <https://www.flowdock.com/api/threads>

use axum::extract::{RawPathParams, Request, State};
use axum::http::header;
use axum::response::Response;
use serde_json::Value;
use url::form_urlencoded;

use super::super::Sandbox;
use super::super::actions::sending;
use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::World;
use super::super::world::chat::Post;
use super::super::world::messages::Place;
use super::super::world::threads::ThreadWish;
use super::answer::{Answer, dress};
use super::call::Call;
use super::{FLOW, messages, serve};

const THREADS: usize = 30;
const THREADS_MAX: usize = 100;

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    let limit = call.number("limit")?.map_or(THREADS, |limit| usize::try_from(limit).unwrap_or(THREADS_MAX));
    let limit = limit.clamp(1, THREADS_MAX);
    // One more than asked for tells whether there is another page.
    let wish = ThreadWish {
        since: call.time("since")?,
        until: call.time("until")?,
        application: call.text("application"),
        empty: call.flag("empty")?,
        limit: limit + 1,
    };
    let mut found = world.threads_of(&flow, &wish);
    let more = found.len() > limit;
    found.truncate(limit);
    let answer = Answer::ok(found.iter().map(|it| shapes::thread::thread(world, it)).collect::<Value>());
    let Some(last) = found.last().filter(|_| more) else { return Ok(answer) };
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &call.said.fields {
        if let Some(value) = value.as_str().filter(|_| !matches!(name.as_str(), "until" | "access_token")) {
            query.append_pair(name, value);
        }
    }
    let query = query.append_pair("until", &last.updated.to_string()).finish();
    let path = world.flow_path(world.flow(&flow)?);
    let next = world.api(&format!("/flows/{path}/threads?{query}"));
    Ok(answer.with(header::LINK, format!("<{next}>; rel=\"next\"")))
}

pub(super) fn show(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    Ok(Answer::ok(shapes::thread::thread(world, world.thread(&flow, call.param("thread"))?)))
}

pub(super) fn messages(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flow = call.joined(world)?;
    let thread = world.thread(&flow, call.param("thread"))?.id.clone();
    let mut wish = call.message_wish()?;
    wish.thread = Some(thread);
    let found = world.find_messages(&Place::Flow(flow), &wish);
    Ok(Answer::ok(found.into_iter().map(|it| shapes::message::message(world, it)).collect::<Value>()))
}

pub(super) fn post(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = messages::here(world, call)?;
    let Place::Flow(flow) = &place else { return Err(Refusal::not_found()) };
    let thread = world.thread(flow, call.param("thread"))?.id.clone();
    let post = Post { thread_id: Some(thread), external_thread_id: None, ..messages::read(world, call, &place)? };
    messages::send(world, call, &place, post)
}

/// The signed address of an UpdateAction: the application is asked as whoever calls.
pub(super) async fn act(State(sandbox): State<Sandbox>, params: RawPathParams, request: Request) -> Response {
    let call = match serve::read(&sandbox, FLOW, &params, request).await {
        Ok(call) => call,
        Err(refusal) => return dress(Err(refusal), None),
    };
    let user = match call.joined(&sandbox.world()).and_then(|_| call.user()) {
        Ok(user) => user,
        Err(refusal) => return dress(Err(refusal), None),
    };
    let done = sending::send(&sandbox, user, &call.param("thread").to_owned(), call.param("signed")).await;
    let answer = done.and_then(|id| Ok(Answer::ok(sandbox.world().sent(id)?.answer.shown())));
    dress(answer, Some(user))
}
