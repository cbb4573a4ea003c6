//! What starts in Flowdock's product: setup and configuration addresses, and clicks on actions.

mod outside;

use integration_contract::{Error, ErrorKind, FormInput, Integration, NotClicked, RemoteName, SetupWish, Verified};
use outside::{MAIN, call, flowdock};
use serde_json::{Value, json};
use url::Url;

// ---- setup and configure

fn query(text: &str) -> FormInput {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn set_up(text: &str) -> Result<SetupWish, Error> {
    flowdock().setup().expect("it can be set up from there").setup(&query(text))
}

fn configure(text: &str) -> Result<RemoteName, Error> {
    flowdock().setup().expect("it can be set up from there").configure(&query(text))
}

fn encoded(url: &str) -> String {
    url::form_urlencoded::byte_serialize(url.as_bytes()).collect()
}

/// What somebody may put where Flowdock puts its own address.
const ELSEWHERE: [&str; 16] = [
    "https://evil.example/flows/acme/main",
    "https://api.flowdock.com:8443/flows/acme/main",
    "http://api.flowdock.com/flows/acme/main",
    "ftp://api.flowdock.com/flows/acme/main",
    "https://ada:pw@api.flowdock.com/flows/acme/main",
    "https://api.flowdock.com@evil.example/flows/acme/main",
    "https://api.flowdock.com.evil.example/flows/acme/main",
    "//evil.example/flows/acme/main",
    "/flows/acme/main",
    "https://api.flowdock.com/flows/acme/../umbra",
    "https://api.flowdock.com/flows/%2e%2e/main",
    "https://api.flowdock.com/flows/acme/%2e%2e%2fmain",
    "https://api.flowdock.com/flows/acme/main?x=1",
    "https://api.flowdock.com/flows/acme/main#x",
    "https://api.flowdock.com/users",
    "javascript:alert(1)",
];

#[test]
fn both_documented_ways_of_setting_up_name_the_flow() {
    for address in [
        format!("flow={MAIN}"),
        format!("flow={MAIN}&flow_url={}", encoded("https://api.flowdock.com/flows/acme/main")),
        format!("flow={MAIN}&flow_url="),
        format!("flow={MAIN}&utm_source=x&source=9&team=1&flows=2"),
        "flow=5f1a2b3c-4d5e-6f70-8192-a3b4c5d6e7f8".to_owned(),
    ] {
        let wish = set_up(&address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let flow = wish.form.one("flow").strip_prefix("id:").expect("an id").to_owned();
        assert!(address.contains(&flow) && wish.what == format!("the flow {flow}"), "{}", wish.what);
        let named: Vec<_> = wish.form.pairs().map(|(name, _)| name).collect();
        assert!(
            named.iter().all(|name| ["flow", "name", "tell"].contains(name)),
            "nothing else comes along: {named:?}"
        );
    }
}

#[test]
fn a_broken_setup_address_is_told_as_one() {
    let long = format!("flow={}", "a".repeat(1024));
    let mut broken: Vec<String> = [
        "",
        "flow=",
        "flow=+",
        "flow=../main",
        "flow=..",
        "flow=a:b",
        "flow=acme/main",
        "flow=%3Cb%3E",
        "flow=%22",
        "flow=a%00",
        "flow=a%0Ab",
        "flow=%C3%A9",
        "flow=a b",
        "flow=a&flow=b",
        "flow=a&flow=a",
        "Flow=a",
        &long,
    ]
    .map(str::to_owned)
    .into();
    broken.extend(ELSEWHERE.iter().map(|url| format!("flow={MAIN}&flow_url={}", encoded(url))));
    let good = encoded("https://api.flowdock.com/flows/acme/main");
    broken.push(format!("flow={MAIN}&flow_url={good}&flow_url={good}"));
    broken.push(format!("flow={MAIN}&flow_url={good}%2Fsources%2F36"));
    for address in broken {
        let error = set_up(&address).expect_err(&address);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{address}");
        assert!(error.sentence().contains("inbox settings") && !error.sentence().contains('<'));
    }
}

#[test]
fn both_documented_ways_of_configuring_name_the_source() {
    let url = encoded("https://api.flowdock.com/flows/acme/main/sources/36");
    for address in [
        format!("integration_id=36&flow={MAIN}"),
        "integration_id=36".to_owned(),
        "source=36".to_owned(),
        format!("source=36&source_url={url}"),
        format!("source=36&source_url={url}&integration_id=36&flow={MAIN}&x=1"),
    ] {
        let name = configure(&address).unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(name, RemoteName { kind: "source", id: "36".into() });
    }
}

#[test]
fn a_broken_configuration_address_is_told_as_one() {
    let mut broken: Vec<String> = [
        "",
        "integration_id=",
        "integration_id=x",
        "integration_id=36x",
        "integration_id=036",
        "integration_id=0",
        "integration_id=-1",
        "integration_id=1e3",
        "integration_id=36.0",
        "integration_id=../36",
        "integration_id=99999999999999999999",
        "integration_id=36&integration_id=36",
        "integration_id=36&source=37",
        "integration_id=36&flow=a:b",
        "integration_id=36&flow=a&flow=a",
        "source=%3Cb%3E",
        "flow=5f1a",
    ]
    .map(str::to_owned)
    .into();
    broken
        .extend(ELSEWHERE.iter().map(|url| format!("source=36&source_url={}", encoded(&format!("{url}/sources/36")))));
    for url in [
        "https://api.flowdock.com/flows/acme/main/sources/37",
        "https://api.flowdock.com/flows/acme/main",
        "https://api.flowdock.com/flows/acme/main/sources/36/../37",
    ] {
        broken.push(format!("source=36&source_url={}", encoded(url)));
    }
    for address in broken {
        assert_eq!(configure(&address).expect_err(&address).kind(), ErrorKind::Malformed, "{address}");
    }
}

// ---- clicks

const URL: &str = "https://patchbay.example/integrations/flowdock/actions/AbC-_1";

/// As Flowdock documents it: the action as it was posted, and who chose it.
fn action() -> Value {
    json!({
        "@type": "UpdateAction",
        "name": "Close",
        "target": { "@type": "EntryPoint", "urlTemplate": URL, "httpMethod": "POST" },
        "agent": { "@type": "Person", "name": "Ada Codes", "image": "https://api.flowdock.com/avatars/50001" },
    })
}

fn click(content_type: Option<&str>, body: &str) -> Result<String, NotClicked> {
    let url: Url = URL.parse().expect("a URL");
    let call = Verified::from_inbox(call(content_type, body));
    flowdock().actions().expect("it has actions").clicked(&call, &url)
}

fn click_with(pointer: &str, value: Value) -> Result<String, NotClicked> {
    let mut action = action();
    *action.pointer_mut(pointer).expect("a field") = value;
    click(Some("application/json"), &action.to_string())
}

#[test]
fn a_click_is_read_with_the_name_of_who_clicked() {
    for content_type in [None, Some("application/json"), Some("Application/JSON; charset=utf-8")] {
        assert_eq!(click(content_type, &action().to_string()).as_deref(), Ok("Ada Codes"), "{content_type:?}");
    }
    for (said, name) in [
        (json!("Ada\nCodes"), "Ada"),
        (json!(""), "Somebody at Flowdock"),
        (Value::Null, "Somebody at Flowdock"),
        (json!(7), "Somebody at Flowdock"),
    ] {
        assert_eq!(click_with("/agent/name", said).as_deref(), Ok(name));
    }
    assert_eq!(click_with("/agent", json!("Ada")).as_deref(), Ok("Somebody at Flowdock"));
}

#[test]
fn another_media_type_is_refused() {
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "text/json", "multipart/form-data", ""] {
        assert_eq!(click(Some(content_type), &action().to_string()), Err(NotClicked::MediaType), "{content_type}");
    }
    let mut twice = call(Some("application/json"), &action().to_string());
    twice.headers.entry("content-type".into()).or_default().push("application/json".into());
    let url: Url = URL.parse().expect("a URL");
    let clicked = flowdock().actions().expect("actions").clicked(&Verified::from_inbox(twice), &url);
    assert_eq!(clicked, Err(NotClicked::MediaType));
}

#[test]
fn a_body_that_is_no_action_is_refused() {
    for body in ["", "{", "{}{}", "@type=UpdateAction", "{\"a\":}", "\u{feff}{}"] {
        assert_eq!(click(None, body), Err(NotClicked::NotJson), "{body}");
    }
    let twice = action().to_string().replacen('{', "{\"name\":\"Close\",", 1);
    for body in ["null", "[]", "7", "\"UpdateAction\"", "{}", &twice] {
        assert_eq!(click(None, body), Err(NotClicked::OtherShape), "{body}");
    }
    for (pointer, value) in [
        ("/@type", json!("ViewAction")),
        ("/@type", Value::Null),
        ("/target", Value::Null),
        ("/target", json!([URL])),
        ("/target/@type", json!("Person")),
        ("/target/urlTemplate", Value::Null),
        ("/target/urlTemplate", json!([URL])),
        ("/target/httpMethod", Value::Null),
        ("/target/httpMethod", json!(1)),
    ] {
        assert_eq!(click_with(pointer, value.clone()), Err(NotClicked::OtherShape), "{pointer} {value}");
    }
}

#[test]
fn an_action_counts_at_its_own_address_only() {
    for (pointer, value) in [
        ("/target/urlTemplate", "https://patchbay.example/integrations/flowdock/actions/AbC-_2"),
        ("/target/urlTemplate", "https://patchbay.example/integrations/flowdock/actions/AbC-_1?x=1"),
        ("/target/urlTemplate", "https://patchbay.example/integrations/flowdock/actions/abc-_1"),
        ("/target/urlTemplate", "https://evil.example/integrations/flowdock/actions/AbC-_1"),
        ("/target/urlTemplate", "/integrations/flowdock/actions/AbC-_1"),
        ("/target/urlTemplate", ""),
        ("/target/httpMethod", "GET"),
        ("/target/httpMethod", "post"),
        ("/target/httpMethod", "DELETE"),
    ] {
        assert_eq!(click_with(pointer, value.into()), Err(NotClicked::OtherAddress), "{pointer} {value}");
    }
}

#[test]
fn a_challenge_names_the_page_unquoted() {
    let flowdock = flowdock();
    let actions = flowdock.actions().expect("actions");
    let page: Url = "https://patchbay.example/authorization?claim=a.b-_c".parse().expect("a URL");
    let (name, value) = actions.challenge(&page);
    assert_eq!(name, "www-authenticate");
    assert_eq!(value, "Flowdock-Token url=https://patchbay.example/authorization?claim=a.b-_c");
    let odd: Url = "https://patchbay.example/a b\"é?x=\r\ny".parse().expect("a URL");
    let (_, value) = actions.challenge(&odd);
    assert_eq!(value, "Flowdock-Token url=https://patchbay.example/a%20b%22%C3%A9?x=y");

    let token = actions.token();
    assert_eq!((token.header, token.setting, token.digest_claim), ("flowdock-token", "CLIENT_SECRET", "signature"));
    assert_eq!((token.leeway, token.longest), (10, 300));
}
