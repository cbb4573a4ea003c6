//! What is no click: addresses that we did not make, tokens that the partner did not make, and bodies of something else.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use integration_contract::{HookCall, SecretString};
use integration_testkit::Click;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{ADA, BOB, Ground, SECRET, send};
use crate::{
    harness::{Answer, TestDatabase, on_both_databases},
    integrations::hook_path,
};

/// A token of these claims, under this header and key.
fn token(header: &Value, claims: &Value, key: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
}

fn digest(body: &str) -> String {
    HookCall { headers: [].into(), key: None, body: body.to_owned().into() }.digest()
}

fn error(answer: &Answer) -> Value {
    serde_json::from_str::<Value>(&answer.text).unwrap_or_else(|_| panic!("no JSON: {:?}", answer.text))["error"]
        .clone()
}

async fn a_token_that_the_partner_did_not_make_counts_nothing(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    let good = ground.click(&button, ADA);
    let body = good.body.clone();
    let now = ground.app().clock.now() / 1000;
    let hs256 = json!({ "alg": "HS256", "typ": "JWT" });
    let claims = json!({ "sub": ADA.to_string(), "exp": now + 30, "body_sha256": digest(&body) });
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        token(&hs256, &claims, SECRET)
    };
    let headed = |name: &str, value: Value| {
        let mut header = hs256.clone();
        header[name] = value;
        token(&header, &claims, SECRET)
    };
    let plain = token(&hs256, &claims, SECRET);
    let page = ground.challenge(&button, BOB).await;
    let claim = page.split_once("claim=").unwrap().1.to_owned();
    let link_secret = ground.below.secret(&ground.link);
    let link_secret = integration_contract::ExposeSecret::expose_secret(&link_secret).to_owned();
    let cases = [
        ("empty", String::new()),
        ("one part", "abc".to_owned()),
        ("four parts", format!("{plain}.x")),
        ("8 KB", "x".repeat(8 * 1024)),
        ("bad base64", "!!.!!.!!".to_owned()),
        ("padding", format!("{plain}=")),
        ("alg none", token(&json!({ "alg": "none" }), &claims, SECRET)),
        ("alg None", headed("alg", json!("None"))),
        ("alg HS384", headed("alg", json!("HS384"))),
        ("alg HS512", headed("alg", json!("HS512"))),
        ("alg RS256", headed("alg", json!("RS256"))),
        ("a key's address", headed("jku", json!("https://evil.example/keys"))),
        ("a key's name", headed("kid", json!("../../key"))),
        ("another app's secret", token(&hs256, &claims, "another app's secret")),
        ("no secret", token(&hs256, &claims, "")),
        ("the link's own secret", token(&hs256, &claims, &link_secret)),
        ("a claim", claim),
        ("no end", with("exp", Value::Null)),
        ("an end that is a float", with("exp", json!(now as f64 + 0.5))),
        ("over since 6 s", with("exp", json!(now - 6))),
        ("for an hour", with("exp", json!(now + 3600))),
        ("not yet", with("nbf", json!(now + 60))),
        ("of nobody", with("sub", Value::Null)),
        ("of the empty account", with("sub", json!(""))),
        ("of account 0", with("sub", json!(0))),
        ("of an account with a space", with("sub", json!("7 "))),
        ("of a long account", with("sub", json!("7".repeat(1024)))),
        ("of no body", with("body_sha256", Value::Null)),
        ("of an empty body", with("body_sha256", json!(digest("")))),
        ("of another body", with("body_sha256", json!(digest(&body.replace(':', ": "))))),
        ("upper case", with("body_sha256", json!(digest(&body).to_uppercase()))),
    ];
    let before = ground.rows_at_rest().await;
    let visitor = ground.app().visitor();
    for (what, token) in cases {
        let click = Click {
            headers: vec![("content-type", "application/json".into()), ("x-fake-token", token)],
            ..good.clone()
        };
        let answer = send(&visitor, &button, &click).await;
        assert_eq!((answer.status, error(&answer)), (403, json!("The token does not count.")), "{what}");
        assert_eq!(answer.header("www-authenticate"), "", "{what}");
    }
    for headers in [0, 2] {
        let request = visitor.request(Method::POST, button.path()).body(body.clone());
        let request = request.header("content-type", "application/json");
        let request = (0..headers).fold(request, |request, _| request.header("x-fake-token", &plain));
        assert_eq!(visitor.send(request).await.status, 403, "{headers} tokens");
    }
    assert_eq!(ground.rows_at_rest().await, before);

    for (what, token) in [
        ("the plain one", plain),
        ("over since 4 s", with("exp", json!(now - 4))),
        ("an end in digits", with("exp", json!((now + 31).to_string()))),
        ("an account as a number", with("sub", json!(ADA))),
    ] {
        let click = Click {
            headers: vec![("content-type", "application/json".into()), ("x-fake-token", token)],
            ..good.clone()
        };
        assert_eq!(send(&visitor, &button, &click).await.status, 200, "{what}");
    }
    ground.finish().await;
}

async fn a_body_of_something_else_is_refused_in_its_own_way(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let (one, other) = (ground.goal("Ship it").await, ground.goal("Sell it").await);
    let (button, elsewhere) = (ground.mark_as_done(one), ground.mark_as_done(other));
    let signed = |media: &'static str, body: String| {
        let claims = json!({
            "sub": ADA.to_string(), "exp": ground.app().clock.now() / 1000 + 30, "body_sha256": digest(&body)
        });
        let token = token(&json!({ "alg": "HS256" }), &claims, SECRET);
        Click { headers: vec![("content-type", media.to_owned()), ("x-fake-token", token)], body }
    };
    let good = json!({ "button": button, "by": "ada" }).to_string();
    let large = format!("{good}{}", " ".repeat(64 * 1024));
    let cases = [
        ("larger than 64 KB", signed("application/json", large), 413),
        ("a form", signed("application/x-www-form-urlencoded", good.clone()), 415),
        ("not JSON", signed("application/json", "{".to_owned()), 400),
        ("a list", signed("application/json", "[]".to_owned()), 400),
        ("empty", signed("application/json", String::new()), 400),
        ("another shape", signed("application/json", "{}".to_owned()), 422),
        ("for another button", ground.click(&elsewhere, ADA), 403),
        (
            "for the same button at another host",
            signed("application/json", good.replace(&format!("{}", ground.app().address), "evil.example")),
            403,
        ),
    ];
    let before = ground.rows_at_rest().await;
    for (what, click, status) in cases {
        let answer = send(&ground.app().visitor(), &button, &click).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        assert!(error(&answer).is_string() && answer.text.len() < 200, "{what}: {}", answer.text);
        assert_eq!(answer.header("www-authenticate"), "", "{what}");
    }
    let packed = signed("application/json", good.clone());
    let visitor = ground.app().visitor();
    let request = visitor.request(Method::POST, button.path()).header("content-encoding", "gzip").body(good);
    let request = packed.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    assert_eq!(visitor.send(request).await.status, 415);
    // Whoever calls another name of ours gets no further: the button has one address.
    let click = ground.click(&button, ADA);
    let request = visitor.request(Method::POST, button.path()).header("host", "evil.example").body(click.body.clone());
    let request = click.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    assert!(matches!(visitor.send(request).await.status, 400 | 421));
    assert_eq!(ground.rows_at_rest().await, before);
    ground.finish().await;
}

async fn an_address_that_we_did_not_make_is_none(test: TestDatabase) {
    let ground = Ground::new(test).await;
    let button = ground.mark_as_done(ground.goal("Ship it").await);
    let good = button.path().rsplit('/').next().unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(good).unwrap();
    let before = ground.rows_at_rest().await;
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        URL_SAFE_NO_PAD.encode(bytes)
    };
    // The link's hook URL and a hook's signature are known at the partner; they make no button.
    let signature = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret_text(&ground.below.secret(&ground.link)).as_bytes()),
        &bytes[..35],
    );
    let forged = [&bytes[..35], &signature.as_ref()[..16]].concat();
    let tokens = [
        "x".to_owned(),
        good[1..].to_owned(),
        format!("{good}A"),
        "%00".to_owned(),
        "%ff".to_owned(),
        "A".repeat(3000),
        changed(0),
        changed(5),
        changed(20),
        changed(34),
        changed(50),
        URL_SAFE_NO_PAD.encode(forged),
        hook_path(&ground.link).split_once("key=").unwrap().1.to_owned(),
    ];
    for token in tokens {
        let mut url = button.clone();
        url.set_path("/integrations/fake/actions/");
        let url = Url::parse(&format!("{url}{token}")).unwrap();
        let answer = ground.press(&url, ADA).await;
        assert_eq!(answer.status, 404, "{token}");
    }
    assert_eq!(ground.rows_at_rest().await, before);
    ground.finish().await;
}

fn secret_text(secret: &SecretString) -> String {
    integration_contract::ExposeSecret::expose_secret(secret).to_owned()
}

async fn without_the_operators_secret_nothing_is_genuine(test: TestDatabase) {
    use integration_contract::PartnerSettings;
    use integration_testkit::FakePartner;
    use patchbay::db::EntryId;

    let fake = FakePartner::with_card(crate::integrations::able());
    let below = crate::integrations::Ground::idle_with(test, fake, PartnerSettings::default()).await;
    below.app().work();
    crate::integrations::join(&below.two.ada, ADA, "ada").await;
    let link = below.link("workshop").await;
    let ground = Ground { below, link };
    let button = ground.mark_as_done(EntryId::new());
    for secret in ["", SECRET] {
        let now = ground.app().clock.now() / 1000;
        let click = ground.below.fake.click(&button, ADA, "ada", &secret.into(), now);
        assert_eq!(send(&ground.app().visitor(), &button, &click).await.status, 403);
    }
    ground.finish().await;
}

on_both_databases!(
    a_token_that_the_partner_did_not_make_counts_nothing,
    a_body_of_something_else_is_refused_in_its_own_way,
    an_address_that_we_did_not_make_is_none,
    without_the_operators_secret_nothing_is_genuine,
);
