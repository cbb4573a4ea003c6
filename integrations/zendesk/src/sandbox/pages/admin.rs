//! For admins: webhooks with their invocations, triggers, OAuth clients.

use askama::Template;
use axum::response::Response;

use super::super::hooks::invocation::{Invocation, State};
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::clients::is_redirect;
use super::super::world::triggers::Trigger;
use super::super::world::words::Role;
use super::{Page, Visit, see, show};

struct HookRow {
    id: String,
    name: String,
    endpoint: String,
    active: bool,
    subscriptions: Vec<String>,
}

struct TriggerRow {
    title: String,
    active: bool,
    conditions: String,
    actions: String,
}

struct ClientRow {
    id: u64,
    name: String,
    identifier: String,
    secret: String,
    redirect_uris: Vec<String>,
    global: bool,
    expiring: bool,
    tokens: usize,
}

#[derive(Template)]
#[template(path = "sandbox/admin.html")]
struct AdminPage {
    page: Page,
    here: String,
    account: String,
    hooks: Vec<HookRow>,
    triggers: Vec<TriggerRow>,
    clients: Vec<ClientRow>,
    api_tokens: Vec<String>,
}

struct AttemptRow {
    at: String,
    status: u16,
    ms: u128,
    headers: Vec<(String, String)>,
    body: String,
    answer: String,
}

struct InvocationRow {
    id: String,
    about: String,
    status: &'static str,
    good: bool,
    at: String,
    attempts: Vec<AttemptRow>,
}

#[derive(Template)]
#[template(path = "sandbox/webhook.html")]
struct WebhookPage {
    page: Page,
    here: String,
    admin: String,
    id: String,
    name: String,
    endpoint: String,
    method: String,
    secret: String,
    subscriptions: Vec<String>,
    waiting: usize,
    invocations: Vec<InvocationRow>,
}

pub(super) fn overview(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.person(world, |role| role == Role::Admin)?;
    let account = visit.account(world)?;
    let hooks = account.webhooks.iter().map(|hook| HookRow {
        id: hook.id.clone(),
        name: hook.name.clone(),
        endpoint: hook.endpoint.clone(),
        active: hook.active,
        subscriptions: hook.subscriptions.clone(),
    });
    let clients = account.clients.iter().map(|client| ClientRow {
        id: client.id,
        name: client.name.clone(),
        identifier: client.identifier.clone(),
        secret: client.secret.clone(),
        redirect_uris: client.redirect_uris.clone(),
        global: client.global,
        expiring: client.expiring,
        tokens: account.tokens.list.iter().filter(|token| token.client == client.id).count(),
    });
    Ok(show(&AdminPage {
        page: Page::new(world, &visit.visitor, &format!("Admin Center of {}", account.name)),
        here: format!("{}/admin", account.at),
        account: account.name.clone(),
        hooks: hooks.collect(),
        triggers: account.triggers.iter().map(trigger).collect(),
        clients: clients.collect(),
        api_tokens: account.api_tokens.clone(),
    }))
}

fn trigger(trigger: &Trigger) -> TriggerRow {
    let condition = |list: &[super::super::world::conditions::Condition]| {
        list.iter().map(|it| format!("{} {} {}", it.field, it.operator, it.value)).collect::<Vec<_>>()
    };
    let all = condition(&trigger.conditions.all).join(" and ");
    let any = condition(&trigger.conditions.any).join(" or ");
    let conditions = [all, any].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", and any of: ");
    let actions = trigger.actions.iter().map(|it| format!("{}: {}", it.field, it.value)).collect::<Vec<_>>();
    TriggerRow { title: trigger.title.clone(), active: trigger.active, conditions, actions: actions.join("; ") }
}

pub(super) fn change_client(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.person(world, |role| role == Role::Admin)?;
    let id = visit.number("client")?;
    let uris = visit.fields.list("redirect_uris");
    if !uris.iter().all(|uri| is_redirect(uri)) {
        return Err(Refusal::invalid("redirect_uri", "Redirect uri: must be an absolute https address"));
    }
    let account = world.account_mut(visit.param("subdomain"))?;
    let client = account.clients.iter_mut().find(|client| client.id == id).ok_or_else(Refusal::not_found)?;
    client.redirect_uris = uris;
    client.expiring = visit.fields.get("expiring").is_some();
    Ok(see(world, &format!("/{}/admin", visit.param("subdomain"))))
}

pub(super) fn webhook(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    visit.person(world, |role| role == Role::Admin)?;
    let account = visit.account(world)?;
    let hook = account.webhook(visit.param("webhook"))?;
    Ok(show(&WebhookPage {
        page: Page::new(world, &visit.visitor, &hook.name),
        here: format!("{}/admin/webhooks/{}", account.at, hook.id),
        admin: format!("{}/admin", account.at),
        id: hook.id.clone(),
        name: hook.name.clone(),
        endpoint: hook.endpoint.clone(),
        method: hook.method.clone(),
        secret: hook.secret.clone(),
        subscriptions: hook.subscriptions.clone(),
        waiting: account.post.waiting(),
        invocations: account.post.invocations(&hook.id).take(100).map(invocation).collect(),
    }))
}

fn invocation(it: &Invocation) -> InvocationRow {
    let attempts = it.attempts.iter().map(|attempt| {
        let outcome = &attempt.outcome;
        AttemptRow {
            at: outcome.at.strftime("%H:%M:%S").to_string(),
            status: outcome.status,
            ms: outcome.ms,
            headers: outcome.request_headers.clone(),
            body: outcome.request_body.clone(),
            answer: outcome.answer.clone(),
        }
    });
    InvocationRow {
        id: it.id.clone(),
        about: it.label.clone(),
        status: it.status.word(),
        good: it.status == State::Success,
        at: it.created.strftime("%H:%M:%S").to_string(),
        attempts: attempts.collect(),
    }
}
