//! What the tests stand on: a sandbox of their own, and a receiver of events and commands.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use integration_slack::sandbox;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

pub const CALLBACK: &str = "http://localhost:3000/auth/slack/callback";
pub const ACME: &str = "T0ACME0001";
pub const UMBRA: &str = "T0UMBRA001";
pub const ADA: &str = "U0ADA00001";
pub const BOB: &str = "U0BOB00002";
pub const EVE: &str = "U0EVE00004";
pub const DONE: &str = "C0ACMEDONE";
pub const GENERAL: &str = "C0ACMEGEN1";
pub const PLANS: &str = "C0ACMEPLAN";
pub const OLD_NEWS: &str = "C0ACMEOLD1";
pub const APP: &str = "A0PATCHBAY";

/// The scopes of a plugin like ours.
pub const SCOPES: &str = "app_mentions:read,channels:history,channels:join,channels:read,chat:write,commands,\
                          groups:history,groups:read,reactions:read,users:read";

/// A fresh sandbox on a port of its own.
pub struct Ground {
    pub at: String,
    pub settings: Vec<(&'static str, String)>,
    pub http: Client,
}

impl Ground {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}/slack", listener.local_addr().unwrap());
        let opened = sandbox::open(&Url::parse(&at).unwrap(), &Url::parse(CALLBACK).unwrap());
        let router = Router::new().nest("/slack", opened.router);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { at, settings: opened.settings, http }
    }

    /// With the app installed in Acme and its bot in #done, hearing everything.
    pub async fn installed() -> (Self, Installed, Receiver) {
        let (ground, receiver) = (Self::new().await, Receiver::new().await);
        ground.control(&format!("/apps/{APP}"), json!({"request_url": receiver.url})).await;
        let app = ground.install("ada", SCOPES).await;
        assert_eq!(ground.call("conversations.join", &app.token, json!({"channel": DONE})).await["ok"], true);
        // Its own arrival is told too.
        receiver.wait_for(1).await;
        receiver.forget();
        (ground, app, receiver)
    }

    pub async fn install(&self, user: &str, scopes: &str) -> Installed {
        let made = self.control("/installations", json!({"user": user, "scopes": scopes})).await;
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        Installed { token: text("bot_token"), bot: text("bot_user_id"), bot_id: text("bot_id") }
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

    /// An API call with JSON and a token in the header.
    pub async fn call(&self, method: &str, token: &str, body: Value) -> Value {
        let answer = self.call_raw(method, token, body).await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
        answer.json()
    }

    pub async fn call_raw(&self, method: &str, token: &str, body: Value) -> Answer {
        let request = self.http.post(format!("{}/api/{method}", self.at)).bearer_auth(token);
        let request = request.header("content-type", "application/json; charset=utf-8").body(body.to_string());
        Answer::of(request).await
    }

    /// The word with which it is refused.
    pub async fn refused(&self, method: &str, token: &str, body: Value) -> String {
        let answer = self.call(method, token, body).await;
        assert_eq!(answer["ok"], false, "{method}: {answer}");
        answer["error"].as_str().unwrap().to_owned()
    }

    pub async fn say(&self, user: &str, channel: &str, text: &str) -> String {
        let said = self.control("/say", json!({"user": user, "channel": channel, "text": text})).await;
        said["ts"].as_str().unwrap_or_default().to_owned()
    }

    /// A form, sent by that user's browser.
    pub async fn form(&self, user: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.at)).form(fields);
        Answer::of(request.header("cookie", format!("slack_sandbox_user={user}"))).await
    }

    /// A page, as that user sees it.
    pub async fn page(&self, user: &str, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.at));
        Answer::of(request.header("cookie", format!("slack_sandbox_user={user}"))).await
    }

    pub async fn strict(&self, what: Value) {
        self.control("/strict", what).await;
    }
}

pub struct Installed {
    pub token: String,
    pub bot: String,
    pub bot_id: String,
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

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn field(&self, name: &str) -> String {
        let fields = url::form_urlencoded::parse(&self.body).into_owned();
        fields.into_iter().find(|(it, _)| it == name).map(|(_, value)| value).unwrap_or_default()
    }

    /// The inner event's type, and its subtype if it has one.
    pub fn kind(&self) -> String {
        let json = self.json();
        let event = &json["event"];
        match (event["type"].as_str(), event["subtype"].as_str()) {
            (Some(kind), Some(subtype)) => format!("{kind}.{subtype}"),
            (Some(kind), None) => kind.to_owned(),
            (None, _) => json["type"].as_str().unwrap_or_default().to_owned(),
        }
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

    pub fn kinds(&self) -> Vec<String> {
        self.all().iter().map(Arrival::kind).collect()
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
