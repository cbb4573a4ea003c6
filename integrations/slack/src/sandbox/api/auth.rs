//! `auth.*`, `apps.uninstall` and `api.test`.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::tokens::Token;
use super::call::Call;

type Fields = Map<String, Value>;

/// Says back what it was sent.
pub(super) fn api_test(_: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let args: Map<String, Value> = call.args.clone();
    match call.optional("error") {
        Some(error) => Err(Refusal::new(error).with("args", json!(args))),
        None if args.is_empty() => Ok(Map::new()),
        None => Ok(Map::from_iter([("args".into(), json!(args))])),
    }
}

/// <https://docs.slack.dev/reference/methods/auth.test>
pub(super) fn test(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let caller = call.caller()?;
    let user = world.user(&caller.user)?;
    let team = caller.teams.first().cloned().unwrap_or_default();
    let workspace = world.workspace(&team)?;
    let mut answer = json!({
        "url": world.workspace_url(&team),
        "team": workspace.name,
        "user": user.name,
        "team_id": workspace.id,
        "user_id": user.id,
        "is_enterprise_install": caller.enterprise,
    });
    if let Some(bot) = &user.bot {
        answer["bot_id"] = json!(bot.id);
    }
    if let Some(enterprise) = &world.enterprise {
        answer["enterprise_id"] = json!(enterprise.id);
        if caller.enterprise {
            answer["team_id"] = json!(enterprise.id);
            answer["team"] = json!(enterprise.name);
        }
    }
    if let Some(seconds) = world.tokens.get(&caller.token).and_then(seconds_left) {
        answer["expires_in"] = json!(seconds);
    }
    Ok(answer.as_object().cloned().unwrap_or_default())
}

fn seconds_left(token: &Token) -> Option<i64> {
    Some(token.expires?.as_second() - super::super::world::now())
}

/// <https://docs.slack.dev/reference/methods/auth.revoke>
pub(super) fn revoke(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let caller = call.caller()?.clone();
    if call.flag("test") {
        return Ok(Map::from_iter([("revoked".into(), json!(false))]));
    }
    let installation = world.installations.iter().find(|it| it.app == caller.app && it.teams == caller.teams).cloned();
    let rotating = world.tokens.get(&caller.token).is_some_and(|token| token.expires.is_some());
    let holder = world.tokens.end_one(&caller.token);
    if let (Some(installation), Some(holder)) = (installation, holder) {
        // Seen in the wild: with token rotation an app hears nothing of what it revokes itself.
        if rotating {
            world.close_silently(&installation, &holder);
        } else {
            world.close(&installation, &[holder]);
        }
    }
    Ok(Map::from_iter([("revoked".into(), json!(true))]))
}

/// <https://docs.slack.dev/reference/methods/apps.uninstall>
pub(super) fn uninstall(world: &mut World, call: &Call) -> Result<Fields, Refusal> {
    let caller = call.caller()?.clone();
    let (client_id, secret) = (call.text("client_id"), call.text("client_secret"));
    let app = world.app_of_client(&client_id).ok_or_else(|| Refusal::new("invalid_client_id"))?;
    if app.client_secret != secret {
        return Err(Refusal::new("bad_client_secret"));
    }
    if app.id != caller.app {
        return Err(Refusal::new("client_id_token_mismatch"));
    }
    if caller.is_bot && !world.control.strictness.bots_may_uninstall {
        return Err(Refusal::new("no_permission"));
    }
    let team = caller.teams.first().cloned().unwrap_or_default();
    world.uninstall(&caller.app, &team).map(|()| Map::new())
}
