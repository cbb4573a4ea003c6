//! The streaming API.

use std::pin::Pin;

use axum::body::Bytes;
use futures::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::ground::{Ground, soon};

/// A stream being read piece by piece.
struct Listener {
    pieces: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    read: String,
}

impl Listener {
    async fn of(request: RequestBuilder) -> (Self, reqwest::header::HeaderMap) {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let headers = answer.headers().clone();
        (Self { pieces: Box::pin(answer.bytes_stream()), read: String::new() }, headers)
    }

    /// The next piece that ends so.
    async fn next(&mut self, end: &str) -> String {
        loop {
            if let Some((piece, rest)) = self.read.split_once(end) {
                let piece = piece.to_owned();
                self.read = rest.to_owned();
                return piece;
            }
            let more = soon("a piece of the stream", self.pieces.next()).await.unwrap().unwrap();
            self.read.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    async fn next_json(&mut self) -> Value {
        serde_json::from_str(&self.next("\r\n").await).unwrap()
    }
}

impl Ground {
    async fn say_in(&self, nick: &str, flow: &str, text: &str) {
        self.control("/say", json!({"user": nick, "flow": flow, "text": text})).await;
    }
}

#[tokio::test]
async fn messages_arrive_as_json_with_carriage_return_and_newline() {
    let ground = Ground::new().await;
    for path in ["/stream/flows?filter=acme/main", "/flows?filter=acme/main", "/stream/flows/acme/main"] {
        let (mut listener, headers) = Listener::of(ground.as_person(Method::GET, "bob", path)).await;
        assert_eq!(headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(headers["flowdock-user"], "50002");

        ground.say_in("ada", "acme/product", "Elsewhere").await;
        ground.say_in("ada", "acme/main", "Here").await;
        let message = listener.next_json().await;
        assert_eq!((&message["event"], &message["content"]), (&json!("message"), &json!("Here")), "{path}");
    }
}

#[tokio::test]
async fn changes_and_private_messages_are_told_too() {
    let ground = Ground::new().await;
    let (mut listener, _) = Listener::of(ground.as_person(Method::GET, "bob", "/stream/flows?user=1")).await;
    let said = ground.post("ada", "/flows/acme/main/messages", json!({"event": "message", "content": "Frist"})).await;
    let path = format!("/flows/acme/main/messages/{}", said.json()["id"]);
    ground.put("ada", &path, json!({"content": "First", "tags": ["done"]})).await;
    ground.post("ada", "/private/50002/messages", json!({"event": "message", "content": "Psst"})).await;
    ground.post("ada", "/private/50004/messages", json!({"event": "message", "content": "Not for bob"})).await;
    ground.say_in("ada", "acme/product", "Last").await;

    assert_eq!(listener.next_json().await["content"], "Frist");
    let edit = listener.next_json().await;
    assert_eq!(edit["event"], "message-edit");
    assert_eq!(edit["content"], json!({"message": said.json()["id"], "updated_content": "First"}));
    let tags = listener.next_json().await;
    assert_eq!((&tags["event"], &tags["content"]["add"]), (&json!("tag-change"), &json!(["done"])));
    assert_eq!(listener.next_json().await["content"], "Psst");
    assert_eq!(listener.next_json().await["content"], "Last");
}

#[tokio::test]
async fn an_event_stream_has_ids_and_gives_what_was_missed() {
    let ground = Ground::new().await;
    let open = || {
        let request = ground.as_person(Method::GET, "bob", "/stream/flows/acme/main");
        request.header("accept", "text/event-stream")
    };
    let (mut listener, headers) = Listener::of(open()).await;
    assert_eq!(headers["content-type"], "text/event-stream; charset=utf-8");
    ground.say_in("ada", "acme/main", "One").await;
    let one = listener.next("\n\n").await;
    let id = one.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned();
    assert!(one.lines().nth(1).unwrap().starts_with("data: {"), "{one}");

    drop(listener);
    ground.say_in("ada", "acme/main", "Two").await;
    let (mut again, _) = Listener::of(open().header("last-event-id", id)).await;
    assert!(again.next("\n\n").await.contains("\"content\":\"Two\""));
    let accept = ground.as_person(Method::GET, "bob", "/stream/flows/acme/main?accept=text/event-stream");
    assert_eq!(Listener::of(accept).await.1["content-type"], "text/event-stream; charset=utf-8");
}

#[tokio::test]
async fn a_stream_is_for_those_in_the_flow() {
    let ground = Ground::new().await;
    assert_eq!(ground.get("eve", "/stream/flows?filter=acme/main").await.status, 404);
    assert_eq!(ground.get("ada", "/stream/flows?filter=acme/random").await.status, 403);
    let nobody = ground.call(Method::GET, "/stream/flows").send().await.unwrap();
    assert_eq!(nobody.status(), 401);
}
