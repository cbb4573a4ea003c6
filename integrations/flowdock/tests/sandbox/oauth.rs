//! Consent and tokens.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, CALLBACK, Ground};

impl Ground {
    fn authorize_url(&self, more: &str) -> String {
        let client_id = self.setting("CLIENT_ID");
        format!("{}/oauth/authorize?client_id={client_id}&response_type=code&state=s%20s&{more}", self.at)
    }

    async fn redirect(&self, more: &str, decision: &str) -> String {
        let body = json!({"user": "ada", "url": self.authorize_url(more), "decision": decision});
        self.control("/authorize", body).await["redirect"].as_str().unwrap().to_owned()
    }

    async fn code(&self, more: &str) -> String {
        let redirect = url::Url::parse(&self.redirect(more, "authorize").await).unwrap();
        redirect.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn exchange(&self, fields: &[(&str, &str)], accept: &str) -> Answer {
        let mut all = vec![("client_id", self.setting("CLIENT_ID")), ("client_secret", self.setting("CLIENT_SECRET"))];
        all.extend_from_slice(fields);
        Answer::of(self.call(Method::POST, "/oauth/token").form(&all).header("accept", accept)).await
    }

    async fn exchange_code(&self, code: &str) -> Answer {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.exchange(&fields, "application/json").await
    }

    fn bearer(&self, method: Method, path: &str, token: &str) -> reqwest::RequestBuilder {
        self.call(method, path).bearer_auth(token)
    }
}

#[tokio::test]
async fn the_way_of_a_browser_leads_from_log_in_over_consent_to_a_token() {
    let ground = Ground::new().await;
    let url = ground.authorize_url("scope=profile%20integration");

    let stranger = Answer::of(ground.http.get(&url)).await;
    assert_eq!(stranger.status, 303);
    let return_to = stranger.parameter("return_to").unwrap();
    let login = ground.form("nobody", "/login", &[("user", "ada"), ("return_to", &return_to)]).await;
    assert_eq!(login.location().as_str(), url);
    let cookie = login.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(login.header("set-cookie").contains("Path=/flowdock;"), "the cookie stays in the sandbox");

    let consent = Answer::of(ground.http.get(&url).header("cookie", &cookie)).await;
    assert_eq!(consent.status, 200);
    assert!(consent.body.contains("Authorize Patchbay?") && consent.body.contains(">integration</code>"));
    let guard = consent.header("set-cookie").split(';').next().unwrap();
    let cookies = format!("{cookie}; {guard}");
    let form = [("ticket", consent.between("name=\"ticket\" value=\"", "\"")), ("decision", "authorize")];
    let decide = |cookies: String| {
        Answer::of(ground.call(Method::POST, "/oauth/authorize").form(&form).header("cookie", cookies))
    };
    assert_eq!(decide(cookie.clone()).await.status, 403, "a ticket is bound to the browser that asked");

    let agreed = decide(cookies.clone()).await;
    assert_eq!(agreed.status, 302);
    assert!(agreed.header("location").starts_with(CALLBACK));
    assert_eq!(agreed.parameter("state").as_deref(), Some("s s"));
    let code = agreed.parameter("code").unwrap();
    assert_eq!(ground.exchange_code(&code).await.status, 200);
    assert_eq!(decide(cookies).await.status, 403, "a ticket is used once");
}

#[tokio::test]
async fn the_redirect_uri_is_the_registered_one_exactly_or_nothing_goes_back() {
    let ground = Ground::new().await;
    for wrong in [
        "http://localhost:3000/auth/flowdock/callback/",
        "http://localhost:3000/auth/flowdock/callback?flow=1",
        "http://localhost:3000/auth/flowdock",
        "https://evil.example/auth/flowdock/callback",
    ] {
        let url = ground.authorize_url("");
        let answer = Answer::of(ground.http.get(&url).query(&[("redirect_uri", wrong)])).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{wrong}");
    }
    let nobody = format!("{}/oauth/authorize?client_id=nobody&response_type=code", ground.at);
    assert_eq!(Answer::of(ground.http.get(nobody)).await.status, 400);
    assert!(ground.redirect("", "authorize").await.starts_with(CALLBACK), "without one it is the registered one");
}

#[tokio::test]
async fn a_no_and_mistakes_come_back_with_the_state() {
    let ground = Ground::new().await;
    for (more, decision, error) in
        [("", "deny", "access_denied"), ("scope=flow%20everything", "authorize", "invalid_scope")]
    {
        let redirect = ground.redirect(more, decision).await;
        assert!(redirect.starts_with(CALLBACK) && redirect.contains("state=s+s"), "{redirect}");
        assert!(redirect.contains(&format!("error={error}")), "{redirect}");
    }
    let url = ground.authorize_url("").replace("response_type=code", "response_type=token");
    assert!(Answer::of(ground.http.get(url)).await.header("location").contains("unsupported_response_type"));
}

#[tokio::test]
async fn without_a_callback_the_code_is_in_the_path_and_on_the_page() {
    let ground = Ground::new().await;
    let oob = "urn:ietf:wg:oauth:2.0:oob";

    let redirect = ground.redirect(&format!("redirect_uri={oob}"), "authorize").await;
    let code = redirect.strip_prefix(&format!("{}/oauth/authorize/", ground.at)).unwrap();
    assert!(Answer::of(ground.http.get(&redirect)).await.body.contains(code));
    let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", oob)];
    assert_eq!(ground.exchange(&fields, "application/json").await.status, 200);
}

#[tokio::test]
async fn the_answer_is_a_form_unless_json_is_asked_for_and_scopes_have_commas() {
    let ground = Ground::new().await;
    let code = ground.code("scope=flow%20private").await;

    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let form = ground.exchange(&fields, "*/*").await;
    assert_eq!(form.header("content-type"), "application/x-www-form-urlencoded; charset=utf-8");
    assert!(form.body.contains("scope=flow%2Cprivate&token_type=bearer"), "{}", form.body);
    assert!(!form.body.contains("refresh_token"), "only with offline_access");

    let json = ground.exchange_code(&ground.code("scope=flow,profile").await).await.json();
    assert_eq!(json["scope"], "flow,profile");
    assert_eq!(json["expires_in"], 7200);
    let none = ground.exchange_code(&ground.code("").await).await.json();
    assert_eq!(none["scope"], "flow,private", "the default");
}

#[tokio::test]
async fn the_client_s_name_and_secret_belong_into_the_body_and_a_code_is_used_once() {
    let ground = Ground::new().await;
    let code = ground.code("").await;
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];

    let basic = ground.call(Method::POST, "/oauth/token").form(&fields);
    let basic = Answer::of(basic.basic_auth(ground.setting("CLIENT_ID"), Some(ground.setting("CLIENT_SECRET")))).await;
    assert_eq!((basic.status, basic.json()["error"].clone()), (401, json!("invalid_client")));
    assert_eq!(ground.exchange_code(&code).await.status, 200);
    let again = ground.exchange_code(&code).await;
    assert_eq!((again.status, again.json()["error"].clone()), (400, json!("invalid_grant")));

    let code = ground.code("").await;
    let elsewhere = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", "http://other.example/")];
    assert_eq!(ground.exchange(&elsewhere, "*/*").await.json()["error"], "invalid_grant");
    ground.code("").await;
    ground.control("/codes/expire", json!({})).await;
    assert_eq!(ground.exchange(&[("grant_type", "magic")], "*/*").await.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_and_kills_the_old_one() {
    let ground = Ground::new().await;
    let first = ground.exchange_code(&ground.code("scope=profile%20offline_access").await).await.json();
    let refresh = |token: Value| {
        let ground = &ground;
        async move {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
            ground.exchange(&fields, "application/json").await
        }
    };
    let user = |token: &Value| Answer::of(ground.bearer(Method::GET, "/user", token.as_str().unwrap()));

    ground.control("/clock", json!({"seconds": 7201})).await;
    assert_eq!(user(&first["access_token"]).await.status, 401, "short-lived");
    let second = refresh(first["refresh_token"].clone()).await;
    assert_eq!(second.status, 200);
    assert_eq!(user(&second.json()["access_token"]).await.json()["nick"], "ada");
    let old = refresh(first["refresh_token"].clone()).await;
    assert_eq!((old.status, old.json()["error"].clone()), (400, json!("invalid_grant")));
    assert_eq!(refresh(second.json()["refresh_token"].clone()).await.status, 200);
}

#[tokio::test]
async fn a_password_is_a_grant_too_and_json_a_body() {
    let ground = Ground::new().await;
    let ask = |password: &str| {
        let body = json!({
            "grant_type": "password", "username": "bob@example.com", "password": password, "scope": "profile",
            "client_id": ground.setting("CLIENT_ID"), "client_secret": ground.setting("CLIENT_SECRET"),
        });
        Answer::of(ground.call(Method::POST, "/oauth/token").json(&body).header("accept", "application/json"))
    };

    assert_eq!(ask("wrong").await.status, 400);
    let token = ask("patchbay").await.json()["access_token"].as_str().unwrap().to_owned();
    let user = Answer::of(ground.bearer(Method::GET, "/user", &token)).await;
    assert_eq!(user.json()["email"], "bob@example.com");
    assert_eq!(user.header("flowdock-user"), user.json()["id"].to_string());
    let in_query = Answer::of(ground.call(Method::GET, &format!("/user?access_token={token}"))).await;
    assert_eq!(in_query.status, 200);
}

#[tokio::test]
async fn scopes_open_what_they_say_and_an_integration_needs_only_profile_and_integration() {
    let ground = Ground::new().await;
    let flow = ground.get("ada", "/flows/acme/main").await.json()["id"].as_str().unwrap().to_owned();
    let find = format!("/flows/find?id={flow}");
    let status = async |token: &str, method: Method, path: &str, body: Value| {
        Answer::of(ground.bearer(method, path, token).json(&body)).await.status
    };

    let ours = ground.token("ada", "profile integration").await;
    assert_eq!(status(&ours, Method::GET, "/user", json!({})).await, 200);
    assert_eq!(status(&ours, Method::GET, &find, json!({})).await, 200);
    assert_eq!(status(&ours, Method::POST, "/flows/acme/main/sources", json!({"name": "x"})).await, 201);
    assert_eq!(status(&ours, Method::GET, "/flows/acme/main/sources", json!({})).await, 200);
    assert_eq!(status(&ours, Method::GET, "/flows/acme/main/messages", json!({})).await, 403);
    assert_eq!(status(&ours, Method::POST, "/flows/acme", json!({"name": "New"})).await, 403);

    let usual = ground.token("ada", "flow private").await;
    assert_eq!(status(&usual, Method::GET, "/flows/acme/main/messages", json!({})).await, 200);
    assert_eq!(status(&usual, Method::GET, "/private", json!({})).await, 200);
    assert_eq!(status(&usual, Method::GET, "/user", json!({})).await, 403);
    assert_eq!(status(&usual, Method::POST, "/flows/acme/main/sources", json!({"name": "x"})).await, 403);
}

#[tokio::test]
async fn a_person_takes_an_application_s_access_back() {
    let ground = Ground::new().await;
    let token = ground.token("ada", "profile").await;
    let page = ground.page("ada", "/account/authorized_applications").await;
    let id = page.between("/account/authorized_applications/", "/revoke").to_owned();

    ground.form("ada", &format!("/account/authorized_applications/{id}/revoke"), &[]).await;
    assert_eq!(Answer::of(ground.bearer(Method::GET, "/user", &token)).await.status, 401);
}

#[tokio::test]
async fn a_program_registers_an_application() {
    let ground = Ground::new().await;
    let body = json!({"application": {"name": "Script", "redirect_uri": "urn:ietf:wg:oauth:2.0:oob"}});

    let made = ground.post("bob", "/oauth/applications", body.clone()).await;
    assert_eq!(made.status, 201);
    assert!(made.json()["client_id"].is_string() && made.json()["client_secret"].is_string());
    let stranger = Answer::of(ground.call(Method::POST, "/oauth/applications").json(&body)).await;
    assert_eq!(stranger.status, 401);
    let empty = ground.post("bob", "/oauth/applications", json!({"application": {}})).await;
    assert_eq!((empty.status, empty.json()["errors"]["name"][0].clone()), (400, json!("can't be blank")));
}
