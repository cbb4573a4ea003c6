//! Connections of callers who are slow, greedy, confused or gone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use patchbay::web::body::read_body;
use tokio::time::sleep;

use super::raw::{SHORT, Server, header, status};

const LIMIT: usize = 1000;

async fn take(request: Request) -> Response {
    let (head, body) = request.into_parts();
    match read_body(&head.headers, body, LIMIT).await {
        Ok(bytes) => format!("{} bytes", bytes.len()).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Decides by the headers alone, as the hook route does without a signature.
async fn unsigned(_: Request) -> StatusCode {
    StatusCode::UNAUTHORIZED
}

async fn server() -> Server {
    Server::start(Router::new().route("/", get(|| async { "here" }).post(take)).route("/signed", post(unsigned))).await
}

fn post_of(length: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn chunked(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{body}")
}

#[tokio::test]
async fn half_a_head_is_closed_at_its_deadline() {
    let server = server().await;
    for beginning in ["", "G", "GET / HTTP/1.1\r\nhost: local"] {
        let begun = Instant::now();
        assert_eq!(server.exchange(beginning).await, "", "{beginning:?}");
        assert!(begun.elapsed() < 5 * SHORT, "{beginning:?} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_connection_that_is_idle_after_an_answer_is_closed() {
    let server = server().await;
    let answer = server.exchange("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("here"), "{answer}");
}

#[tokio::test]
async fn a_body_that_stays_away_or_trickles_is_answered_408_and_closed() {
    let server = server().await;
    for beginning in
        [post_of("10", ""), post_of("10", "12345"), chunked(""), chunked("5\r\n12345\r\n"), chunked("5\r\n12")]
    {
        let begun = Instant::now();
        let answer = server.exchange(&beginning).await;
        assert_eq!(status(&answer), 408, "{beginning}");
        assert_eq!(header(&answer, "connection"), Some("close"));
        assert!(begun.elapsed() < 8 * SHORT, "{beginning:?} took {:?}", begun.elapsed());
    }

    let mut client = server.connect().await;
    client.send(&post_of("500", "")).await;
    let begun = Instant::now();
    while begun.elapsed() < 2 * SHORT {
        client.send("x").await;
        sleep(SHORT / 10).await;
    }
    assert_eq!(status(&client.rest().await), 408);
}

#[tokio::test]
async fn a_body_that_ends_early_is_answered_400_or_not_at_all() {
    let server = server().await;
    for bytes in [chunked("zz\r\n"), chunked("5\r\n1234567\r\n0\r\n\r\n")] {
        assert_eq!(status(&server.exchange(&bytes).await), 400, "{bytes}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413_and_closed() {
    let server = server().await;
    let begun = Instant::now();
    // Nothing of it is sent, so the answer can only come from the announced length.
    let answer = server.exchange(&post_of("1001", "")).await;
    assert_eq!(status(&answer), 413);
    assert_eq!(header(&answer, "connection"), Some("close"));
    assert!(begun.elapsed() < SHORT + Duration::from_secs(2), "{:?}", begun.elapsed());

    let answer = server.exchange(&chunked(&format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001)))).await;
    assert_eq!(status(&answer), 413);

    let answer = server.exchange(&post_of("1000", &"x".repeat(1000))).await;
    assert!(answer.ends_with("1000 bytes"), "{answer}");
}

#[tokio::test]
async fn a_413_arrives_although_the_caller_is_still_sending() {
    let server = server().await;
    let answer = server.exchange(&post_of("900000", &"x".repeat(900_000))).await;
    assert_eq!(status(&answer), 413);
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn heads_without_end_are_refused() {
    let server = server().await;
    let long = "x".repeat(9 * 1024);
    let answer = server.exchange(&format!("GET /?{long} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
    assert_eq!(status(&answer), 414);

    let answer = server.exchange(&format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(70_000))).await;
    assert!(matches!(status(&answer), 414 | 431), "{answer}");

    let answer =
        server.exchange(&format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(70_000))).await;
    assert_eq!(status(&answer), 431);

    let many: String = (0..101).map(|n| format!("x-{n}: x\r\n")).collect();
    let answer = server.exchange(&format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n")).await;
    assert_eq!(status(&answer), 431);
}

#[tokio::test]
async fn a_request_that_two_readers_could_read_differently_is_refused_or_closed() {
    let server = server().await;
    let two_lengths = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n12345";
    assert_eq!(status(&server.exchange(two_lengths).await), 400);

    let both = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n\
                GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answers = server.exchange(both).await;
    assert!(!answers.contains("here"), "what follows was taken for a request: {answers}");

    for nonsense in ["\r\n\r\n\r\nx\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}hello\r\n\r\n"]
    {
        let answer = server.exchange(nonsense).await;
        assert!(answer.is_empty() || status(&answer) == 400, "{nonsense:?}: {answer}");
    }
}

#[tokio::test]
async fn a_request_behind_a_refused_one_is_never_mixed_with_it() {
    let server = server().await;
    let next = "GET / HTTP/1.1\r\nhost: localhost\r\nx: behind\r\n\r\n";
    for refused in
        [post_of("1001", next), post_of("10", "x").replace("\r\n\r\nx", "\r\ncontent-length: 9\r\n\r\nx") + next]
    {
        let answers = server.exchange(&refused).await;
        assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
        assert!(!answers.contains("here"), "{answers}");
    }

    let answers = server.exchange(&format!("{}{next}", post_of("5", "12345"))).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
}

#[tokio::test]
async fn nobody_is_told_to_go_on_before_the_headers_were_looked_at() {
    let server = server().await;
    let expecting = |path: &str, length: usize| {
        format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n")
    };
    assert_eq!(status(&server.exchange(&expecting("/signed", 5)).await), 401);
    assert_eq!(status(&server.exchange(&expecting("/", LIMIT + 1)).await), 413);

    let mut client = server.connect().await;
    client.send(&expecting("/", 5)).await;
    assert_eq!(status(&client.until("\r\n\r\n").await), 100);
    client.send("12345").await;
    assert!(client.until("5 bytes").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_caller_that_hangs_up_early_leaves_nothing_half_done() {
    let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = {
        let (begun, done) = (begun.clone(), done.clone());
        async move || {
            begun.fetch_add(1, Ordering::SeqCst);
            sleep(SHORT).await;
            done.fetch_add(1, Ordering::SeqCst);
        }
    };
    let server = Server::start(Router::new().route("/", post(work))).await;

    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect().await;
        client.send("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n").await;
        clients.push(client);
    }
    while begun.load(Ordering::SeqCst) < 20 {
        sleep(SHORT / 20).await;
    }
    drop(clients);
    sleep(2 * SHORT).await;

    assert_eq!(done.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn a_caller_that_takes_nothing_of_its_answer_is_let_go() {
    struct Gone(Arc<AtomicBool>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let gone = Arc::new(AtomicBool::new(false));
    let endless = {
        let gone = gone.clone();
        async move || {
            let held = Gone(gone.clone());
            Body::from_stream(futures::stream::repeat_with(move || {
                let _held = &held;
                Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 64 * 1024]))
            }))
        }
    };
    let server = Server::start(Router::new().route("/", get(endless))).await;

    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;

    let begun = Instant::now();
    while !gone.load(Ordering::SeqCst) {
        assert!(begun.elapsed() < Duration::from_secs(10), "the answer is still being written");
        sleep(SHORT / 4).await;
    }
}

#[tokio::test]
async fn callers_beyond_the_limit_wait_and_are_served() {
    let server = server().await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(server.connect().await);
    }
    let mut late = server.connect().await;
    late.send("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(late.hears_nothing().await, "more connections than the limit are open");

    assert!(late.rest().await.ends_with("here"));
}
