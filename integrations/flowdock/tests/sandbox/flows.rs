//! People, organizations, flows, invitations; and what is common to all calls.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Ground};

#[tokio::test]
async fn every_address_works_bare_and_below_v1_and_v2_with_doubled_slashes_and_with_json_at_the_end() {
    let ground = Ground::new().await;
    for path in ["/flows", "/v1/flows", "/v2/flows", "//flows", "/flows.json", "/v1/flows/acme/main"] {
        assert_eq!(ground.get("ada", path).await.status, 200, "{path}");
    }
    let body = ground.as_person(Method::GET, "ada", "/flows/acme/main/messages").json(&json!({"limit": 1}));
    assert_eq!(Answer::of(body).await.json().as_array().unwrap().len(), 1, "a GET's body counts");
}

#[tokio::test]
async fn bodies_are_json_or_forms_and_errors_are_lists_in_json() {
    let ground = Ground::new().await;
    let post = || ground.as_person(Method::POST, "ada", "/flows/acme/main/messages");

    let form = Answer::of(post().form(&[("event", "message"), ("content", "By form"), ("tags", "a, b")])).await;
    assert_eq!((form.status, form.json()["tags"].clone()), (201, json!(["a", "b"])));
    assert_eq!(form.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(Answer::of(post().body("event=message")).await.status, 415, "the type of a body must be said");
    let broken = Answer::of(post().header("content-type", "application/json").body("{")).await;
    assert_eq!(broken.status, 400);
    let blank = Answer::of(post().json(&json!({"event": "message", "content": ""}))).await;
    let expected = json!({"message": "Validation error", "errors": {"content": ["can't be blank"]}});
    assert_eq!((blank.status, blank.json()), (400, expected));
    let missing = ground.get("ada", "/flows/acme/nothing").await;
    assert_eq!((missing.status, missing.json()), (404, json!({"message": "not found"})));
    assert_eq!(Answer::of(ground.call(Method::GET, "/nowhere")).await.json(), json!({"message": "not found"}));
}

#[tokio::test]
async fn a_caller_is_known_by_password_by_own_token_or_not_at_all() {
    let ground = Ground::new().await;
    let users = ground.look("/").await["users"].clone();
    let bob = users.as_array().unwrap().iter().find(|it| it["nick"] == "bob").unwrap().clone();
    let basic =
        |name: &str, password: &str| Answer::of(ground.call(Method::GET, "/user").basic_auth(name, Some(password)));

    let by_token = basic(bob["token"].as_str().unwrap(), "").await;
    assert_eq!(by_token.json()["id"], bob["id"]);
    assert_eq!(by_token.header("flowdock-user"), bob["id"].to_string());
    assert_eq!(basic("bob@example.com", "patchbay").await.status, 200);
    assert_eq!(basic("bob@example.com", "guess").await.status, 401);
    assert_eq!(Answer::of(ground.call(Method::GET, "/user")).await.status, 401);
    assert_eq!(Answer::of(ground.call(Method::GET, "/user").bearer_auth("nothing")).await.status, 401);
    let keys: Vec<String> = by_token.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["avatar", "email", "id", "name", "nick", "website"]);
}

#[tokio::test]
async fn scripts_of_other_sites_may_call() {
    let ground = Ground::new().await;
    let preflight = ground.call(Method::OPTIONS, "/messages").header("origin", "https://app.example");

    let preflight = Answer::of(preflight).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(preflight.header("access-control-allow-methods"), "POST, PUT, PATCH, DELETE, GET, OPTIONS");
    assert!(preflight.header("access-control-allow-headers").contains("Authorization"));
    let refused = Answer::of(ground.call(Method::GET, "/user").header("origin", "https://app.example")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, "https://app.example"));
}

#[tokio::test]
async fn flows_are_listed_found_and_hidden_from_others() {
    let ground = Ground::new().await;
    let names = |answer: &Answer| -> Vec<String> {
        answer.json().as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };

    let joined = ground.get("ada", "/flows").await;
    assert_eq!(names(&joined), ["Main", "Product"]);
    assert!(joined.json()[0].get("users").is_none());
    assert_eq!(ground.get("ada", "/flows?users=1").await.json()[0]["users"][0]["in_flow"], true);
    assert_eq!(names(&ground.get("ada", "/flows/all").await), ["Main", "Product", "Random"]);
    let main = ground.get("ada", "/flows/acme/main").await.json();
    assert_eq!(main["organization"]["parameterized_name"], "acme");
    assert_eq!(main["url"], format!("{}/flows/acme/main", ground.at));
    assert_eq!(main["web_url"], format!("{}/app/acme/main", ground.at));
    assert!(main["join_url"].is_string() && main["users"].is_array());

    let find = format!("/flows/find?id={}", main["id"].as_str().unwrap());
    assert_eq!(ground.get("ada", &find).await.json(), main);
    assert_eq!(ground.get("eve", &find).await.status, 404);
    assert_eq!(ground.get("eve", "/flows/acme/main").await.status, 404);
    assert_eq!(ground.get("grace", "/flows/acme/product").await.status, 404, "by invitation only");
    assert_eq!(ground.get("ada", "/flows/find").await.status, 400);
}

#[tokio::test]
async fn flows_are_made_joined_and_changed() {
    let ground = Ground::new().await;
    let made = ground.post("ada", "/flows/acme", json!({"name": "My New Flow!"})).await;
    assert_eq!((made.status, made.json()["parameterized_name"].clone()), (201, json!("my-new-flow")));
    let long = ground.post("ada", "/flows/acme", json!({"name": "x".repeat(101)})).await;
    assert_eq!(long.status, 400);
    assert_eq!(ground.post("ada", "/flows/umbra", json!({"name": "Mine"})).await.status, 404);

    assert_eq!(ground.get("ada", "/flows/acme/random/messages").await.status, 403, "not joined");
    let opened = ground.put("ada", "/flows/acme/random", json!({"open": true})).await.json();
    assert_eq!((&opened["open"], &opened["joined"]), (&json!(true), &json!(true)));
    let renamed = ground.put("ada", "/flows/acme/random", json!({"name": "Chance", "access_mode": "invitation"})).await;
    assert_eq!((&renamed.json()["name"], &renamed.json()["access_mode"]), (&json!("Chance"), &json!("invitation")));
    ground.put("ada", "/flows/acme/random", json!({"disabled": true})).await;
    let said = ground.post("ada", "/flows/acme/random/messages", json!({"event": "message", "content": "?"})).await;
    assert_eq!(said.status, 403);
}

#[tokio::test]
async fn people_are_added_blocked_and_invited() {
    let ground = Ground::new().await;
    let users = ground.get("ada", "/users").await.json();
    assert_eq!(users.as_array().unwrap().len(), 3, "those of one's organizations");
    let id = |nick: &str| users.as_array().unwrap().iter().find(|it| it["nick"] == nick).unwrap()["id"].clone();

    let added = ground.post("ada", "/flows/acme/product/users", json!({"id": id("grace")})).await;
    assert_eq!((added.status, added.json()), (200, json!({})));
    assert_eq!(ground.get("grace", "/flows/acme/product").await.status, 200);
    let path = format!("/flows/acme/product/users/{}", id("grace"));
    assert_eq!(ground.put("ada", &path, json!({"disabled": true})).await.json(), json!({}));
    assert_eq!(ground.get("grace", "/flows/acme/product").await.status, 404);
    let list = ground.get("ada", "/flows/acme/product/users").await.json();
    assert_eq!(list.as_array().unwrap().len(), 3);

    let invited = ground.post("ada", "/flows/acme/main/invitations", json!({"email": "new@example.com"})).await;
    assert_eq!(invited.status, 201);
    let path = format!("/flows/acme/main/invitations/{}", invited.json()["id"]);
    assert_eq!(ground.get("ada", &path).await.json()["email"], "new@example.com");
    let many = json!({"list": "a@example.com, b@example.com\nnonsense"});
    let many = ground.post("ada", "/flows/acme/main/invitations/import", many).await;
    assert_eq!((many.status, many.json().as_array().unwrap().len()), (200, 2));
    assert_eq!(ground.delete("ada", &path).await.status, 204);
    assert_eq!(ground.get("ada", &path).await.status, 404);

    let own = format!("/users/{}", id("ada"));
    assert_eq!(ground.put("ada", &own, json!({"nick": "bob"})).await.status, 400, "taken");
    assert_eq!(ground.put("ada", &own, json!({"nick": "countess"})).await.json(), json!({}));
    assert_eq!(ground.get("ada", &own).await.json()["nick"], "countess");
    assert_eq!(ground.put("bob", &own, json!({"nick": "x"})).await.status, 403);
}

#[tokio::test]
async fn organizations_are_for_their_members_and_changed_by_admins() {
    let ground = Ground::new().await;
    let list = ground.get("ada", "/organizations").await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    let id = list[0]["id"].clone();
    assert_eq!(ground.get("ada", &format!("/organizations/find?id={id}")).await.json()["name"], "Acme");
    assert_eq!(ground.get("eve", &format!("/organizations/find?id={id}")).await.status, 404);
    assert_eq!(ground.get("eve", "/organizations/acme").await.status, 404);

    assert_eq!(ground.put("bob", "/organizations/acme", json!({"name": "Mine"})).await.status, 403);
    assert_eq!(ground.put("ada", "/organizations/acme", json!({"name": "Acme Inc"})).await.json()["name"], "Acme Inc");
    let users: Value = ground.get("ada", "/organizations/acme/users").await.json();
    let grace = users.as_array().unwrap().iter().find(|it| it["nick"] == "grace").unwrap()["id"].clone();
    assert_eq!(ground.delete("ada", &format!("/organizations/acme/users/{grace}")).await.status, 204);
    assert_eq!(ground.get("grace", "/flows").await.json(), json!([]));
}
