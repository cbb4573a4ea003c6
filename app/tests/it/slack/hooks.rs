//! `POST /integrations/slack/hook`: one address and one secret for all workspaces.

use integration_contract::ExposeSecret;
use patchbay::db::entity::inbox_message::MessageState;
use serde_json::json;

use super::{ACME, DONE, FORM, GENERAL, Ground, JSON, UMBRA, UMBRA_DONE, event_of, mention};
use crate::harness::{TestDatabase, on_both_databases};

async fn a_challenge_is_answered_only_to_whoever_knows_the_secret(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let body =
        json!({ "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY", "type": "url_verification" }).to_string();

    let good = ground.hook(JSON, &body).await;
    assert_eq!((good.status, good.text.as_str()), (200, "3eZbrw1aBm2rZgRNFdxV2595E9CY"));
    assert!(good.header("content-type").starts_with("text/plain"), "{}", good.header("content-type"));

    let now = ground.app().core.clock.now_seconds().to_string();
    let wrong = [
        vec![],
        vec![("x-slack-request-timestamp", now.clone())],
        vec![("x-slack-request-timestamp", now.clone()), ("x-slack-signature", format!("v0={}", "0".repeat(64)))],
        vec![("x-slack-request-timestamp", now.clone()), ("x-slack-signature", ground.signature("1", body.as_bytes()))],
        vec![("x-slack-request-timestamp", now.clone()), ("x-slack-signature", ground.signature(&now, b"{}"))],
    ];
    for headers in wrong {
        let refused = ground.call(JSON, &headers, &body).await;
        assert_eq!((refused.status, refused.text.as_str()), (401, ""), "{headers:?}");
    }

    for odd in ["<script>alert(1)</script>", &"a".repeat(129), "", "a b", "a\nb"] {
        let body = json!({ "challenge": odd, "type": "url_verification" }).to_string();
        let refused = ground.hook(JSON, &body).await;
        assert_eq!((refused.status, refused.text.as_str()), (400, ""), "{odd}");
    }
    assert!(ground.messages().await.is_empty());
    ground.finish().await;
}

async fn a_certificate_check_is_answered_and_nothing_else_is_unsigned(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let probe = ground.call(FORM, &[], "ssl_check=1&token=x").await;
    assert_eq!((probe.status, probe.text.as_str()), (200, ""));
    for (media, body) in [
        (FORM, "ssl_check=0"),
        (FORM, "command=%2Fdone&text=hello&team_id=T0ACME0001"),
        (JSON, "{\"ssl_check\":1}"),
        (FORM, ""),
    ] {
        assert_eq!(ground.call(media, &[], body).await.status, 401, "{body}");
    }
    let long = format!("ssl_check=1&x={}", "x".repeat(20_000));
    assert_eq!(ground.call(FORM, &[], &long).await.status, 401);
    ground.finish().await;
}

async fn a_signature_counts_for_five_minutes(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let body = event_of("T0NOBODY01", "Ev1", 0, &json!({ "type": "app_uninstalled" })).to_string();
    for (seconds, status) in [(-301, 401), (-300, 200), (-299, 200), (0, 200), (299, 200), (301, 401)] {
        assert_eq!(ground.hook_at(seconds, JSON, &body).await.status, status, "{seconds} s");
    }
    let now = ground.app().core.clock.now_seconds().to_string();
    let milliseconds = format!("{now}000");
    for odd in ["abc", "-1", "0", "", "1e9", "9223372036854775808", &milliseconds, "+5"] {
        let headers = [
            ("x-slack-request-timestamp", odd.to_owned()),
            ("x-slack-signature", ground.signature(odd, body.as_bytes())),
        ];
        assert_eq!(ground.call(JSON, &headers, &body).await.status, 401, "{odd}");
    }
    let signature = ("x-slack-signature", ground.signature(&now, body.as_bytes()));
    let timestamp = ("x-slack-request-timestamp", now);
    for headers in [
        vec![signature.clone()],
        vec![signature.clone(), timestamp.clone(), timestamp.clone()],
        vec![signature.clone(), signature.clone(), timestamp.clone()],
    ] {
        assert_eq!(ground.call(JSON, &headers, &body).await.status, 401, "{headers:?}");
    }
    ground.finish().await;
}

async fn what_is_genuine_and_for_nobody_is_answered_200_and_not_kept(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let before = ground.messages().await.len();
    for body in [
        mention("T0NOBODY01", DONE, "1795000000.000100", "hello"),
        // Of a workspace that is installed, but for a channel of another.
        mention(ACME, UMBRA_DONE, "1795000000.000200", "hello"),
        mention(UMBRA, UMBRA_DONE, "1795000000.000300", "hello"),
        json!({ "type": "app_rate_limited", "team_id": ACME, "minute_rate_limited": 1, "api_app_id": "A0PATCHBAY" }),
    ] {
        let answer = ground.event(&body).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{body}");
    }
    let kept: Vec<_> = ground.messages().await.into_iter().skip(before).map(|message| message.event).collect();
    assert!(kept.iter().all(|event| event == "app_rate_limited"), "{kept:?}");
    assert!(ground.entries().await.is_empty());
    ground.finish().await;
}

async fn what_cannot_be_read_is_400_and_the_wrong_kind_415(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    for body in ["", "{", "[]", "\"x\"", "123", "null"] {
        assert_eq!(ground.hook(JSON, body).await.status, 400, "{body}");
    }
    let event = mention(ACME, DONE, "1795000000.000100", "hello").to_string();
    for media in ["text/plain", "application/xml", "multipart/form-data; boundary=x"] {
        assert_eq!(ground.hook(media, &event).await.status, 415, "{media}");
    }
    assert_eq!(ground.two.ada.get("/integrations/slack/hook").await.status, 405);
    ground.finish().await;
}

async fn a_delivery_counts_once_and_a_retry_may_be_the_only_one(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let body = mention(ACME, DONE, "1795000000.000100", "told three times").to_string();
    let now = ground.app().core.clock.now_seconds().to_string();
    let signed = [
        ("x-slack-signature", ground.signature(&now, body.as_bytes())),
        ("x-slack-request-timestamp", now),
        ("x-slack-retry-num", "3".to_owned()),
        ("x-slack-retry-reason", "http_timeout".to_owned()),
    ];
    for _ in 0..3 {
        assert_eq!(ground.call(JSON, &signed, &body).await.status, 200);
    }
    ground.entry("told three times").await;

    // The same message under another name of the delivery, as has been seen.
    let mut renamed = mention(ACME, DONE, "1795000000.000100", "told three times");
    renamed["event_id"] = json!("Ev0ANOTHER1");
    assert_eq!(ground.event(&renamed).await.status, 200);
    ground
        .until("both were read", async || {
            let told = ground.messages_of("app_mention").await;
            told.len() == 2 && told.iter().all(|message| message.state != MessageState::Received)
        })
        .await;
    let told = ground.entries().await.into_iter().filter(|entry| entry.body == "told three times").count();
    assert_eq!(told, 1);
    ground.finish().await;
}

async fn each_organization_hears_of_its_own_workspace(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    assert_eq!(ground.connect(&ground.two.eve, "eve").await.location(), "/integrations/slack/link");
    ground.link(&ground.two.eve, ground.two.lab, "#done").await;

    ground.event(&mention(ACME, DONE, "1795000000.000100", "of Acme")).await;
    ground.event(&mention(UMBRA, UMBRA_DONE, "1795000000.000200", "of Umbra")).await;
    // Umbra's workspace with Acme's channel, and the other way round.
    ground.event(&mention(UMBRA, DONE, "1795000000.000300", "astray")).await;
    ground.event(&mention(ACME, UMBRA_DONE, "1795000000.000400", "astray")).await;

    assert_eq!(ground.entry("of Acme").await.organization_id, ground.two.acme);
    assert_eq!(ground.entry("of Umbra").await.organization_id, ground.two.umbra);
    assert_eq!(ground.entries().await.len(), 2);
    ground.finish().await;
}

async fn what_people_say_to_each_other_is_not_kept(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let kept = ground.messages().await.len();
    let said = json!({ "type": "message", "channel": DONE, "user": "U0BOB00002", "text": "Nobody may know yet.",
        "ts": "1795000000.000100", "channel_type": "channel", "event_ts": "1795000000.000100" });
    let answer = ground.event(&event_of(ACME, "Ev0SAID0001", 0, &said)).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(ground.messages().await.len(), kept);
    ground.finish().await;
}

async fn a_command_in_the_wrong_place_says_where(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let nothing_linked = ground.command(ACME, GENERAL, "1.1.a", "hello").await;
    assert_eq!(nothing_linked.status, 200);
    assert!(nothing_linked.text.contains("no channel of this workspace is linked"), "{}", nothing_linked.text);

    ground.linked().await;
    // The workspace's only link takes what is typed anywhere.
    let answer = ground.command(ACME, GENERAL, "1.2.b", "typed in another channel").await;
    assert!(answer.text.contains("Got it."), "{}", answer.text);
    ground.entry("typed in another channel").await;

    ground.link(&ground.two.ada, ground.two.product, "#general").await;
    let messages = ground.messages_of("command.done").await.len();
    let stray = ground.command(ACME, "C0ACMERND1", "1.3.c", "hello").await;
    assert_eq!(stray.status, 200);
    assert!(stray.text.contains("Type /done in #done or #general"), "{}", stray.text);
    assert!(stray.text.contains("ephemeral"), "{}", stray.text);
    assert_eq!(ground.messages_of("command.done").await.len(), messages);
    ground.finish().await;
}

async fn too_many_are_answered_429_and_come_again(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let body = event_of(
        ACME,
        "Ev0SAME0001",
        0,
        &json!({ "type": "reaction_added", "user": "U0X", "reaction": "eyes",
        "item": { "type": "message", "channel": DONE, "ts": "1795000000.000100" }, "event_ts": "1795000000.000200" }),
    );
    let mut refused = None;
    for _ in 0..60 {
        let answers = futures::future::join_all((0..40).map(|_| ground.event(&body))).await;
        refused = answers.into_iter().find(|answer| answer.status != 200);
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("there is an end to it");
    assert_eq!((refused.status, refused.header("retry-after")), (429, "30"));
    ground.finish().await;
}

async fn no_answer_and_no_row_shows_the_secret(test: TestDatabase) {
    let ground = Ground::new(test).await;
    ground.linked().await;
    let secret = ground.settings.get("SIGNING_SECRET").unwrap().expose_secret();
    for page in ["/integrations/slack", "/settings", "/integrations/slack/link"] {
        let page = ground.two.ada.get(page).await;
        assert!(page.status == 200 && !page.text.contains(secret) && !page.text.contains("xoxb-"), "{}", page.text);
    }
    for account in ground.installations().await {
        let kept = String::from_utf8_lossy(account.credentials.as_deref().unwrap()).into_owned();
        assert!(!kept.contains("xoxb"), "a token is kept as it is");
    }
    ground.finish().await;
}

on_both_databases!(
    a_challenge_is_answered_only_to_whoever_knows_the_secret,
    a_certificate_check_is_answered_and_nothing_else_is_unsigned,
    a_signature_counts_for_five_minutes,
    what_is_genuine_and_for_nobody_is_answered_200_and_not_kept,
    what_cannot_be_read_is_400_and_the_wrong_kind_415,
    a_delivery_counts_once_and_a_retry_may_be_the_only_one,
    each_organization_hears_of_its_own_workspace,
    what_people_say_to_each_other_is_not_kept,
    a_command_in_the_wrong_place_says_where,
    too_many_are_answered_429_and_come_again,
    no_answer_and_no_row_shows_the_secret,
);
