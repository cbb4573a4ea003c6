//! Connecting a workspace, in every way that Slack documents and some that it does not.

mod outside;

use std::time::{SystemTime, UNIX_EPOCH};

use integration_contract::{
    Auth, AuthorizeAsk, Connected, Credentials, Error, ErrorKind, ExposeSecret, Grant, Identity, Integration, Response,
    Result, UndoneOutcome,
};
use integration_testkit::{ScriptedHttp, reply, reply_json};
use outside::{fields, no, slack, yes};
use serde_json::{Value, json};

const ACCESS: &str = "POST /api/oauth.v2.access";
const TEST: &str = "POST /api/auth.test";
const ADA: &str = "GET /api/users.info?user=U0ADA00001";
const REVOKE: &str = "POST /api/auth.revoke";
const CALLBACK: &str = "https://patchbay.example/auth/slack/callback";
const SCOPES: &str = "commands,chat:write,channels:read,groups:read,channels:join,channels:history,groups:history,\
                      app_mentions:read,reactions:read,users:read";

/// As Slack documents it for an app with bot scopes.
fn granted() -> Value {
    json!({
        "ok": true,
        "app_id": "A0PATCHBAY",
        "authed_user": { "id": "U0ADA00001" },
        "scope": SCOPES,
        "token_type": "bot",
        "access_token": "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy",
        "bot_user_id": "U0BOT00001",
        "team": { "id": "T0ACME0001", "name": "Acme" },
        "enterprise": null,
        "is_enterprise_install": false,
    })
}

fn granted_with(field: &str, value: Value) -> Response {
    let mut body = granted();
    body[field] = value;
    reply_json(200, &body)
}

fn test() -> Response {
    yes(
        json!({ "url": "https://acme.slack.com/", "user": "patchbay", "user_id": "U0BOT00001", "team_id": "T0ACME0001", "bot_id": "B0BOT00001" }),
    )
}

fn ada() -> Response {
    yes(json!({ "user": { "id": "U0ADA00001", "name": "ada", "profile": { "display_name": "Ada" } } }))
}

async fn connect(http: &ScriptedHttp) -> Result<Connected> {
    let grant =
        Grant { code: "code-1".into(), redirect_uri: CALLBACK.parse().expect("a URL"), verifier: None, site: None };
    let outcome = slack().oauth_callback(&http.http(), grant).await;
    http.finish();
    outcome
}

#[test]
fn the_authorize_url_is_slacks_with_commas_between_scopes() {
    let ask = AuthorizeAsk {
        state: "state-1".into(),
        redirect_uri: CALLBACK.parse().expect("a URL"),
        verifier: None,
        site: None,
    };
    let url = slack().authorize_url(&ask).expect("a URL");
    assert!(url.as_str().starts_with("https://slack.com/oauth/v2/authorize?"));
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        query,
        [pair("client_id", "42.43"), pair("scope", SCOPES), pair("redirect_uri", CALLBACK), pair("state", "state-1")]
    );
}

#[tokio::test]
async fn a_code_becomes_the_workspaces_token_and_a_person() {
    let http = ScriptedHttp::silent().then(ACCESS, reply_json(200, &granted())).then(TEST, test()).then(ADA, ada());

    let Connected { credentials, identity, installation } = connect(&http).await.expect("connected");

    assert_eq!(credentials.access_token.expose_secret(), "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy");
    assert!(credentials.refresh_token.is_none() && credentials.expires_at.is_none());
    assert_eq!(credentials.scopes.join(","), SCOPES);
    let person = Identity {
        id: "T0ACME0001/U0ADA00001".into(),
        name: "Ada".into(),
        url: Some("https://acme.slack.com/team/U0ADA00001".into()),
    };
    let workspace =
        Identity { id: "T0ACME0001".into(), name: "Acme".into(), url: Some("https://acme.slack.com/".into()) };
    assert_eq!((identity, installation), (person, Some(workspace)));

    let sent = http.sent();
    assert!(matches!(&sent[0].auth, Auth::Basic { user, password }
        if user == "42.43" && password.expose_secret() == outside::CLIENT_SECRET));
    assert_eq!((fields(&sent[0])["code"].as_str(), fields(&sent[0])["redirect_uri"].as_str()), ("code-1", CALLBACK));
    assert!(
        sent[1..]
            .iter()
            .all(|sent| matches!(&sent.auth, Auth::Bearer(token) if token.expose_secret().starts_with("xoxb-")))
    );
}

#[tokio::test]
async fn an_organization_wide_installation_is_the_organizations() {
    let mut body = granted();
    body["team"] = Value::Null;
    body["enterprise"] = json!({ "id": "E0ORG00001", "name": "Acme Group" });
    body["is_enterprise_install"] = true.into();
    let http = ScriptedHttp::silent().then(ACCESS, reply_json(200, &body)).then(TEST, test()).then(ADA, ada());
    let connected = connect(&http).await.expect("connected");
    assert_eq!(connected.identity.id, "E0ORG00001/U0ADA00001");
    assert_eq!(connected.installation.map(|one| (one.id, one.name)), Some(("E0ORG00001".into(), "Acme Group".into())));

    // A workspace of such an organization that installs us for itself is a workspace.
    let mut body = granted();
    body["enterprise"] = json!({ "id": "E0ORG00001", "name": "Acme Group" });
    body["team"] = json!({ "id": "T0ACME0001" });
    let http = ScriptedHttp::silent().then(ACCESS, reply_json(200, &body)).then(TEST, test()).then(ADA, ada());
    let connected = connect(&http).await.expect("connected");
    assert_eq!(connected.installation.map(|one| (one.id, one.name)), Some(("T0ACME0001".into(), "T0ACME0001".into())));
}

#[tokio::test]
async fn a_name_that_slack_does_not_tell_is_the_id() {
    for unnamed in
        [no("user_not_found"), no("missing_scope"), reply(500, &[], ""), yes(json!({ "user": { "name": " " } }))]
    {
        let http =
            ScriptedHttp::silent().then(ACCESS, reply_json(200, &granted())).then(TEST, test()).then(ADA, unnamed);
        assert_eq!(connect(&http).await.expect("connected").identity.name, "U0ADA00001");
    }
}

#[tokio::test]
async fn slacks_refusals_are_said_in_sentences() {
    for (code, word) in [
        ("invalid_code", "ten minutes"),
        ("bad_client_secret", "PATCHBAY_SLACK_CLIENT_SECRET"),
        ("invalid_client_id", "PATCHBAY_SLACK_CLIENT_ID"),
        ("bad_redirect_uri", "redirect URL"),
        ("no_scopes", "permission"),
        ("user_email_unverified", "e-mail"),
        ("cannot_install_an_org_installed_app", "admin"),
        ("pkce_not_allowed", "PKCE"),
        ("preview_feature_not_available", "refused to connect"),
        ("<script>alert(1)</script>", "refused to connect"),
    ] {
        let error = connect(&ScriptedHttp::silent().then(ACCESS, no(code))).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Refused, "{code}");
        assert!(error.sentence().contains(word) && !error.sentence().contains('<'), "{}", error.sentence());
    }
}

#[tokio::test]
async fn an_answer_that_is_not_documented_is_an_outage() {
    let html = |status| reply(status, &[("content-type", "text/html")], "<html>Sorry!</html>");
    for unclear in [
        html(200),
        html(404),
        html(500),
        reply(302, &[("location", "https://evil.example/")], ""),
        reply(200, &[], ""),
        reply(400, &[], "{\"ok\":true}"),
        reply_json(200, &json!({})),
        reply_json(200, &json!({ "ok": false })),
        reply_json(200, &json!([])),
        reply_json(200, &json!({ "ok": true })),
        no("internal_error"),
        no("service_unavailable"),
        granted_with("access_token", json!("")),
        granted_with("access_token", json!("a b")),
        granted_with("access_token", json!("x".repeat(5000))),
        granted_with("access_token", json!(7)),
    ] {
        let shown = format!("{unclear:?}");
        let error = connect(&ScriptedHttp::silent().then(ACCESS, unclear)).await.expect_err(&shown);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{shown}");
    }
    for silence in [ErrorKind::Unavailable, ErrorKind::UnknownOutcome] {
        let http = ScriptedHttp::silent().then(ACCESS, Error::new(silence, "Silence."));
        assert_eq!(connect(&http).await.expect_err("silence").kind(), ErrorKind::Unavailable);
    }
    let limit = reply(429, &[("retry-after", "12")], "{\"ok\":false,\"error\":\"ratelimited\"}");
    let error = connect(&ScriptedHttp::silent().then(ACCESS, limit)).await.expect_err("limited");
    assert_eq!((error.kind(), error.wait().map(|wait| wait.as_secs())), (ErrorKind::RateLimited, Some(12)));
}

#[tokio::test]
async fn a_token_that_is_not_kept_is_given_back() {
    for (answer, word) in [
        (granted_with("scope", json!(SCOPES.replace(",users:read", ""))), "users:read"),
        (granted_with("scope", json!("")), "commands"),
        (granted_with("scope", Value::Null), "commands"),
        (granted_with("token_type", json!("user")), "person's"),
    ] {
        let http = ScriptedHttp::silent().then(ACCESS, answer).then(REVOKE, yes(json!({ "revoked": true })));
        let error = connect(&http).await.expect_err("not kept");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.sentence().contains(word), "{}", error.sentence());
        assert!(matches!(&http.sent()[1].auth, Auth::Bearer(token) if token.expose_secret().starts_with("xoxb-")));
    }
    // Slack itself says that the token is none; giving it back does no harm.
    let http = ScriptedHttp::silent()
        .then(ACCESS, reply_json(200, &granted()))
        .then(TEST, no("invalid_auth"))
        .then(REVOKE, no("invalid_auth"));
    assert!(connect(&http).await.is_err());
}

#[tokio::test]
async fn an_outage_does_not_end_the_access_that_other_links_use() {
    for silence in [reply(503, &[], ""), reply(429, &[("retry-after", "1")], ""), no("fatal_error")] {
        let http = ScriptedHttp::silent().then(ACCESS, reply_json(200, &granted())).then(TEST, silence);
        assert!(connect(&http).await.expect_err("no answer").passes());
    }
    for broken in [
        granted_with("team", Value::Null),
        granted_with("team", json!({ "id": "../evil", "name": "x" })),
        granted_with("authed_user", Value::Null),
        granted_with("authed_user", json!({ "id": "" })),
        granted_with("expires_in", json!(0)),
        granted_with("expires_in", json!("soon")),
    ] {
        let error = connect(&ScriptedHttp::silent().then(ACCESS, broken)).await.expect_err("not documented");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn permissions_that_were_granted_earlier_do_no_harm() {
    let http = ScriptedHttp::silent()
        .then(ACCESS, granted_with("scope", json!(format!("{SCOPES},incoming-webhook"))))
        .then(TEST, test())
        .then(ADA, ada());
    let scopes = connect(&http).await.expect("connected").credentials.scopes;
    assert!(scopes.contains(&"incoming-webhook".to_owned()));
}

// ---- rotation

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292 million")
}

fn old() -> Credentials {
    Credentials {
        access_token: "xoxe.xoxb-old".into(),
        refresh_token: Some("xoxe-1-old".into()),
        expires_at: Some(1),
        scopes: vec!["commands".into()],
        site: None,
    }
}

#[tokio::test]
async fn an_expiring_token_is_traded_in() {
    let mut body = granted();
    body["access_token"] = "xoxe.xoxb-new".into();
    body["refresh_token"] = "xoxe-1-new".into();
    body["expires_in"] = 43_200.into();
    let http = ScriptedHttp::silent().then(ACCESS, reply_json(200, &body));
    let fresh = slack().refresh(&http.http(), &old()).await.expect("refreshed");
    assert_eq!(fresh.access_token.expose_secret(), "xoxe.xoxb-new");
    assert_eq!(fresh.refresh_token.expect("a new one").expose_secret(), "xoxe-1-new");
    assert!((fresh.expires_at.expect("a time") - now() - 43_200_000).abs() < 60_000);
    let asked = fields(&http.sent()[0]);
    assert_eq!((asked["grant_type"].as_str(), asked["refresh_token"].as_str()), ("refresh_token", "xoxe-1-old"));

    // What the answer leaves out stays.
    let brief = json!({ "ok": true, "access_token": "xoxe.xoxb-new", "token_type": "bot" });
    let http = ScriptedHttp::silent().then(ACCESS, reply_json(200, &brief));
    let fresh = slack().refresh(&http.http(), &old()).await.expect("refreshed");
    assert_eq!(fresh.refresh_token.expect("the old one").expose_secret(), "xoxe-1-old");
    assert_eq!(fresh.scopes, ["commands"]);
}

#[tokio::test]
async fn only_slacks_own_word_ends_a_grant() {
    for (answer, kind) in [
        (no("invalid_refresh_token"), ErrorKind::Unauthorized),
        (no("token_revoked"), ErrorKind::Unauthorized),
        (no("account_inactive"), ErrorKind::Unauthorized),
        (no("bad_client_secret"), ErrorKind::Unavailable),
        (no("unheard_of"), ErrorKind::Unavailable),
        (no("internal_error"), ErrorKind::Unavailable),
        (reply(401, &[], ""), ErrorKind::Unavailable),
        (reply(500, &[], ""), ErrorKind::Unavailable),
        (reply(429, &[], ""), ErrorKind::RateLimited),
    ] {
        let shown = format!("{answer:?}");
        let http = ScriptedHttp::silent().then(ACCESS, answer);
        assert_eq!(slack().refresh(&http.http(), &old()).await.expect_err(&shown).kind(), kind, "{shown}");
    }
    let never = Credentials { refresh_token: None, ..old() };
    let error = slack().refresh(&ScriptedHttp::silent().http(), &never).await.expect_err("nothing to trade in");
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn revoking_what_is_gone_is_success() {
    for (answer, outcome) in [
        (yes(json!({ "revoked": true })), UndoneOutcome::Removed),
        (no("token_revoked"), UndoneOutcome::AlreadyGone),
        (no("invalid_auth"), UndoneOutcome::AlreadyGone),
        (no("account_inactive"), UndoneOutcome::AlreadyGone),
    ] {
        let http = ScriptedHttp::silent().then(REVOKE, answer);
        assert_eq!(slack().revoke(&http.http(), &old()).await.expect("undone").outcome, outcome);
    }
    for unclear in [yes(json!({ "revoked": false })), reply(500, &[], ""), reply(302, &[], ""), no("fatal_error")] {
        let http = ScriptedHttp::silent().then(REVOKE, unclear);
        assert_eq!(slack().revoke(&http.http(), &old()).await.expect_err("not known").kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_to_be_revoked() {
    let mut body = granted();
    body["access_token"] = "xoxe.xoxb-new".into();
    let http = ScriptedHttp::silent()
        .then(REVOKE, no("token_expired"))
        .then(ACCESS, reply_json(200, &body))
        .then(REVOKE, yes(json!({ "revoked": true })));
    assert_eq!(slack().revoke(&http.http(), &old()).await.expect("undone").outcome, UndoneOutcome::Removed);
    assert!(matches!(&http.sent()[2].auth, Auth::Bearer(token) if token.expose_secret() == "xoxe.xoxb-new"));

    let http = ScriptedHttp::silent().then(REVOKE, no("token_expired")).then(ACCESS, no("invalid_refresh_token"));
    assert_eq!(slack().revoke(&http.http(), &old()).await.expect("undone").outcome, UndoneOutcome::AlreadyGone);
}
