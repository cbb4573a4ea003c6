//! Consent and tokens.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, CALLBACK, Ground};

const CLIENT_ID: &str = "Ov23liPatchbaySandbox";

impl Ground {
    fn setting(&self, name: &str) -> &str {
        &self.settings.iter().find(|(it, _)| *it == name).unwrap().1
    }

    fn authorize_url(&self, more: &str) -> String {
        format!("{}?client_id={CLIENT_ID}&state=s&{more}", self.setting("AUTHORIZE_URL"))
    }

    /// The code that ada's yes leads to.
    async fn code(&self, more: &str) -> String {
        let answer = self.control("/authorize", json!({"user": "ada-codes", "url": self.authorize_url(more)})).await;
        let redirect = url::Url::parse(answer["redirect"].as_str().unwrap()).unwrap();
        redirect.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn exchange(&self, fields: &[(&str, &str)], accept: &str) -> Answer {
        let mut all = vec![("client_id", CLIENT_ID), ("client_secret", self.setting("CLIENT_SECRET"))];
        all.extend_from_slice(fields);
        Answer::of(self.http.post(self.setting("TOKEN_URL")).form(&all).header("accept", accept)).await
    }

    async fn exchange_json(&self, fields: &[(&str, &str)]) -> Value {
        let answer = self.exchange(fields, "application/json").await;
        assert_eq!(answer.status, 200, "errors too come with 200");
        answer.json()
    }
}

#[tokio::test]
async fn the_way_of_a_browser_leads_from_log_in_over_consent_to_a_token() {
    let ground = Ground::new().await;
    let url = ground.authorize_url("scope=repo%20admin:repo_hook");

    let stranger = Answer::of(ground.http.get(&url)).await;
    assert_eq!(stranger.status, 303);
    let return_to = stranger.parameter("return_to").unwrap();
    let login = ground.form("nobody", "/login", &[("user", "ada-codes"), ("return_to", &return_to)]).await;
    assert_eq!(login.location().as_str(), url);
    let cookie = login.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(login.header("set-cookie").contains("Path=/github;"), "the cookie stays in the sandbox");

    let consent = Answer::of(ground.http.get(&url).header("cookie", &cookie)).await;
    assert_eq!(consent.status, 200);
    assert!(consent.body.contains("Authorize Patchbay") && consent.body.contains("<code>repo</code>"));
    let guard = consent.header("set-cookie").split(';').next().unwrap();
    let cookies = format!("{cookie}; {guard}");
    let ticket = consent.body.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("ticket", ticket), ("decision", "authorize")];
    let elsewhere = Answer::of(ground.http.post(&url).form(&form).header("cookie", &cookie)).await;
    assert_eq!(elsewhere.status, 403, "a ticket is bound to the browser that asked");

    let agreed = Answer::of(ground.http.post(&url).form(&form).header("cookie", &cookies)).await;
    assert_eq!(agreed.status, 302);
    assert!(agreed.header("location").starts_with(CALLBACK));
    assert_eq!(agreed.parameter("state").as_deref(), Some("s"));
    let code = agreed.parameter("code").unwrap();
    let token = ground.exchange(&[("code", &code)], "*/*").await;
    assert_eq!(token.header("content-type"), "application/x-www-form-urlencoded; charset=utf-8");
    assert!(token.body.starts_with("access_token=gho_"), "{}", token.body);
    assert!(token.body.ends_with("&scope=admin%3Arepo_hook%2Crepo&token_type=bearer"), "{}", token.body);

    let again = Answer::of(ground.http.post(&url).form(&form).header("cookie", &cookies)).await;
    assert_eq!(again.status, 403, "a ticket is used once");
}

#[tokio::test]
async fn an_authorized_app_needs_no_second_yes_unless_it_asks_for_a_prompt_or_for_more() {
    let ground = Ground::new().await;
    ground.code("scope=repo").await;
    let see = async |more: &str| {
        let url = ground.authorize_url(more);
        Answer::of(ground.http.get(url).header("cookie", "github_sandbox_user=ada-codes")).await.status
    };

    assert_eq!(see("scope=repo").await, 302);
    assert_eq!(see("scope=public_repo").await, 302);
    assert_eq!(see("").await, 302);
    assert_eq!(see("scope=repo&prompt=select_account").await, 200);
    assert_eq!(see("scope=repo%20gist").await, 200);
}

#[tokio::test]
async fn a_no_and_each_mistake_come_back_to_the_registered_callback() {
    let ground = Ground::new().await;
    let ask = async |more: &str, decision: &str| {
        let body = json!({"user": "ada-codes", "url": ground.authorize_url(more), "decision": decision});
        let redirect = ground.control("/authorize", body).await["redirect"].as_str().unwrap().to_owned();
        assert!(redirect.starts_with(CALLBACK), "{redirect}");
        assert!(redirect.contains("state=s"), "{redirect}");
        redirect
    };

    assert!(ask("", "cancel").await.contains("error=access_denied"));
    let evil = "redirect_uri=https://evil.example/auth/github/callback";
    assert!(ask(evil, "authorize").await.contains("error=redirect_uri_mismatch"));
    assert!(ask("code_challenge=x&code_challenge_method=plain", "authorize").await.contains("error=invalid_request"));
    ground.control(&format!("/apps/{CLIENT_ID}/suspend"), json!({"suspended": true})).await;
    assert!(ask("", "authorize").await.contains("error=application_suspended"));

    let unknown = format!("{}?client_id=nobody", ground.setting("AUTHORIZE_URL"));
    assert_eq!(Answer::of(ground.http.get(unknown)).await.status, 404, "nowhere to go back to");
}

#[tokio::test]
async fn token_errors_are_a_200_with_a_word_for_what_is_wrong() {
    let ground = Ground::new().await;

    let unknown = ground.exchange_json(&[("code", "nonsense")]).await;
    assert_eq!(unknown["error"], "bad_verification_code");
    assert!(unknown["error_uri"].as_str().unwrap().starts_with("https://docs.github.com/"));

    let code = ground.code("").await;
    let secret = [("client_id", CLIENT_ID), ("client_secret", "wrong"), ("code", code.as_str())];
    let answer = Answer::of(ground.http.post(ground.setting("TOKEN_URL")).form(&secret)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("error=incorrect_client_credentials&"), "{}", answer.body);

    let other = [("code", code.as_str()), ("redirect_uri", "http://localhost:3000/elsewhere")];
    assert_eq!(ground.exchange_json(&other).await["error"], "redirect_uri_mismatch");
    assert_eq!(
        ground.exchange_json(&[("code", &code)]).await["error"],
        "bad_verification_code",
        "and the code is used up"
    );

    let code = ground.code("").await;
    let xml = ground.exchange(&[("code", &code)], "application/xml").await;
    assert!(xml.body.contains("<OAuth><access_token>gho_"), "{}", xml.body);
    assert_eq!(ground.exchange_json(&[("code", &code)]).await["error"], "bad_verification_code", "a code works once");
}

#[tokio::test]
async fn a_challenge_once_sent_must_be_met() {
    let ground = Ground::new().await;
    let verifier = "a-verifier-of-at-least-forty-three-characters-0123";
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let asked = format!("code_challenge={challenge}&code_challenge_method=S256");

    for wrong in [vec![], vec![("code_verifier", "another-verifier-of-forty-three-characters-01234")]] {
        let code = ground.code(&asked).await;
        let mut fields = vec![("code", code.as_str())];
        fields.extend(wrong);
        assert_eq!(ground.exchange_json(&fields).await["error"], "bad_verification_code");
    }
    let code = ground.code(&asked).await;
    let good = ground.exchange_json(&[("code", &code), ("code_verifier", verifier)]).await;
    assert!(good["access_token"].as_str().unwrap().starts_with("gho_"));
}

#[tokio::test]
async fn basic_credentials_and_json_are_understood_too() {
    let ground = Ground::new().await;
    let code = ground.code("scope=gist").await;
    let request = ground.http.post(ground.setting("TOKEN_URL"));
    let request = request.basic_auth(CLIENT_ID, Some(ground.setting("CLIENT_SECRET")));

    let answer = Answer::of(request.json(&json!({"code": code})).header("accept", "application/json")).await;

    assert_eq!(answer.json()["scope"], "gist");
}

#[tokio::test]
async fn the_eleventh_token_silently_ends_the_first() {
    let ground = Ground::new().await;
    let mut tokens = Vec::new();
    for _ in 0..11 {
        let code = ground.code("scope=repo").await;
        let answer = ground.exchange_json(&[("code", &code)]).await;
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }

    assert_eq!(ground.get("/user", &tokens[0]).await.status, 401);
    assert_eq!(ground.get("/user", &tokens[1]).await.status, 200);
    assert_eq!(ground.get("/user", &tokens[10]).await.status, 200);
}

#[tokio::test]
async fn an_app_may_end_a_token_or_the_whole_permission_but_only_its_own() {
    let ground = Ground::new().await;
    let mut tokens = Vec::new();
    for scope in ["scope=repo", "scope=gist", "scope=user"] {
        let code = ground.code(scope).await;
        tokens.push(ground.exchange_json(&[("code", &code)]).await["access_token"].as_str().unwrap().to_owned());
    }
    let call = async |path: &str, token: &str, secret: &str| {
        let url = format!("{}/applications/{CLIENT_ID}/{path}", ground.setting("API_URL"));
        let request = ground.http.request(Method::DELETE, url).basic_auth(CLIENT_ID, Some(secret));
        Answer::of(request.json(&json!({"access_token": token}))).await.status
    };
    let secret = ground.setting("CLIENT_SECRET");
    let personal = ground.token("ada-codes").await;

    assert_eq!(call("token", &tokens[0], "wrong").await, 401);
    assert_eq!(call("token", &personal, secret).await, 422);
    assert_eq!(call("token", &tokens[0], secret).await, 204);
    assert_eq!(ground.get("/user", &tokens[0]).await.json()["message"], "Bad credentials");
    assert_eq!(ground.get("/user", &tokens[1]).await.status, 200);
    assert_eq!(call("grant", &tokens[1], secret).await, 204);
    assert_eq!(ground.get("/user", &tokens[2]).await.status, 401);
    assert_eq!(ground.get("/user", &personal).await.status, 200);
}

#[tokio::test]
async fn a_person_may_revoke_the_app_on_the_page() {
    let ground = Ground::new().await;
    let code = ground.code("scope=repo").await;
    let token = ground.exchange_json(&[("code", &code)]).await["access_token"].as_str().unwrap().to_owned();
    assert!(ground.page("ada-codes", "/settings/applications").await.body.contains("Patchbay"));

    let answer = ground.form("ada-codes", &format!("/settings/applications/{CLIENT_ID}/revoke"), &[]).await;

    assert_eq!(answer.status, 303);
    assert_eq!(ground.get("/user", &token).await.status, 401);
}
