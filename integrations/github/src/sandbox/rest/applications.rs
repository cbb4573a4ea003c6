//! What an app may do about tokens it holds. <https://docs.github.com/rest/apps/oauth-applications>

use axum::http::StatusCode;
use axum::routing::MethodRouter;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::apps::Token;
use super::super::world::{World, iso};
use super::answer::Answer;
use super::call::{Call, basic};
use super::serve::{delete, patch, post};

pub(super) fn token() -> MethodRouter<Sandbox> {
    post(check_token).merge(patch(reset_token)).merge(delete(delete_token))
}

fn check_token(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    authenticate(world, call)?;
    let token = find(world, call)?.ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(show(world, &token)))
}

fn reset_token(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    authenticate(world, call)?;
    let token = find(world, call)?.ok_or_else(Refusal::not_found)?;
    world.registrations.tokens.retain(|it| it.id != token.id);
    let fresh = world.registrations.issue_token(token.account, call.param("client_id"), token.scopes);
    Ok(Answer::ok(show(world, &fresh)))
}

fn delete_token(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    authenticate(world, call)?;
    let token = find(world, call)?.ok_or_else(invalid)?;
    world.registrations.tokens.retain(|it| it.id != token.id);
    Ok(Answer::nothing())
}

/// Takes the user's whole permission back, all tokens with it.
pub(super) fn delete_grant(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    authenticate(world, call)?;
    let token = find(world, call)?.ok_or_else(invalid)?;
    world.registrations.revoke_grant(token.account, call.param("client_id"));
    Ok(Answer::nothing())
}

/// Anyone may report tokens they found; nobody learns which were real.
pub(super) fn revoke_credentials(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let found = call.texts("credentials")?.filter(|list| (1..=1000).contains(&list.len()));
    let found = found.ok_or_else(|| Refusal::schema("\"credentials\" wasn't supplied."))?;
    world.registrations.tokens.retain(|token| !found.contains(&token.value));
    Ok(Answer::accepted(json!({})))
}

fn authenticate(world: &World, call: &Call) -> Result<(), Refusal> {
    let (id, secret) = basic(&call.headers).ok_or_else(Refusal::not_found)?;
    let known = world.registrations.app(&id).is_some_and(|app| app.client_secret == secret);
    match known && id == call.param("client_id") {
        true => Ok(()),
        false if known => Err(Refusal::not_found()),
        false => Err(Refusal::new(StatusCode::UNAUTHORIZED, "Bad credentials")),
    }
}

/// The app's own token that the body names.
fn find(world: &World, call: &Call) -> Result<Option<Token>, Refusal> {
    let value = call.text("access_token")?;
    let value = value.ok_or_else(|| Refusal::schema("\"access_token\" wasn't supplied."))?;
    let token = world.registrations.token(&value);
    Ok(token.filter(|token| token.client_id.as_deref() == Some(call.param("client_id"))).cloned())
}

fn invalid() -> Refusal {
    Refusal::invalid("AccessToken", "access_token", "invalid")
}

fn show(world: &World, token: &Token) -> Value {
    let app = token.client_id.as_deref().and_then(|id| world.registrations.app(id));
    json!({
        "id": token.id,
        "url": format!("{}/authorizations/{}", world.api(), token.id),
        "scopes": token.scopes,
        "token": token.value,
        "token_last_eight": &token.value[token.value.len() - 8..],
        "hashed_token": hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.value.as_bytes())),
        "app": app.map(|app| json!({"client_id": app.client_id, "name": app.name, "url": app.callback})),
        "note": token.note,
        "note_url": null,
        "fingerprint": null,
        "expires_at": null,
        "created_at": iso(token.created),
        "updated_at": iso(token.created),
        "user": shapes::people::user(world, token.account),
    })
}
