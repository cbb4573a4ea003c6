//! The sandbox of GitHub on a port of its own: the one real partner that tests of routes call.

use std::sync::Arc;

use integration_contract::{Integration, PartnerSettings};
use integration_github::GitHub;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// An open sandbox. It closes when it is dropped.
pub struct GitHubSandbox {
    /// `http://127.0.0.1:port/github`
    pub at: String,
    http: reqwest::Client,
    settings: PartnerSettings,
    serving: JoinHandle<()>,
}

impl GitHubSandbox {
    /// For the product that is reached there.
    pub async fn open(product: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}/github", listener.local_addr().unwrap());
        let callback = product.join("auth/github/callback").unwrap();
        let opened = integration_github::sandbox::open(&Url::parse(&at).unwrap(), &callback);
        let router = axum::Router::new().nest("/github", opened.router);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = reqwest::Client::builder().redirect(Policy::none()).tls_certs_only([]).build().unwrap();
        Self { at, http, settings: opened.settings.into_iter().collect(), serving }
    }

    /// The integration that calls this sandbox, with its settings.
    pub fn integration(&self) -> (Arc<dyn Integration>, PartnerSettings) {
        (Arc::new(GitHub::new(&self.settings).unwrap()), self.settings.clone())
    }

    /// Steers the sandbox; its overview says what it can be told.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sandbox{path}", self.at)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// From now on, calls on this path meet this effect; once, unless it says otherwise.
    pub async fn trouble(&self, path: &str, effect: Value) {
        let mut rule = effect;
        rule["path"] = json!(path);
        self.control("/rules", rule).await;
    }

    /// Ends all trouble.
    pub async fn calm(&self) {
        self.control("/reset", json!({})).await;
    }

    pub async fn look(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/_sandbox{path}", self.at)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// How many calls of a method were made on paths like this.
    pub async fn calls(&self, method: &str, path: &str) -> usize {
        self.look(&format!("/calls?method={method}&path={path}")).await.as_array().unwrap().len()
    }

    /// How often a code was to be traded for a token.
    pub async fn trades(&self) -> usize {
        self.calls("POST", "/login/oauth/access_token").await
    }

    /// The user's answer to a consent page: the path and query at which their browser comes back to us.
    pub async fn consent(&self, login: &str, page: &str, decision: &str) -> String {
        let ask = json!({ "user": login, "url": page, "decision": decision });
        let back = self.control("/authorize", ask).await["redirect"].as_str().unwrap().parse::<Url>().unwrap();
        format!("{}?{}", back.path(), back.query().unwrap_or_default())
    }

    /// A form on one of its pages, sent by that user's browser.
    pub async fn form(&self, login: &str, path: &str, fields: &[(&str, &str)]) {
        let request = self.http.post(format!("{}{path}", self.at)).form(fields);
        let answer = request.header("cookie", format!("github_sandbox_user={login}")).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{path}: {}", answer.text().await.unwrap());
    }

    /// The API, called by that user.
    pub async fn api(&self, login: &str, method: reqwest::Method, path: &str, body: Value) -> u16 {
        let token = self.control("/tokens", json!({ "user": login })).await["token"].as_str().unwrap().to_owned();
        let request = self.http.request(method, format!("{}/api/v3{path}", self.at)).bearer_auth(token).json(&body);
        request.header("user-agent", "tests").send().await.unwrap().status().as_u16()
    }
}

impl Drop for GitHubSandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
