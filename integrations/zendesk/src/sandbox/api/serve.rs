//! What every call goes through: find out who it is, count it, check role and scopes, do it, dress the answer.
//! <https://developer.zendesk.com/api-reference/introduction/security-and-auth/>

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use integration_sandboxkit::fields::Fields;
use integration_sandboxkit::random;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::control::Strictness;
use super::super::host::Base;
use super::super::oauth::scopes;
use super::super::refusal::Refusal;
use super::super::world::account::Account;
use super::super::world::words::Role;
use super::call::{Answer, Call, Caller, Content, basic};
use super::{ROUTES, Route, Who};

pub(in super::super) async fn serve(
    State(sandbox): State<Sandbox>,
    Path((subdomain, path)): Path<(String, String)>,
    base: Option<Extension<Base>>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // A published client writes one slash too many before `webhooks/test`.
    let path = path.trim_matches('/').trim_end_matches(".json").to_owned();
    let steps: Vec<&str> = path.split('/').collect();
    let found = ROUTES.iter().find_map(|route| Some((route, route.fits(method.as_str(), &steps)?)));
    let mut limits = Vec::new();
    let answer = sandbox.change(|world| {
        let strict = world.control.strictness.clone();
        let account = world.account_mut(&subdomain)?;
        let mut call = Call {
            base: base.map_or_else(|| account.at.clone(), |Extension(Base(base))| base),
            path: path.clone(),
            params: Vec::new(),
            query: Fields::parse(query.unwrap_or_default().as_bytes()),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            bytes: body,
            headers,
            caller: None,
            strict,
        };
        let counted = account.usage.count();
        limits = account.usage.headers();
        counted?;
        let (route, params) = found.ok_or_else(Refusal::no_such_endpoint)?;
        call.params = params;
        call.caller = identify(account, &call.headers, route, &call.strict)?;
        impersonate(account, &mut call)?;
        allow(&call, route, method.as_str())?;
        account.usage.count_endpoint(route.method, route.path, &call.params, call.caller.as_ref().map(|it| it.user))?;
        (route.room)(account, &call)
    });
    let answer = match answer {
        Ok(Answer { content: Content::Of(parcel), headers, .. }) => {
            let patience = sandbox.world().control.strictness.patience();
            let outcome = parcel.send(&sandbox.http, patience).await;
            let pairs: Value =
                outcome.answer_headers.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
            let body = json!({"response": {"status": outcome.status, "headers": pairs, "payload": outcome.answer}});
            Ok(Answer { status: 200, content: Content::Json(body), headers })
        }
        other => other,
    };
    dress(answer, limits)
}

/// Whose call it is. Without any sign of a person it is nobody's; with a wrong one it is refused.
fn identify(
    account: &Account,
    headers: &HeaderMap,
    route: &Route,
    strict: &Strictness,
) -> Result<Option<Caller>, Refusal> {
    let forgiving = route.path == "users/me" && strict.me_forgives_bad_tokens;
    let Some(sent) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    if let Some(value) = sent.strip_prefix("Bearer ") {
        let token = account.tokens.get(value.trim()).filter(|token| !token.is_over());
        let user = token.and_then(|token| account.user(token.user).ok()).filter(|user| !user.suspended);
        return match (token, user) {
            (Some(token), Some(user)) => Ok(Some(Caller {
                user: user.id,
                role: user.role,
                scopes: Some(token.scopes.clone()),
                token: Some(token.id),
            })),
            _ if forgiving => Ok(None),
            _ => Err(Refusal::invalid_token()),
        };
    }
    // Passwords are no longer taken: only `{email}/token` with an API token.
    let user = basic(headers).and_then(|(name, secret)| {
        let email = name.strip_suffix("/token")?.to_owned();
        account.api_tokens.contains(&secret).then(|| account.user_by_email(&email))?
    });
    let user = user.filter(|user| !user.suspended).ok_or_else(Refusal::unauthenticated)?;
    Ok(Some(Caller { user: user.id, role: user.role, scopes: None, token: None }))
}

/// An admin may act as somebody else: <https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/>
fn impersonate(account: &Account, call: &mut Call) -> Result<(), Refusal> {
    let (Some(name), Some(caller)) = (call.header("x-on-behalf-of"), call.caller.as_ref()) else { return Ok(()) };
    let may = caller.role == Role::Admin
        && caller.scopes.as_ref().is_some_and(|scopes| scopes.iter().any(|scope| scope == "impersonate"));
    let user = account.user_by_email(name).filter(|_| may).ok_or_else(Refusal::forbidden)?;
    let (id, role) = (user.id, user.role);
    if let Some(caller) = &mut call.caller {
        (caller.user, caller.role) = (id, role);
    }
    Ok(())
}

fn allow(call: &Call, route: &Route, method: &str) -> Result<(), Refusal> {
    let Some(caller) = &call.caller else {
        return if route.who == Who::Anyone { Ok(()) } else { Err(Refusal::unauthenticated()) };
    };
    let how = if method == "GET" { "read" } else { "write" };
    if let Some(held) = caller.scopes.as_ref().filter(|_| !route.resource.is_empty())
        && !scopes::allows(held, route.resource, how)
    {
        return Err(Refusal::missing_scopes(how));
    }
    let high_enough = match route.who {
        Who::Anyone | Who::User => true,
        Who::Agent => caller.role.is_staff(),
        Who::Admin => caller.role == Role::Admin,
    };
    if high_enough { Ok(()) } else { Err(Refusal::forbidden()) }
}

fn dress(answer: Result<Answer, Refusal>, limits: Vec<(&'static str, String)>) -> Response {
    let (mut response, more) = match answer {
        Err(refusal) => (refusal.into_response(), Vec::new()),
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let response = match answer.content {
                Content::Json(body) => {
                    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string())
                        .into_response()
                }
                Content::File { kind, bytes } => (
                    status,
                    [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, "attachment".to_owned())],
                    bytes,
                )
                    .into_response(),
                Content::Nothing | Content::Of(_) => status.into_response(),
            };
            (response, answer.headers)
        }
    };
    let own = [
        ("x-zendesk-api-version", "v2".to_owned()),
        ("x-request-id", random::guid()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("cache-control", "max-age=0, private, must-revalidate".to_owned()),
    ];
    for (name, value) in own.into_iter().chain(limits).chain(more) {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
