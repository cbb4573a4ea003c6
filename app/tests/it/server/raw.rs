//! A server with short deadlines on a port of its own, and a client that sends exactly the bytes it is told to.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use patchbay::{
    config::ProxySettings,
    server::{Limits, Stopping, serve},
    web::layers::{Hosts, Layers, wrap},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// Long enough for a busy machine, short enough for a test.
pub const SHORT: Duration = Duration::from_millis(400);

/// Whatever takes longer never comes.
const NEVER: Duration = Duration::from_secs(10);

pub struct Server {
    pub address: SocketAddr,
    pub stopping: Stopping,
    pub running: JoinHandle<()>,
}

impl Server {
    /// With the layers that every answer of the product passes.
    pub async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits {
            head: SHORT,
            body: SHORT,
            large_body: 4 * SHORT,
            stalled: SHORT,
            connections: 64,
            drain: Duration::from_secs(4),
        };
        let stopping = Stopping::default();
        let router = wrap(router, layers("http://localhost", address));
        let running = tokio::spawn(serve(listener, router, limits, stopping.clone()));
        Self { address, stopping, running }
    }

    pub async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap() }
    }

    /// Sends bytes on a connection of their own, and reads until the server closes it.
    pub async fn exchange(&self, bytes: &str) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }
}

pub fn layers(public_url: &str, listen: SocketAddr) -> Layers {
    let public_url = public_url.parse().unwrap();
    Layers {
        hosts: Hosts::new(&public_url, listen),
        form_targets: vec!["https://partner.example".into()],
        https: public_url.scheme() == "https",
        proxies: ProxySettings::default(),
        metrics_token: false,
    }
}

pub struct Client {
    stream: TcpStream,
}

impl Client {
    pub async fn send(&mut self, bytes: &str) {
        // The server may have closed its end by now; the test looks at what it answered.
        let _ = self.stream.write_all(bytes.as_bytes()).await;
    }

    /// What comes until the server closes the connection.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = timeout(NEVER, self.stream.read_to_end(&mut bytes)).await;
        let so_far = String::from_utf8_lossy(&bytes).into_owned();
        assert!(read.is_ok(), "the server keeps the connection open after: {so_far}");
        so_far
    }

    /// What comes until a text has come.
    pub async fn until(&mut self, text: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let mut part = [0; 4096];
            let read = timeout(NEVER, self.stream.read(&mut part)).await;
            let so_far = String::from_utf8_lossy(&bytes).into_owned();
            let count = read.unwrap_or_else(|_| panic!("{text:?} never came after: {so_far}")).unwrap_or(0);
            assert!(count > 0, "the server closed the connection before {text:?} came: {so_far}");
            bytes.extend_from_slice(&part[..count]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether something comes soon.
    pub async fn hears_nothing(&mut self) -> bool {
        timeout(SHORT / 2, self.stream.read_u8()).await.is_err()
    }
}

/// The status of an answer.
pub fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|digits| digits.parse().ok());
    status.unwrap_or_else(|| panic!("not an answer: {answer:?}"))
}

/// A header of an answer.
pub fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}
