//! Hooks that are not taken, and how each is told: a stranger learns nothing, and nothing of it is kept.

use std::fmt::Write;

use integration_contract::{Integration, SecretString};
use patchbay::db::entity::{
    inbox_message::MessageState,
    integration_link::{self, Model},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde_json::json;

use super::{Ground, hook_path};
use crate::harness::{TestDatabase, on_both_databases};

const SIGNATURE: &str = "x-fake-signature";
const GITHUB: &str = "x-hub-signature-256";

type Headers = Vec<(&'static str, String)>;

/// What a genuine call has.
fn headers(ground: &Ground, link: &Model, body: &[u8]) -> Headers {
    ground.fake.headers("delivery", body, &ground.secret(link))
}

async fn what_is_not_signed_right_is_refused_alike(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    let other = ground.add("study").await;
    let scheme = ground.fake.scheme();
    let body = Ground::telling("1", "Shipped the charts");
    let sign = |body: &[u8], secret: &str| scheme.sign(body, "", &SecretString::from(secret));
    let good = scheme.sign(&body, "", &ground.secret(&link));
    let of_other = scheme.sign(&body, "", &ground.secret(&other));
    let respaced = serde_json::to_vec_pretty(&serde_json::from_slice::<serde_json::Value>(&body).unwrap()).unwrap();
    let with = |signature: &str| vec![(SIGNATURE, signature.to_owned())];
    let cases: Vec<(&str, Headers, Vec<u8>)> = vec![
        ("none", vec![], body.clone()),
        ("empty", with(""), body.clone()),
        ("63 digits", with(&good[1..]), body.clone()),
        ("65 digits", with(&format!("{good}0")), body.clone()),
        ("upper case", with(&good.to_uppercase()), body.clone()),
        ("no digits", with(&"z".repeat(64)), body.clone()),
        ("a scheme's prefix", with(&format!("sha256={good}")), body.clone()),
        ("base64", with("dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc="), body.clone()),
        ("10 KB", with(&good.repeat(160)), body.clone()),
        ("not ASCII", with(&"ä".repeat(32)), body.clone()),
        ("zeros", with(&"0".repeat(64)), body.clone()),
        ("two", [with(&good), with(&good)].concat(), body.clone()),
        ("two that differ", [with(&good), with(&of_other)].concat(), body.clone()),
        ("in another header", vec![("x-hub-signature", good.clone())], body.clone()),
        ("another link's secret", with(&of_other), body.clone()),
        ("the empty secret", with(&sign(&body, "")), body.clone()),
        ("the secret null", with(&sign(&body, "null")), body.clone()),
        ("the hook's key for a secret", with(&sign(&body, &link.hook_key)), body.clone()),
        ("another body", with(&good), Ground::telling("2", "Shipped the charts")),
        ("an empty body", with(&good), Vec::new()),
        ("the same body, written anew", with(&good), respaced),
        ("a line break behind it", with(&good), [&body[..], b"\n"].concat()),
        ("its last byte cut", with(&good), body[..body.len() - 1].to_vec()),
        ("a byte order mark before it", with(&good), [b"\xef\xbb\xbf", &body[..]].concat()),
    ];
    let before = ground.app().database.rows().await;
    for (what, mut headers, body) in cases {
        headers.push(("content-type", "application/json".to_owned()));
        let answer = ground.call(&hook_path(&link), &headers, &body).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, ""), "{what}");
        assert_eq!(answer.header("www-authenticate"), "", "{what}");
    }
    assert_eq!(ground.app().database.rows().await, before);
    // The right one counts, after all those.
    assert_eq!(ground.hook(&link, "1", &body).await.status, 200);
    ground.finish().await;
}

async fn githubs_own_signature_is_the_only_one_it_has(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let link = ground.github_link("acme/widgets").await;
    let core = &ground.app().core;
    let scheme = core.partners.get("github").unwrap().integration.scheme();
    let body = br#"{"zen":"Keep it logically awesome.","hook_id":1}"#;
    let good = scheme.sign(body, "", &ground.secret(&link));
    let before = ground.app().database.rows().await;
    for (what, name, value) in [
        ("SHA-1 only", "x-hub-signature", "sha1=757107ea0eb2509fc211221cce984b8a37570b6d".to_owned()),
        ("no prefix", GITHUB, good.trim_start_matches("sha256=").to_owned()),
        ("a prefix only", GITHUB, "sha256=".to_owned()),
        ("another prefix", GITHUB, good.replace("sha256", "sha512")),
        ("upper case", GITHUB, good.to_uppercase().replace("SHA256", "sha256")),
        ("an upper-case prefix", GITHUB, good.replace("sha256", "SHA256")),
    ] {
        let headers = [(name, value), ("content-type", "application/json".into()), ("x-github-event", "ping".into())];
        assert_eq!(ground.call(&hook_path(&link), &headers, body).await.status, 401, "{what}");
    }
    assert_eq!(ground.app().database.rows().await, before);
    let headers = [(GITHUB, good), ("content-type", "application/json".into()), ("x-github-event", "ping".into())];
    assert_eq!(ground.call(&hook_path(&link), &headers, body).await.status, 200);
    ground.finish().await;
}

async fn a_key_that_names_no_link_of_the_partner_is_not_there(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    let body = Ground::telling("1", "Shipped the charts");
    let headers = headers(&ground, &link, &body);
    let before = ground.app().database.rows().await;
    let (key, long) = (&link.hook_key, "k".repeat(4000));
    for query in [
        String::new(),
        "?key=".to_owned(),
        "?key=%00".to_owned(),
        "?key=%ff".to_owned(),
        "?key=unknown".to_owned(),
        "?key=1%27%20OR%20%271%27=%271".to_owned(),
        format!("?key={long}"),
        format!("?key={}", link.id),
        format!("?key={key}0"),
        format!("?key=%20{key}"),
        format!("?KEY={key}"),
        format!("?link={}", link.id),
    ] {
        let answer = ground.call(&format!("/integrations/fake/hook{query}"), &headers, &body).await;
        assert_eq!((answer.status, answer.text.as_str()), (404, ""), "{query}");
    }
    let elsewhere = ground.call(&hook_path(&link).replace("/fake/", "/github/"), &headers, &body).await;
    assert_eq!(elsewhere.status, 404, "a key counts at its own partner only");
    let twice = ground.call(&format!("/integrations/fake/hook?key={key}&key={key}"), &headers, &body).await;
    assert_eq!((twice.status, twice.text.as_str()), (400, ""));
    assert_eq!(ground.app().database.rows().await, before);
    ground.finish().await;
}

async fn what_is_no_json_or_too_much_of_it_is_refused_by_its_headers(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    let (path, body) = (hook_path(&link), Ground::telling("1", "Shipped the charts"));
    let signature = headers(&ground, &link, &body).remove(2);
    let before = ground.app().database.rows().await;
    let kind = |kind: &str| vec![signature.clone(), ("content-type", kind.to_owned())];
    let encoded = |coding: &str| [kind("application/json"), vec![("content-encoding", coding.to_owned())]].concat();
    let cases = [
        ("no type", vec![signature.clone()]),
        ("text", kind("text/plain")),
        ("XML", kind("application/xml")),
        ("multipart", kind("multipart/form-data; boundary=x")),
        ("a form, which this partner does not send", kind("application/x-www-form-urlencoded")),
        ("another JSON", kind("application/json-patch+json")),
        ("two types", [kind("application/json"), vec![("content-type", "text/plain".to_owned())]].concat()),
        ("gzip", encoded("gzip")),
        ("br", encoded("br")),
        ("zstd", encoded("zstd")),
        ("two codings", encoded("identity, gzip")),
    ];
    for (what, headers) in cases {
        let answer = ground.call(&path, &headers, &body).await;
        assert_eq!((answer.status, answer.text.as_str()), (415, ""), "{what}");
    }
    let large = format!("{{\"do\":\"works\",\"pad\":\"{}\"}}", "x".repeat(64 * 1024));
    let answer = ground.hook(&link, "large", large.as_bytes()).await;
    assert_eq!((answer.status, answer.text.as_str()), (413, ""));
    // Without a length that could be announced, too.
    let stranger = ground.app().visitor();
    let pieces = futures::stream::iter(
        large.into_bytes().chunks(1000).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect::<Vec<_>>(),
    );
    let request = stranger.request(reqwest::Method::POST, &path).header("content-type", "application/json");
    let request = request.header(SIGNATURE, "0".repeat(64)).body(reqwest::Body::wrap_stream(pieces));
    assert_eq!(stranger.send(request).await.status, 413);
    assert_eq!(ground.app().database.rows().await, before);

    let parameters = kind("Application/JSON; charset=utf-8");
    assert_eq!(ground.call(&path, &parameters, &body).await.status, 200);
    ground.finish().await;
}

async fn a_genuine_body_that_is_malformed_is_kept_as_rejected(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    let deep = |levels: usize| format!("{{\"do\":\"works\",\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let mut keys = String::from("{\"do\":\"works\"");
    for number in 0..4000 {
        write!(keys, ",\"k{number}\":1").unwrap();
    }
    keys.push('}');
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("nothing", vec![], 400),
        ("half an object", b"{".to_vec(), 400),
        ("a list", b"[]".to_vec(), 400),
        ("a text", b"\"x\"".to_vec(), 400),
        ("a number", b"123".to_vec(), 400),
        ("null", b"null".to_vec(), 400),
        ("two objects", b"{\"do\":\"works\"}{\"do\":\"gone\"}".to_vec(), 400),
        ("a key twice", b"{\"do\":\"works\",\"do\":\"gone\"}".to_vec(), 400),
        ("NaN", b"{\"do\":\"works\",\"n\":NaN}".to_vec(), 400),
        ("beyond any number", b"{\"do\":\"works\",\"n\":1e999}".to_vec(), 400),
        ("invalid UTF-8", b"{\"do\":\"works\",\"t\":\"\xff\"}".to_vec(), 400),
        ("overlong UTF-8", b"{\"do\":\"works\",\"t\":\"\xc0\xaf\"}".to_vec(), 400),
        ("half a surrogate", br#"{"do":"works","t":"\ud800"}"#.to_vec(), 400),
        ("a byte order mark", b"\xef\xbb\xbf{\"do\":\"works\"}".to_vec(), 400),
        ("a nest of 129", deep(129).into_bytes(), 400),
        ("a nest of 30,000", deep(30_000).into_bytes(), 400),
        ("the partner's own word for it", br#"{"do":"refuse"}"#.to_vec(), 400),
        ("a nest of 120", deep(120).into_bytes(), 200),
        ("4,000 keys", keys.into_bytes(), 200),
        ("a whole pair of surrogates", br#"{"do":"works","t":"\ud83d\ude00"}"#.to_vec(), 200),
    ];
    let rejected = cases.iter().filter(|(_, _, status)| *status == 400).count();
    for (what, body, status) in &cases {
        let answer = ground.hook(&link, what, body).await;
        assert_eq!((answer.status, answer.text.as_str()), (*status, ""), "{what}");
    }
    let messages = ground.messages().await;
    assert_eq!(messages.len(), cases.len());
    let kept: Vec<_> = messages.iter().filter(|message| message.state == MessageState::Rejected).collect();
    assert_eq!(kept.len(), rejected);
    assert!(kept.iter().all(|message| message.body.len() <= 1024 && message.reason.is_some()));
    assert_eq!(ground.jobs(patchbay::core::inbox::READ_MESSAGE).await.len(), cases.len() - rejected);
    ground.finish().await;
}

async fn a_link_without_a_secret_that_opens_believes_nothing(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    let other = ground.add("study").await;
    let body = Ground::telling("1", "Shipped the charts");
    let genuine = headers(&ground, &link, &body);
    let empty = ground.fake.headers("1", &body, &SecretString::from(""));
    // Missing, empty, too short to be sealed at all, of another row, damaged.
    let mut damaged = link.hook_secret.clone().unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    for sealed in [None, Some(vec![]), Some(vec![1, 2, 3]), other.hook_secret.clone(), Some(damaged)] {
        let mut row = link.clone().into_active_model();
        row.hook_secret = Set(sealed.clone());
        row.update(ground.app().core.db.writer_for_tests()).await.unwrap();
        for headers in [&genuine, &empty, &headers(&ground, &other, &body)] {
            assert_eq!(ground.call(&hook_path(&link), headers, &body).await.status, 401, "{sealed:?}");
        }
    }
    assert!(ground.messages().await.is_empty());
    ground.finish().await;
}

async fn a_link_that_brings_too_much_is_told_to_wait(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let link = ground.add("workshop").await;
    let other = ground.add("study").await;
    let body = br#"{"do":"reply"}"#;
    let (headers, path, stranger) = (headers(&ground, &link, body), hook_path(&link), ground.app().visitor());
    let a_hook = || {
        let mut request = stranger.request(reqwest::Method::POST, &path).body(body.to_vec());
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        stranger.send(request)
    };
    assert_eq!(a_hook().await.status, 200);
    // The rest of its thousand, without the time that hooks take: ten more a second would be allowed meanwhile.
    let taken = (1..2000).take_while(|_| ground.app().hook_limits.check(link.id).is_ok()).count();
    assert!((999..1100).contains(&taken), "{taken} were taken");
    let answers = futures::future::join_all((0..50).map(|_| a_hook())).await;
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!((refused.status, refused.header("retry-after"), refused.text.as_str()), (429, "30", ""));
    let answer = ground.hook(&other, "1", body).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "pong"), "another link's share is its own");
    assert_eq!(ground.messages().await.len(), 0);
    ground.finish().await;
}

/// A body names another tenant's link in every way it can; the secret that verified decides.
async fn the_verified_secret_decides_whose_hook_it_is(test: TestDatabase) {
    let ground = Ground::working(test).await;
    let acmes = ground.link("workshop").await;
    let lab = ground.two.lab.to_string();
    let fields = ground.room(&lab, "workshop");
    assert_eq!(ground.two.eve.post_form("/integrations/fake/link", &fields).await.status, 303);
    let links: Vec<integration_link::Model> = ground.links().await;
    let umbras = links.into_iter().find(|link| link.organization_id == ground.two.umbra).unwrap();
    let umbras = ground.stands(umbras.id, patchbay::db::entity::integration_link::LinkState::Active).await;

    let body = json!({
        "do": "entry", "id": "1", "text": "Hello from Umbra", "key": acmes.hook_key, "link": acmes.id,
        "organization_id": ground.two.acme, "team": ground.two.product, "room": "workshop",
    });
    let body = body.to_string().into_bytes();
    // Umbra's secret under Acme's key is nothing.
    let headers = ground.fake.headers("1", &body, &ground.secret(&umbras));
    assert_eq!(ground.call(&hook_path(&acmes), &headers, &body).await.status, 401);
    // Under its own key it is Umbra's, whatever it says.
    assert_eq!(ground.hook(&umbras, "1", &body).await.status, 200);
    ground.settled().await;
    for row in ground.messages().await {
        assert_eq!((row.organization_id, row.link_id), (ground.two.umbra, umbras.id));
    }
    let entries = ground.entries().await;
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].organization_id, entries[0].team_id), (ground.two.umbra, ground.two.lab));
    assert!(!ground.two.ada.get(&format!("/teams/{}", ground.two.product)).await.text.contains("Hello from Umbra"));
    ground.finish().await;
}

on_both_databases!(
    what_is_not_signed_right_is_refused_alike,
    githubs_own_signature_is_the_only_one_it_has,
    a_key_that_names_no_link_of_the_partner_is_not_there,
    what_is_no_json_or_too_much_of_it_is_refused_by_its_headers,
    a_genuine_body_that_is_malformed_is_kept_as_rejected,
    a_link_without_a_secret_that_opens_believes_nothing,
    a_link_that_brings_too_much_is_told_to_wait,
    the_verified_secret_decides_whose_hook_it_is,
);
