//! What is kept of the calls of an attempt, with a partner that is called over HTTP.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use integration_contract::{Card, PartnerSettings, Setting};
use integration_testkit::FakePartner;
use patchbay::db::entity::outbox_message::OutboxState::{Delivered, Failed};
use tokio::net::TcpListener;
use url::Url;

use super::World;
use crate::harness::{TestDatabase, on_both_databases};

/// The partner's end of the line.
#[derive(Clone, Default)]
pub struct Exchange(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    status: u16,
    body: String,
    takes: Duration,
    calls: Vec<Call>,
}

/// One call as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub arrived: Instant,
    /// None while it is being answered.
    pub answered: Option<Instant>,
}

impl Exchange {
    /// Answers all calls so from now on.
    pub fn answers(&self, status: u16, body: &str, takes: Duration) {
        let mut script = self.0.lock().unwrap();
        (script.status, script.body, script.takes) = (status, body.to_owned(), takes);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }
}

async fn taken(State(exchange): State<Exchange>) -> (StatusCode, String) {
    let (number, takes) = {
        let mut script = exchange.0.lock().unwrap();
        script.calls.push(Call { arrived: Instant::now(), answered: None });
        (script.calls.len() - 1, script.takes)
    };
    tokio::time::sleep(takes).await;
    let mut script = exchange.0.lock().unwrap();
    script.calls[number].answered = Some(Instant::now());
    (StatusCode::from_u16(script.status).unwrap(), script.body.clone())
}

/// A world whose partner is called, `times` for each message.
pub async fn world(test: TestDatabase, times: usize) -> (World, Exchange) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Url::parse(&format!("http://{}/rooms/tell", listener.local_addr().unwrap())).unwrap();
    let exchange = Exchange::default();
    exchange.answers(200, "{}", Duration::ZERO);
    let router = Router::new().route("/rooms/{what}", post(taken)).with_state(exchange.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let setting = &[Setting { name: "API_URL", default: None, help: "Where it is called.", required: true }];
    let fake = FakePartner::with_card(Card { settings: setting, ..FakePartner::listening_card() });
    let settings: PartnerSettings = [("API_URL", address.as_str())].into_iter().collect();
    fake.calls(address, times);
    (World::with(test, super::now(), fake, settings).await, exchange)
}

async fn every_call_of_an_attempt_is_kept_without_what_could_be_a_token(test: TestDatabase) {
    let (world, exchange) = world(test, 2).await;
    let link = world.link("workshop", "now").await;
    let body = r#"{"ok":true,"access_token":"xyz","for":"ghp_abcdefghij0123456789","in":"workshop"}"#;
    exchange.answers(200, body, Duration::ZERO);
    world.write("called").await;
    world.run().await;

    let lines = world.told_through(link).await;
    assert_eq!((lines.len(), lines[0].state, lines[0].text.as_deref()), (1, Delivered, Some("called")));
    let attempt = &lines[0].tried[0];
    assert_eq!((attempt.number, attempt.outcome.as_deref()), (1, Some("delivered")));
    assert!(attempt.took_ms.is_some());
    assert_eq!(attempt.calls.len(), 2);
    let call = &attempt.calls[0];
    assert_eq!((call.method.as_str(), call.place.as_str(), call.status), ("POST", "127.0.0.1/rooms/tell", Some(200)));
    assert_eq!(call.answer, r#"{"ok":true,"access_token":"…","for":"…","in":"workshop"}"#);
    world.finish().await;
}

async fn a_refusal_is_kept_with_what_the_partner_said(test: TestDatabase) {
    let (world, exchange) = world(test, 1).await;
    let link = world.link("workshop", "now").await;
    exchange.answers(422, &format!("too long{}", "!".repeat(1000)), Duration::ZERO);
    world.write("called").await;
    world.run().await;

    let lines = world.told_through(link).await;
    assert_eq!((lines[0].state, lines[0].can_be_sent_again()), (Failed, true));
    let attempt = &lines[0].tried[0];
    assert_eq!(attempt.sentence.as_deref(), Some("The fake partner says 422."));
    assert_eq!(attempt.calls[0].answer.chars().count(), 301);
    world.finish().await;
}

async fn a_link_keeps_its_pace(test: TestDatabase) {
    let pace = Duration::from_secs(1);
    let fake = FakePartner::with_card(Card { pace: Some(pace), ..FakePartner::listening_card() });
    let world = World::with(test, super::now(), fake, PartnerSettings::default()).await;
    world.link("workshop", "now").await;
    world.write("one\ntwo\nthree").await;
    world.run().await;
    assert_eq!(world.standing(), ["Ada: one"]);
    world.pass(pace).await;
    world.run().await;
    assert_eq!(world.standing(), ["Ada: one", "Ada: two"]);
    world.pass(pace).await;
    world.run().await;
    assert_eq!(world.standing(), ["Ada: one", "Ada: two", "Ada: three"]);
    assert!(world.messages().await.iter().all(|message| message.attempts == 1));
    world.finish().await;
}

on_both_databases!(
    every_call_of_an_attempt_is_kept_without_what_could_be_a_token,
    a_refusal_is_kept_with_what_the_partner_said,
    a_link_keeps_its_pace,
);
