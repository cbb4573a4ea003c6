//! The log as a file: whole, as the page is filtered, and harmless in a spreadsheet.

use patchbay::core::{
    entries::{self, Filter},
    teams::{self, NewTeam},
};
use serde_json::Value;

use crate::harness::{TestApp, TestDatabase, TwoOrganizations, on_both_databases};

impl TwoOrganizations {
    async fn lines(&self, text: &str) {
        let answer = self.ada.post_form(&format!("/teams/{}/entries", self.product), &[("body", text)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }

    fn file(&self, rest: &str) -> String {
        format!("/teams/{}/export.{rest}", self.product)
    }

    async fn exported(&self, query: &str) -> Vec<Value> {
        let answer = self.bob.get(&self.file(&format!("json{query}"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        serde_json::from_str::<Value>(&answer.text).unwrap()["entries"].as_array().unwrap().clone()
    }
}

async fn a_csv_file_is_quoted_and_no_formula(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    t.lines("One, \"two\" #b #a\n=HYPERLINK(\"https://evil.example\")\n-1\n[] Größe").await;

    let answer = t.bob.get(&t.file("csv")).await;

    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"));
    let name = answer.header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"product-2") && name.ends_with(".csv\""), "{name}");
    assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
    let text = answer.text.strip_prefix('\u{feff}').expect("a byte order mark, for spreadsheets");
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "id,day,status,text,person,tags,source,link,done_on,written_at,archived_at");
    assert_eq!(lines.len(), 6, "a line each, and each has an end: {text}");
    assert!(lines[1].contains(",done,\"One, \"\"two\"\" #b #a\",Ada,a b,,,,20"), "{}", lines[1]);
    assert!(lines[2].contains(",\"'=HYPERLINK(\"\"https://evil.example\"\")\","), "{}", lines[2]);
    assert!(lines[3].contains(",\"'-1\","), "{}", lines[3]);
    assert!(lines[4].contains(",goal,Größe,"), "{}", lines[4]);
    let zone = lines[1].rsplit(',').nth(1).unwrap();
    assert!(zone.ends_with("+01:00") || zone.ends_with("+02:00"), "Vienna's time, not UTC: {zone}");
    t.app.finish().await;
}

async fn a_json_file_has_what_the_page_shows(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    assert!(t.exported("").await.is_empty());
    let who = t.app.member("ada@example.com", t.acme).await;
    for (day, text) in [("2026-11-18", "Early"), ("2026-11-19", "Middle #x"), ("2026-11-20", "=Late")] {
        let day = Some(day.parse().unwrap());
        entries::write_on(&t.app.core, &who, t.product, day, text).await.unwrap();
    }
    let texts = async |query: &str| -> Vec<String> {
        t.exported(query).await.iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
    };

    assert_eq!(texts("").await, ["=Late", "Middle #x", "Early"], "here a text is as it was written");
    assert_eq!(texts("?from=2026-11-19").await, ["=Late", "Middle #x"]);
    assert_eq!(texts("?from=2026-11-19&to=2026-11-19").await, ["Middle #x"]);
    assert_eq!(texts("?tag=x").await, ["Middle #x"]);
    let middle = t.exported("?tag=x").await[0]["id"].as_str().unwrap().parse().unwrap();
    entries::archive(&t.app.core, &who, t.product, middle).await.unwrap();
    assert_eq!(texts("").await, ["=Late", "Middle #x", "Early"], "a whole log is whole");
    let archived: Vec<bool> = t.exported("").await.iter().map(|entry| !entry["archived_at"].is_null()).collect();
    assert_eq!(archived, [false, true, false]);
    assert!(t.ada.get("/log/export.json").await.text.contains("Middle #x"));
    assert_eq!(texts("?from=2026-11-19").await, ["=Late"], "what is chosen is as the page shows it");
    assert_eq!(texts("?status=archived").await, ["Middle #x"]);
    entries::unarchive(&t.app.core, &who, t.product, middle).await.unwrap();
    assert_eq!(texts("?q=late").await, ["=Late"]);
    assert_eq!(texts("?day=2026-11-18").await, ["Early"]);
    let page = t.bob.get(&format!("/teams/{}?from=2026-11-19&to=2026-11-19", t.product)).await.text;
    assert!(page.contains("Middle ") && !page.contains("Early") && !page.contains("=Late"));
    assert!(page.contains(&format!("{}?from=2026-11-19&#38;to=2026-11-19", t.file("csv"))), "{page}");
    for query in ["?from=soon", "?from=2026-11-20&to=2026-11-19", "?day=x"] {
        assert_eq!(t.bob.get(&t.file(&format!("csv{query}"))).await.status, 422, "{query}");
    }
    t.app.finish().await;
}

async fn my_own_log_is_a_file_with_the_teams_in_it(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let ada = t.app.member("ada@example.com", t.acme).await;
    let new = NewTeam { name: "Island, far".into(), time_zone: "Pacific/Kiritimati".into() };
    let island = teams::create(&t.app.core, &ada, new).await.unwrap().id;
    t.lines("Mine #x\nAlso mine").await;
    entries::write(&t.app.core, &ada, island, "On the island").await.unwrap();
    let bob = t.app.member("bob@example.com", t.acme).await;
    entries::write(&t.app.core, &bob, t.product, "Bob's").await.unwrap();

    let answer = t.ada.get("/log/export.json").await;
    let file: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(file["person"]["name"], "Ada");
    let mut mine: Vec<(&str, &str)> = file["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["team"].as_str().unwrap(), entry["text"].as_str().unwrap()))
        .collect();
    mine.sort_unstable();
    assert_eq!(mine, [("Island, far", "On the island"), ("Product", "Also mine"), ("Product", "Mine #x")]);
    let moments: Vec<&str> = answer.text.matches("+14:00").collect();
    assert_eq!(moments.len(), 1, "times are those of each team: {}", answer.text);

    let csv = t.ada.get("/log/export.csv?q=island").await;
    assert!(csv.header("content-disposition").starts_with("attachment; filename=\"my-log-2"));
    let lines: Vec<&str> = csv.text.lines().collect();
    assert!(lines[0].ends_with("archived_at,team"), "{}", lines[0]);
    assert!(lines.len() == 2 && lines[1].ends_with(",\"Island, far\""), "{lines:?}");
    assert_eq!(t.app.visitor().get("/log/export.csv").await.status, 303);
    t.app.finish().await;
}

async fn a_file_is_only_for_who_may_read_the_log(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    t.lines("Secret").await;
    for ending in ["csv", "json"] {
        assert_eq!(t.eve.get(&t.file(ending)).await.status, 404);
        let visitor = t.app.visitor().get(&t.file(ending)).await;
        assert!(visitor.status == 303 && visitor.location().starts_with("/login"));
    }
    assert_eq!(t.ada.get(&t.file("xlsx")).await.status, 404);
    t.app.finish().await;
}

async fn a_file_has_every_page_of_the_log_once(test: TestDatabase) {
    let t = TestApp::two_organizations(test).await;
    let who = t.app.member("ada@example.com", t.acme).await;
    for batch in 0..25 {
        let lines: String = (0..50).map(|line| format!("Entry {}.\n", batch * 50 + line)).collect();
        entries::write(&t.app.core, &who, t.product, &lines).await.unwrap();
    }
    let all = t.exported("").await;
    let ids: std::collections::BTreeSet<&str> = all.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!((all.len(), ids.len()), (1250, 1250));
    let first = entries::list(&t.app.core, &who, t.product, &Filter::default(), None).await.unwrap();
    assert_eq!(all[0]["id"], first.entries[0].row.id.to_string(), "in the order of the page");
    t.app.finish().await;
}

on_both_databases!(
    a_csv_file_is_quoted_and_no_formula,
    a_json_file_has_what_the_page_shows,
    my_own_log_is_a_file_with_the_teams_in_it,
    a_file_is_only_for_who_may_read_the_log,
    a_file_has_every_page_of_the_log_once,
);
