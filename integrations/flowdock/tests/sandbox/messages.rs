//! Chat, private conversations, files, editing and deleting, the Push API.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Answer, Ground, issue};

impl Ground {
    async fn say(&self, nick: &str, text: &str) -> Value {
        let said = self.post(nick, "/flows/acme/main/messages", json!({"event": "message", "content": text})).await;
        assert_eq!(said.status, 201, "{}", said.body);
        said.json()
    }
}

#[tokio::test]
async fn a_chat_message_is_created_with_an_id_a_thread_and_its_tags() {
    let ground = Ground::new().await;
    let said = ground.say("ada", "@bob see https://x.example #plan, @everyone").await;

    assert_eq!((&said["event"], &said["app"], &said["user"]), (&json!("message"), &json!("chat"), &json!("50001")));
    assert_eq!(said["thread"]["id"], said["thread_id"]);
    assert!(said["thread"].get("source").is_none() && said["sent"].as_i64().unwrap() > 1_600_000_000_000);
    let tags = said["tags"].as_array().unwrap();
    for tag in [":user:50002", ":unread:50002", ":url", "plan", ":user:everyone"] {
        assert!(tags.contains(&json!(tag)), "{tag} in {tags:?}");
    }
    let next = ground.say("bob", "Next").await;
    assert_eq!(next["id"].as_u64().unwrap(), said["id"].as_u64().unwrap() + 1, "ids count up");
    let reply = json!({"event": "message", "content": "Reply", "thread_id": said["thread_id"]});
    let reply = ground.post("bob", "/flows/acme/main/messages", reply).await.json();
    assert_eq!(reply["thread"]["internal_comments"], 1);
    let path = format!("/flows/acme/main/threads/{}/messages", said["thread_id"].as_str().unwrap());
    assert_eq!(ground.post("bob", &path, json!({"event": "message", "content": "Again"})).await.status, 201);
    assert_eq!(ground.get("ada", &path).await.json().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn who_may_not_speak_is_refused_and_what_is_too_long_too() {
    let ground = Ground::new().await;
    let post = async |nick: &str, body: Value| ground.post(nick, "/messages", body).await;

    let flow = "acme/main";
    let long = "x".repeat(8097);
    assert_eq!(post("ada", json!({"flow": flow, "event": "message", "content": long})).await.status, 400);
    assert_eq!(post("ada", json!({"flow": flow, "event": "message", "content": &long[1..]})).await.status, 201);
    assert_eq!(post("ada", json!({"event": "message", "content": "?"})).await.status, 400, "where?");
    assert_eq!(post("eve", json!({"flow": flow, "event": "message", "content": "?"})).await.status, 404);
    let named = json!({"flow": flow, "event": "message", "content": "Hi", "external_user_name": "Robot"});
    let named = post("ada", named).await.json();
    assert_eq!((&named["user"], &named["external_user_name"]), (&json!("0"), &json!("Robot")));
    let status = post("ada", json!({"flow": flow, "event": "status", "content": "Lunch"})).await;
    assert_eq!((status.status, status.json()["event"].clone()), (201, json!("status")));
}

#[tokio::test]
async fn comments_are_about_a_message_and_not_about_comments() {
    let ground = Ground::new().await;
    let parent = ground.say("ada", "What about lunch?").await;
    let path = format!("/flows/acme/main/messages/{}/comments", parent["id"]);

    let comment = ground.post("bob", &path, json!({"content": "Yes"})).await;
    assert_eq!(comment.status, 201);
    let comment = comment.json();
    assert_eq!(comment["content"], json!({"title": "What about lunch?", "text": "Yes"}));
    assert!(comment["tags"].as_array().unwrap().contains(&json!(format!("influx:{}", parent["id"]))));
    assert_eq!(comment["thread_id"], parent["thread_id"]);
    let body = json!({"flow": "acme/main", "message": comment["id"], "content": "No"});
    assert_eq!(ground.post("ada", "/comments", body).await.json()["errors"]["message"][0], "is invalid");
    assert_eq!(ground.get("ada", &path).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_is_in_order_whichever_end_it_is_from() {
    let ground = Ground::new().await;
    for number in 1..=6 {
        ground.say("ada", &format!("number {number} {}", if number % 2 == 0 { "#even" } else { "#odd #rare" })).await;
    }
    let list = async |query: &str| -> Vec<String> {
        let found = ground.get("ada", &format!("/flows/acme/main/messages?{query}")).await.json();
        found.as_array().unwrap().iter().map(|it| it["content"].as_str().unwrap()[7..8].to_owned()).collect()
    };

    assert_eq!(list("event=message&limit=2").await, ["5", "6"]);
    assert_eq!(list("event=message&limit=2&sort=asc&tags=even").await, ["2", "4"]);
    assert_eq!(list("tags=odd,rare&tag_mode=and").await, ["1", "3", "5"]);
    assert_eq!(list("tags=even,rare&tag_mode=or").await.len(), 6);
    assert_eq!(list("search=number%203").await, ["3"]);
    assert_eq!(list("search=number&skip=1&limit=1").await, ["5"]);
    let all = ground.get("ada", "/flows/acme/main/messages?tags=even").await.json();
    let middle = &all[1]["id"];
    assert_eq!(list(&format!("tags=even&since_id={middle}")).await, ["6"]);
    assert_eq!(list(&format!("tags=even&until_id={middle}")).await, ["2"]);
    for wrong in ["limit=0", "limit=101", "sort=up", "since_id=x"] {
        assert_eq!(ground.get("ada", &format!("/flows/acme/main/messages?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn content_is_its_author_s_to_change_tags_are_everybody_s() {
    let ground = Ground::new().await;
    let said = ground.say("ada", "Frist").await;
    let path = format!("/flows/acme/main/messages/{}", said["id"]);

    assert_eq!(ground.put("bob", &path, json!({"content": "Mine"})).await.status, 403);
    let edited = ground.put("ada", &path, json!({"content": "First"})).await;
    assert_eq!((edited.status, edited.json()), (200, json!({})));
    assert_eq!(ground.put("bob", &path, json!({"tags": ["#done", "@ada"]})).await.status, 200);
    let now = ground.get("bob", &path).await.json();
    assert_eq!((&now["content"], &now["tags"]), (&json!("First"), &json!(["done", ":user:50001"])));
    assert!(now["edited"].is_i64());
}

#[tokio::test]
async fn inbox_and_own_files_go_chat_stays_empty_and_others_stay() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    ground.post_as_source(&token, issue(1, "open", "green")).await;
    let inbox = ground.get("ada", "/flows/acme/main/messages?event=activity&limit=1").await.json()[0]["id"].clone();
    let said = ground.say("ada", "Oops").await;
    let path = |id: &Value| format!("/flows/acme/main/messages/{id}");

    assert_eq!(ground.delete("bob", &path(&said["id"])).await.status, 403);
    assert_eq!(ground.delete("ada", &path(&said["id"])).await.status, 200);
    assert_eq!(ground.get("ada", &path(&said["id"])).await.json()["content"], "");
    assert_eq!(ground.delete("bob", &path(&inbox)).await.status, 204, "anybody may");
    assert_eq!(ground.get("ada", &path(&inbox)).await.status, 404);
}

#[tokio::test]
async fn files_come_as_multipart_or_inside_json_and_are_fetched_by_a_redirect() {
    let ground = Ground::new().await;
    let body = "--b\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\nfile\r\n\
                --b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"../notes.txt\"\r\n\
                Content-Type: text/plain\r\n\r\nhello\r\n--b--\r\n";
    let post = ground.as_person(Method::POST, "ada", "/flows/acme/main/messages");

    let sent = Answer::of(post.header("content-type", "multipart/form-data; boundary=b").body(body)).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    let file = sent.json()["attachments"][0].clone();
    assert_eq!((&file["file_name"], &file["file_size"]), (&json!("notes.txt"), &json!(5)));
    assert!(sent.json()["tags"].as_array().unwrap().contains(&json!(":file")));
    let path = file["path"].as_str().unwrap();
    assert!(path.starts_with("/files/"), "{path}");
    let found = ground.get("bob", path).await;
    assert_eq!((found.status, found.body.as_str()), (302, ""));
    assert_eq!(ground.get("eve", path).await.status, 404);
    assert_eq!(Answer::of(ground.http.get(found.location())).await.body, "hello", "the store asks nobody");
    ground.control("/clock", json!({"seconds": 120})).await;
    assert_eq!(Answer::of(ground.http.get(found.location())).await.status, 404, "for a minute");

    let content = json!({"data": "aGk=", "content_type": "text/plain", "file_name": "hi.txt"});
    let inline = ground.post("ada", "/flows/acme/main/messages", json!({"event": "file", "content": content})).await;
    assert_eq!((inline.status, inline.json()["content"]["file_name"].clone()), (201, json!("hi.txt")));
    assert_eq!(ground.delete("ada", &format!("/flows/acme/main/messages/{}", inline.json()["id"])).await.status, 204);
}

#[tokio::test]
async fn attachments_of_an_activity_have_all_keys_or_none() {
    let ground = Ground::new().await;
    let (_, token) = ground.source("widgets").await;
    let part = |name: &str, file: &str, value: &str| {
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let common = [
        part("flow_token", "", &token),
        part("event", "", "discussion"),
        part("title", "", "commented"),
        part("author[name]", "", "Octo"),
        part("external_thread_id", "", "file:1"),
        part("thread[title]", "", "With files"),
        part("body", "", "<img src=\"cid:one\">"),
    ]
    .concat();
    let post = async |files: String| {
        let call = ground.call(Method::POST, "/messages").header("content-type", "multipart/form-data; boundary=b");
        Answer::of(call.body(format!("{common}{files}--b--\r\n"))).await
    };

    let mixed = post(part("attachments[one]", "a.txt", "a") + &part("attachments[]", "b.txt", "b")).await;
    assert_eq!(mixed.status, 400);
    let keyed = post(part("attachments[one]", "a.txt", "a") + &part("attachments[two]", "b.txt", "b")).await;
    assert_eq!(keyed.status, 202, "{}", keyed.body);
    let message = ground.get("ada", "/flows/acme/main/messages?event=discussion").await.json()[0].clone();
    assert_eq!(message["attachments"][0]["content_id"], "one");
    assert_eq!(message["body"], "<img src=\"cid:one\">");
}

#[tokio::test]
async fn private_messages_are_for_two() {
    let ground = Ground::new().await;
    let said = ground.post("ada", "/private/50002/messages", json!({"event": "message", "content": "Psst"})).await;
    assert_eq!((said.status, said.json()["to"].clone()), (201, json!("50002")));
    assert!(said.json().get("flow").is_none());

    assert_eq!(ground.get("bob", "/private/50001/messages").await.json()[0]["content"], "Psst");
    assert_eq!(ground.get("grace", "/private/50001/messages").await.json(), json!([]));
    assert_eq!(ground.get("eve", "/private/50001/messages").await.status, 404, "a stranger");
    assert_eq!(ground.get("bob", "/private").await.json()[0]["name"], "Ada Codes");
    assert_eq!(ground.put("bob", "/private/50001", json!({"open": false})).await.json()["open"], false);
    let path = format!("/private/50002/messages/{}", said.json()["id"]);
    assert_eq!(ground.put("ada", &path, json!({"content": "Pst"})).await.json(), json!({}));
    assert_eq!(ground.delete("ada", &path).await.status, 200);
    let event = json!({"event": "activity", "content": "?"});
    assert_eq!(ground.post("ada", "/private/50002/messages", event).await.status, 400);
}

#[tokio::test]
async fn the_push_api_takes_flows_own_tokens() {
    let ground = Ground::new().await;
    let overview = ground.look("/").await;
    let tokens: Vec<&str> =
        overview["flows"].as_array().unwrap().iter().take(2).map(|it| it["api_token"].as_str().unwrap()).collect();
    let both = tokens.join(",");
    let push = async |path: &str, body: Value| Answer::of(ground.call(Method::POST, path).json(&body)).await;

    let chat = json!({"content": "Deployed", "external_user_name": "Deployer"});
    let pushed = push(&format!("/v1/messages/chat/{both}"), chat.clone()).await;
    assert_eq!((pushed.status, pushed.json()), (200, json!({})));
    let last = ground.get("ada", "/flows/acme/product/messages?limit=1").await.json();
    assert_eq!((&last[0]["content"], &last[0]["external_user_name"]), (&json!("Deployed"), &json!("Deployer")));
    let mail = json!({"source": "ci", "from_address": "ci@example.com", "subject": "Build", "content": "passed"});
    assert_eq!(push(&format!("/v1/messages/team_inbox/{}", tokens[0]), mail).await.json(), json!({}));
    assert_eq!(
        ground.get("ada", "/flows/acme/main/messages?event=mail").await.json()[0]["content"]["subject"],
        "Build"
    );
    assert_eq!(push("/v1/messages/chat/nothing", chat).await.status, 404);
    let nobody = push(&format!("/v1/messages/chat/{}", tokens[0]), json!({"content": "x"})).await;
    assert_eq!(nobody.json()["errors"]["external_user_name"][0], "can't be blank");
}
