//! Connecting: every answer that a token endpoint can give, and what is given back when it can't be kept.

mod outside;

use std::time::{SystemTime, UNIX_EPOCH};

use integration_contract::{
    Auth, AuthorizeAsk, Connected, Credentials, Error, ErrorKind, ExposeSecret, Grant, Integration, PartnerSettings,
    Response, Result, UndoneOutcome,
};
use integration_github::GitHub;
use integration_testkit::{ScriptedHttp, reply, reply_json};
use outside::{answer, github, recorded};
use serde_json::{Value, json};

const TOKEN: &str = "POST /login/oauth/access_token";
const USER: &str = "GET /user";
const REVOKE: &str = "DELETE /applications/client-id/token";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn grant() -> Grant {
    Grant {
        code: "code-1".into(),
        redirect_uri: "https://patchbay.example/auth/github/callback".parse().expect("a URL"),
        verifier: Some(VERIFIER.into()),
        site: None,
    }
}

async fn connect(http: &ScriptedHttp) -> Result<Connected> {
    let connected = github().oauth_callback(&http.http(), grant()).await;
    http.finish();
    connected
}

fn token(body: &Value) -> Response {
    reply_json(200, body)
}

fn revoked() -> Response {
    reply(204, &[], "")
}

#[test]
fn the_authorize_url_is_githubs_with_our_parameters() {
    let ask = AuthorizeAsk {
        state: "state-1".into(),
        redirect_uri: grant().redirect_uri,
        verifier: Some(VERIFIER.into()),
        site: None,
    };
    let url = github().authorize_url(&ask).expect("configured");
    // The challenge is the vector of RFC 7636, appendix B.
    assert_eq!(
        url.as_str(),
        "https://github.com/login/oauth/authorize?response_type=code&client_id=client-id&state=state-1\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
         &redirect_uri=https%3A%2F%2Fpatchbay.example%2Fauth%2Fgithub%2Fcallback&scope=repo"
    );
}

#[tokio::test]
async fn a_code_becomes_credentials_and_a_numeric_identity() {
    let http = ScriptedHttp::silent().then(TOKEN, answer(200, "token__granted")).then(USER, answer(200, "user__ada"));

    let Connected { credentials, identity, .. } = connect(&http).await.expect("connected");

    assert_eq!(credentials.access_token.expose_secret(), "gho_16C7e42F292c6912E7710c838347Ae178B4a");
    assert_eq!((credentials.scopes, credentials.expires_at), (vec!["repo".to_owned()], None));
    assert_eq!((identity.id.as_str(), identity.name.as_str()), ("583231", "octo-ada"));
    let sent = http.sent();
    let form: Vec<_> = url::form_urlencoded::parse(&sent[0].body).into_owned().collect();
    for pair in [
        ("client_id", "client-id"),
        ("client_secret", outside::CLIENT_SECRET),
        ("code", "code-1"),
        ("code_verifier", VERIFIER),
        ("redirect_uri", "https://patchbay.example/auth/github/callback"),
    ] {
        assert!(form.contains(&(pair.0.to_owned(), pair.1.to_owned())), "{pair:?} in {form:?}");
    }
    assert_eq!(sent[0].headers["accept"], "application/json");
    assert!(matches!(&sent[1].auth, Auth::Bearer(token) if token.expose_secret().starts_with("gho_")));
}

#[tokio::test]
async fn a_form_is_as_good_as_json() {
    let body = "access_token=gho_x&scope=repo%2Crepo%3Astatus&token_type=Bearer&expires_in=28800&refresh_token=ghr_y";
    let form = reply(200, &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")], body);
    let http = ScriptedHttp::silent().then(TOKEN, form).then(USER, answer(200, "user__ada"));

    let credentials = connect(&http).await.expect("connected").credentials;

    assert_eq!(credentials.scopes, ["repo", "repo:status"]);
    assert_eq!(credentials.refresh_token.expect("one").expose_secret(), "ghr_y");
    assert!(credentials.expires_at.expect("a time") > 0);
}

#[tokio::test]
async fn an_error_with_status_200_is_a_refusal() {
    let form = reply(
        200,
        &[("content-type", "application/x-www-form-urlencoded")],
        "error=incorrect_client_credentials&error_description=x",
    );
    for (refusal, word) in [
        (answer(200, "token__bad_verification_code"), "Start again"),
        (form, "PATCHBAY_GITHUB_CLIENT_ID"),
        (token(&json!({ "error": "redirect_uri_mismatch" })), "callback address"),
        (token(&json!({ "error": "unverified_user_email" })), "e-mail"),
        (token(&json!({ "error": "<script>alert(1)</script>" })), "refused to connect"),
        (token(&json!({ "error": {}, "access_token": "gho_x" })), "refused to connect"),
    ] {
        let error = connect(&ScriptedHttp::silent().then(TOKEN, refusal)).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.sentence().contains(word) && !error.sentence().contains('<'), "{}", error.sentence());
    }
}

#[tokio::test]
async fn an_answer_that_is_not_documented_is_an_outage() {
    let html = |status| reply(status, &[("content-type", "text/html")], "<html>Unicorn!</html>");
    let json_with_status = |status| reply_json(status, &json!({ "error": "bad_verification_code" }));
    let answers = [
        json_with_status(400),
        json_with_status(401),
        html(429),
        html(500),
        html(503),
        html(200),
        reply(302, &[("location", "https://evil.example/")], ""),
        reply(200, &[], ""),
        reply(204, &[], ""),
        token(&json!({})),
        token(&json!([])),
        token(&json!({ "access_token": "", "token_type": "bearer", "scope": "repo" })),
        token(&json!({ "access_token": "a b", "token_type": "bearer", "scope": "repo" })),
        token(&json!({ "access_token": "x".repeat(5000), "token_type": "bearer", "scope": "repo" })),
        token(&json!({ "access_token": 7, "token_type": "bearer", "scope": "repo" })),
        token(&json!({ "access_token": "gho_x" })),
        reply(200, &[], "{\"access_token\":\"gho_x\",\"access_token\":\"gho_y\",\"token_type\":\"bearer\"}"),
    ];
    for unclear in answers {
        let shown = format!("{unclear:?}");
        let error = connect(&ScriptedHttp::silent().then(TOKEN, unclear)).await.expect_err(&shown);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{shown}");
    }
    for silence in [ErrorKind::Unavailable, ErrorKind::UnknownOutcome] {
        let http = ScriptedHttp::silent().then(TOKEN, Error::new(silence, "Silence."));
        assert_eq!(connect(&http).await.expect_err("silence").kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_token_that_is_not_kept_is_given_back() {
    let issued = |field: &str, value: Value| {
        let mut body = recorded("token__granted");
        body[field] = value;
        body
    };
    let cases = [
        (issued("scope", json!("")), ErrorKind::Refused),
        (issued("scope", json!("public_repo")), ErrorKind::Refused),
        (issued("scope", json!("repo,admin:org")), ErrorKind::Refused),
        (issued("scope", json!("repo delete_repo")), ErrorKind::Refused),
        (issued("scope", Value::Null), ErrorKind::Unavailable),
        (issued("token_type", json!("mac")), ErrorKind::Unavailable),
        (issued("token_type", json!("x")), ErrorKind::Unavailable),
        (issued("expires_in", json!(0)), ErrorKind::Unavailable),
        (issued("expires_in", json!(-1)), ErrorKind::Unavailable),
        (issued("expires_in", json!(1.5)), ErrorKind::Unavailable),
        (issued("expires_in", json!("soon")), ErrorKind::Unavailable),
    ];
    for (body, kind) in cases {
        let http = ScriptedHttp::silent().then(TOKEN, token(&body)).then(REVOKE, revoked());
        let error = connect(&http).await.expect_err("not kept");
        assert_eq!(error.kind(), kind, "{body}");
        let revocation = &http.sent()[1];
        assert_eq!(revocation.json()["access_token"], body["access_token"]);
        assert!(matches!(&revocation.auth, Auth::Basic { user, .. } if user == "client-id"));
    }
}

#[tokio::test]
async fn a_token_whose_owner_is_not_told_is_given_back() {
    for (user, kind) in [
        (answer(401, "error__bad_credentials"), ErrorKind::Unauthorized),
        (reply(500, &[], ""), ErrorKind::Unavailable),
        (token(&json!({ "id": "583231", "login": "octo-ada" })), ErrorKind::Unavailable),
        (token(&json!({ "login": "octo-ada" })), ErrorKind::Unavailable),
    ] {
        let http = ScriptedHttp::silent().then(TOKEN, answer(200, "token__granted")).then(USER, user);
        // The first error is told, whatever becomes of giving it back.
        let http = http.then(REVOKE, reply(500, &[], ""));
        assert_eq!(connect(&http).await.expect_err("not kept").kind(), kind);
    }
}

#[tokio::test]
async fn scopes_that_are_implied_make_no_difference() {
    for scope in ["repo,public_repo", "admin:repo_hook,repo", "repo:status repo"] {
        let mut body = recorded("token__granted");
        body["scope"] = json!(scope);
        let http = ScriptedHttp::silent().then(TOKEN, token(&body)).then(USER, answer(200, "user__ada"));
        connect(&http).await.expect("the same permission");
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292 million")
}

#[tokio::test]
async fn lifetimes_are_read_and_cut_to_a_year() {
    for (life, seconds) in [
        (json!(28800), 28_800),
        (json!("28800"), 28_800),
        (json!(1_000_000_000_000_u64), 366 * 24 * 3600),
        (json!(u64::MAX), 366 * 24 * 3600),
    ] {
        let mut body = recorded("token__expiring");
        body["expires_in"] = life;
        let http = ScriptedHttp::silent().then(TOKEN, token(&body)).then(USER, answer(200, "user__ada"));
        let ends = connect(&http).await.expect("connected").credentials.expires_at.expect("a time");
        assert!((ends - now() - seconds * 1000).abs() < 60_000, "{}", body["expires_in"]);
    }
}

fn old() -> Credentials {
    Credentials {
        access_token: "ghu_old".into(),
        refresh_token: Some("ghr_old".into()),
        expires_at: Some(1),
        scopes: Vec::new(),
        site: None,
    }
}

#[tokio::test]
async fn an_expired_token_is_traded_in() {
    let http = ScriptedHttp::silent().then(TOKEN, answer(200, "token__expiring"));
    let fresh = github().refresh(&http.http(), &old()).await.expect("refreshed");
    assert!(fresh.access_token.expose_secret().starts_with("ghu_16C7"));
    assert!(fresh.refresh_token.expect("a new one").expose_secret().starts_with("ghr_1B4a"));
    assert!(http.sent()[0].body.windows(21).any(|bytes| bytes == b"refresh_token=ghr_old"));

    // What the answer leaves out stays.
    let brief = token(&json!({ "access_token": "ghu_new", "token_type": "bearer", "scope": "" }));
    let http = ScriptedHttp::silent().then(TOKEN, brief);
    let fresh = github().refresh(&http.http(), &old()).await.expect("refreshed");
    assert_eq!(fresh.refresh_token.expect("the old one").expose_secret(), "ghr_old");
}

#[tokio::test]
async fn only_githubs_own_word_ends_a_grant() {
    let refused = |code: &str| token(&json!({ "error": code }));
    for (answer, kind) in [
        (refused("bad_refresh_token"), ErrorKind::Unauthorized),
        (refused("incorrect_client_credentials"), ErrorKind::Refused),
        (reply(401, &[], ""), ErrorKind::Unavailable),
        (reply(500, &[], ""), ErrorKind::Unavailable),
        (token(&json!({})), ErrorKind::Unavailable),
    ] {
        let http = ScriptedHttp::silent().then(TOKEN, answer);
        assert_eq!(github().refresh(&http.http(), &old()).await.expect_err("no token").kind(), kind);
    }
}

#[tokio::test]
async fn revoking_what_is_gone_is_success() {
    for (status, outcome) in
        [(204, UndoneOutcome::Removed), (404, UndoneOutcome::AlreadyGone), (422, UndoneOutcome::AlreadyGone)]
    {
        let http = ScriptedHttp::silent().then(REVOKE, reply(status, &[], ""));
        assert_eq!(github().revoke(&http.http(), &old()).await.expect("undone").outcome, outcome);
    }
    for (status, kind) in [(401, ErrorKind::Refused), (500, ErrorKind::Unavailable), (302, ErrorKind::Unavailable)] {
        let http = ScriptedHttp::silent().then(REVOKE, reply(status, &[], ""));
        assert_eq!(github().revoke(&http.http(), &old()).await.expect_err("not known").kind(), kind);
    }
}

#[tokio::test]
async fn enterprise_server_is_called_where_the_operator_says() {
    let settings: PartnerSettings = [
        ("CLIENT_ID", "client-id"),
        ("CLIENT_SECRET", "secret"),
        ("AUTHORIZE_URL", "https://code.acme.example/login/oauth/authorize"),
        ("TOKEN_URL", "https://code.acme.example/login/oauth/access_token"),
        ("API_URL", "https://code.acme.example/api/v3/"),
    ]
    .into_iter()
    .collect();
    let http = ScriptedHttp::silent()
        .then(TOKEN, answer(200, "token__granted"))
        .then("GET /api/v3/user", answer(200, "user__ada"));

    let github = GitHub::new(&settings).expect("good settings");
    github.oauth_callback(&http.http(), grant()).await.expect("connected");

    assert!(http.sent().iter().all(|sent| sent.url.host_str() == Some("code.acme.example")));
}
