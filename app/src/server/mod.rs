//! The accept loop: HTTP/1.1 connections with deadlines, hard limits and an orderly stop.
//!
//! `axum::serve` has no timer, so half a header or half a body would stay open for ever, and a stop would wait for it.
//! What is answered is the router's business; see `web`.

mod body;
mod connection;
mod listen;
mod stop;
mod stream;

use std::{sync::Arc, time::Duration};

use axum::Router;
pub use body::TooSlow;
pub use listen::{PortTaken, adopt, bind, room_for_connections};
pub use stop::{Stopping, on_signal};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long things may take, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a whole request head; also how long a connection may be idle.
    pub head: Duration,
    /// For a whole body.
    pub body: Duration,
    /// For a whole body whose announced length is over [`Limits::LARGE`].
    pub large_body: Duration,
    /// For a caller that takes nothing of the answer.
    pub stalled: Duration,
    /// Connections at once; others wait to be accepted.
    pub connections: usize,
    /// For requests under way when the service stops; what is left then is cut off.
    pub drain: Duration,
}

impl Limits {
    /// From here on a body counts as large.
    pub const LARGE: u64 = 1024 * 1024;
    /// The longest request head.
    pub const HEAD_BYTES: usize = 64 * 1024;
    /// The most headers.
    pub const HEADERS: usize = 100;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            large_body: Duration::from_secs(30),
            stalled: Duration::from_secs(30),
            connections: 4096,
            drain: Duration::from_secs(12),
        }
    }
}

/// Serves until the service stops and every request that was under way has its answer, or its time is over.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stopping: Stopping) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    let cut_off = CancellationToken::new();
    loop {
        let place = tokio::select! {
            () = stopping.closing() => break,
            // Never closed, so a place comes sooner or later.
            Ok(place) = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = stopping.closing() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection::Connection {
                    peer,
                    router: router.clone(),
                    limits,
                    stopping: stopping.clone(),
                    tasks: tasks.clone(),
                };
                let cut_off = cut_off.clone();
                tasks.spawn(async move {
                    let _place = place;
                    tokio::select! {
                        () = connection.serve(stream) => {}
                        () = cut_off.cancelled() => tracing::warn!("a connection was cut off by the stop"),
                    }
                });
            }
            // No file descriptors left, for example: the ones in use have deadlines, so some come back.
            Err(error) if !is_the_callers(&error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(_) => {}
        }
    }
    drop(listener);
    tasks.close();
    if timeout(limits.drain, tasks.wait()).await.is_err() {
        cut_off.cancel();
        // The connections end at once; a handler that still runs ends with the process.
        let _ = timeout(Duration::from_millis(200), tasks.wait()).await;
    }
}

/// The caller gave up between connecting and being accepted.
fn is_the_callers(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
