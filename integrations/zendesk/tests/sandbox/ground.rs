//! What the tests stand on: a sandbox of their own, and a receiver of webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_zendesk::sandbox;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

pub const CALLBACK: &str = "http://localhost:3000/auth/zendesk/callback";
/// Of the seed: the chart's ticket, which Bob has answered.
pub const CHART: u64 = 1;
/// Of the seed: a new one.
pub const EXPORT: u64 = 2;

/// A fresh sandbox on a port of its own.
pub struct Ground {
    pub at: String,
    pub settings: Vec<(&'static str, String)>,
    pub http: Client,
    /// Ada's token: an admin's of Acme, for everything.
    pub ada: String,
}

impl Ground {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}/zendesk", listener.local_addr().unwrap());
        let opened = sandbox::open(&Url::parse(&at).unwrap(), &Url::parse(CALLBACK).unwrap());
        let router = Router::new().nest("/zendesk", opened.router.clone()).fallback_service(opened.router);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut ground = Self { at, settings: opened.settings, http, ada: String::new() };
        ground.ada = ground.token("ada", "read write").await;
        ground
    }

    /// With a webhook of the receiver's that is subscribed so; and its id.
    pub async fn hooked(subscriptions: &[&str]) -> (Self, Receiver, String) {
        let (ground, receiver) = (Self::new().await, Receiver::new().await);
        let id = ground.hook(&receiver.url, subscriptions).await;
        (ground, receiver, id)
    }

    pub async fn hook(&self, url: &str, subscriptions: &[&str]) -> String {
        let hook = json!({
            "name": "Ours", "endpoint": url, "http_method": "POST", "request_format": "json", "status": "active",
            "subscriptions": subscriptions,
        });
        let made = self.post("webhooks", json!({"webhook": hook})).await;
        made["webhook"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn secret(&self, hook: &str) -> String {
        let answer = self.get(&format!("webhooks/{hook}/signing_secret")).await;
        answer["signing_secret"]["secret"].as_str().unwrap().to_owned()
    }

    /// Fires on every update with a comment; and its id.
    pub async fn trigger(&self, hook: &str, conditions: Value, template: &str) -> u64 {
        let actions = json!([{"field": "notification_webhook", "value": [hook, template]}]);
        let trigger = json!({"title": "Ours", "conditions": conditions, "actions": actions});
        self.post("triggers", json!({"trigger": trigger})).await["trigger"]["id"].as_u64().unwrap()
    }

    pub async fn token(&self, user: &str, scopes: &str) -> String {
        self.token_of("acme", user, scopes).await
    }

    pub async fn token_of(&self, account: &str, user: &str, scopes: &str) -> String {
        let made = self.control("/tokens", json!({"account": account, "user": user, "scopes": scopes})).await;
        made["access_token"].as_str().unwrap().to_owned()
    }

    pub fn setting(&self, name: &str) -> &str {
        &self.settings.iter().find(|(it, _)| *it == name).unwrap().1
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sandbox{path}", self.at)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub async fn look(&self, path: &str) -> Value {
        self.http.get(format!("{}/_sandbox{path}", self.at)).send().await.unwrap().json().await.unwrap()
    }

    /// A call of Acme's API with that token.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let mut request = self.http.request(method, format!("{}/acme/api/v2/{path}", self.at)).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        Answer::of(request).await
    }

    /// Ada's, which works.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call(&self.ada, Method::GET, path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call(&self.ada, Method::POST, path, body).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        answer.json()
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        let answer = self.call(&self.ada, Method::PUT, path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// Ada's, which is refused with that status.
    pub async fn refused(&self, method: Method, path: &str, body: Value, status: u16) -> Answer {
        let answer = self.call(&self.ada, method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        answer
    }

    pub async fn update(&self, ticket: u64, change: Value) -> Value {
        self.put(&format!("tickets/{ticket}"), json!({"ticket": change})).await
    }

    /// A ticket of Acme's by its subject and text; its number.
    pub async fn ticket(&self, subject: &str, body: &str) -> u64 {
        let ticket = json!({"subject": subject, "comment": {"body": body}});
        self.post("tickets", json!({"ticket": ticket})).await["ticket"]["id"].as_u64().unwrap()
    }

    pub async fn user(&self, handle: &str) -> u64 {
        let accounts = self.look("/").await["accounts"].clone();
        let users = accounts.as_array().unwrap().iter().flat_map(|it| it["users"].as_array().unwrap());
        let mut found = users.filter(|user| user["email"].as_str().unwrap().starts_with(handle));
        found.next().unwrap_or_else(|| panic!("nobody is {handle}"))["id"].as_u64().unwrap()
    }

    /// A form, sent by that user's browser.
    pub async fn form(&self, user: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.at)).form(fields);
        Answer::of(request.header("cookie", self.cookie(user).await)).await
    }

    /// A page, as that user sees it.
    pub async fn page(&self, user: &str, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.at));
        Answer::of(request.header("cookie", self.cookie(user).await)).await
    }

    async fn cookie(&self, user: &str) -> String {
        if user.is_empty() { String::new() } else { format!("zendesk_sandbox_user={}", self.user(user).await) }
    }

    pub async fn strict(&self, what: Value) {
        self.control("/strict", what).await;
    }
}

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

    /// A parameter of the address it redirects to.
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.header("location"), name)
    }
}

pub fn parameter(address: &str, name: &str) -> Option<String> {
    let url = Url::parse(address).unwrap_or_else(|_| panic!("no address: {address}"));
    url.query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
}

/// A delivery as it arrived.
#[derive(Clone)]
pub struct Arrival {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Arrival {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn invocation(&self) -> &str {
        self.header("x-zendesk-webhook-invocation-id")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// Written out here once more, as a receiver would.
    pub fn is_signed(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let message = [self.header("x-zendesk-webhook-signature-timestamp").as_bytes(), &self.body].concat();
        let signature = STANDARD.decode(self.header("x-zendesk-webhook-signature")).unwrap_or_default();
        hmac::verify(&key, &message, &signature).is_ok()
    }
}

type Behaviour = Arc<dyn Fn(usize) -> (Duration, Response) + Send + Sync>;

/// A server that remembers what it was sent.
pub struct Receiver {
    pub url: String,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Receiver {
    pub async fn new() -> Self {
        Self::answering(|_| StatusCode::OK.into_response()).await
    }

    /// Answers the first, second, … arrival so.
    pub async fn answering(answer: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        Self::behaving(Arc::new(move |number| (Duration::ZERO, answer(number)))).await
    }

    pub async fn behaving(behaviour: Behaviour) -> Self {
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&arrivals);
        let handler = any(move |headers: HeaderMap, body: Bytes| {
            let (keep, behaviour) = (Arc::clone(&keep), Arc::clone(&behaviour));
            async move {
                let number = {
                    let mut keep = keep.lock().unwrap();
                    keep.push(Arrival { headers, body });
                    keep.len()
                };
                let (delay, response) = behaviour(number);
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

    pub fn forget(&self) {
        self.arrivals.lock().unwrap().clear();
    }

    /// Everything, once there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<Arrival> {
        for _ in 0..500 {
            let all = self.all();
            if all.len() >= count {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("waited in vain for {count} deliveries; there are {:?}", self.all().len());
    }
}

/// Long enough for something that must not happen to have happened.
pub async fn a_while() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}
