//! Which tokens of actions count, and which do not: every row is a way in that was tried somewhere.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use integration_contract::{Clicker, HookCall, Refused, SecretString, TokenScheme};
use serde_json::{Value, json};

const SCHEME: TokenScheme = TokenScheme {
    header: "flowdock-token",
    setting: "CLIENT_SECRET",
    digest_claim: "signature",
    leeway: 10,
    longest: 300,
};
const SECRET: &str = "client-secret-8c1f";
const BODY: &str = "{\"@type\":\"UpdateAction\",\"name\":\"Close\"}";
const NOW: i64 = 1_700_000_000;

fn call(tokens: &[&str], body: &str) -> HookCall {
    let tokens: Vec<_> = tokens.iter().map(|token| (*token).to_owned()).collect();
    let headers: BTreeMap<_, _> = [("flowdock-token".to_owned(), tokens)].into();
    HookCall { headers, key: None, body: body.to_owned().into() }
}

fn signed(key: &str, algorithm: hmac::Algorithm, header: &Value, claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let text = format!("{}.{}", part(&header.to_string()), part(claims));
    let tag = hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A genuine token but for one claim; null leaves it out.
fn token_with(claim: &str, value: Value) -> String {
    let mut claims = json!({ "sub": "50001", "exp": NOW + 30, "signature": call(&[], BODY).digest() });
    match value {
        Value::Null => drop(claims.as_object_mut().expect("claims").remove(claim)),
        value => claims[claim] = value,
    }
    signed(SECRET, hmac::HMAC_SHA256, &json!({ "alg": "HS256", "typ": "JWT" }), &claims.to_string())
}

fn token_headed(header: &Value) -> String {
    let claims = json!({ "sub": "50001", "exp": NOW + 30, "signature": call(&[], BODY).digest() });
    signed(SECRET, hmac::HMAC_SHA256, header, &claims.to_string())
}

fn genuine() -> String {
    token_with("sub", json!("50001"))
}

fn verify(token: &str) -> Result<Clicker, Refused> {
    SCHEME.verify(call(&[token], BODY), &SECRET.into(), NOW).map(|(_, clicker)| clicker)
}

#[test]
fn a_genuine_token_says_who_clicked_and_until_when_it_counts() {
    let clicker = verify(&genuine()).expect("genuine");
    assert_eq!((clicker.account.as_str(), clicker.stale_at), ("50001", NOW + 30 + 10 + 1));
    assert_eq!(clicker.mark.len(), 32);
    assert_eq!(verify(&genuine()).expect("genuine").mark, clicker.mark, "a second use is known by its mark");
    assert_ne!(verify(&token_with("exp", json!(NOW + 29))).expect("genuine").mark, clicker.mark);
}

#[test]
fn the_body_in_the_token_is_the_one_that_came() {
    let (call, _) = SCHEME.verify(call(&[&genuine()], BODY), &SECRET.into(), NOW).expect("genuine");
    assert_eq!(&call.body[..], BODY.as_bytes());
    let reserialised = "{\"name\":\"Close\",\"@type\":\"UpdateAction\"}";
    for other in [reserialised, "", "{}", &format!("{BODY}\n")] {
        let refused = SCHEME.verify(self::call(&[&genuine()], other), &SECRET.into(), NOW).expect_err("another body");
        assert_eq!(refused, Refused::Mismatch, "{other:?}");
    }
}

#[test]
fn a_token_that_is_none_is_refused() {
    let token = genuine();
    let (text, signature) = token.rsplit_once('.').expect("three parts");
    let bare: Vec<_> = token.split('.').collect();
    let long = format!("{token}{}", "A".repeat(8 * 1024));
    let with_spaces = format!(" {token}");
    let last = if signature.ends_with('A') { 'B' } else { 'A' };
    // The last letter of 32 bytes in base64 has two bits that say nothing; a second spelling would be a second use.
    let respelled: Vec<String> = ('A'..='Z')
        .chain('a'..='z')
        .map(|letter| format!("{text}.{}{letter}", &signature[..signature.len() - 1]))
        .filter(|other| *other != token)
        .collect();
    let mut wrong = vec![
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!(".{token}"),
        text.to_owned(),
        format!("{text}."),
        format!("{text}.{signature}="),
        format!("{}=.{}.{}", bare[0], bare[1], bare[2]),
        format!("{text}.%%%"),
        format!("{text}.{last}{}", &signature[1..]),
        format!("Bearer {token}"),
        with_spaces,
        long,
    ];
    wrong.extend(respelled);
    for token in wrong {
        let refused = verify(&token).expect_err("no token");
        assert!(matches!(refused, Refused::NoSignature | Refused::Mismatch), "{token}: {refused:?}");
    }
}

#[test]
fn there_is_exactly_one_token() {
    let token = genuine();
    for tokens in [&[][..], &[token.as_str(), token.as_str()], &["", token.as_str()]] {
        let refused = SCHEME.verify(call(tokens, BODY), &SECRET.into(), NOW).expect_err("none, or two");
        assert_eq!(refused, Refused::NoSignature, "{}", tokens.len());
    }
    let absent = HookCall { headers: [].into(), ..call(&[], BODY) };
    assert_eq!(SCHEME.verify(absent, &SECRET.into(), NOW).expect_err("none"), Refused::NoSignature);
}

#[test]
fn only_hs256_counts_and_only_our_key() {
    for algorithm in ["none", "None", "nOnE", "NONE", "", "hs256", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA"]
    {
        let refused = verify(&token_headed(&json!({ "alg": algorithm, "typ": "JWT" }))).expect_err("another algorithm");
        assert_eq!(refused, Refused::NoSignature, "{algorithm}");
    }
    let claims = json!({ "sub": "50001", "exp": NOW + 30, "signature": call(&[], BODY).digest() }).to_string();
    for (name, algorithm) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512), ("HS256", hmac::HMAC_SHA512)]
    {
        let token = signed(SECRET, algorithm, &json!({ "alg": name, "typ": "JWT" }), &claims);
        verify(&token).expect_err("another digest with our secret");
    }
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"), URL_SAFE_NO_PAD.encode(&claims));
    verify(&unsigned).expect_err("no signature at all");

    let plain = json!({ "alg": "HS256", "typ": "JWT" });
    for key in ["another app's secret", "", "client-secret-8c1", "client-secret-8c1f "] {
        let refused = verify(&signed(key, hmac::HMAC_SHA256, &plain, &claims)).expect_err("another key");
        assert_eq!(refused, Refused::Mismatch, "{key}");
    }
    let empty =
        SCHEME.verify(call(&[&signed("", hmac::HMAC_SHA256, &plain, &claims)], BODY), &SecretString::from(""), NOW);
    assert_eq!(empty.expect_err("no key"), Refused::NoSecret);
}

#[test]
fn a_header_that_names_a_key_or_anything_else_is_refused() {
    for (name, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("x5u", json!("https://evil.example/chain")),
        ("x5c", json!(["AAAA"])),
        ("kid", json!("../../dev/null")),
        ("crit", json!(["exp"])),
        ("cty", json!("JWT")),
        ("b64", json!(false)),
        ("typ", json!("claim")),
        ("typ", json!("at+jwt")),
        ("typ", json!("")),
    ] {
        let mut header = json!({ "alg": "HS256", "typ": "JWT" });
        header[name] = value;
        assert_eq!(verify(&token_headed(&header)).expect_err("more than it needs"), Refused::NoSignature, "{header}");
    }
    for header in [json!({ "alg": "HS256" }), json!({ "typ": "jwt", "alg": "HS256" })] {
        verify(&token_headed(&header)).expect("genuine");
    }
}

#[test]
fn a_token_counts_for_its_time_and_ten_seconds() {
    for good in
        [json!(NOW + 30), json!(NOW), json!(NOW - 9), json!(NOW - 10), json!(NOW + 300), json!((NOW + 30).to_string())]
    {
        verify(&token_with("exp", good.clone())).unwrap_or_else(|refused| panic!("{good}: {refused}"));
    }
    for (bad, why) in [
        (json!(NOW - 11), Refused::Stale(11)),
        (json!((NOW - 11).to_string()), Refused::Stale(11)),
        (json!(NOW + 301), Refused::Stale(-301)),
        (json!(NOW + 3600), Refused::Stale(-3600)),
        (json!(0), Refused::Stale(NOW)),
        (json!(-1), Refused::Stale(NOW + 1)),
        (json!(i64::MIN), Refused::Stale(i64::MAX)),
        (json!(i64::MAX), Refused::Stale(NOW - i64::MAX)),
        (json!(u64::MAX), Refused::NoTimestamp),
        (Value::Null, Refused::NoTimestamp),
        (json!(NOW as f64 + 30.5), Refused::NoTimestamp),
        (json!(1.7e9), Refused::NoTimestamp),
        (json!(""), Refused::NoTimestamp),
        (json!(format!("{} ", NOW + 30)), Refused::NoTimestamp),
        (json!(format!("+{}", NOW + 30)), Refused::NoTimestamp),
        (json!("1.7e9"), Refused::NoTimestamp),
        (json!("2023-11-14"), Refused::NoTimestamp),
        (json!(true), Refused::NoTimestamp),
    ] {
        assert_eq!(verify(&token_with("exp", bad.clone())).expect_err("not its time"), why, "{bad}");
    }
}

#[test]
fn a_token_that_does_not_count_yet_is_refused() {
    for bad in [json!(NOW + 1), json!((NOW + 1).to_string()), json!(1.5), json!("soon"), json!([])] {
        verify(&token_with("nbf", bad.clone())).expect_err("not yet");
    }
    for good in [json!(NOW), json!(0), json!((NOW - 5).to_string())] {
        verify(&token_with("nbf", good)).expect("counts already");
    }
}

#[test]
fn an_account_has_one_spelling() {
    for same in [json!(50_001), json!("50001")] {
        assert_eq!(verify(&token_with("sub", same)).expect("an account").account, "50001");
    }
    let long = "1".repeat(1024);
    for nobody in [
        Value::Null,
        json!(""),
        json!(0),
        json!("0"),
        json!("00"),
        json!("050001"),
        json!("1 "),
        json!(" 1"),
        json!("1\n"),
        json!("+1"),
        json!("-1"),
        json!(-1),
        json!(1.0),
        json!(1.5),
        json!("1.0"),
        json!("0x1"),
        json!("١"),
        json!("ada"),
        json!(long),
        json!(u64::MAX),
        json!(true),
    ] {
        assert_eq!(verify(&token_with("sub", nobody.clone())).expect_err("nobody"), Refused::NoSubject, "{nobody}");
    }
}

#[test]
fn the_digest_of_the_body_has_one_spelling() {
    let right = call(&[], BODY).digest();
    verify(&token_with("signature", json!(right))).expect("genuine");
    for wrong in [
        Value::Null,
        json!(""),
        json!(right.to_uppercase()),
        json!(&right[..63]),
        json!(format!("{right}0")),
        json!(format!(" {right}")),
        json!(format!("sha256={right}")),
        json!(call(&[], "").digest()),
        json!(call(&[], "{}").digest()),
        json!([right]),
        json!(1),
    ] {
        assert_eq!(verify(&token_with("signature", wrong.clone())).expect_err("not its body"), Refused::Mismatch);
    }
}

#[test]
fn claims_of_another_shape_are_refused() {
    for claim in ["exp", "sub", "signature", "nbf"] {
        for shape in [json!([]), json!(["50001"]), json!([NOW + 30]), json!({}), json!({ "id": 50_001 })] {
            verify(&token_with(claim, shape.clone())).expect_err("another shape");
        }
    }

    for claims in ["", "null", "[]", "\"text\"", "{", "{\"sub\":}"] {
        let token = signed(SECRET, hmac::HMAC_SHA256, &json!({ "alg": "HS256", "typ": "JWT" }), claims);
        verify(&token).expect_err(claims);
    }
}
