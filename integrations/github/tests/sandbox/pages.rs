//! The pages: every form works by plain POST, and a no is a page too.

use super::ground::{Answer, Ground};

#[tokio::test]
async fn every_form_of_the_pages_works() {
    let ground = Ground::new().await;
    for (who, path, fields, leads_to) in [
        (
            "ada-codes",
            "/acme/widgets/issues",
            vec![("title", "Paper"), ("labels", "bug, question")],
            "/acme/widgets/issues/5",
        ),
        ("eve-umbra", "/acme/widgets/issues/5/comments", vec![("body", "From outside")], "/acme/widgets/issues/5"),
        ("ada-codes", "/acme/widgets/issues/5/edit", vec![("title", "Pulp"), ("body", "b")], "/acme/widgets/issues/5"),
        ("ada-codes", "/acme/widgets/issues/5/labels", vec![("labels", "bug")], "/acme/widgets/issues/5"),
        ("ada-codes", "/acme/widgets/issues/5/assignees", vec![("assignees", "bob-builds")], "/acme/widgets/issues/5"),
        ("ada-codes", "/acme/widgets/issues/5/lock", vec![("locked", "yes")], "/acme/widgets/issues/5"),
        ("ada-codes", "/acme/widgets/issues/5/state", vec![("state", "not_planned")], "/acme/widgets/issues/5"),
        ("ada-codes", "/acme/widgets/issues/5/state", vec![("state", "open")], "/acme/widgets/issues/5"),
        ("bob-builds", "/acme/widgets/push", vec![("branch", "paper"), ("messages", "Fold\nCut")], "/acme/widgets"),
        ("bob-builds", "/acme/widgets/pulls", vec![("title", "Paper"), ("head", "paper")], "/acme/widgets/pull/6"),
        ("ada-codes", "/acme/widgets/pull/6/merge", vec![("method", "squash")], "/acme/widgets/pull/6"),
        ("ada-codes", "/acme/widgets/branches/delete", vec![("branch", "paper")], "/acme/widgets"),
        ("ada-codes", "/acme/widgets/tags", vec![("tag", "t"), ("target", "main")], "/acme/widgets"),
        ("ada-codes", "/acme/widgets/releases", vec![("tag", "v3"), ("name", "Three")], "/acme/widgets"),
        ("ada-codes", "/acme/widgets/star", vec![("starred", "yes")], "/acme/widgets"),
        (
            "ada-codes",
            "/settings/developers",
            vec![("name", "Mine"), ("callback", "http://localhost:1/cb")],
            "/settings/developers",
        ),
        (
            "ada-codes",
            "/acme/widgets/settings/hooks",
            vec![("url", "https://a.example/"), ("events", "push")],
            "/acme/widgets/settings/hooks",
        ),
        ("ada-codes", "/acme/widgets/settings/rename", vec![("name", "gadgets")], "/acme/gadgets/settings"),
        ("ada-codes", "/acme/gadgets/issues/5/transfer", vec![("to", "acme/website")], "/acme/website/issues/2"),
    ] {
        let answer = ground.form(who, path, &fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        assert_eq!(answer.header("location"), format!("{}{leads_to}", ground.at), "{path}");
        assert_eq!(ground.page(who, leads_to).await.status, 200, "{leads_to}");
    }
    for path in [
        "",
        "/acme",
        "/ada-codes",
        "/settings/applications",
        "/acme/gadgets/pull/6",
        "/acme/gadgets/releases/tag/v3",
        "/acme/gadgets/compare/main",
    ] {
        assert_eq!(ground.page("ada-codes", path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_issue_is_taken_with_one_click_by_those_who_may() {
    let ground = Ground::new().await;
    let issue = "/acme/widgets/issues/2";
    let offer = "Assign yourself";
    assert!(ground.page("ada-codes", issue).await.body.contains(offer));
    assert_eq!(ground.form("ada-codes", &format!("{issue}/take"), &[]).await.status, 303);
    let page = ground.page("ada-codes", issue).await.body;
    assert!(page.contains("assigned to ada-codes") && !page.contains(offer));
    assert!(!ground.page("grace-outside", issue).await.body.contains(offer));
    assert_eq!(ground.form("grace-outside", &format!("{issue}/take"), &[]).await.status, 403);
}

#[tokio::test]
async fn a_no_is_a_page_that_says_why() {
    let ground = Ground::new().await;
    let issues = "/acme/widgets/issues";

    let blank = ground.form("ada-codes", issues, &[("title", " ")]).await;
    assert_eq!((blank.status, blank.body.contains("title missing_field")), (422, true));
    assert_eq!(ground.form("nobody", issues, &[("title", "x")]).await.status, 401);
    assert_eq!(ground.form("eve-umbra", "/acme/widgets/push", &[("messages", "x")]).await.status, 403);
    assert_eq!(ground.form("bob-builds", "/acme/website/settings/delete", &[]).await.status, 403);
    assert_eq!(ground.page("eve-umbra", "/acme/secret-plans").await.status, 404);
    assert_eq!(ground.page("eve-umbra", "/no/such/page/at/all").await.status, 404);
    let request = ground.http.post(format!("{}{issues}", ground.at)).form(&[("title", "forged")]);
    let request = request.header("cookie", "github_sandbox_user=ada-codes").header("sec-fetch-site", "cross-site");
    assert_eq!(Answer::of(request).await.status, 403);
}

#[tokio::test]
async fn what_people_write_stays_text() {
    let ground = Ground::new().await;
    let evil = "<script>alert(1)</script>";
    ground.form("ada-codes", "/acme/widgets/issues", &[("title", evil), ("body", evil), ("labels", evil)]).await;

    for path in ["/acme/widgets", "/acme/widgets/issues/5"] {
        let page = ground.page("ada-codes", path).await;
        assert!(!page.body.contains("<script>") && page.body.contains("&#60;script&#62;"), "{path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    }
}

#[tokio::test]
async fn old_addresses_of_pages_lead_to_the_new_ones() {
    let ground = Ground::new().await;
    ground.form("ada-codes", "/acme/website/issues/1/transfer", &[("to", "acme/widgets")]).await;
    ground.form("ada-codes", "/acme/widgets/settings/rename", &[("name", "gadgets")]).await;

    let issue = ground.page("ada-codes", "/acme/website/issues/1").await;
    assert_eq!(
        (issue.status, issue.header("location")),
        (301, format!("{}/acme/gadgets/issues/5", ground.at).as_str())
    );
    let repository = ground.page("ada-codes", "/acme/widgets").await;
    assert_eq!(
        (repository.status, repository.header("location")),
        (301, format!("{}/acme/gadgets", ground.at).as_str())
    );
}

#[tokio::test]
async fn a_log_in_returns_to_pages_of_the_sandbox_only() {
    let ground = Ground::new().await;
    for evil in ["https://evil.example/", "//evil.example/", "\\\\evil.example"] {
        let answer = ground.form("nobody", "/login", &[("user", "ada-codes"), ("return_to", evil)]).await;
        assert!(answer.header("location").starts_with(&format!("{}/", ground.at)), "{}", answer.header("location"));
    }
}
