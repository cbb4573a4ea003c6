//! One connection: its requests, one after the other, and its end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::{Limits, Stopping, body::Deadline, stream::Patient};

/// How long a connection without a request under way is kept once we stop: long enough for one that was just sent.
const IDLE_AT_STOP: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    pub peer: SocketAddr,
    pub router: Router,
    pub limits: Limits,
    pub stopping: Stopping,
    pub tasks: TaskTracker,
}

impl Connection {
    pub(super) async fn serve(self, stream: TcpStream) {
        // Answers are small and written whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let under_way = UnderWay::default();
        let service = service_fn(|request| self.answer(request, under_way.begin()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_headers(Limits::HEADERS)
            .max_header_size(Limits::HEAD_BYTES)
            // What is read of a head before it is known to be whole.
            .max_buf_size(Limits::HEAD_BYTES)
            .serve_connection(TokioIo::new(Patient::new(stream, self.limits.stalled)), service);
        let mut connection = pin!(connection);
        tokio::select! {
            // An error here is the caller's: gone, too slow, or not speaking HTTP. hyper has answered where it could.
            _ = connection.as_mut() => return,
            () = self.stopping.closing() => {}
        }
        // hyper closes a connection at once that has said nothing yet; on one that was just accepted, the first request
        // is on its way. Its answer closes the connection by itself.
        if !under_way.ever() {
            tokio::select! {
                _ = connection.as_mut() => return,
                () = tokio::time::sleep(IDLE_AT_STOP) => {}
            }
        }
        connection.as_mut().graceful_shutdown();
        // Whoever has sent a whole head gets an answer; idle and half-open connections would be waited for in vain.
        let mut idle_before = false;
        loop {
            tokio::select! {
                _ = connection.as_mut() => return,
                () = tokio::time::sleep(IDLE_AT_STOP) => {}
            }
            let idle = under_way.is_none();
            if idle && idle_before {
                return;
            }
            idle_before = idle;
        }
    }

    /// Answers one request. The handler runs in a task of its own, to its end: a caller that hangs up early leaves
    /// nothing half-done.
    async fn answer(&self, request: Request<Incoming>, guard: Guard) -> Result<Response<Held>, Infallible> {
        let mut request = request.map(|body| Body::new(Deadline::new(body, &self.limits)));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answered = self.tasks.spawn(self.router.clone().oneshot(request)).await;
        let mut response = match answered {
            Ok(Ok(response)) => response,
            // The layers turn a panic into an answer; this is for a panic in the layers themselves.
            Err(_) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        };
        if self.stopping.is_stopping() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Held { body, _guard: guard }))
    }
}

/// The requests of a connection: how many began, and how many of them have their whole answer.
#[derive(Clone, Default)]
struct UnderWay(Arc<Counts>);

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    answered: AtomicUsize,
}

/// Counts as a request under way until it is dropped.
struct Guard(UnderWay);

impl UnderWay {
    fn begin(&self) -> Guard {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Guard(self.clone())
    }

    /// Whether any request came yet.
    fn ever(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed) > 0
    }

    fn is_none(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed) == self.0.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// An answer's body, which keeps its request under way until it was sent.
struct Held {
    body: Body,
    _guard: Guard,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
