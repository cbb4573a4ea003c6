//! What every answer has in common, whoever made it.

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path},
    response::{Html, IntoResponse},
    routing::{get, post},
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use patchbay::web::layers::wrap;
use tower::ServiceExt;
use uuid::Uuid;

use super::raw::layers;

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Html("<p>here</p>") }))
        .route("/number/{n}", get(|Path(n): Path<u32>| async move { n.to_string() }))
        .route("/worded", get(|| async { (StatusCode::NOT_FOUND, Html("<p>ours</p>")) }))
        .route("/panic", get(panics))
        .route("/own", get(|| async { ([("cache-control", "public"), ("x-request-id", "forged")], "own") }))
        .route("/caller", get(|ConnectInfo(a): ConnectInfo<std::net::SocketAddr>| async move { a.ip().to_string() }))
        .route("/integrations/{partner}/hook", post(|| async { StatusCode::UNAUTHORIZED }))
        .route("/integrations/{partner}/panic/hook", get(panics))
        .route("/api/v1/x", get(panics))
        .route("/healthz", get(|| async { "ok" }))
}

async fn panics() -> StatusCode {
    panic!("a handler that panics, on purpose")
}

fn get_of(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()
}

async fn ask(request: Request<Body>) -> Response<Body> {
    ask_at("http://localhost", request).await
}

async fn ask_at(public_url: &str, mut request: Request<Body>) -> Response<Body> {
    let caller: std::net::SocketAddr = "192.0.2.7:999".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(caller));
    wrap(router(), layers(public_url, "0.0.0.0:80".parse().unwrap())).oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

#[tokio::test]
async fn every_answer_has_the_headers_that_make_it_safe() {
    let with = |method: &str, path: &str, host: &str| {
        Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).unwrap()
    };
    let long = format!("/?{}", "x".repeat(9000));
    let cases = [
        (with("GET", "/", "localhost"), 200),
        (with("HEAD", "/", "localhost"), 200),
        (with("GET", "/nowhere", "localhost"), 404),
        (with("DELETE", "/", "localhost"), 405),
        (with("TRACE", "/", "localhost"), 405),
        (with("GET", "/panic", "localhost"), 500),
        (with("GET", "/worded", "localhost"), 404),
        (with("GET", &long, "localhost"), 414),
        (with("GET", "/", "evil.example"), 421),
        (with("GET", "/", ""), 400),
        (with("POST", "/integrations/acme/hook", "localhost"), 401),
        (with("GET", "/integrations/acme/hook", "localhost"), 405),
        (with("GET", "/api/v1/x", "localhost"), 500),
        (with("GET", "/healthz", "evil.example"), 200),
    ];
    for (request, status) in cases {
        let what = format!("{} {:.40}", request.method(), request.uri());
        let response = ask(request).await;
        assert_eq!(response.status().as_u16(), status, "{what}");
        let policy = header(&response, "content-security-policy");
        for part in [
            "default-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self' https://partner.example",
        ] {
            assert!(policy.split("; ").any(|found| found == part), "{what}: {policy}");
        }
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{what}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{what}");
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{what}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{what}");
        assert!(Uuid::parse_str(header(&response, "x-request-id")).is_ok(), "{what}");
        assert!(!response.headers().contains_key("strict-transport-security"), "{what}");
        assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control")), "{what}");
        assert!(!response.headers().contains_key("server"), "{what}");
        if status == 405 {
            assert!(!header(&response, "allow").is_empty(), "{what}");
        }
    }
}

#[tokio::test]
async fn a_page_under_another_of_this_machines_names_is_at_the_public_one() {
    let ask_as = async |method: &str, host: &str, path: &str| {
        let layers = layers("http://localhost:3000", "127.0.0.1:3000".parse().unwrap());
        let request = Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).unwrap();
        wrap(router(), layers).oneshot(request).await.unwrap()
    };

    for host in ["127.0.0.1:3000", "[::1]:3000"] {
        for method in ["GET", "HEAD"] {
            for path in ["/", "/number/7?a=b%20c&next=%2Fx", "//evil.example/x"] {
                let answer = ask_as(method, host, path).await;
                assert_eq!(answer.status(), 307, "{method} {host} {path}");
                assert_eq!(header(&answer, "location"), format!("http://localhost:3000{path}"));
            }
        }
        // What browsers do not send to another address, and what is no page.
        let cases = [
            ("POST", "/", 405),
            ("POST", "/integrations/acme/hook", 401),
            ("GET", "/integrations/acme/hook", 405),
            ("GET", "/api/v1/x", 500),
            ("GET", "/healthz", 200),
        ];
        for (method, path, status) in cases {
            assert_eq!(ask_as(method, host, path).await.status(), status, "{method} {host} {path}");
        }
    }
    assert_eq!(ask_as("GET", "localhost:3000", "/").await.status(), 200);
}

#[tokio::test]
async fn over_https_browsers_are_told_to_stay_there() {
    let response = ask_at("https://localhost", get_of("/nowhere")).await;
    assert_eq!(header(&response, "strict-transport-security"), "max-age=31536000; includeSubDomains");
}

#[tokio::test]
async fn a_request_id_is_ours_and_never_taken_from_outside() {
    let mut ids = Vec::new();
    for path in ["/", "/own"] {
        let request = Request::get(path).header("host", "localhost").header("x-request-id", "forged\tline");
        let response = ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers().get_all("x-request-id").iter().count(), 1);
        ids.push(Uuid::parse_str(header(&response, "x-request-id")).unwrap());
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(header(&ask(get_of("/own")).await, "cache-control"), "public");
}

#[tokio::test]
async fn people_get_a_page_with_the_requests_id_and_nothing_from_inside() {
    for (path, status) in [("/nowhere", 404), ("/panic", 500), ("/number/nonsense", 400)] {
        let response = ask(get_of(path)).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        let id = header(&response, "x-request-id").to_owned();
        let page = text(response).await;
        assert!(page.contains(&format!("<code class=\"copied\">{id}</code>")), "{page}");
        // Asking again helps where it is not for what was asked.
        assert_eq!(
            page.contains("<a class=\"button button-primary\" href=\"\">Try again</a>"),
            status == 500,
            "{page}"
        );
        assert!(page.contains("href=\"/\">Go to the first page</a>"), "{page}");
        for inside in ["on purpose", "u32", "nonsense", ".rs", "0.1.0"] {
            assert!(!page.contains(inside), "{path} shows {inside:?}: {page}");
        }
    }
    assert_eq!(text(ask(get_of("/worded")).await).await, "<p>ours</p>");
}

#[tokio::test]
async fn programs_get_json_and_partners_get_nothing() {
    let response = ask(get_of("/api/v1/x")).await;
    let id = header(&response, "x-request-id").to_owned();
    let body: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["error"]["code"], "internal_server_error");
    assert_eq!(body["error"]["request_id"], id);
    assert!(body["error"]["message"].as_str().is_some_and(|sentence| sentence.ends_with('.')));

    for (method, status) in [("POST", 401), ("GET", 405), ("PUT", 405), ("HEAD", 405), ("OPTIONS", 405)] {
        let request = Request::builder().method(method).uri("/integrations/acme/hook").header("host", "localhost");
        let response = ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), status, "{method}");
        assert_eq!(text(response).await, "", "{method}");
    }
}

#[tokio::test]
async fn a_head_request_is_a_get_without_a_body() {
    for path in ["/", "/nowhere"] {
        let request = Request::head(path).header("host", "localhost").body(Body::empty()).unwrap();
        assert_eq!(text(ask(request).await).await, "", "{path}");
    }
}

#[tokio::test]
async fn what_strangers_say_about_their_origin_does_not_count() {
    let request = get_of("/caller");
    let (mut head, body) = request.into_parts();
    head.headers.insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
    head.headers.insert("x-forwarded-host", "evil.example".parse().unwrap());
    let response = ask(Request::from_parts(head, body)).await.into_response();
    assert_eq!(text(response).await, "192.0.2.7");
}

#[tokio::test]
async fn a_whole_url_is_for_the_host_it_names() {
    assert_eq!(ask(get_of("http://localhost/")).await.status(), 200);
    assert_eq!(ask(get_of("http://evil.example/")).await.status(), 421);
}
