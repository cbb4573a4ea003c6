//! Lists: pages, look-ups, a search and exports that are behind, and limits.

use reqwest::Method;
use serde_json::{Value, json};

use super::ground::{Ground, parameter};

async fn with_tickets(count: usize) -> Ground {
    let ground = Ground::new().await;
    for number in 0..count {
        ground.control("/tickets", json!({"user": "carol", "subject": format!("Nr {number}"), "body": "x"})).await;
    }
    ground
}

fn path_of(link: &Value) -> String {
    link.as_str().unwrap().split("/api/v2/").nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn pages_by_cursor_lead_through_all_and_back() {
    let ground = with_tickets(4).await;
    let first = ground.get("tickets.json?page[size]=3&include=users").await;
    assert_eq!((first["tickets"].as_array().unwrap().len(), &first["meta"]["has_more"]), (3, &json!(true)));
    assert!(first.get("count").is_none() && first["users"].as_array().unwrap().len() >= 2);

    let second = ground.get(&path_of(&first["links"]["next"])).await;
    let third = ground.get(&path_of(&second["links"]["next"])).await;

    assert_eq!((third["tickets"].as_array().unwrap().len(), &third["meta"]["has_more"]), (1, &json!(false)));
    assert!(third["links"]["next"].is_null());
    assert_eq!(ground.get(&path_of(&second["links"]["prev"])).await["tickets"], first["tickets"]);
    assert_eq!(parameter(first["links"]["next"].as_str().unwrap(), "include").as_deref(), Some("users"));
    ground.refused(Method::GET, "tickets?page[size]=101", Value::Null, 400).await;
    ground.refused(Method::GET, "tickets?page[size]=2&page[after]=zzz", Value::Null, 400).await;
}

#[tokio::test]
async fn pages_by_offset_have_numbers() {
    let ground = with_tickets(2).await;

    let first = ground.get("tickets?per_page=4&sort_by=created_at&sort_order=desc").await;
    let second = ground.get(&path_of(&first["next_page"])).await;

    assert_eq!((&first["count"], first["tickets"].as_array().unwrap().len()), (&json!(5), 4));
    assert_eq!((second["tickets"][0]["id"].clone(), second["next_page"].clone()), (json!(1), Value::Null));
    assert!(second["previous_page"].is_string() && second.get("meta").is_none());
}

#[tokio::test]
async fn each_kind_of_page_is_sorted_by_its_own_words() {
    let ground = with_tickets(2).await;
    let ids = async |query: &str| {
        let page = ground.get(&format!("tickets?{query}")).await;
        page["tickets"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let up = ids("page[size]=100").await;
    let down: Vec<_> = up.iter().rev().copied().collect();
    assert_eq!(ids("page[size]=100&sort=-id").await, down);
    assert_eq!(ids("sort_by=id&sort_order=desc").await, down);
    for passed_over in ["page[size]=100&sort_by=id&sort_order=desc", "page[size]=100&sort=-created_at", "sort=-id"] {
        assert_eq!(ids(passed_over).await, up, "{passed_over}");
    }
}

#[tokio::test]
async fn an_external_id_is_found_at_once_and_may_be_several() {
    let ground = Ground::new().await;
    for _ in 0..2 {
        ground.post("tickets", json!({"ticket": {"external_id": "gh-13", "comment": {"body": "x"}}})).await;
    }

    let found = ground.get("tickets.json?external_id=gh-13").await;

    assert_eq!(found["count"], 2);
    assert_eq!(ground.get("tickets?external_id=gh-1").await["count"], 0);
    let many = ground.get("tickets/show_many?ids=1,2,999&include=users,comment_count").await;
    assert_eq!((many["tickets"].as_array().unwrap().len(), &many["tickets"][0]["comment_count"]), (2, &json!(3)));
}

#[tokio::test]
async fn search_is_behind() {
    let ground = Ground::new().await;
    let search = async |query: &str| {
        ground.get(&format!("search.json?query={}", query.replace(' ', "+"))).await["count"].clone()
    };
    ground.post("tickets", json!({"ticket": {"external_id": "gh-13", "comment": {"body": "brand new"}}})).await;
    ground.update(1, json!({"tags": ["fresh"]})).await;
    assert_eq!(search("type:ticket external_id:gh-13").await, 0);
    assert_eq!((search("tags:fresh").await, search("tags:charts").await), (json!(0), json!(1)), "the state of before");

    ground.control("/index", json!({})).await;

    assert_eq!(search("type:ticket external_id:gh-13").await, 1);
    assert_eq!((search("tags:fresh").await, search("tags:charts").await), (json!(1), json!(0)));
    for (query, count) in [
        ("type:ticket status<solved", 3),
        ("type:ticket status:solved", 1),
        ("type:ticket -status:solved", 3),
        ("type:ticket \"wrong. It\"", 1),
        ("type:ticket requester:carol@customer.example", 3),
        ("type:ticket assignee:none", 2),
        ("type:user role:agent", 1),
        ("type:ticket created>2020-01-01", 4),
        ("type:ticket priority>=high", 1),
    ] {
        assert_eq!(search(query).await, count, "{query}");
    }
    ground.strict(json!({"search_lag_ms": 0})).await;
    ground.update(2, json!({"tags": ["now"]})).await;
    assert_eq!(search("tags:now").await, 1);
    ground.refused(Method::GET, "search?query=", Value::Null, 422).await;
    ground.refused(Method::GET, "search?query=x&page=11&per_page=100", Value::Null, 422).await;
    let export = ground.get("search/export?query=status%3Csolved&filter[type]=ticket&page[size]=2").await;
    assert_eq!((export["results"].as_array().unwrap().len(), &export["meta"]["has_more"]), (2, &json!(true)));
    assert_eq!(ground.get("search/count?query=type:ticket").await, json!({"count": 4}));
}

#[tokio::test]
async fn exports_lead_on_from_where_they_were() {
    let ground = with_tickets(2).await;
    ground.strict(json!({"export_lag_ms": 0})).await;
    let first = ground.get("incremental/tickets/cursor?start_time=1&per_page=3").await;
    assert_eq!((first["tickets"].as_array().unwrap().len(), &first["end_of_stream"]), (3, &json!(false)));

    let second = ground.get(&path_of(&first["after_url"])).await;
    assert_eq!((second["tickets"].as_array().unwrap().len(), &second["end_of_stream"]), (2, &json!(true)));
    assert_eq!(ground.get(&path_of(&second["after_url"])).await["tickets"], json!([]));
    ground.update(1, json!({"priority": "low"})).await;
    assert_eq!(ground.get(&path_of(&second["after_url"])).await["tickets"][0]["id"], 1);
    let young = ground.refused(Method::GET, "incremental/tickets/cursor?start_time=9999999999", Value::Null, 422).await;
    assert!(young.body.contains("Too recent start_time"));
    ground.strict(json!({})).await;
    assert_eq!(ground.get("incremental/tickets?start_time=1").await["count"], 0, "the last minute is not there");
}

#[tokio::test]
async fn limits_say_how_long_to_wait() {
    let ground = Ground::new().await;
    ground.control("/limits", json!({"account": 3})).await;
    let list = || ground.call(&ground.ada, Method::GET, "tickets", Value::Null);
    let first = list().await;
    assert_eq!((first.header("x-rate-limit"), first.header("x-rate-limit-remaining")), ("3", "2"));
    assert!(first.header("zendesk-ratelimit-tickets-index").starts_with("total=100; remaining=99; resets="));
    list().await;
    list().await;

    let refused = list().await;

    assert_eq!((refused.status, refused.body.as_str()), (429, "Number of allowed API requests per minute exceeded"));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait) && refused.header("content-type").starts_with("text/plain"));
    ground.control("/limits", json!({"update_same_ticket": 1})).await;
    ground.update(1, json!({"priority": "low"})).await;
    let same = ground.refused(Method::PUT, "tickets/1", json!({"ticket": {"priority": "high"}}), 429).await;
    assert!(same.header("x-rate-limit-remaining").parse::<u64>().unwrap() > 0, "the account has some left");
    ground.update(2, json!({"priority": "low"})).await;
}
