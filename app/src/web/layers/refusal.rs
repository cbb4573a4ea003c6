//! Errors that no handler has put into words: a page for a person, JSON for a program, nothing for a partner. Only
//! fixed sentences: what was asked is not repeated, and what went wrong inside stands in the log.

use std::any::Any;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    RequestId,
    readers::{self, Reader},
};
use crate::web::assets;

/// Puts a readable body on an error that has none, or one that a framework wrote.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let reader = readers::of(request.uri().path());
    let head = request.method() == Method::HEAD;
    let reads = head || request.method() == Method::GET;
    let response = next.run(request).await;
    if !is_bare(&response, reader) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let (kind, body) = match reader {
        Reader::Person => ("text/html; charset=utf-8", page(parts.status, reads)),
        Reader::Program => ("application/json", json(parts.status)),
        Reader::Partner | Reader::Operator => {
            parts.headers.remove(header::CONTENT_TYPE);
            return Response::from_parts(parts, Body::empty());
        }
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Response::from_parts(parts, if head { Body::empty() } else { body.into() })
}

/// What a handler that panicked is answered with. The panic itself is in the log already.
pub(super) fn after_panic(_: Box<dyn Any + Send>) -> Response {
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Whether an error was not put into words for its reader. Frameworks write plain text, with names of types in it.
fn is_bare(response: &Response, reader: Reader) -> bool {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return false;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let worded = match reader {
        Reader::Person => kind.starts_with(b"text/html") || kind.starts_with(b"application/json"),
        Reader::Program => kind.starts_with(b"application/json"),
        Reader::Partner => kind.starts_with(b"application/json"),
        Reader::Operator => true,
    };
    !worded || response.body().is_end_stream()
}

/// The page of an error that came before anybody knew whose page it is. What passes can be asked for again.
fn page(status: StatusCode, reads: bool) -> String {
    let (title, sentence) = words(status);
    let id = RequestId::current()
        .map(|id| format!("<p class=\"soft small\">Request <code class=\"copied\">{id}</code></p>"))
        .unwrap_or_default();
    let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let door = if reads && passes {
        "<a class=\"button button-primary\" href=\"\">Try again</a><a href=\"/\">Go to the first page</a>"
    } else {
        "<a class=\"button button-primary\" href=\"/\">Go to the first page</a>"
    };
    let (style, number) = (assets::url("app.css"), status.as_u16());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"{style}\"></head>\n\
         <body><main class=\"main\"><section class=\"narrow centred\"><div class=\"card stack\">\
         <p class=\"error-status\">{number}</p><h1>{title}</h1><p class=\"lead\">{sentence}</p>\
         <div class=\"row\">{door}</div>{id}</div></section></main></body>\n</html>\n"
    )
}

fn json(status: StatusCode) -> String {
    let (_, sentence) = words(status);
    let code = status.canonical_reason().unwrap_or("error").to_lowercase().replace([' ', '-'], "_");
    let id = RequestId::current().map(|id| id.to_string());
    serde_json::json!({ "error": { "code": code, "message": sentence, "request_id": id } }).to_string()
}

/// A title and a sentence that says what to do.
fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        400 => ("That request can't be understood", "Go back and try again from the page you came from."),
        401 => ("Please log in", "This is for people who are logged in."),
        403 => ("That is not allowed", "Go back, load the page again and repeat what you did."),
        404 => ("Not found", "There is nothing here, or nothing that you may see."),
        405 => ("That can't be done here", "The address is right, but not for this kind of request."),
        408 => ("That took too long", "The request did not arrive in time. Try again."),
        413 => ("That is too large", "Send less at once."),
        414 => ("That address is too long", "Shorten it, or follow a link instead."),
        415 => ("That format is not understood", "Send the form as your browser does, uncompressed."),
        421 => (
            "That is not our address",
            "This Patchbay is reached under another name. Its operator has set it as PATCHBAY_PUBLIC_URL.",
        ),
        422 => ("Something in that can't be used", "Go back and look at what was filled in."),
        429 => ("Too often", "Wait a little and try again."),
        503 => ("Not available right now", "Try again in half a minute."),
        status if status < 500 => ("That did not work", "Go back and try again."),
        _ => ("Something went wrong here", "It has been noted. Try again, and tell the operator this request's id."),
    }
}
