//! OAuth clients and tokens.

use serde_json::{Value, json};

use super::super::world::clients::Client;
use super::super::world::stamp;
use super::super::world::tokens::Token;

/// The secret is shown in full only once, to whoever made it.
pub(in super::super) fn client(client: &Client, whole: bool) -> Value {
    let secret = if whole { client.secret.clone() } else { client.secret.chars().take(10).collect() };
    json!({
        "id": client.id,
        "name": client.name,
        "identifier": client.identifier,
        "kind": if client.public { "public" } else { "confidential" },
        "global": client.global,
        "redirect_uri": client.redirect_uris,
        "secret": secret,
        "expiring": client.expiring,
        "created_at": stamp(client.created),
        "updated_at": stamp(client.created),
    })
}

/// Of the token itself, the beginning.
pub(in super::super) fn token(token: &Token, at: &str) -> Value {
    let beginning = |value: &str| value.chars().take(10).collect::<String>();
    json!({
        "id": token.id,
        "url": format!("{at}/api/v2/oauth/tokens/{}.json", token.id),
        "client_id": token.client,
        "user_id": token.user,
        "scopes": token.scopes,
        "token": beginning(&token.value),
        "refresh_token": token.refresh.as_ref().map(|it| beginning(&it.value)),
        "expires_at": token.expires.map(stamp),
        "refresh_token_expires_at": token.refresh.as_ref().map(|it| stamp(it.expires)),
        "created_at": stamp(token.created),
    })
}
