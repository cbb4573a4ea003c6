//! Sources: an application tied to a flow, with a token of its own for posting.

use integration_sandboxkit::random;
use jiff::Timestamp;
use serde_json::json;

use super::super::refusal::{Problems, Refusal};
use super::messages::{NewMessage, Place};
use super::{AppId, FlowId, SourceId, UserId, World};

pub(in super::super) struct Source {
    pub id: SourceId,
    pub flow: FlowId,
    pub app: AppId,
    pub creator: UserId,
    pub name: String,
    pub external_url: Option<String>,
    pub error_message: Option<String>,
    pub configuration_url: Option<String>,
    /// 32 hexadecimal digits; told once.
    pub flow_token: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub removed: bool,
}

/// The only two things that can be changed; an empty text clears.
#[derive(Default)]
pub(in super::super) struct SourceChange {
    pub error_message: Option<String>,
    pub configuration_url: Option<String>,
}

impl World {
    pub fn create_source(
        &mut self,
        user: UserId,
        app: AppId,
        flow: &str,
        name: Option<String>,
        external_url: Option<String>,
    ) -> Result<SourceId, Refusal> {
        let flow = self.joined(user, self.flow(flow)?)?;
        let mut problems = Problems::default();
        let name = problems.need("name", name);
        if external_url.as_ref().is_some_and(|url| url::Url::parse(url).is_err()) {
            problems.add("external_url", "is invalid");
        }
        problems.check()?;
        let (id, now) = (self.new_id(), self.now());
        self.sources.push(Source {
            id,
            flow: flow.clone(),
            app,
            creator: user,
            name: name.clone(),
            external_url,
            error_message: None,
            configuration_url: None,
            flow_token: random::hex(32),
            created: now,
            updated: now,
            removed: false,
        });
        let application = self.app(app)?.form.name.clone();
        let content = json!({"source": {"id": id, "name": name}, "application": application});
        self.add_message(Place::Flow(flow), NewMessage { user, content, ..NewMessage::event("source-add") })?;
        Ok(id)
    }

    pub fn source(&self, id: SourceId) -> Result<&Source, Refusal> {
        self.sources.iter().find(|it| it.id == id && !it.removed).ok_or_else(Refusal::not_found)
    }

    pub fn source_of_token(&self, token: &str) -> Result<&Source, Refusal> {
        let found = self.sources.iter().find(|it| it.flow_token == token);
        let found = found.ok_or_else(|| Refusal::unauthorized("unknown flow_token"))?;
        if found.removed { Err(Refusal::gone()) } else { Ok(found) }
    }

    pub fn sources_of(&self, flow: &str) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |it| it.flow == flow && !it.removed)
    }

    pub fn change_source(&mut self, id: SourceId, change: SourceChange) -> Result<(), Refusal> {
        self.source(id)?;
        let url = change.configuration_url.as_ref().filter(|url| !url.is_empty());
        if url.is_some_and(|url| !url::Url::parse(url).is_ok_and(|it| matches!(it.scheme(), "http" | "https"))) {
            return Err(Refusal::invalid("configuration_url", "is invalid"));
        }
        let now = self.now();
        let Some(source) = self.sources.iter_mut().find(|it| it.id == id) else {
            return Err(Refusal::not_found());
        };
        let unless_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        if let Some(text) = change.error_message {
            source.error_message = unless_empty(text);
        }
        if let Some(text) = change.configuration_url {
            source.configuration_url = unless_empty(text);
        }
        source.updated = now;
        Ok(())
    }

    /// Nobody is told: the application learns it from the next 410.
    pub fn remove_source(&mut self, user: UserId, id: SourceId) -> Result<(), Refusal> {
        let flow = self.source(id)?.flow.clone();
        self.joined(user, self.flow(&flow)?)?;
        let now = self.now();
        if let Some(source) = self.sources.iter_mut().find(|it| it.id == id) {
            source.removed = true;
            source.updated = now;
        }
        Ok(())
    }
}
