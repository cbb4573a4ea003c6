//! Accounts by host.

use super::ground::{Answer, Ground};

#[tokio::test]
async fn a_mapped_host_names_the_account() {
    let ground = Ground::new().await;
    let root = ground.at.strip_suffix("/zendesk").unwrap().to_owned();
    let get = async |path: &str, host: &str| {
        let request = ground.http.get(format!("{root}{path}")).bearer_auth(&ground.ada).header("host", host);
        Answer::of(request).await
    };

    let answer = get("/api/v2/tickets.json?page[size]=1", "acme.zendesk.test").await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    let next = answer.json()["links"]["next"].as_str().unwrap().to_owned();
    assert!(next.starts_with("http://acme.zendesk.test/api/v2/tickets.json?"), "links stay at the host: {next}");
    assert_eq!(get("/zendesk/api/v2/tickets", "acme.zendesk.test").await.status, 200, "below the sandbox's path too");
    assert_eq!(get("/api/v2/tickets", "umbra.zendesk.test").await.status, 401, "another account's token");
    assert_eq!(get("/api/v2/tickets", "nobody.zendesk.test").await.status, 404);
    assert_eq!(get("/acme/api/v2/tickets", "umbra.zendesk.test").await.status, 200, "the path counts first");
}

#[tokio::test]
async fn the_settings_lead_here() {
    let ground = Ground::new().await;

    assert_eq!(ground.setting("URL"), format!("{}/{{subdomain}}", ground.at));
    let overview = ground.look("/").await;
    assert_eq!(overview["accounts"][0]["clients"][0]["identifier"], ground.setting("CLIENT_ID"));
    assert_eq!(overview["accounts"][1]["clients"][0]["redirect_uri"][0], super::ground::CALLBACK);
}
