//! Messages of flows: posting, reading, editing, deleting. <https://www.flowdock.com/api/messages>

use axum::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes::message::message as shown;
use super::super::world::World;
use super::super::world::chat::{Post, Poster};
use super::super::world::files::Upload;
use super::super::world::messages::Place;
use super::answer::Answer;
use super::call::Call;

pub(super) fn post(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = call.place(world)?;
    let post = read(world, call, &place)?;
    send(world, call, &place, post)
}

pub(super) fn post_here(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = here(world, call)?;
    let post = read(world, call, &place)?;
    send(world, call, &place, post)
}

/// The comment's flow is that of the field `flow`.
pub(super) fn comment(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = call.place(world)?;
    let post = Post { event: Some("comment".to_owned()), ..read(world, call, &place)? };
    send(world, call, &place, post)
}

pub(super) fn comment_here(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = here(world, call)?;
    let post = Post { event: Some("comment".to_owned()), parent: Some(call.id("id")?), ..read(world, call, &place)? };
    send(world, call, &place, post)
}

/// The flow of the path, also for a source whose flow it is.
pub(super) fn here(world: &World, call: &Call) -> Result<Place, Refusal> {
    let Some(source) = call.source() else { return call.joined(world).map(Place::Flow) };
    let flow = world.flow(&world.source(source)?.flow)?;
    let path = format!("{}/{}", call.param("org"), call.param("flow"));
    if world.flow_path(flow) == path { Ok(Place::Flow(flow.id.clone())) } else { Err(Refusal::not_found()) }
}

/// What the call wants to say.
pub(super) fn read(world: &mut World, call: &Call, place: &Place) -> Result<Post, Refusal> {
    let event = call.text("event");
    let mut uploads: Vec<Upload> = call.uploads().to_vec();
    if let Some(file) = call.object("content").filter(|_| event.as_deref() == Some("file")) {
        uploads.push(inline_file(file)?);
    }
    let keyed = uploads.iter().filter(|upload| upload.content_id.is_some()).count();
    if keyed != 0 && keyed != uploads.len() {
        return Err(Refusal::invalid("attachments", "must all have keys, or none"));
    }
    Ok(Post {
        event,
        content: call.get("content").cloned().unwrap_or_default(),
        title: call.text("title"),
        body: call.text("body"),
        author: call.object("author").cloned(),
        external_user_name: call.text("external_user_name"),
        external_thread_id: call.text("external_thread_id"),
        thread_id: call.text("thread_id"),
        thread: call.get("thread").cloned(),
        parent: call.number("message")?,
        tags: call.list("tags"),
        uuid: call.text("uuid"),
        attachments: uploads.into_iter().map(|upload| world.keep_file(place, upload)).collect(),
    })
}

/// A file inside JSON: `{data, content_type, file_name}`, the data in base64.
fn inline_file(file: &serde_json::Map<String, Value>) -> Result<Upload, Refusal> {
    let text = |name: &str| file.get(name).and_then(Value::as_str).map(str::to_owned);
    let data: String = text("data").unwrap_or_default().split_whitespace().collect();
    let bytes = STANDARD.decode(data).map_err(|_| Refusal::invalid("content", "data is not base64"))?;
    Ok(Upload {
        content_id: None,
        file_name: text("file_name").unwrap_or_else(|| "file".to_owned()),
        content_type: text("content_type").unwrap_or_else(|| "application/octet-stream".to_owned()),
        bytes: bytes.into(),
    })
}

/// 200 for those who wait, else 201 for people and 202 for sources, who learn no id.
pub(super) fn send(world: &mut World, call: &Call, place: &Place, post: Post) -> Result<Answer, Refusal> {
    let poster = call.poster()?;
    let id = world.post(poster, place, post)?;
    if !call.waits && matches!(poster, Poster::Source(_)) {
        return Ok(Answer::of(StatusCode::ACCEPTED, json!({})));
    }
    let status = if call.waits { StatusCode::OK } else { StatusCode::CREATED };
    let answer = Answer::of(status, shown(world, world.message(place, id)?));
    let Place::Flow(flow) = place else { return Ok(answer) };
    let path = world.flow_path(world.flow(flow)?);
    let comments = world.api(&format!("/flows/{path}/messages/{id}/comments"));
    Ok(answer.with(header::LINK, format!("<{comments}>; rel=\"comments\"")))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = Place::Flow(call.joined(world)?);
    listed(world, call, &place)
}

pub(super) fn listed(world: &World, call: &Call, place: &Place) -> Result<Answer, Refusal> {
    let found = world.find_messages(place, &call.message_wish()?);
    Ok(Answer::ok(found.into_iter().map(|it| shown(world, it)).collect::<Value>()))
}

/// Comments on a message.
pub(super) fn comments(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = Place::Flow(call.joined(world)?);
    let id = world.message(&place, call.id("id")?)?.id;
    let mut wish = call.message_wish()?;
    wish.tags.push(format!("influx:{id}"));
    let found = world.find_messages(&place, &wish);
    Ok(Answer::ok(found.into_iter().map(|it| shown(world, it)).collect::<Value>()))
}

pub(super) fn show(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = Place::Flow(call.joined(world)?);
    Ok(Answer::ok(shown(world, world.message(&place, call.id("id")?)?)))
}

pub(super) fn edit(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = Place::Flow(call.joined(world)?);
    edited(world, call, &place)
}

pub(super) fn edited(world: &mut World, call: &Call, place: &Place) -> Result<Answer, Refusal> {
    let (user, id) = (call.user()?, call.id("id")?);
    world.message(place, id)?;
    if let Some(text) = call.sent_text("content") {
        world.edit_content(user, place, id, &text)?;
    }
    if call.get("tags").is_some() {
        world.edit_tags(user, place, id, call.list("tags"))?;
    }
    Ok(Answer::empty())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let place = Place::Flow(call.joined(world)?);
    deleted(world, call, &place)
}

pub(super) fn deleted(world: &mut World, call: &Call, place: &Place) -> Result<Answer, Refusal> {
    let gone = world.delete_message(call.user()?, place, call.id("id")?)?;
    Ok(if gone { Answer::nothing() } else { Answer::empty() })
}
