//! Cookies of a sandbox: who is visiting (there are no passwords), and what binds a consent page to its browser.

use axum::http::{HeaderMap, HeaderValue, header};

/// The value of a cookie the browser brought.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(it, _)| *it == name).map(|(_, value)| value.to_owned())
}

/// Sets a cookie for the path of `at` only: the product and other sandboxes may live on the same host. An empty value
/// takes it away.
pub fn set_cookie(at: &str, name: &str, value: &str, headers: &mut HeaderMap) {
    let path = url::Url::parse(at).map_or("/".to_owned(), |at| at.path().to_owned());
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    if let Ok(cookie) = HeaderValue::try_from(format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{age}")) {
        headers.append(header::SET_COOKIE, cookie);
    }
}
