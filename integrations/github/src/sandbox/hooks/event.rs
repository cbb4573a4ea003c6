//! What hooks are told: one payload and one GUID per event, a letter for each hook that listens.

use std::sync::Arc;

use integration_sandboxkit::random;
use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::people::Kind;
use super::super::world::repository::Repository;
use super::super::world::{AccountId, RepositoryId, World};
use super::Hook;
use super::courier::Letter;

/// GitHub says one of these in each ping.
const ZEN: [&str; 6] = [
    "Responsive is better than fast.",
    "It's not fully shipped until it's fast.",
    "Anything added dilutes everything else.",
    "Practicality beats purity.",
    "Half measures are as bad as nothing at all.",
    "Keep it logically awesome.",
];

/// An event before it has a repository and a sender.
pub(in super::super) struct Event {
    name: &'static str,
    action: Option<&'static str>,
    fields: Map<String, Value>,
}

impl Event {
    pub fn new(name: &'static str) -> Self {
        Self { name, action: None, fields: Map::new() }
    }

    pub fn action(name: &'static str, action: &'static str) -> Self {
        Self { action: Some(action), ..Self::new(name) }.with("action", json!(action))
    }

    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.fields.insert(field.to_owned(), value);
        self
    }
}

impl World {
    /// Tells every hook of the repository that listens.
    pub fn tell(&mut self, who: AccountId, repository: RepositoryId, event: Event) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let hears = |hook: &&Hook| hook.active && hook.listens_to(event.name);
        let listeners: Vec<&Hook> = place.hooks.values().filter(hears).collect();
        if listeners.is_empty() {
            return Ok(());
        }
        let shown = match event.name {
            "push" => shapes::repository::repository_in_push(self, place),
            _ => shapes::repository::repository(self, place),
        };
        let payload = Arc::new(self.payload(who, place, event.fields, shown));
        let guid = random::guid();
        let letters: Vec<Letter> = listeners
            .into_iter()
            .map(|hook| letter(repository, hook, &guid, event.name, event.action, Arc::clone(&payload)))
            .collect();
        letters.into_iter().for_each(|letter| self.send(letter));
        Ok(())
    }

    /// Any event with any payload, for tests of a receiver. `false`: nobody listens.
    pub fn tell_anything(&mut self, repository: RepositoryId, event: &str, payload: Value) -> Result<bool, Refusal> {
        let guid = random::guid();
        let action = payload["action"].as_str().map(str::to_owned);
        let payload = Arc::new(payload);
        let hooks = self.repository(repository)?.hooks.values().filter(|hook| hook.active);
        let letters: Vec<Letter> =
            hooks.map(|hook| letter(repository, hook, &guid, event, action.as_deref(), Arc::clone(&payload))).collect();
        let heard = !letters.is_empty();
        letters.into_iter().for_each(|letter| self.send(letter));
        Ok(heard)
    }

    /// Tells one hook of a push, if it listens to pushes.
    pub fn tell_push_to(
        &mut self,
        who: AccountId,
        repository: RepositoryId,
        hook: u64,
        event: Event,
    ) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let hook = self.hook(repository, hook)?;
        if !hook.listens_to(event.name) {
            return Ok(());
        }
        let payload = self.payload(who, place, event.fields, shapes::repository::repository_in_push(self, place));
        let letter = letter(repository, hook, &random::guid(), event.name, event.action, Arc::new(payload));
        self.send(letter);
        Ok(())
    }

    /// Sent when a hook is made, and on request; whatever the hook listens to.
    pub fn ping(&mut self, who: AccountId, repository: RepositoryId, hook: u64) -> Result<(), Refusal> {
        let place = self.repository(repository)?;
        let hook = self.hook(repository, hook)?;
        let zen = ZEN[usize::try_from(hook.id).unwrap_or_default() % ZEN.len()];
        let mut shown = shapes::webhook::hook(self, place, hook);
        // Each ping describes the hook as it was made: the schema allows no answer here.
        shown["last_response"] = json!({"code": null, "status": "unused", "message": null});
        let fields = Event::new("ping").with("zen", json!(zen)).with("hook_id", json!(hook.id)).with("hook", shown);
        let payload = self.payload(who, place, fields.fields, shapes::repository::repository(self, place));
        let letter = letter(repository, hook, &random::guid(), "ping", None, Arc::new(payload));
        self.send(letter);
        Ok(())
    }

    /// The last thing a hook hears.
    pub fn tell_deleted(&mut self, who: AccountId, repository: RepositoryId, hook: &Hook) -> Result<(), Refusal> {
        if !(hook.active && hook.listens_to("meta")) {
            return Ok(());
        }
        let place = self.repository(repository)?;
        let event = Event::action("meta", "deleted")
            .with("hook_id", json!(hook.id))
            .with("hook", shapes::webhook::deleted_hook(hook));
        let mut payload = self.payload(who, place, event.fields, shapes::repository::repository(self, place));
        if let Value::Object(fields) = &mut payload {
            // The one event that names no organization.
            fields.remove("organization");
        }
        let letter = letter(repository, hook, &random::guid(), "meta", Some("deleted"), Arc::new(payload));
        self.send(letter);
        Ok(())
    }

    fn payload(&self, who: AccountId, place: &Repository, mut fields: Map<String, Value>, shown: Value) -> Value {
        fields.insert("repository".to_owned(), shown);
        let owner = self.account(place.owner);
        if owner.kind == Kind::Organization {
            fields.insert("organization".to_owned(), shapes::people::organization(self, owner));
        }
        fields.insert("sender".to_owned(), shapes::people::user(self, who));
        Value::Object(fields)
    }
}

fn letter(
    repository: RepositoryId,
    hook: &Hook,
    guid: &str,
    event: &str,
    action: Option<&str>,
    payload: Arc<Value>,
) -> Letter {
    Letter {
        hook: hook.id,
        repository,
        guid: guid.to_owned(),
        event: event.to_owned(),
        action: action.map(str::to_owned),
        payload,
        config: hook.config.clone(),
        previous_secret: hook.previous_secret.clone(),
        redelivery: false,
        forgery: None,
        delay: std::time::Duration::ZERO,
    }
}
