//! What the tests stand on: a sandbox of their own, and a receiver of webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use integration_github::sandbox;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

pub const CALLBACK: &str = "http://localhost:3000/auth/github/callback";

/// A fresh sandbox on a port of its own.
pub struct Ground {
    pub at: String,
    pub settings: Vec<(&'static str, String)>,
    pub http: Client,
}

impl Ground {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}/github", listener.local_addr().unwrap());
        let opened = sandbox::open(&Url::parse(&at).unwrap(), &Url::parse(CALLBACK).unwrap());
        let router = Router::new().nest("/github", opened.router);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = Client::builder().redirect(Policy::none()).user_agent("tests").build().unwrap();
        Self { at, settings: opened.settings, http }
    }

    /// A ready token of that user.
    pub async fn token(&self, login: &str) -> String {
        self.token_with(login, "repo admin:repo_hook delete_repo user").await
    }

    pub async fn token_with(&self, login: &str, scopes: &str) -> String {
        let made = self.control("/tokens", json!({"user": login, "scopes": scopes})).await;
        made["token"].as_str().unwrap().to_owned()
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sandbox{path}", self.at)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub async fn look(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/_sandbox{path}", self.at)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// A REST call with a token.
    pub fn api(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let url = format!("{}/api/v3{path}", self.at);
        self.http.request(method, url).header("authorization", format!("Bearer {token}"))
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.api(Method::GET, path, token)).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        Answer::of(self.api(Method::POST, path, token).json(&body)).await
    }

    pub async fn patch(&self, path: &str, token: &str, body: Value) -> Answer {
        Answer::of(self.api(Method::PATCH, path, token).json(&body)).await
    }

    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.api(Method::DELETE, path, token)).await
    }

    /// A form, sent by that user's browser.
    pub async fn form(&self, login: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.at)).form(fields);
        Answer::of(request.header("cookie", format!("github_sandbox_user={login}"))).await
    }

    /// A page, as that user sees it.
    pub async fn page(&self, login: &str, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.at));
        Answer::of(request.header("cookie", format!("github_sandbox_user={login}"))).await
    }

    /// A webhook to `receiver`, made by ada, past its ping.
    pub async fn hook(&self, repository: &str, receiver: &Receiver, events: &[&str]) -> u64 {
        let ada = self.token("ada-codes").await;
        let config = json!({"url": receiver.url, "content_type": "json", "secret": SECRET});
        let before = receiver.all().len();
        let made =
            self.post(&format!("/repos/{repository}/hooks"), &ada, json!({"config": config, "events": events})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        receiver.wait_for(before + 1).await;
        made.json()["id"].as_u64().unwrap()
    }

    /// Opens an issue as ada, on the web: no limits there.
    pub async fn open_issue(&self, repository: &str, title: &str) {
        let answer = self.form("ada-codes", &format!("/{repository}/issues"), &[("title", title)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
}

pub const SECRET: &str = "a secret of the link";

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, body: answer.text().await.unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> Url {
        Url::parse(self.header("location")).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    /// A parameter of the address it redirects to.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.location().query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
    }
}

/// A webhook as it arrived.
#[derive(Clone)]
pub struct Arrival {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Arrival {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn event(&self) -> &str {
        self.header("x-github-event")
    }
}

type Behaviour = Arc<dyn Fn() -> (Duration, Response) + Send + Sync>;

/// A server that remembers what it was sent.
pub struct Receiver {
    pub url: String,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Receiver {
    pub async fn new() -> Self {
        Self::answering(Arc::new(|| (Duration::ZERO, StatusCode::OK.into_response()))).await
    }

    pub async fn answering(behaviour: Behaviour) -> Self {
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&arrivals);
        let handler = any(move |headers: HeaderMap, body: Bytes| {
            let (keep, behaviour) = (Arc::clone(&keep), Arc::clone(&behaviour));
            async move {
                keep.lock().unwrap().push(Arrival { headers, body });
                let (delay, response) = behaviour();
                tokio::time::sleep(delay).await;
                response
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { url, arrivals }
    }

    pub fn all(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }

    /// Everything, once there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<Arrival> {
        eventually(&format!("{count} deliveries"), async || Some(self.all()).filter(|all| all.len() >= count)).await
    }
}

/// What `look` finds, as soon as it does.
pub async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for {what}");
}

/// Long enough for something that must not happen to have happened.
pub async fn a_while() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}
