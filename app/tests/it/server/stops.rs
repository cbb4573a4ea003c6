//! The orderly stop, with callers of every kind still connected.

use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use tokio::time::sleep;

use super::raw::{SHORT, Server, header, status};

fn router() -> Router {
    Router::new().route("/", get(|| async { "here" })).route(
        "/slow",
        get(|| async {
            sleep(2 * SHORT).await;
            "slow"
        }),
    )
}

const GET: &str = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn requests_under_way_are_answered_and_the_rest_is_closed() {
    let server = Server::start(router()).await;
    let mut idle = server.connect().await;
    idle.send(GET).await;
    idle.until("here").await;
    let mut half = server.connect().await;
    half.send("GET / HTTP/1.1\r\nhost: loc").await;
    let mut silent = server.connect().await;
    let mut under_way = server.connect().await;
    under_way.send("GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    sleep(SHORT / 4).await;

    let begun = Instant::now();
    server.stopping.stop(Duration::ZERO).await;
    server.running.await.unwrap();

    assert!(begun.elapsed() < Duration::from_secs(4), "took {:?}", begun.elapsed());
    let answer = under_way.rest().await;
    assert!(answer.ends_with("slow"), "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"));
    for client in [&mut idle, &mut half, &mut silent] {
        assert_eq!(client.rest().await, "");
    }
}

#[tokio::test]
async fn a_stop_is_announced_before_it_closes() {
    let server = Server::start(router()).await;
    let stopping = server.stopping.clone();
    let stop = tokio::spawn(async move { stopping.stop(SHORT).await });
    server.stopping.announced().await;

    // Whoever asks now, a balancer for example, still gets an answer, and is not invited to stay.
    let answer = server.exchange(GET).await;
    assert_eq!(status(&answer), 200);
    assert_eq!(header(&answer, "connection"), Some("close"));

    stop.await.unwrap();
    server.running.await.unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_first_request_that_is_on_its_way_is_answered() {
    let server = Server::start(router()).await;
    let mut client = server.connect().await;
    sleep(SHORT / 4).await;

    server.stopping.stop(Duration::ZERO).await;
    sleep(SHORT / 4).await;
    client.send(GET).await;

    let answer = client.rest().await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"));
    server.running.await.unwrap();
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let forever = Router::new().route("/", get(std::future::pending::<&str>));
    let server = Server::start(forever).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    sleep(SHORT / 4).await;

    let begun = Instant::now();
    server.stopping.stop(Duration::ZERO).await;
    server.running.await.unwrap();

    assert!(begun.elapsed() < Duration::from_secs(6), "took {:?}", begun.elapsed());
    assert_eq!(client.rest().await, "");
}
