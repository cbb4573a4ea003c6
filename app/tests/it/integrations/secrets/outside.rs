//! A GitHub that hands out values which the test knows, and is told ours. In a bad mood it answers every call with 500
//! and all the secrets that the call came with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The outside, and what it learned.
#[derive(Clone, Default)]
pub struct Outside(Arc<Mutex<Learned>>);

#[derive(Default)]
pub struct Learned {
    /// What we must not show: tokens handed out, and what was sent to us.
    pub secrets: Vec<(&'static str, String)>,
    pub hook_secret: String,
    pub hook_url: String,
    pub bad_mood: bool,
    tokens: usize,
    echoes: usize,
}

impl Outside {
    /// Starts it; answers where it is.
    pub async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        at
    }

    pub fn learned(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers with what it was sent from now on, or does not.
    pub fn mood(&self, bad: bool) {
        self.learned().bad_mood = bad;
    }

    /// How often it answered in a bad mood.
    pub fn echoes(&self) -> usize {
        self.learned().echoes
    }
}

async fn answer(State(outside): State<Outside>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let (method, path) = (head.method.as_str().to_owned(), head.uri.path().to_owned());
    let mut learned = outside.learned();
    if path.ends_with("/access_token") {
        learned.hear(&body);
    }
    if learned.bad_mood {
        learned.echoes += 1;
        let headers = format!("{:?}", head.headers);
        let token = learned.new_token();
        let body = String::from_utf8_lossy(&body);
        let echo =
            json!({ "access_token": token["access_token"], "error": headers, "message": format!("{headers} {body}") });
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(echo)).into_response();
    }
    let repository = json!({
        "id": 1, "full_name": "acme/widgets", "html_url": "https://github.example/acme/widgets", "permissions": { "admin": true },
    });
    match (method.as_str(), path.as_str()) {
        ("POST", "/login/oauth/access_token") => Json(learned.new_token()).into_response(),
        ("GET", "/user") => Json(json!({ "id": 7, "login": "ada-codes", "html_url": null })).into_response(),
        ("GET", "/user/repos") => Json(json!([repository])).into_response(),
        ("GET", "/repos/acme/widgets" | "/repositories/1") => Json(repository).into_response(),
        ("GET", "/repositories/1/hooks") => Json(json!([])).into_response(),
        ("POST", "/repositories/1/hooks") => {
            let hook: Value = serde_json::from_slice(&body).unwrap();
            learned.hook_secret = hook["config"]["secret"].as_str().unwrap().to_owned();
            learned.hook_url = hook["config"]["url"].as_str().unwrap().to_owned();
            let secret = learned.hook_secret.clone();
            learned.secrets.push(("hook secret", secret));
            (StatusCode::CREATED, Json(json!({ "id": 9, "active": true, "config": hook["config"] }))).into_response()
        }
        ("GET", "/repositories/1/hooks/9") => Json(json!({ "id": 9, "active": true })).into_response(),
        ("DELETE", _) => StatusCode::NO_CONTENT.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Learned {
    /// Tokens that run out at once, so that each call is made with one that was traded in.
    fn new_token(&mut self) -> Value {
        self.tokens += 1;
        let (access, refresh) =
            (format!("gho_canaryAccess{:05}Token", self.tokens), format!("ghr_canaryRefresh{:05}Token", self.tokens));
        self.secrets.extend([("access token", access.clone()), ("refresh token", refresh.clone())]);
        json!({ "access_token": access, "refresh_token": refresh, "expires_in": 60, "scope": "repo", "token_type": "bearer" })
    }

    fn hear(&mut self, body: &Bytes) {
        for (name, value) in url::form_urlencoded::parse(body) {
            match name.as_ref() {
                "code_verifier" => self.secrets.push(("PKCE verifier", value.into_owned())),
                "client_secret" => assert_eq!(value, super::CLIENT_SECRET),
                _ => {}
            }
        }
    }
}
