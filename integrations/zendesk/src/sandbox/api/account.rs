//! What an account has besides: groups, organizations, custom statuses, jobs.

use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::call::{Answer, Call};
use super::paging;

pub(super) fn groups(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let all: Vec<Value> = account.groups.iter().map(|group| shapes::people::group(group, &call.base)).collect();
    Answer::ok(paging::page(call, "groups", all)?)
}

pub(super) fn group(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(json!({"group": shapes::people::group(account.group(call.id(0)?)?, &call.base)}))
}

pub(super) fn organizations(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let all = account.organizations.iter().map(|it| shapes::people::organization(it, &call.base)).collect();
    Answer::ok(paging::page(call, "organizations", all)?)
}

pub(super) fn organization(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let organization = account.organization(call.id(0)?)?;
    Answer::ok(json!({"organization": shapes::people::organization(organization, &call.base)}))
}

pub(super) fn statuses(account: &mut Account, _: &Call) -> Result<Answer, Refusal> {
    Answer::ok(json!({"custom_statuses": account.statuses.iter().map(shapes::people::status).collect::<Value>()}))
}

pub(super) fn status(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let status = account.status(call.id(0)?).ok_or_else(Refusal::not_found)?;
    Answer::ok(json!({"custom_status": shapes::people::status(status)}))
}

pub(super) fn job(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let job = account.jobs.get(call.param(0)).ok_or_else(Refusal::not_found)?;
    Answer::ok(json!({"job_status": job}))
}
