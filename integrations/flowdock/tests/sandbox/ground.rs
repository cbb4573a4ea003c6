//! What the tests stand on: a sandbox of their own, and an application that receives actions.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use integration_flowdock::sandbox;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

pub const CALLBACK: &str = "http://localhost:3000/auth/flowdock/callback";

/// A fresh sandbox on a port of its own.
pub struct Ground {
    pub at: String,
    pub settings: Vec<(&'static str, String)>,
    pub http: Client,
}

impl Ground {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}/flowdock", listener.local_addr().unwrap());
        let opened = sandbox::open(&Url::parse(&at).unwrap(), &Url::parse(CALLBACK).unwrap());
        let router = Router::new().nest("/flowdock", opened.router);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { at, settings: opened.settings, http }
    }

    pub fn setting(&self, name: &str) -> &str {
        &self.settings.iter().find(|(it, _)| *it == name).unwrap().1
    }

    /// An access token of the product's application.
    pub async fn token(&self, nick: &str, scopes: &str) -> String {
        let made = self.control("/tokens", json!({"user": nick, "scopes": scopes})).await;
        made["access_token"].as_str().unwrap().to_owned()
    }

    /// A source of the product's application in `acme/main`, with its token.
    pub async fn source(&self, name: &str) -> (u64, String) {
        let made = self.control("/sources", json!({"user": "ada", "flow": "acme/main", "name": name})).await;
        (made["id"].as_u64().unwrap(), made["flow_token"].as_str().unwrap().to_owned())
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sandbox{path}", self.at)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub async fn look(&self, path: &str) -> Value {
        self.http.get(format!("{}/_sandbox{path}", self.at)).send().await.unwrap().json().await.unwrap()
    }

    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.at))
    }

    /// A call as a person, by password.
    pub fn as_person(&self, method: Method, nick: &str, path: &str) -> RequestBuilder {
        let email = if nick == "grace" { "grace@outside.example".to_owned() } else { format!("{nick}@example.com") };
        self.call(method, path).basic_auth(email, Some("patchbay"))
    }

    pub async fn get(&self, nick: &str, path: &str) -> Answer {
        Answer::of(self.as_person(Method::GET, nick, path)).await
    }

    pub async fn post(&self, nick: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.as_person(Method::POST, nick, path).json(&body)).await
    }

    pub async fn put(&self, nick: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.as_person(Method::PUT, nick, path).json(&body)).await
    }

    pub async fn delete(&self, nick: &str, path: &str) -> Answer {
        Answer::of(self.as_person(Method::DELETE, nick, path)).await
    }

    /// A message of an application.
    pub async fn post_as_source(&self, token: &str, mut message: Value) -> Answer {
        message["flow_token"] = json!(token);
        Answer::of(self.call(Method::POST, "/messages").json(&message)).await
    }

    /// The thread of that item in `acme/main`, as everybody reads it.
    pub async fn thread_titled(&self, title: &str) -> Value {
        let threads = self.get("ada", "/flows/acme/main/threads").await.json();
        let threads = threads.as_array().unwrap().clone();
        threads.into_iter().find(|it| it["title"] == title).unwrap_or_else(|| panic!("no thread {title}"))
    }

    /// A form, sent by that person's browser.
    pub async fn form(&self, nick: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.call(Method::POST, path).form(fields);
        Answer::of(request.header("cookie", format!("flowdock_sandbox_user={nick}"))).await
    }

    /// A page, as that person sees it.
    pub async fn page(&self, nick: &str, path: &str) -> Answer {
        Answer::of(self.call(Method::GET, path).header("cookie", format!("flowdock_sandbox_user={nick}"))).await
    }
}

/// A message with a thread, as an application posts it about an issue.
pub fn issue(number: u32, status: &str, colour: &str) -> Value {
    json!({
        "event": "activity",
        "author": {"name": "Octo", "avatar": "https://avatars.example/1"},
        "title": "opened issue",
        "external_thread_id": format!("issue:{number}"),
        "thread": {
            "title": format!("Issue {number}"),
            "body": "<p>It stops.</p>",
            "external_url": format!("https://github.example/acme/widgets/issues/{number}"),
            "status": {"value": status, "color": colour},
            "fields": [{"label": "Assigned to", "value": "nobody"}],
        },
    })
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

    pub fn location(&self) -> Url {
        Url::parse(self.header("location")).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    /// A parameter of the address it redirects to.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.location().query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
    }

    /// What stands between two texts of a page.
    pub fn between(&self, before: &str, after: &str) -> &str {
        let rest = self.body.split(before).nth(1).unwrap_or_else(|| panic!("no {before} in {}", self.body));
        rest.split(after).next().unwrap()
    }
}

/// A request as it arrived.
#[derive(Clone)]
pub struct Arrival {
    pub method: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Behaviour = Arc<dyn Fn() -> Response + Send + Sync>;

/// An application that remembers what it was sent.
pub struct Receiver {
    pub url: String,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Receiver {
    pub async fn new() -> Self {
        Self::answering(Arc::new(|| StatusCode::OK.into_response())).await
    }

    pub async fn answering(behaviour: Behaviour) -> Self {
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&arrivals);
        let handler = any(move |method: axum::http::Method, headers: HeaderMap, body: Bytes| {
            let (keep, behaviour) = (Arc::clone(&keep), Arc::clone(&behaviour));
            async move {
                keep.lock().unwrap().push(Arrival { method: method.to_string(), headers, body });
                behaviour()
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/actions/close?issue=1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { url, arrivals }
    }

    pub fn all(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }
}

/// Waits for something that happens soon.
pub async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), coming).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
