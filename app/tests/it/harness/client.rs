//! A browser as far as the server can tell: it keeps cookies, sends the token of the forms it was shown, and follows
//! no redirect by itself.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use reqwest::{Method, RequestBuilder, header::HeaderMap};

/// One browser.
pub struct Client {
    http: reqwest::Client,
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
    token: Mutex<Option<String>>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// Where a redirect leads; empty without one.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// A header's value; empty without it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Every `Set-Cookie`.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// The body without what differs from one request to the next: its id, and the form token.
    pub fn body_alike(&self) -> String {
        let mut text = self.text.clone();
        for (before, after) in [("Request <code class=\"copied\">", "</code>"), ("name=\"csrf\" value=\"", "\"")] {
            while let Some(value) = between(&text, before, after) {
                text = text.replace(&format!("{before}{value}{after}"), "");
            }
        }
        text
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        // Everything it calls is plain http; reading the certificates of this machine takes long.
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).tls_certs_only([]).build().unwrap();
        Self { http, base: format!("http://{address}"), cookies: Mutex::default(), token: Mutex::default() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Posts a form as our own page would: with its token, from our own origin.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let mut fields = fields.to_vec();
        fields.push(("csrf", &token));
        self.send(self.request(Method::POST, path).header("sec-fetch-site", "same-origin").form(&fields)).await
    }

    /// A request to shape by hand, with this browser's cookies; [`Client::send`] sends it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let cookies: Vec<String> = lock(&self.cookies).iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // What a stream says has no end to wait for.
        let streams = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = if streams { String::new() } else { response.text().await.unwrap() };
        let answer = Answer { status, headers, text };
        self.remember(&answer);
        answer
    }

    /// The token of the forms this browser sees.
    pub async fn token(&self) -> String {
        if let Some(token) = lock(&self.token).clone() {
            return token;
        }
        // Signed in, the first has a form; signed out, the second.
        for page in ["/settings", "/login"] {
            self.get(page).await;
            if let Some(token) = lock(&self.token).clone() {
                return token;
            }
        }
        panic!("neither page has a form");
    }

    /// The value of the session cookie.
    pub fn session(&self) -> Option<String> {
        lock(&self.cookies).iter().find(|(name, _)| name.ends_with("patchbay")).map(|(_, value)| value.clone())
    }

    /// Puts a cookie into the browser, as somebody who got at it would.
    pub fn plant(&self, name: &str, value: &str) {
        lock(&self.cookies).insert(name.into(), value.into());
        lock(&self.token).take();
    }

    fn remember(&self, answer: &Answer) {
        for cookie in answer.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let gone = value.is_empty() || attributes.contains("Max-Age=0");
            let before = match gone {
                true => lock(&self.cookies).remove(name),
                false => lock(&self.cookies).insert(name.into(), value.into()),
            };
            // A form's token is bound to the cookie.
            if gone || before.as_deref() != Some(value) {
                lock(&self.token).take();
            }
        }
        if let Some(token) = between(&answer.text, "name=\"csrf\" value=\"", "\"") {
            *lock(&self.token) = Some(token.to_owned());
        }
    }
}

/// What stands between two texts, where they first do.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
