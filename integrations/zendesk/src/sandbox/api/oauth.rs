//! OAuth tokens and clients, as records.
//! <https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/>

use integration_sandboxkit::random;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::account::Account;
use super::super::world::clients::Client;
use super::super::world::tokens::Token;
use super::super::world::words::Role;
use super::call::{Answer, Call};
use super::{paging, reading};

pub(super) fn current(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let token = own(account, call)?;
    Answer::ok(json!({"token": shapes::oauth::token(token, &call.base)}))
}

/// Access and refresh token are both over.
pub(super) fn revoke_current(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = own(account, call)?.id;
    account.tokens.list.retain(|token| token.id != id);
    Answer::nothing()
}

fn own<'a>(account: &'a Account, call: &Call) -> Result<&'a Token, Refusal> {
    let id = call.caller()?.token;
    account.tokens.list.iter().find(|token| Some(token.id) == id).ok_or_else(Refusal::not_found)
}

/// One's own; an admin's are all.
fn mine(call: &Call) -> Result<impl Fn(&Token) -> bool + use<>, Refusal> {
    let caller = call.caller()?.clone();
    Ok(move |token: &Token| caller.role == Role::Admin || token.user == caller.user)
}

pub(super) fn tokens(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let mine = mine(call)?;
    let found = account.tokens.list.iter().filter(|token| mine(token));
    let all = found.map(|token| shapes::oauth::token(token, &call.base)).collect();
    Answer::ok(paging::page(call, "tokens", all)?)
}

pub(super) fn token(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (id, mine) = (call.id(0)?, mine(call)?);
    let token =
        account.tokens.list.iter().find(|token| token.id == id && mine(token)).ok_or_else(Refusal::not_found)?;
    Answer::ok(json!({"token": shapes::oauth::token(token, &call.base)}))
}

pub(super) fn revoke(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (id, mine) = (call.id(0)?, mine(call)?);
    let position = account.tokens.list.iter().position(|token| token.id == id && mine(token));
    account.tokens.list.remove(position.ok_or_else(Refusal::not_found)?);
    Answer::nothing()
}

/// A token without anybody's consent; here, and only here, scopes are an array.
pub(super) fn create_token(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let sent = call.object("token")?;
    let client = reading::number(sent, "client_id").unwrap_or_default();
    let client = account.client_by_id(client).map_err(|_| Refusal::invalid("client_id", "Client: is invalid"))?.id;
    let scopes = sent["scopes"].as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned));
    let token = account.issue_token(client, call.caller()?.user, scopes.collect(), None);
    let mut shown = shapes::oauth::token(&token, &call.base);
    shown["full_token"] = json!(token.value);
    Answer::created(json!({"token": shown}))
}

pub(super) fn clients(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let all: Vec<Value> = account.clients.iter().map(|client| shapes::oauth::client(client, false)).collect();
    Answer::ok(paging::page(call, "clients", all)?)
}

pub(super) fn client(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::ok(json!({"client": shapes::oauth::client(account.client_by_id(call.id(0)?)?, false)}))
}

pub(super) fn create_client(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let sent = call.object("client")?;
    let uris = match &sent["redirect_uri"] {
        Value::Array(list) => list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect(),
        other => other.as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
    };
    let client = Client {
        id: account.new_id(),
        name: reading::text(sent, "name").unwrap_or_default(),
        identifier: reading::text(sent, "identifier").unwrap_or_default(),
        secret: random::hex(64),
        redirect_uris: uris,
        public: sent["kind"] == "public",
        global: false,
        expiring: true,
        created: Timestamp::now(),
    };
    let id = account.add_client(client)?;
    Answer::created(json!({"client": shapes::oauth::client(account.client_by_id(id)?, true)}))
}

/// Its tokens go with it. The global one is not the account's to delete.
pub(super) fn delete_client(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let client = account.client_by_id(call.id(0)?)?;
    if client.global {
        return Err(Refusal::forbidden());
    }
    let id = client.id;
    account.clients.retain(|client| client.id != id);
    account.tokens.list.retain(|token| token.client != id);
    Answer::nothing()
}
