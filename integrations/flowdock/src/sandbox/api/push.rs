//! The Push API, deprecated: a flow's own token in the path, several with commas. <https://www.flowdock.com/api/push>

use serde_json::json;

use super::super::refusal::{Problems, Refusal};
use super::super::world::chat::{Post, Poster};
use super::super::world::messages::{NewMessage, Place};
use super::super::world::{FlowId, World};
use super::answer::Answer;
use super::call::Call;

/// Nobody's: the name is the message's own.
const NOBODY: u64 = 0;

pub(super) fn chat(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flows = flows(world, call)?;
    let mut problems = Problems::default();
    let name = problems.need("external_user_name", call.text("external_user_name"));
    if name.contains(char::is_whitespace) || name.chars().count() > 16 {
        problems.add("external_user_name", "must be at most 16 characters without whitespace");
    }
    problems.check()?;
    for flow in flows {
        let parent = call.number("message_id")?;
        let post = Post {
            event: Some(if parent.is_some() { "comment" } else { "message" }.to_owned()),
            content: call.get("content").cloned().unwrap_or_default(),
            external_user_name: Some(name.clone()),
            thread_id: call.text("thread_id"),
            parent,
            tags: call.list("tags"),
            ..Post::default()
        };
        world.post(Poster::User(NOBODY), &Place::Flow(flow), post)?;
    }
    Ok(Answer::empty())
}

/// A mail in the inbox.
pub(super) fn team_inbox(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let flows = flows(world, call)?;
    let mut problems = Problems::default();
    for name in ["source", "from_address", "subject", "content"] {
        problems.need(name, call.text(name));
    }
    problems.check()?;
    let text = |name: &str| call.text(name);
    for flow in flows {
        let from = json!([{"address": text("from_address"), "name": text("from_name")}]);
        let content = json!({
            "source": text("source"),
            "project": text("project"),
            "subject": text("subject"),
            "content": text("content"),
            "link": text("link"),
            "from": from,
            "reply_to": text("reply_to"),
        });
        let new = NewMessage { content, tags: call.list("tags"), ..NewMessage::event("mail") };
        world.add_message(Place::Flow(flow), new)?;
    }
    Ok(Answer::empty())
}

fn flows(world: &World, call: &Call) -> Result<Vec<FlowId>, Refusal> {
    let tokens = call.param("tokens").split(',');
    let flow = |token: &str| world.flows.iter().find(|flow| flow.api_token == token).map(|flow| flow.id.clone());
    tokens.map(|token| flow(token).ok_or_else(Refusal::not_found)).collect()
}
