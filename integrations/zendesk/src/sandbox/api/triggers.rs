//! Triggers. <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::triggers::{Action, Conditions, Trigger};
use super::call::{Answer, Call};
use super::{paging, reading};

pub(super) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let active = call.query.text("active");
    page(account, call, |trigger| active.as_deref().is_none_or(|active| trigger.active == (active == "true")))
}

pub(super) fn active(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    page(account, call, |trigger| trigger.active)
}

pub(super) fn search(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let query = call.query.text("query").unwrap_or_default().to_lowercase();
    page(account, call, |trigger| trigger.title.to_lowercase().contains(&query))
}

fn page(account: &Account, call: &Call, fits: impl Fn(&Trigger) -> bool) -> Result<Answer, Refusal> {
    let found = account.triggers.iter().filter(|trigger| fits(trigger));
    let all = found.map(|trigger| shapes::hook::trigger(trigger, &call.base)).collect();
    Answer::ok(paging::page(call, "triggers", all)?)
}

pub(super) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(shown(account, call, call.id(0)?)?)
}

fn shown(account: &Account, call: &Call, id: u64) -> Result<Value, Refusal> {
    Ok(json!({"trigger": shapes::hook::trigger(account.trigger(id)?, &call.base)}))
}

pub(super) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let sent = call.object("trigger")?;
    let (id, now) = (account.new_id(), Timestamp::now());
    let position = account.triggers.iter().map(|trigger| trigger.position).max().unwrap_or(0) + 1;
    let empty = Trigger {
        id,
        title: String::new(),
        description: None,
        active: true,
        position,
        category: None,
        conditions: Conditions::default(),
        actions: Vec::new(),
        created: now,
        updated: now,
    };
    account.put_trigger(with(empty, sent)?)?;
    Answer::created(shown(account, call, id)?)
}

pub(super) fn update(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = call.id(0)?;
    let old = account.trigger(id)?.clone();
    account.put_trigger(with(old, call.object("trigger")?)?)?;
    Answer::ok(shown(account, call, id)?)
}

/// Conditions and actions are replaced as a whole.
fn with(mut trigger: Trigger, sent: &Value) -> Result<Trigger, Refusal> {
    trigger.title = reading::text(sent, "title").unwrap_or(trigger.title);
    trigger.description = reading::text(sent, "description").or(trigger.description);
    trigger.active = sent["active"].as_bool().unwrap_or(trigger.active);
    trigger.position = reading::number(sent, "position").unwrap_or(trigger.position);
    trigger.category = reading::text(sent, "category_id").or(trigger.category);
    if let Some(conditions) = sent.get("conditions") {
        trigger.conditions = serde_json::from_value::<Conditions>(conditions.clone())
            .map_err(|_| Refusal::invalid_attribute("conditions", "It must have the lists all and any"))?;
    }
    if let Some(actions) = sent.get("actions") {
        trigger.actions = serde_json::from_value::<Vec<Action>>(actions.clone())
            .map_err(|_| Refusal::invalid_attribute("actions", "It must be an array of fields with values"))?;
    }
    trigger.updated = Timestamp::now();
    Ok(trigger)
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.trigger(call.id(0)?)?.id;
    account.triggers.retain(|trigger| trigger.id != id);
    Answer::nothing()
}
