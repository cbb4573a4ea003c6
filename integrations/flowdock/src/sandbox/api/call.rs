//! One call, read: who, where, and what it says. Getters are lenient, as forms know only texts.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::refusal::{Problems, Refusal};
use super::super::world::chat::Poster;
use super::super::world::files::Upload;
use super::super::world::flows::Flow;
use super::super::world::messages::{MessageWish, Place};
use super::super::world::{FlowId, SourceId, UserId, World};
use super::body::Said;
use super::caller::Caller;

const MESSAGES: usize = 30;
const MESSAGES_MAX: usize = 100;

pub(super) struct Call {
    pub params: Vec<(String, String)>,
    pub said: Said,
    pub caller: Option<Caller>,
    /// `X-flowdock-wait-for-message`, whatever its value.
    pub waits: bool,
}

impl Call {
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    pub fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.said.fields.get(name)
    }

    pub fn uploads(&self) -> &[Upload] {
        &self.said.uploads
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        self.sent_text(name).filter(|text| !text.trim().is_empty())
    }

    /// A text, even an empty one.
    pub fn sent_text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.get(name).and_then(Value::as_object)
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Refusal::invalid(name, "is not a number"))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => match other.as_str().map_or_else(|| other.to_string(), str::to_owned).as_str() {
                "1" | "true" => Ok(Some(true)),
                "0" | "false" => Ok(Some(false)),
                _ => Err(Refusal::invalid(name, "is not a boolean")),
            },
        }
    }

    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Refusal::invalid(name, "is not an ISO 8601 time"))
    }

    /// A list, or one text with commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => {
                text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whoever calls must be a person.
    pub fn user(&self) -> Result<UserId, Refusal> {
        match &self.caller {
            Some(Caller::User { id, .. }) => Ok(*id),
            Some(Caller::Source(_)) => Err(Refusal::forbidden("a flow_token does not open this")),
            None => Err(Refusal::unauthorized("authentication required")),
        }
    }

    pub fn source(&self) -> Option<SourceId> {
        match self.caller {
            Some(Caller::Source(id)) => Some(id),
            _ => None,
        }
    }

    pub fn poster(&self) -> Result<Poster, Refusal> {
        match self.source() {
            Some(source) => Ok(Poster::Source(source)),
            None => self.user().map(Poster::User),
        }
    }

    /// The flow of the path, if the caller may know of it.
    pub fn flow<'a>(&self, world: &'a World) -> Result<&'a Flow, Refusal> {
        world.flow_at(self.user()?, self.param("org"), self.param("flow"))
    }

    /// The flow of the path, if the caller is in it.
    pub fn joined(&self, world: &World) -> Result<FlowId, Refusal> {
        world.joined(self.user()?, self.flow(world)?)
    }

    /// What a list of messages was asked for.
    pub fn message_wish(&self) -> Result<MessageWish, Refusal> {
        let mut problems = Problems::default();
        let limit = self.number("limit")?.map_or(MESSAGES, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if !(1..=MESSAGES_MAX).contains(&limit) {
            problems.add("limit", "must be between 1 and 100");
        }
        let oldest_first = match self.text("sort").as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => {
                problems.add("sort", "is not included in the list");
                false
            }
        };
        problems.check()?;
        Ok(MessageWish {
            events: self.list("event"),
            limit,
            oldest_first,
            since: self.number("since_id")?,
            until: self.number("until_id")?,
            tags: self.list("tags"),
            any_tag: self.text("tag_mode").as_deref() == Some("or"),
            words: self.text("search").map_or_else(Vec::new, |it| it.split_whitespace().map(str::to_owned).collect()),
            skip: self.number("skip")?.map_or(0, |skip| usize::try_from(skip).unwrap_or(usize::MAX)),
            thread: None,
        })
    }

    /// Where a person's message goes: the flow that is named.
    pub fn place(&self, world: &World) -> Result<Place, Refusal> {
        if let Some(source) = self.source() {
            return Ok(Place::Flow(world.source(source)?.flow.clone()));
        }
        let user = self.user()?;
        let name = self.text("flow").ok_or_else(|| Refusal::invalid("flow", super::super::refusal::BLANK))?;
        world.joined(user, world.flow_called(user, &name)?).map(Place::Flow)
    }
}
