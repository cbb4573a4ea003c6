//! Users, and who one is.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Ground};

#[tokio::test]
async fn me_answers_also_nobody() {
    let ground = Ground::new().await;

    let nobody = Answer::of(ground.http.get(format!("{}/acme/api/v2/users/me.json", ground.at))).await;
    assert_eq!((nobody.status, &nobody.json()["user"]["id"]), (200, &Value::Null));
    let wrong = ground.call("wrong", Method::GET, "users/me", Value::Null).await;
    assert_eq!((wrong.status, wrong.json()["error"].clone()), (401, json!("invalid_token")));
    ground.strict(json!({"me_forgives_bad_tokens": true})).await;
    let forgiven = ground.call("wrong", Method::GET, "users/me", Value::Null).await;
    assert_eq!((forgiven.status, &forgiven.json()["user"]["id"]), (200, &Value::Null));
    let tickets = Answer::of(ground.http.get(format!("{}/acme/api/v2/tickets", ground.at))).await;
    assert_eq!((tickets.status, tickets.json()), (401, json!({"error": "Couldn't authenticate you"})));
}

#[tokio::test]
async fn people_are_found_made_and_changed() {
    let ground = Ground::new().await;
    let found = ground.get("users/search?query=carol@customer.example").await;
    assert_eq!((found["count"].clone(), found["users"][0]["role"].clone()), (json!(1), json!("end-user")));
    let user = json!({"user": {"name": "Gil Hub", "email": "gil@hub.example", "external_id": "gh:1"}});
    let made = ground.call(&ground.ada, Method::POST, "users/create_or_update", user.clone()).await;
    let again = ground.call(&ground.ada, Method::POST, "users/create_or_update", user.clone()).await;

    assert_eq!((made.status, again.status), (201, 200));
    assert_eq!(made.json()["user"]["id"], again.json()["user"]["id"]);
    let taken = ground.refused(Method::POST, "users", user, 422).await.json();
    assert!(taken["details"]["email"][0]["description"].as_str().unwrap().contains("already being used"), "{taken}");
    assert_eq!(ground.get("users/search?external_id=gh:1").await["count"], 1);
    let nameless = ground.refused(Method::POST, "users", json!({"user": {"email": "x@y.example"}}), 422).await.json();
    assert_eq!(nameless["error"], "RecordInvalid");
}

#[tokio::test]
async fn roles_are_kept_apart() {
    let ground = Ground::new().await;
    let (bob, carol) = (ground.token("bob", "read write").await, ground.token("carol", "read write").await);
    for (token, path, status) in [
        (&bob, "tickets", 200),
        (&bob, "webhooks", 403),
        (&bob, "triggers", 403),
        (&carol, "tickets", 403),
        (&carol, "users/me", 200),
        (&carol, "requests", 200),
    ] {
        assert_eq!(ground.call(token, Method::GET, path, Value::Null).await.status, status, "{path}");
    }
    let promote = json!({"user": {"role": "admin"}});
    let id = ground.user("bob").await;
    assert_eq!(ground.call(&bob, Method::PUT, &format!("users/{id}"), promote).await.status, 403);
}

#[tokio::test]
async fn an_admin_acts_as_somebody_only_with_that_scope() {
    let ground = Ground::new().await;
    let me = async |scopes: &str| {
        let token = ground.token("ada", scopes).await;
        let request = ground.http.get(format!("{}/acme/api/v2/users/me", ground.at)).bearer_auth(token);
        Answer::of(request.header("x-on-behalf-of", "carol@customer.example")).await
    };

    assert_eq!(me("read").await.status, 403);
    assert_eq!(me("read impersonate").await.json()["user"]["name"], "Carol Customer");
}

#[tokio::test]
async fn customers_see_their_requests_without_internal_notes() {
    let ground = Ground::new().await;
    let carol = ground.token("carol", "read write").await;
    let comments = ground.call(&carol, Method::GET, "requests/1/comments", Value::Null).await.json();
    assert_eq!(comments["comments"].as_array().unwrap().len(), 2, "the third is internal: {comments}");
    let new = json!({"request": {"subject": "Again", "comment": {"body": "It is back."}}});

    let made = ground.call(&carol, Method::POST, "requests", new).await;

    assert_eq!(made.status, 201, "{}", made.body);
    let bob = ground.token("bob", "read write").await;
    let id = made.json()["request"]["id"].clone();
    assert_eq!(ground.call(&bob, Method::GET, &format!("requests/{id}"), Value::Null).await.status, 404, "not his");
}
