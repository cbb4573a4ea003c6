//! Consent, `oauth.v2.access`, rotation.

use serde_json::{Value, json};

use super::ground::{ACME, APP, Answer, CALLBACK, Ground, parameter};

impl Ground {
    fn authorize(&self, query: &str) -> String {
        format!("{}?client_id={}&{query}", self.setting("AUTHORIZE_URL"), self.setting("CLIENT_ID"))
    }

    async fn code(&self, query: &str) -> String {
        let asked = json!({"user": "ada", "url": self.authorize(query)});
        let redirect = self.control("/authorize", asked).await["redirect"].as_str().unwrap().to_owned();
        parameter(&redirect, "code").unwrap_or_else(|| panic!("no code: {redirect}"))
    }

    /// Name and secret by HTTP Basic, the rest as a form.
    async fn access(&self, fields: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}oauth.v2.access", self.setting("API_URL")));
        let request = request.basic_auth(self.setting("CLIENT_ID"), Some(self.setting("CLIENT_SECRET")));
        let answer = Answer::of(request.form(fields)).await;
        assert_eq!(answer.status, 200, "also what is wrong is said with 200");
        answer.json()
    }
}

#[tokio::test]
async fn a_person_chooses_who_they_are_and_allows_the_app() {
    let ground = Ground::new().await;
    let url = ground.authorize("scope=chat:write,commands&state=xyz%26");

    let first = Answer::of(ground.http.get(&url)).await;
    assert_eq!(first.status, 303);
    assert!(first.header("location").contains("/login?return_to="), "{}", first.header("location"));
    let path = url.strip_prefix(&ground.at).unwrap();
    let page = ground.page("U0ADA00001", path).await;
    assert!(page.body.contains("Send messages as itself") && page.body.contains("Acme"), "{}", page.body);
    let ticket = page.body.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let decide = |decision: &'static str, cookie: String| {
        let form = [("ticket", ticket.to_owned()), ("decision", decision.to_owned())];
        Answer::of(ground.http.post(format!("{}/oauth/v2/authorize", ground.at)).header("cookie", cookie).form(&form))
    };

    assert_eq!(decide("allow", "slack_sandbox_guard=another".to_owned()).await.status, 403, "another browser's");
    let back = decide("allow", cookie.clone()).await;

    assert!(back.header("location").starts_with(CALLBACK), "{}", back.header("location"));
    assert_eq!(back.parameter("state").as_deref(), Some("xyz&"));
    assert!(back.parameter("code").is_some());
    assert_eq!(decide("allow", cookie).await.status, 403, "a page counts once");
}

#[tokio::test]
async fn whoever_says_no_is_sent_back_with_access_denied() {
    let ground = Ground::new().await;
    let asked = json!({"user": "eve", "url": ground.authorize("scope=commands&state=s"), "decision": "cancel"});

    let redirect = ground.control("/authorize", asked).await["redirect"].as_str().unwrap().to_owned();

    assert_eq!(parameter(&redirect, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&redirect, "state").as_deref(), Some("s"));
    assert_eq!(parameter(&redirect, "code"), None);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_to_the_person() {
    let ground = Ground::new().await;
    for (query, word) in [
        ("scope=chat:write&redirect_uri=https://evil.example/", "bad_redirect_uri"),
        ("scope=chat:write,world:domination", "invalid_scope"),
        ("scope=", "no_scopes"),
    ] {
        let url = ground.authorize(query);
        let page = ground.page("U0ADA00001", url.strip_prefix(&ground.at).unwrap()).await;
        assert_eq!(page.status, 422, "{query}");
        assert!(page.body.contains(word), "{query}: {}", page.body);
    }
    let unknown = ground.page("U0ADA00001", "/oauth/v2/authorize?client_id=1.2&scope=chat:write").await;
    assert!(unknown.body.contains("invalid_client_id"));
}

#[tokio::test]
async fn a_code_is_traded_once_for_the_bots_token() {
    let ground = Ground::new().await;
    let code = ground.code("scope=chat:write,commands").await;

    let answer = ground.access(&[("code", &code)]).await;

    assert_eq!(answer["ok"], true, "{answer}");
    assert!(answer["access_token"].as_str().unwrap().starts_with("xoxb-"));
    assert_eq!(answer["token_type"], "bot");
    assert_eq!(answer["scope"], "chat:write,commands");
    assert_eq!(answer["team"], json!({"id": ACME, "name": "Acme"}));
    assert_eq!(answer["authed_user"], json!({"id": "U0ADA00001"}));
    assert_eq!((&answer["app_id"], &answer["enterprise"]), (&json!(APP), &Value::Null));
    assert_eq!(answer["is_enterprise_install"], false);
    assert!(answer["bot_user_id"].is_string() && answer["expires_in"].is_null() && answer["bot_id"].is_null());
    assert_eq!(ground.access(&[("code", &code)]).await["error"], "invalid_code", "used up");
    let token = answer["access_token"].as_str().unwrap();
    let me = ground.call("auth.test", token, json!({})).await;
    assert_eq!((&me["team_id"], &me["user_id"]), (&json!(ACME), &answer["bot_user_id"]));
    assert!(me["bot_id"].as_str().unwrap().starts_with('B'));
}

#[tokio::test]
async fn name_and_secret_are_taken_as_basic_as_form_and_as_json() {
    let ground = Ground::new().await;
    let url = format!("{}oauth.v2.access", ground.setting("API_URL"));
    let (id, secret) = (ground.setting("CLIENT_ID"), ground.setting("CLIENT_SECRET"));
    let mut fields = vec![("client_id", id.to_owned()), ("client_secret", secret.to_owned())];
    fields.push(("code", ground.code("scope=commands").await));

    let form = Answer::of(ground.http.post(&url).form(&fields)).await.json();
    let code = ground.code("scope=commands").await;
    let body = json!({"client_id": id, "client_secret": secret, "code": code});
    let as_json = Answer::of(ground.http.post(&url).json(&body)).await.json();

    assert_eq!((&form["ok"], &as_json["ok"]), (&json!(true), &json!(true)));
    assert_eq!(form["access_token"], as_json["access_token"], "without rotation the bot keeps its token");
    let wrong = [("client_id", id), ("client_secret", "wrong"), ("code", "x")];
    assert_eq!(Answer::of(ground.http.post(&url).form(&wrong)).await.json()["error"], "bad_client_secret");
    let nobody = [("client_id", "1.2"), ("client_secret", secret), ("code", "x")];
    assert_eq!(Answer::of(ground.http.post(&url).form(&nobody)).await.json()["error"], "invalid_client_id");
}

#[tokio::test]
async fn the_redirect_must_be_the_one_of_before() {
    let ground = Ground::new().await;
    let query = format!("scope=commands&redirect_uri={CALLBACK}");
    for (asked, sent, error) in [
        (&*query, Some("http://localhost:3000/elsewhere"), Some("bad_redirect_uri")),
        (&query, None, Some("bad_redirect_uri")),
        ("scope=commands", Some(CALLBACK), Some("bad_redirect_uri")),
        (&query, Some(CALLBACK), None),
    ] {
        let code = ground.code(asked).await;
        let mut fields = vec![("code", &*code)];
        fields.extend(sent.map(|sent| ("redirect_uri", sent)));
        let answer = ground.access(&fields).await;
        assert_eq!(answer["error"].as_str(), error, "{asked} {sent:?}");
    }
    let code = ground.code("scope=commands").await;
    ground.control("/codes/expire", json!({})).await;
    assert_eq!(ground.access(&[("code", &code)]).await["error"], "invalid_code", "ten minutes later");
    assert_eq!(ground.access(&[("grant_type", "password")]).await["error"], "invalid_grant_type");
}

#[tokio::test]
async fn pkce_is_refused_until_the_app_is_set_to_it_and_then_never_forgiven() {
    let ground = Ground::new().await;
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let query = format!("scope=commands&code_challenge={challenge}&code_challenge_method=S256");

    let code = ground.code(&query).await;
    let refused = ground.access(&[("code", &code), ("code_verifier", verifier)]).await;
    ground.control(&format!("/apps/{APP}"), json!({"pkce": true})).await;
    let code = ground.code(&query).await;
    let wrong = ground.access(&[("code", &code), ("code_verifier", "something else")]).await;
    let code = ground.code(&query).await;
    let right = ground.access(&[("code", &code), ("code_verifier", verifier)]).await;

    assert_eq!(refused["error"], "pkce_not_allowed");
    assert_eq!(wrong["error"], "invalid_code_verifier");
    assert_eq!(right["ok"], true, "{right}");
}

#[tokio::test]
async fn user_scopes_give_a_token_of_the_person() {
    let ground = Ground::new().await;
    let code = ground.code("user_scope=channels:read,users:read").await;

    let answer = ground.access(&[("code", &code)]).await;

    assert!(answer["access_token"].is_null(), "no scopes of a bot, no token of a bot");
    let token = answer["authed_user"]["access_token"].as_str().unwrap();
    assert!(token.starts_with("xoxp-"));
    assert_eq!(answer["authed_user"]["token_type"], "user");
    assert_eq!(ground.call("auth.test", token, json!({})).await["user_id"], "U0ADA00001");
}

#[tokio::test]
async fn rotating_tokens_end_and_a_refresh_token_counts_once() {
    let ground = Ground::new().await;
    ground.control(&format!("/apps/{APP}"), json!({"token_rotation": true})).await;
    let code = ground.code("scope=chat:write").await;
    let first = ground.access(&[("code", &code)]).await;
    assert!(first["access_token"].as_str().unwrap().starts_with("xoxe.xoxb-"));
    assert!(first["refresh_token"].as_str().unwrap().starts_with("xoxe-1-"));
    assert_eq!(first["expires_in"], 43_200);
    let old = first["access_token"].as_str().unwrap();

    ground.control("/tokens/end", json!({"team": ACME, "how": "expired"})).await;
    assert_eq!(ground.refused("auth.test", old, json!({})).await, "token_expired");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())];
    let second = ground.access(&refresh).await;

    assert_eq!((&second["ok"], &second["token_type"]), (&json!(true), &json!("bot")));
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["team"]["id"], ACME);
    let new = second["access_token"].as_str().unwrap();
    let me = ground.call("auth.test", new, json!({})).await;
    assert!(me["ok"] == true && me["expires_in"].as_i64().unwrap() > 43_000);
    assert_eq!(ground.access(&refresh).await["error"], "invalid_refresh_token", "the old one is revoked");
}

#[tokio::test]
async fn a_lasting_token_can_be_exchanged_for_a_rotating_one() {
    let ground = Ground::new().await;
    let lasting = ground.install("ada", "chat:write").await.token;
    let exchange = async || {
        let request = ground.http.post(format!("{}/api/oauth.v2.exchange", ground.at));
        let fields = [
            ("client_id", ground.setting("CLIENT_ID")),
            ("client_secret", ground.setting("CLIENT_SECRET")),
            ("token", &lasting),
        ];
        Answer::of(request.form(&fields)).await.json()
    };

    assert_eq!(exchange().await["error"], "token_rotation_not_enabled");
    ground.control(&format!("/apps/{APP}"), json!({"token_rotation": true})).await;
    assert!(exchange().await["access_token"].as_str().unwrap().starts_with("xoxe.xoxb-"));
    assert_eq!(exchange().await["error"], "token_already_exchanged");
}

#[tokio::test]
async fn an_organization_installs_for_all_its_workspaces() {
    let ground = Ground::new().await;
    ground.control("/enterprise", json!({"name": "Initech"})).await;
    let asked = json!({"user": "ada", "url": ground.authorize("scope=channels:read"), "enterprise": true});
    let redirect = ground.control("/authorize", asked).await["redirect"].as_str().unwrap().to_owned();

    let answer = ground.access(&[("code", &parameter(&redirect, "code").unwrap())]).await;

    assert_eq!((&answer["team"], &answer["is_enterprise_install"]), (&Value::Null, &json!(true)));
    assert_eq!(answer["enterprise"]["name"], "Initech");
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(ground.refused("conversations.list", token, json!({})).await, "missing_argument");
    let other = json!({"team_id": "T0NOTHING1"});
    assert_eq!(ground.refused("conversations.list", token, other).await, "team_access_not_granted");
    for (team, count) in [(ACME, 4), (super::ground::UMBRA, 2)] {
        let channels = ground.call("conversations.list", token, json!({"team_id": team})).await["channels"].clone();
        assert_eq!(channels.as_array().unwrap().len(), count, "{channels}");
    }
}
