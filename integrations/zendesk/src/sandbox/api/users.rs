//! Users. <https://developer.zendesk.com/api-reference/ticketing/users/users/>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::people::User;
use super::super::world::stamp;
use super::super::world::words::Role;
use super::call::{Answer, Call};
use super::{paging, reading};

/// Also nobody gets an answer, with no id in it.
pub(super) fn me(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let user = match &call.caller {
        Some(caller) => shapes::people::user(account.user(caller.user)?, &call.base),
        None => shapes::people::nobody(&call.base),
    };
    Answer::ok(json!({"user": user}))
}

pub(super) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let roles: Vec<&str> = call.query.all("role").chain(call.query.all("role[]")).collect();
    page(account, call, |user| roles.is_empty() || roles.contains(&user.role.word()))
}

pub(super) fn count(account: &mut Account, _: &Call) -> Result<Answer, Refusal> {
    let count = account.users.values().filter(|user| user.active).count();
    Answer::ok(json!({"count": {"value": count, "refreshed_at": stamp(Timestamp::now())}}))
}

/// By the beginning of a name, an e-mail address, or an external id. Reads the database: it never lags.
pub(super) fn search(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    if let Some(external) = call.query.text("external_id") {
        return page(account, call, |user| user.external_id.as_ref() == Some(&external));
    }
    let Some(query) = call.query.text("query").map(|query| query.to_lowercase()) else {
        return Err(Refusal::invalid_attribute("query", "It must not be blank"));
    };
    let query = query.trim_start_matches("email:").trim_matches('"').to_owned();
    page(account, call, |user| {
        let email = user.email.as_deref().unwrap_or_default().to_lowercase();
        email == query
            || user.name.to_lowercase().split(' ').any(|word| word.starts_with(&query))
            || user.name.to_lowercase().starts_with(&query)
    })
}

pub(super) fn show_many(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let external = call.query.list("external_ids");
    if external.is_empty() {
        let ids = call.ids()?;
        return page(account, call, |user| ids.contains(&user.id));
    }
    page(account, call, |user| user.external_id.as_ref().is_some_and(|id| external.contains(id)))
}

fn page(account: &Account, call: &Call, fits: impl Fn(&User) -> bool) -> Result<Answer, Refusal> {
    let found = account.users.values().filter(|user| user.active && fits(user));
    let all = found.map(|user| shapes::people::user(user, &call.base)).collect();
    Answer::ok(paging::page(call, "users", all)?)
}

pub(super) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(shown(account, call, call.id(0)?)?)
}

fn shown(account: &Account, call: &Call, id: u64) -> Result<Value, Refusal> {
    let user = account.user(id)?;
    let mut body = json!({"user": shapes::people::user(user, &call.base)});
    if call.wants("organizations") {
        let found = user.organization.and_then(|id| account.organization(id).ok());
        body["organizations"] = found.into_iter().map(|it| shapes::people::organization(it, &call.base)).collect();
    }
    Ok(body)
}

pub(super) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let sent = call.object("user")?;
    let change = reading::user(sent)?;
    staff_only(call, change.role)?;
    let id = account.create_user(change)?;
    Answer::created(shown(account, call, id)?)
}

pub(super) fn update(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = call.id(0)?;
    let change = reading::user(call.object("user")?)?;
    staff_only(call, change.role)?;
    account.update_user(id, change)?;
    Answer::ok(shown(account, call, id)?)
}

/// The same person is known by e-mail address, else by external id.
pub(super) fn create_or_update(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let change = reading::user(call.object("user")?)?;
    staff_only(call, change.role)?;
    let by_email = change.email.as_deref().and_then(|email| account.user_by_email(email));
    let external = change.external_id.clone().flatten();
    let by_external =
        || account.users.values().find(|user| user.active && external.is_some() && user.external_id == external);
    let Some(id) = by_email.or_else(by_external).map(|user| user.id) else {
        let id = account.create_user(change)?;
        return Answer::created(shown(account, call, id)?);
    };
    account.update_user(id, change)?;
    Answer::ok(shown(account, call, id)?)
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = call.id(0)?;
    account.delete_user(id)?;
    let user = account.users.get(&id).ok_or_else(Refusal::not_found)?;
    Answer::ok(json!({"user": shapes::people::user(user, &call.base)}))
}

/// Only admins make agents and admins.
fn staff_only(call: &Call, role: Option<Role>) -> Result<(), Refusal> {
    let admin = call.caller()?.role == Role::Admin;
    if admin || !role.is_some_and(Role::is_staff) { Ok(()) } else { Err(Refusal::forbidden()) }
}
