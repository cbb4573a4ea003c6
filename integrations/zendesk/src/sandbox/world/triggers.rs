//! Triggers: what happens by itself when a ticket is created or updated.
//! <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::refusal::{Problems, Refusal};
use super::account::{Account, Actor};
use super::audit::Audit;
use super::change::{Change, tag};
use super::conditions::{Condition, Situation};
use super::placeholders::Scope;
use super::ticket::Fields;
use super::webhooks::CONDITIONAL;
use super::words::{Kind, Priority, Status};

#[derive(Clone)]
pub(in super::super) struct Trigger {
    pub id: u64,
    pub title: String,
    pub description: Option<String>,
    pub active: bool,
    pub position: u64,
    pub category: Option<String>,
    pub conditions: Conditions,
    pub actions: Vec<Action>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(in super::super) struct Conditions {
    #[serde(default)]
    pub all: Vec<Condition>,
    #[serde(default)]
    pub any: Vec<Condition>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Action {
    pub field: String,
    pub value: Value,
}

impl Trigger {
    pub fn uses(&self, webhook: &str) -> bool {
        self.actions.iter().any(|action| action.webhook() == Some(webhook))
    }

    fn fits(&self, situation: &Situation<'_>) -> bool {
        let Conditions { all, any } = &self.conditions;
        all.iter().all(|it| it.holds(situation)) && (any.is_empty() || any.iter().any(|it| it.holds(situation)))
    }
}

impl Action {
    fn webhook(&self) -> Option<&str> {
        if self.field == "notification_webhook" { self.value[0].as_str() } else { None }
    }

    fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Array(list) => list.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
            other => other.to_string(),
        }
    }

    fn tags(&self) -> Vec<String> {
        self.text().split([' ', ',']).map(tag).filter(|tag| !tag.is_empty()).collect()
    }

    /// What it changes of the ticket; none for what is not understood.
    fn change(&self, actor: Actor) -> Option<Change> {
        let mut change = Change::default();
        match self.field.as_str() {
            "status" => change.status = Some(Status::read(&self.text())?),
            "priority" => change.priority = Some(Some(Priority::read(&self.text())?)),
            "type" => change.kind = Some(Some(Kind::read(&self.text())?)),
            "assignee_id" if self.text() == "current_user" => change.assignee = Some(Some(actor.user)),
            "assignee_id" => change.assignee = Some(Some(self.text().parse().ok()?)),
            "current_tags" => change.more_tags = self.tags(),
            "set_tags" => change.tags = Some(self.tags()),
            "remove_tags" => change.fewer_tags = self.tags(),
            _ => return None,
        }
        Some(change)
    }
}

impl Account {
    pub fn trigger(&self, id: u64) -> Result<&Trigger, Refusal> {
        self.triggers.iter().find(|trigger| trigger.id == id).ok_or_else(Refusal::not_found)
    }

    /// Puts it in, or in place of the one with its number.
    pub fn put_trigger(&mut self, trigger: Trigger) -> Result<(), Refusal> {
        self.check_trigger(&trigger)?;
        match self.triggers.iter_mut().find(|it| it.id == trigger.id) {
            Some(place) => *place = trigger,
            None => self.triggers.push(trigger),
        }
        self.triggers.sort_by_key(|it| (it.position, it.id));
        Ok(())
    }

    fn check_trigger(&self, trigger: &Trigger) -> Result<(), Refusal> {
        let mut problems = Problems::default();
        if trigger.title.trim().is_empty() {
            problems.add("title", "Title: cannot be blank");
        }
        let conditions: Vec<&Condition> = trigger.conditions.all.iter().chain(&trigger.conditions.any).collect();
        if conditions.is_empty() {
            problems.add("base", "You must select at least one condition");
        }
        for condition in conditions {
            if let Some(problem) = condition.problem() {
                problems.add("base", &problem);
            }
        }
        if trigger.actions.is_empty() {
            problems.add("base", "You must select at least one action");
        }
        for action in &trigger.actions {
            if action.field == "notification_webhook" {
                let hook = action.webhook().and_then(|id| self.webhooks.iter().find(|hook| hook.id == id));
                let conditional = hook.is_some_and(|hook| hook.subscriptions.iter().any(|it| it == CONDITIONAL));
                if !conditional {
                    problems.add("base", "Notify webhook: the webhook is invalid");
                }
            } else if action.change(Actor { user: 0, channel: super::words::Channel::Rule }).is_none() {
                problems.add("base", &format!("Action {}: is invalid", action.field));
            }
        }
        problems.finish()
    }

    /// Every trigger at most once; what one of them changes, the ones before it may hear of.
    pub fn run_triggers(&mut self, ticket: u64, audit: &Audit, before: Option<&Fields>) -> Result<(), Refusal> {
        let mut fired: Vec<u64> = Vec::new();
        loop {
            let situation = Situation { account: self, ticket: self.ticket(ticket)?, audit, before };
            let ready = |trigger: &&Trigger| trigger.active && !fired.contains(&trigger.id) && trigger.fits(&situation);
            let Some(trigger) = self.triggers.iter().find(ready).cloned() else { return Ok(()) };
            fired.push(trigger.id);
            for action in &trigger.actions {
                match action.webhook() {
                    Some(hook) => self.fire(&trigger, hook, &action.value[1], ticket, audit.actor)?,
                    None => {
                        if let Some(change) = action.change(audit.actor) {
                            self.change_by_rule(audit.actor, ticket, &change)?;
                        }
                    }
                }
            }
        }
    }

    fn fire(
        &mut self,
        trigger: &Trigger,
        hook: &str,
        template: &Value,
        ticket: u64,
        actor: Actor,
    ) -> Result<(), Refusal> {
        // A webhook that was deleted leaves its trigger behind, and nothing happens.
        let Some(hook) = self.webhooks.iter().find(|it| it.id == hook && it.active) else { return Ok(()) };
        let scope = Scope { account: self, ticket: self.ticket(ticket)?, actor };
        let body = match template {
            Value::Array(pairs) => scope.render_pairs(pairs, &hook.format),
            other => {
                let escape = self.house.escape_placeholders && hook.format == "json";
                scope.render(other.as_str().unwrap_or_default(), escape)
            }
        };
        let body = (!matches!(hook.method.as_str(), "GET" | "DELETE")).then_some(body);
        let (hook, label) = (hook.id.clone(), trigger.title.clone());
        self.post.invoke(&hook, &label, body);
        Ok(())
    }
}
