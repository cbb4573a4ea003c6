//! OAuth: consent, tokens with and without an end, rotation, scopes, and API tokens.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, CALLBACK, Ground, parameter};

fn authorize_url(ground: &Ground, scope: &str) -> String {
    let client = ground.setting("CLIENT_ID");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("scope", scope),
            ("state", "s"),
        ])
        .finish();
    format!("{}/acme/oauth/authorizations/new?{query}", ground.at)
}

async fn code(ground: &Ground, scope: &str) -> String {
    let agreed = ground.control("/authorize", json!({"user": "ada", "url": authorize_url(ground, scope)})).await;
    parameter(agreed["redirect"].as_str().unwrap(), "code").unwrap()
}

async fn exchange(ground: &Ground, more: Value) -> Answer {
    let mut body = json!({
        "grant_type": "authorization_code",
        "client_id": ground.setting("CLIENT_ID"),
        "client_secret": ground.setting("CLIENT_SECRET"),
        "redirect_uri": CALLBACK,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Answer::of(ground.http.post(format!("{}/acme/oauth/tokens", ground.at)).json(&body)).await
}

#[tokio::test]
async fn a_person_agrees_in_a_browser_and_the_code_buys_a_token() {
    let ground = Ground::new().await;
    let address = authorize_url(&ground, "read write");
    let path = address.strip_prefix(&ground.at).unwrap();
    assert_eq!(ground.page("", path).await.status, 303, "first: who are you?");
    assert_eq!(ground.page("eve", path).await.status, 303, "Eve is of another account");

    let page = ground.page("ada", path).await;
    assert!(page.body.contains("Patchbay is requesting access to Acme") && page.body.contains("write everything"));
    let consent = page.body.split("name=\"consent\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let guard = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let allow = |cookie: String| {
        let form =
            ground.http.post(address.split('?').next().unwrap()).form(&[("consent", consent), ("decision", "allow")]);
        Answer::of(form.header("cookie", cookie))
    };
    assert_eq!(allow("zendesk_sandbox_guard=another".to_owned()).await.status, 403, "another browser's");
    let back = allow(guard).await;

    assert_eq!((back.status, back.parameter("state").as_deref()), (302, Some("s")));
    let granted = exchange(&ground, json!({"code": back.parameter("code").unwrap()})).await;
    assert_eq!(granted.status, 201, "{}", granted.body);
    let granted = granted.json();
    assert_eq!((&granted["token_type"], &granted["scope"]), (&json!("bearer"), &json!("read write")));
    let token = granted["access_token"].as_str().unwrap();
    let me = ground.call(token, Method::GET, "users/me.json", Value::Null).await.json();
    assert_eq!((&me["user"]["email"], &me["user"]["role"]), (&json!("ada@example.com"), &json!("admin")));
}

#[tokio::test]
async fn what_does_not_fit_is_told_on_a_page_or_taken_back() {
    let ground = Ground::new().await;
    let address = authorize_url(&ground, "read");
    let path = address.strip_prefix(&ground.at).unwrap().to_owned();
    for (from, to) in [("client_id=zdg", "client_id=x"), ("zendesk%2Fcallback", "zendesk%2Felsewhere")] {
        assert_eq!(ground.page("ada", &path.replace(from, to)).await.status, 400, "{to}");
    }
    assert_eq!(ground.page("ada", &path.replace("/acme/", "/nobody/")).await.status, 404);
    let back = ground.page("ada", &path.replace("response_type=code", "response_type=token")).await;
    assert_eq!((back.status, back.parameter("error").as_deref()), (302, Some("unsupported_response_type")));

    let denied = ground.control("/authorize", json!({"user": "ada", "url": address, "decision": "deny"})).await;

    let to = denied["redirect"].as_str().unwrap();
    assert_eq!(
        (parameter(to, "error").as_deref(), parameter(to, "state").as_deref()),
        (Some("access_denied"), Some("s"))
    );
}

#[tokio::test]
async fn a_code_is_for_one_use_one_client_one_redirect_and_two_minutes() {
    let ground = Ground::new().await;
    let word = |answer: Answer| (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned());
    let invalid_grant = (400, "invalid_grant".to_owned());
    let used = code(&ground, "read").await;
    assert_eq!(exchange(&ground, json!({"code": used})).await.status, 201);
    assert_eq!(word(exchange(&ground, json!({"code": used})).await), invalid_grant);
    let other = json!({"code": code(&ground, "read").await, "redirect_uri": "http://localhost:3000/other"});
    assert_eq!(word(exchange(&ground, other).await), invalid_grant);
    let wrong = json!({"code": code(&ground, "read").await, "client_secret": "x"});
    assert_eq!(word(exchange(&ground, wrong).await), (401, "invalid_client".to_owned()));
    let late = code(&ground, "read").await;
    ground.control("/codes/expire", json!({})).await;
    assert_eq!(word(exchange(&ground, json!({"code": late})).await), invalid_grant);
    let form = ground.http.post(format!("{}/acme/oauth/tokens", ground.at)).form(&[
        ("grant_type", "authorization_code"),
        ("client_id", ground.setting("CLIENT_ID")),
        ("client_secret", ground.setting("CLIENT_SECRET")),
        ("redirect_uri", CALLBACK),
        ("code", &code(&ground, "read").await),
    ]);

    assert_eq!(Answer::of(form).await.status, 201, "a form will do");
}

#[tokio::test]
async fn a_challenge_wants_its_verifier() {
    let ground = Ground::new().await;
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let address = format!("{}&code_challenge={challenge}&code_challenge_method=S256", authorize_url(&ground, "read"));
    let code = async || {
        let agreed = ground.control("/authorize", json!({"user": "ada", "url": address})).await;
        parameter(agreed["redirect"].as_str().unwrap(), "code").unwrap()
    };

    assert_eq!(exchange(&ground, json!({"code": code().await})).await.status, 400);
    assert_eq!(exchange(&ground, json!({"code": code().await, "code_verifier": "wrong"})).await.status, 400);
    assert_eq!(exchange(&ground, json!({"code": code().await, "code_verifier": verifier})).await.status, 201);
    ground.control("/clients", json!({"public": true})).await;
    let plain = ground.control("/authorize", json!({"user": "ada", "url": authorize_url(&ground, "read")})).await;
    assert_eq!(parameter(plain["redirect"].as_str().unwrap(), "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_refresh_ends_the_old_pair() {
    let ground = Ground::new().await;
    let first = exchange(&ground, json!({"code": code(&ground, "read").await})).await.json();
    assert_eq!((&first["expires_in"], &first["refresh_token_expires_in"]), (&json!(1800), &json!(2_592_000)));
    let refresh = |token: Value| exchange(&ground, json!({"grant_type": "refresh_token", "refresh_token": token}));

    let second = refresh(first["refresh_token"].clone()).await.json();

    let me =
        async |token: &Value| ground.call(token.as_str().unwrap(), Method::GET, "tickets", Value::Null).await.status;
    assert_eq!((me(&first["access_token"]).await, me(&second["access_token"]).await), (401, 200));
    assert_eq!(refresh(first["refresh_token"].clone()).await.status, 400);
    ground.control("/tokens/end", json!({"how": "expired"})).await;
    assert_eq!(me(&second["access_token"]).await, 401);
    assert_eq!(refresh(second["refresh_token"].clone()).await.status, 201, "a refresh still helps");
}

#[tokio::test]
async fn an_old_clients_tokens_end_only_if_they_are_asked_to() {
    let ground = Ground::new().await;
    ground.control("/clients", json!({"expiring": false})).await;

    let lasting = exchange(&ground, json!({"code": code(&ground, "read").await})).await.json();
    assert!(lasting["expires_in"].is_null() && lasting.get("refresh_token").is_none(), "{lasting}");
    let asked = exchange(&ground, json!({"code": code(&ground, "read").await, "expires_in": 600})).await.json();
    assert!(asked["expires_in"] == 600 && asked["refresh_token"].is_string(), "{asked}");
    for (field, value) in [("expires_in", 300), ("expires_in", 172_800), ("refresh_token_expires_in", 600)] {
        let refused = exchange(&ground, json!({"code": code(&ground, "read").await, (field): value})).await;
        assert_eq!(refused.status, 400, "{field} {value}");
    }
}

#[tokio::test]
async fn scopes_say_what_a_token_may() {
    let ground = Ground::new().await;
    for (scopes, method, path, status) in [
        ("tickets:read", Method::GET, "tickets", 200),
        ("tickets:read", Method::GET, "webhooks", 403),
        ("tickets:read", Method::GET, "users/me", 403),
        ("tickets:read", Method::DELETE, "tickets/1", 403),
        ("tickets:read", Method::GET, "search?query=x", 403),
        ("read", Method::GET, "search?query=x", 200),
        ("users:read", Method::GET, "users/me", 200),
        ("read", Method::DELETE, "tickets/1", 403),
        ("tickets:write", Method::DELETE, "tickets/1", 204),
        // It was granted all the same, and is good for nothing.
        ("read write nonsense", Method::GET, "tickets", 403),
        // Revoking itself needs none.
        ("tickets:read", Method::DELETE, "oauth/tokens/current", 204),
    ] {
        let token = ground.token("ada", scopes).await;
        assert_eq!(ground.call(&token, method, path, Value::Null).await.status, status, "{scopes} {path}");
    }
}

#[tokio::test]
async fn a_token_shows_and_revokes_itself() {
    let ground = Ground::new().await;
    let token = ground.token("ada", "read write").await;

    let shown = ground.call(&token, Method::GET, "oauth/tokens/current", Value::Null).await.json()["token"].clone();
    assert_eq!((&shown["token"], &shown["scopes"]), (&json!(token[..10]), &json!(["read", "write"])));
    let revoke = async || ground.call(&token, Method::DELETE, "oauth/tokens/current", Value::Null).await;
    assert_eq!(revoke().await.status, 204);
    let again = revoke().await;
    assert_eq!((again.status, again.json()["error"].clone()), (401, json!("invalid_token")));
}

#[tokio::test]
async fn api_tokens_count_and_passwords_do_not() {
    let ground = Ground::new().await;
    let get = |name: &str, secret: &str| {
        Answer::of(ground.http.get(format!("{}/acme/api/v2/tickets", ground.at)).basic_auth(name, Some(secret)))
    };

    assert_eq!(get("bob@example.com/token", "acme-api-token").await.status, 200);
    for (name, secret) in [
        ("bob@example.com", "acme-api-token"),
        ("bob@example.com", "password"),
        ("bob@example.com/token", "umbra-api-token"),
        ("nobody@example.com/token", "acme-api-token"),
    ] {
        let refused = get(name, secret).await;
        assert_eq!((refused.status, refused.json()), (401, json!({"error": "Couldn't authenticate you"})), "{name}");
    }
    assert_eq!(get("carol@customer.example/token", "acme-api-token").await.status, 403, "a customer");
}

#[tokio::test]
async fn an_accounts_token_is_nothing_in_another() {
    let ground = Ground::new().await;

    let elsewhere = ground.http.get(format!("{}/umbra/api/v2/tickets", ground.at)).bearer_auth(&ground.ada);
    let nowhere = ground.http.get(format!("{}/nobody/api/v2/tickets", ground.at)).bearer_auth(&ground.ada);

    assert_eq!((Answer::of(elsewhere).await.status, Answer::of(nowhere).await.status), (401, 404));
}
