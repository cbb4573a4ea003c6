//! What tests do instead of clicking, and the overview.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use integration_sandboxkit::{random, rules, table};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::oauth::{consent, scopes};
use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::{Actor, HouseRules};
use super::super::world::change::{Change, NewComment, tag};
use super::super::world::clients::{CLIENT_ID, Client};
use super::super::world::people::UserChange;
use super::super::world::tokens::Lifetime;
use super::super::world::words::{Channel, Role, Status};
use super::{answer, first};

/// Of a refresh token that nobody asked more of.
const REFRESH_SECONDS: i64 = 30 * 24 * 60 * 60;

pub(in super::super) async fn overview(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    let accounts: Value = world
        .accounts
        .values()
        .map(|account| {
            let at = &account.at;
            let users: Value = account.users.values().map(|user| shapes::people::user(user, at)).collect();
            let tickets: Value =
                account.live_tickets().map(|ticket| shapes::ticket::ticket(account, ticket, at)).collect();
            let clients: Value = account.clients.iter().map(|client| shapes::oauth::client(client, true)).collect();
            json!({
                "id": account.id,
                "subdomain": account.subdomain,
                "at": at,
                "api": format!("{at}/api/v2"),
                "authorize": format!("{at}/oauth/authorizations/new"),
                "users": users,
                "tickets": tickets,
                "clients": clients,
                "api_tokens": account.api_tokens,
            })
        })
        .collect();
    let effects = [rules::effects(), table(include_str!("rules.rs"))].concat();
    Json(json!({
        "what": "Zendesk sandbox: a stand-in inside Patchbay",
        "web": world.at,
        "accounts": accounts,
        "control": table(include_str!("mod.rs")),
        "effects_of_rules": effects,
        "effects_of_deliveries": table(include_str!("mail.rs")),
    }))
}

#[derive(Deserialize)]
pub(super) struct Authorize {
    /// An id, an e-mail address or the first part of one.
    user: String,
    url: String,
    #[serde(default)]
    decision: Decision,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Decision {
    #[default]
    Allow,
    Deny,
}

pub(super) async fn authorize(State(sandbox): State<Sandbox>, Json(ask): Json<Authorize>) -> Response {
    let agreed = ask.decision == Decision::Allow;
    let redirect = sandbox.change(|world| consent::decide_for(world, &ask.user, &ask.url, agreed));
    answer(redirect.map(|url| json!({"redirect": url})))
}

#[derive(Deserialize)]
pub(super) struct Issue {
    #[serde(default = "first")]
    account: String,
    user: String,
    #[serde(default = "everything")]
    scopes: String,
    expires_in: Option<i64>,
}

fn everything() -> String {
    "read write".to_owned()
}

pub(super) async fn issue_token(State(sandbox): State<Sandbox>, Json(ask): Json<Issue>) -> Response {
    answer(sandbox.change(|world| {
        let account = world.account_mut(&ask.account)?;
        let user = account.find_user(&ask.user)?.id;
        let client = account.client(CLIENT_ID).ok_or_else(Refusal::not_found)?.id;
        let life = ask.expires_in.map(|access| Lifetime { access, refresh: REFRESH_SECONDS });
        let token = account.issue_token(client, user, scopes::split(&ask.scopes), life);
        let refresh = token.refresh.map(|it| it.value);
        Ok(json!({"access_token": token.value, "refresh_token": refresh, "user_id": user, "id": token.id}))
    }))
}

#[derive(Deserialize)]
pub(super) struct EndTokens {
    #[serde(default = "first")]
    account: String,
    how: Ending,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ending {
    Revoked,
    Expired,
}

pub(super) async fn end_tokens(State(sandbox): State<Sandbox>, Json(ask): Json<EndTokens>) -> Response {
    answer(sandbox.change(|world| {
        let tokens = &mut world.account_mut(&ask.account)?.tokens.list;
        let ended = tokens.len();
        match ask.how {
            Ending::Revoked => tokens.clear(),
            // A refresh still helps.
            Ending::Expired => tokens.iter_mut().for_each(|token| token.expires = Some(Timestamp::now())),
        }
        Ok(json!({"ended": ended}))
    }))
}

pub(super) async fn expire_codes(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.world().accounts.values_mut().for_each(|account| account.tokens.expire_codes());
    Json(json!({"expired": true}))
}

pub(super) async fn expire_idempotency(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.world().accounts.values_mut().for_each(|account| account.forget_idempotent());
    Json(json!({"expired": true}))
}

pub(super) async fn clients(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    let of = |account: &super::super::world::account::Account| {
        account.clients.iter().map(|client| shapes::oauth::client(client, true)).collect::<Value>()
    };
    Json(Value::Object(world.accounts.values().map(|account| (account.subdomain.clone(), of(account))).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeClient {
    #[serde(default = "first")]
    account: String,
    #[serde(default = "of_the_product")]
    identifier: String,
    redirect_uris: Option<Vec<String>>,
    public: Option<bool>,
    expiring: Option<bool>,
}

fn of_the_product() -> String {
    CLIENT_ID.to_owned()
}

pub(super) async fn change_client(State(sandbox): State<Sandbox>, Json(ask): Json<ChangeClient>) -> Response {
    answer(sandbox.change(|world| {
        let account = world.account_mut(&ask.account)?;
        if account.client(&ask.identifier).is_none() {
            let client = Client {
                id: account.new_id(),
                name: ask.identifier.clone(),
                identifier: ask.identifier.clone(),
                secret: random::hex(64),
                redirect_uris: Vec::new(),
                public: false,
                global: false,
                expiring: true,
                created: Timestamp::now(),
            };
            account.add_client(client)?;
        }
        let client =
            account.clients.iter_mut().find(|it| it.identifier == ask.identifier).ok_or_else(Refusal::not_found)?;
        client.redirect_uris = ask.redirect_uris.unwrap_or_else(|| client.redirect_uris.clone());
        client.public = ask.public.unwrap_or(client.public);
        client.expiring = ask.expiring.unwrap_or(client.expiring);
        Ok(shapes::oauth::client(client, true))
    }))
}

pub(super) async fn house_rules(State(sandbox): State<Sandbox>, Path(subdomain): Path<String>) -> Response {
    answer(sandbox.world().account(&subdomain).map(|account| json!(account.house)))
}

pub(super) async fn set_house_rules(
    State(sandbox): State<Sandbox>,
    Path(subdomain): Path<String>,
    Json(house): Json<HouseRules>,
) -> Response {
    answer(sandbox.change(|world| {
        world.account_mut(&subdomain)?.house = house.clone();
        Ok(json!(house))
    }))
}

#[derive(Deserialize)]
pub(super) struct NewPerson {
    #[serde(default = "first")]
    account: String,
    name: String,
    email: String,
    role: Option<String>,
}

pub(super) async fn add_person(State(sandbox): State<Sandbox>, Json(new): Json<NewPerson>) -> Response {
    answer(sandbox.change(|world| {
        let role = new.role.as_deref().and_then(Role::read);
        let change = UserChange { name: Some(new.name), email: Some(new.email), role, ..UserChange::default() };
        let id = world.account_mut(&new.account)?.create_user(change)?;
        Ok(json!({"id": id}))
    }))
}

#[derive(Deserialize)]
pub(super) struct NewTicket {
    #[serde(default = "first")]
    account: String,
    user: String,
    subject: String,
    body: String,
}

pub(super) async fn write_ticket(State(sandbox): State<Sandbox>, Json(new): Json<NewTicket>) -> Response {
    answer(sandbox.change(|world| {
        let account = world.account_mut(&new.account)?;
        let actor = Actor { user: account.find_user(&new.user)?.id, channel: Channel::Web };
        let comment = NewComment { body: Some(new.body), ..NewComment::default() };
        let change = Change { subject: Some(new.subject), comment: Some(comment), ..Change::default() };
        Ok(json!({"id": account.create_ticket(actor, change)?}))
    }))
}

pub(super) async fn ticket(State(sandbox): State<Sandbox>, Path((subdomain, id)): Path<(String, u64)>) -> Response {
    let world = sandbox.world();
    answer(world.account(&subdomain).and_then(|account| {
        let ticket = account.ticket(id)?;
        let comments: Value =
            ticket.comments.iter().map(|comment| shapes::ticket::comment(account, comment, &account.at)).collect();
        Ok(json!({"ticket": shapes::ticket::ticket(account, ticket, &account.at), "comments": comments}))
    }))
}

#[derive(Deserialize)]
pub(super) struct Say {
    #[serde(default = "first")]
    account: String,
    user: String,
    ticket: u64,
    body: Option<String>,
    public: Option<bool>,
    status: Option<String>,
    tags: Option<Vec<String>>,
}

pub(super) async fn say(State(sandbox): State<Sandbox>, Json(ask): Json<Say>) -> Response {
    answer(sandbox.change(|world| {
        let account = world.account_mut(&ask.account)?;
        let user = account.find_user(&ask.user)?;
        let actor = Actor { user: user.id, channel: Channel::Web };
        let status = ask.status.as_deref().map(|it| Status::read(it).ok_or_else(|| Refusal::invalid("status", it)));
        let status = status.transpose()?;
        // As on the page: who solves a ticket that is nobody's takes it.
        let nobodys = account.ticket(ask.ticket)?.fields.assignee.is_none();
        let takes = status == Some(Status::Solved) && nobodys && user.role.is_staff();
        let change = Change {
            status,
            assignee: takes.then_some(Some(actor.user)),
            tags: ask.tags.map(|tags| tags.iter().map(|it| tag(it)).collect()),
            comment: ask.body.map(|body| NewComment { body: Some(body), public: ask.public, ..NewComment::default() }),
            ..Change::default()
        };
        account.update_ticket(actor, ask.ticket, change)?;
        let comment = account.ticket(ask.ticket)?.comments.last().map(|comment| comment.id);
        Ok(json!({"comment": comment}))
    }))
}

pub(super) async fn index(State(sandbox): State<Sandbox>) -> Json<Value> {
    for account in sandbox.world().accounts.values_mut() {
        for state in account.tickets.values_mut().flat_map(|ticket| &mut ticket.indexed) {
            state.at = Timestamp::MIN;
        }
    }
    Json(json!({"indexed": true}))
}
