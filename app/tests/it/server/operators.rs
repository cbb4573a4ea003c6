//! Health and metrics: what operators see, and what others do not.

use std::time::Duration;

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, Response};
use http_body_util::BodyExt;
use patchbay::{
    metrics,
    server::Stopping,
    web::{
        layers::wrap,
        routes::operators::{Operators, router},
    },
};
use tower::ServiceExt;

use super::raw::layers;
use crate::harness::{TestDatabase, on_both_databases};

struct Asked {
    router: Router,
    stopping: Stopping,
}

fn operators(test: &TestDatabase, token: Option<&str>) -> Asked {
    let stopping = Stopping::default();
    let operators = Operators {
        db: test.db.clone(),
        stopping: stopping.clone(),
        counted: metrics::install().unwrap(),
        token: token.map(Into::into),
    };
    let mut layers = layers("http://localhost", "0.0.0.0:80".parse().unwrap());
    layers.metrics_token = token.is_some();
    Asked { router: wrap(router(operators), layers), stopping }
}

impl Asked {
    async fn get(&self, path: &str, from: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = Request::get(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo::<std::net::SocketAddr>(from.parse().unwrap()));
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }
}

const HERE: &str = "127.0.0.1:999";
const THERE: &str = "192.0.2.7:999";

async fn health_says_ok_or_fail_and_nothing_else(test: TestDatabase) {
    let asked = operators(&test, None);
    assert_eq!(asked.get("/healthz", THERE, &[]).await, (200, "ok".into()));
    assert_eq!(asked.get("/readyz", THERE, &[]).await, (200, "ok".into()));

    asked.stopping.stop(Duration::ZERO).await;
    assert_eq!(asked.get("/readyz", THERE, &[]).await, (503, "fail".into()));
    assert_eq!(asked.get("/healthz", THERE, &[]).await, (200, "ok".into()));
}

async fn without_its_database_a_process_lives_and_is_not_ready(test: TestDatabase) {
    let asked = operators(&test, None);
    test.db.clone().close().await.unwrap();

    assert_eq!(asked.get("/readyz", THERE, &[]).await, (503, "fail".into()));
    assert_eq!(asked.get("/healthz", THERE, &[]).await, (200, "ok".into()));
    let (_, counted) = asked.get("/metrics", HERE, &[]).await;
    assert!(counted.contains("database_up"), "{counted}");
}

async fn metrics_without_a_token_are_for_this_machine_only(test: TestDatabase) {
    let asked = operators(&test, None);
    asked.get("/healthz", HERE, &[]).await;

    let (status, counted) = asked.get("/metrics", HERE, &[]).await;
    assert_eq!(status, 200);
    for name in ["http_requests_total{", "http_request_duration_seconds_bucket{", "process_resident_memory_bytes "] {
        assert!(counted.contains(name), "no {name} in {counted}");
    }
    assert!(counted.contains("route=\"/healthz\""), "{counted}");
    assert_eq!(asked.get("/metrics", "[::1]:999", &[]).await.0, 200);
    assert_eq!(asked.get("/metrics", "[::ffff:127.0.0.1]:999", &[]).await.0, 200);

    assert_eq!(asked.get("/metrics", THERE, &[]).await, (404, String::new()));
    for proxied in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        assert_eq!(asked.get("/metrics", HERE, &[(proxied, "192.0.2.7")]).await.0, 404, "{proxied}");
    }
}

async fn metrics_with_a_token_are_for_who_shows_it(test: TestDatabase) {
    let asked = operators(&test, Some("a-long-random-text"));

    assert_eq!(asked.get("/metrics", THERE, &[("authorization", "Bearer a-long-random-text")]).await.0, 200);
    for wrong in
        ["", "Bearer", "Bearer ", "Bearer a-long-random-tex", "Bearer a-long-random-texts", "Basic a-long-random-text"]
    {
        assert_eq!(asked.get("/metrics", HERE, &[("authorization", wrong)]).await.0, 401, "{wrong:?}");
    }
    assert_eq!(asked.get("/metrics", HERE, &[]).await, (401, String::new()));
}

on_both_databases!(
    health_says_ok_or_fail_and_nothing_else,
    without_its_database_a_process_lives_and_is_not_ready,
    metrics_without_a_token_are_for_this_machine_only,
    metrics_with_a_token_are_for_who_shows_it,
);
