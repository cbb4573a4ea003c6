//! Webhooks of repositories: what may be registered, what is told ([`event`]), and the post ([`courier`]).

pub(super) mod courier;
pub(super) mod event;
mod sending;

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::Value;
use url::{Host, Url};

use self::courier::Delivery;
use super::refusal::Refusal;
use super::world::{AccountId, RepositoryId, World};

/// Hooks of one repository that may listen to the same event (facts 2.3).
const HOOKS_PER_EVENT: usize = 20;

/// Events a repository's webhook may ask for.
pub(super) const EVENTS: [&str; 47] = [
    "branch_protection_configuration",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "code_scanning_alert",
    "commit_comment",
    "create",
    "custom_property_values",
    "delete",
    "dependabot_alert",
    "deploy_key",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "label",
    "member",
    "meta",
    "milestone",
    "package",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "registry_package",
    "release",
    "repository",
    "repository_import",
    "repository_ruleset",
    "secret_scanning_alert",
    "secret_scanning_alert_location",
    "star",
    "status",
    "team_add",
    "watch",
    "workflow_job",
    "workflow_run",
];

#[derive(Clone)]
pub(super) struct Config {
    pub url: String,
    pub content_type: String,
    pub secret: Option<String>,
    pub insecure_ssl: String,
}

pub(super) struct Hook {
    pub id: u64,
    pub active: bool,
    pub events: Vec<String>,
    pub config: Config,
    /// For the fault "signed with the secret of before".
    pub previous_secret: Option<String>,
    pub owner: AccountId,
    /// The app whose token made it; `None`: a person with their own token, or by hand.
    pub made_by: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub last_response: LastResponse,
    /// The newest first.
    pub deliveries: VecDeque<Delivery>,
}

pub(super) struct LastResponse {
    pub code: Option<u16>,
    pub status: String,
    pub message: Option<String>,
}

/// What a caller wants of a hook; what is not said stays as it is.
#[derive(Default)]
pub(super) struct HookWish {
    pub active: Option<bool>,
    pub events: Option<Vec<String>>,
    pub url: Option<String>,
    pub content_type: Option<String>,
    pub secret: Option<Option<String>>,
    pub insecure_ssl: Option<String>,
}

impl Hook {
    pub fn listens_to(&self, event: &str) -> bool {
        self.events.iter().any(|asked| asked == "*" || asked == event)
    }

    fn overlaps(&self, events: &[String]) -> bool {
        events.iter().any(|event| event == "*" || self.listens_to(event)) || self.events.iter().any(|it| it == "*")
    }
}

impl World {
    /// Registers a webhook and sends its ping.
    pub fn create_hook(
        &mut self,
        who: AccountId,
        made_by: Option<String>,
        repository: RepositoryId,
        wish: HookWish,
    ) -> Result<u64, Refusal> {
        let config = Config {
            url: wish.url.ok_or_else(|| Refusal::custom("Hook", "Config must contain URL for webhooks"))?,
            // GitHub's default is the form, which surprises everyone once.
            content_type: wish.content_type.unwrap_or_else(|| "form".to_owned()),
            secret: wish.secret.flatten(),
            insecure_ssl: wish.insecure_ssl.unwrap_or_else(|| "0".to_owned()),
        };
        let events = wish.events.unwrap_or_else(|| vec!["push".to_owned()]);
        self.check_hook(repository, None, &config, &events)?;
        let (id, now) = (self.new_id() - 8_500_000_000, Timestamp::now());
        let hook = Hook {
            id,
            active: wish.active.unwrap_or(true),
            events,
            config,
            previous_secret: None,
            owner: who,
            made_by,
            created: now,
            updated: now,
            last_response: LastResponse { code: None, status: "unused".to_owned(), message: None },
            deliveries: VecDeque::new(),
        };
        self.repository_mut(repository)?.hooks.insert(id, hook);
        self.ping(who, repository, id)?;
        Ok(id)
    }

    pub fn change_hook(&mut self, repository: RepositoryId, id: u64, wish: HookWish) -> Result<(), Refusal> {
        let hook = self.hook(repository, id)?;
        let mut config = hook.config.clone();
        config.url = wish.url.unwrap_or(config.url);
        config.content_type = wish.content_type.unwrap_or(config.content_type);
        config.insecure_ssl = wish.insecure_ssl.unwrap_or(config.insecure_ssl);
        config.secret = wish.secret.unwrap_or(config.secret);
        let events = wish.events.unwrap_or_else(|| hook.events.clone());
        self.check_hook(repository, Some(id), &config, &events)?;
        let hook = self.hook_mut(repository, id)?;
        if hook.config.secret != config.secret {
            hook.previous_secret = std::mem::replace(&mut hook.config.secret, config.secret.clone());
        }
        hook.active = wish.active.unwrap_or(hook.active);
        hook.config = config;
        hook.events = events;
        hook.updated = Timestamp::now();
        Ok(())
    }

    /// Removes it, and tells it so if it listens to `meta`.
    pub fn delete_hook(&mut self, who: AccountId, repository: RepositoryId, id: u64) -> Result<(), Refusal> {
        let hook = self.repository_mut(repository)?.hooks.remove(&id).ok_or_else(Refusal::not_found)?;
        self.tell_deleted(who, repository, &hook)
    }

    pub fn hook(&self, repository: RepositoryId, id: u64) -> Result<&Hook, Refusal> {
        self.repository(repository)?.hooks.get(&id).ok_or_else(Refusal::not_found)
    }

    pub fn hook_mut(&mut self, repository: RepositoryId, id: u64) -> Result<&mut Hook, Refusal> {
        self.repository_mut(repository)?.hooks.get_mut(&id).ok_or_else(Refusal::not_found)
    }

    fn check_hook(
        &self,
        repository: RepositoryId,
        itself: Option<u64>,
        config: &Config,
        events: &[String],
    ) -> Result<(), Refusal> {
        self.check_url(&config.url)?;
        if !matches!(config.content_type.as_str(), "json" | "form") {
            return Err(Refusal::custom("Hook", "Config content_type must be json or form"));
        }
        if events.is_empty() {
            return Err(Refusal::invalid("Hook", "events", "missing_field"));
        }
        if let Some(unknown) = events.iter().find(|event| *event != "*" && !EVENTS.contains(&event.as_str())) {
            return Err(Refusal::custom("Hook", &format!("The event {unknown} can't be used for webhooks")));
        }
        let others = || self.repository(repository).map(|it| it.hooks.values().filter(|hook| Some(hook.id) != itself));
        if others()?.any(|hook| hook.config.url == config.url && hook.overlaps(events)) {
            return Err(Refusal::custom("Hook", "Hook already exists on this repository"));
        }
        for event in events {
            if others()?.filter(|hook| hook.listens_to(event)).count() >= HOOKS_PER_EVENT {
                let message = format!("The \"{event}\" event cannot have more than {HOOKS_PER_EVENT} hooks");
                return Err(Refusal::custom("Hook", &message));
            }
        }
        Ok(())
    }

    fn check_url(&self, address: &str) -> Result<(), Refusal> {
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| Refusal::custom("Hook", "url is not a valid URL"))?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
            Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
            None => true,
        };
        if loopback && self.control.strictness.refuses_loopback_hooks() {
            let message = "url is not supported because it isn't reachable over the public Internet";
            let host = url.host_str().unwrap_or_default();
            return Err(Refusal::custom("Hook", &format!("{message} ({host})")));
        }
        Ok(())
    }
}

/// `secret` of a body: absent stays, empty or null takes it away.
pub(super) fn wished_secret(config: &Value) -> Option<Option<String>> {
    let secret = config.get("secret")?;
    Some(secret.as_str().filter(|it| !it.is_empty()).map(str::to_owned))
}
