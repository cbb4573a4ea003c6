//! Connecting an account, in every way that Flowdock documents and some that it does not.

mod outside;

use std::time::{SystemTime, UNIX_EPOCH};

use integration_contract::{
    Auth, AuthorizeAsk, Connected, Error, ErrorKind, ExposeSecret, Grant, Identity, Integration, Response, Result,
};
use integration_testkit::{ScriptedHttp, reply, reply_json};
use outside::{flowdock, no};
use serde_json::{Value, json};

const TOKEN: &str = "POST /oauth/token";
const USER: &str = "GET /user";
const CALLBACK: &str = "https://patchbay.example/auth/flowdock/callback";
const ACCESS: &str = "2YotnFZFEjr1zCsicMWpAA-access";
const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")];

fn granted() -> Value {
    json!({
        "access_token": ACCESS,
        "token_type": "bearer",
        "expires_in": 7200,
        "scope": "profile,integration",
    })
}

fn granted_with(field: &str, value: Value) -> Response {
    let mut body = granted();
    match value {
        Value::Null => drop(body.as_object_mut().expect("fields").remove(field)),
        value => body[field] = value,
    }
    reply_json(200, &body)
}

fn ada() -> Response {
    reply_json(
        200,
        &json!({ "id": 50_001, "email": "ada@example.com", "name": "Ada Codes", "nick": "ada", "avatar": null, "website": null }),
    )
}

async fn connect(http: &ScriptedHttp) -> Result<Connected> {
    let grant =
        Grant { code: "code-1".into(), redirect_uri: CALLBACK.parse().expect("a URL"), verifier: None, site: None };
    let outcome = flowdock().oauth_callback(&http.http(), grant).await;
    http.finish();
    outcome
}

async fn refused(answer: Response) -> Error {
    connect(&ScriptedHttp::silent().then(TOKEN, answer)).await.expect_err("refused")
}

#[test]
fn the_authorize_url_is_flowdocks_with_two_scopes_and_nothing_of_a_flow() {
    let ask = AuthorizeAsk {
        state: "state-1".into(),
        redirect_uri: CALLBACK.parse().expect("a URL"),
        verifier: None,
        site: None,
    };
    let url = flowdock().authorize_url(&ask).expect("a URL");
    assert!(url.as_str().starts_with("https://api.flowdock.com/oauth/authorize?"));
    let mut query: Vec<_> = url.query_pairs().into_owned().collect();
    query.sort();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        query,
        [
            pair("client_id", "app-id-4f"),
            pair("redirect_uri", CALLBACK),
            pair("response_type", "code"),
            pair("scope", "profile integration"),
            pair("state", "state-1"),
        ]
    );
}

#[tokio::test]
async fn a_code_becomes_a_token_and_a_person() {
    let http = ScriptedHttp::silent().then(TOKEN, reply_json(200, &granted())).then(USER, ada());

    let Connected { credentials, identity, installation } = connect(&http).await.expect("connected");

    assert_eq!(credentials.access_token.expose_secret(), ACCESS);
    assert!(credentials.refresh_token.is_none() && installation.is_none());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let left = i128::from(credentials.expires_at.expect("it ends")) - i128::try_from(now).expect("a time");
    assert!((7_190_000..=7_200_000).contains(&left), "{left}");
    assert_eq!(identity, Identity { id: "50001".into(), name: "Ada Codes".into(), url: None });

    let sent = http.sent();
    let body = String::from_utf8(sent[0].body.to_vec()).expect("a form");
    for field in [
        "grant_type=authorization_code",
        "code=code-1",
        "client_id=app-id-4f",
        "client_secret=client-secret-8c1f",
        "redirect_uri=https%3A%2F%2Fpatchbay.example%2Fauth%2Fflowdock%2Fcallback",
    ] {
        assert!(body.split('&').any(|part| part == field), "{field} is not in {body}");
    }
    assert!(matches!(sent[0].auth, Auth::Nobody) && !sent[0].headers.contains_key("authorization"));
    assert!(matches!(&sent[1].auth, Auth::Bearer(token) if token.expose_secret() == ACCESS));
}

#[tokio::test]
async fn the_answer_may_be_a_form_and_scopes_may_have_spaces_or_commas() {
    let form = format!("access_token={ACCESS}&token_type=Bearer&expires_in=7200&scope=profile%2Cintegration");
    for answer in [
        reply(200, FORM, form),
        reply(200, FORM, format!("access_token={ACCESS}&token_type=bearer&scope=integration+profile")),
        granted_with("scope", json!("integration profile")),
        granted_with("scope", json!("profile, integration")),
        granted_with("scope", Value::Null),
        granted_with("token_type", json!("Bearer")),
        granted_with("expires_in", json!("7200")),
        granted_with("expires_in", Value::Null),
        granted_with("refresh_token", json!("not asked for")),
    ] {
        let shown = String::from_utf8_lossy(&answer.body).into_owned();
        let http = ScriptedHttp::silent().then(TOKEN, answer).then(USER, ada());
        let connected = connect(&http).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
        let mut scopes = connected.credentials.scopes;
        scopes.sort();
        assert_eq!(scopes, ["integration", "profile"], "{shown}");
        assert!(connected.credentials.refresh_token.is_none());
    }
}

#[tokio::test]
async fn what_was_granted_is_what_was_asked_for() {
    for scope in ["profile", "integration", "profile,integration,manage", "flow,private", "", ","] {
        let error = refused(granted_with("scope", json!(scope))).await;
        assert_eq!(error.kind(), ErrorKind::Refused, "{scope}");
        assert!(error.sentence().contains("permission"));
    }
}

#[tokio::test]
async fn flowdocks_no_is_said_to_the_person() {
    for (status, code, said) in [
        (400, "invalid_grant", "Start again"),
        (401, "invalid_client", "PATCHBAY_FLOWDOCK_CLIENT_SECRET"),
        (400, "invalid_scope", "permission"),
        (400, "something_else", "refused to connect"),
    ] {
        let error = refused(reply_json(status, &json!({ "error": code, "error_description": "<b>no</b>" }))).await;
        assert_eq!(error.kind(), ErrorKind::Refused, "{code}");
        assert!(error.sentence().contains(said) && !error.sentence().contains('<'), "{}", error.sentence());
    }
}

#[tokio::test]
async fn an_answer_that_is_none_keeps_nothing() {
    for answer in [
        reply(200, &[("content-type", "text/html")], "<!DOCTYPE html><h1>Sorry!</h1>"),
        reply(200, &[], ""),
        reply(200, &[], "null"),
        reply(200, &[("content-type", "text/plain")], format!("access_token={ACCESS}&token_type=bearer")),
        reply_json(200, &json!({})),
        reply_json(200, &json!({ "error": "invalid_grant" })),
        granted_with("access_token", json!("")),
        granted_with("access_token", json!("two words")),
        granted_with("access_token", json!("x".repeat(5000))),
        granted_with("access_token", json!(7)),
        granted_with("token_type", json!("mac")),
        granted_with("token_type", Value::Null),
        granted_with("expires_in", json!(0)),
        granted_with("expires_in", json!(-1)),
        granted_with("expires_in", json!("soon")),
        reply(302, &[("location", "https://evil.example/")], ""),
        reply(400, &[], "no"),
        reply(400, &[("content-type", "text/html")], "<h1>no</h1>"),
        reply(500, &[], "{\"error\":\"invalid_grant\"}"),
        reply(503, &[], ""),
    ] {
        let shown = format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
        let error = refused(answer).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{shown}: {error}");
        assert!(!format!("{error:?}").contains(ACCESS), "{shown}");
    }
    let lost = ScriptedHttp::silent().then(TOKEN, Error::new(ErrorKind::UnknownOutcome, "The answer was lost."));
    assert_eq!(connect(&lost).await.expect_err("lost").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn whose_account_it_is_has_to_be_known() {
    for (answer, kind) in [
        (no(401, "invalid or expired access token"), ErrorKind::Unauthorized),
        (no(403, "insufficient scope"), ErrorKind::Forbidden),
        (reply(503, &[], ""), ErrorKind::Unavailable),
        (reply(403, &[("content-type", "text/html")], "<h1>Proxy</h1>"), ErrorKind::Unavailable),
        (reply(200, &[("content-type", "text/html")], "<h1>Proxy</h1>"), ErrorKind::Unavailable),
        (reply_json(200, &json!({ "name": "Ada" })), ErrorKind::Unavailable),
        (reply_json(200, &json!({ "id": "fifty", "name": "Ada" })), ErrorKind::Unavailable),
    ] {
        let http = ScriptedHttp::silent().then(TOKEN, reply_json(200, &granted())).then(USER, answer);
        assert_eq!(connect(&http).await.expect_err("nobody").kind(), kind);
    }
    for (said, name) in [
        (json!({ "id": 7, "name": "", "nick": "ada" }), "ada"),
        (json!({ "id": 7, "name": null, "nick": null }), "7"),
        (json!({ "id": 7, "name": "Ada\nCodes" }), "Ada"),
    ] {
        let http = ScriptedHttp::silent().then(TOKEN, reply_json(200, &granted())).then(USER, reply_json(200, &said));
        assert_eq!(connect(&http).await.expect("connected").identity.name, name);
    }
}
