//! What came, made fit to be looked at: as text, laid out where it is JSON or a form, with everything masked that could be
//! a secret.

use std::collections::BTreeMap;

use integration_contract::text::without_nul;
use serde_json::Value;

use crate::{
    core::outbox::{MASK, is_secret_name, masked},
    db::entity::inbox_message,
};

/// How much of a body is shown, in bytes.
const LONGEST: usize = 64 * 1024;

/// Fields whose value is a name that the partner gave: long, mixed, and no secret.
const NAMES: [&str; 9] = ["id", "node_id", "sha", "before", "after", "head_sha", "base_sha", "guid", "delivery"];

/// A hook as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The kept headers; never a signature, which nothing needs after it was checked.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Whether it goes on.
    pub cut: bool,
}

/// A kept hook as it came, masked.
pub fn of(message: &inbox_message::Model) -> Payload {
    let headers: BTreeMap<String, Vec<String>> = serde_json::from_value(message.headers.clone()).unwrap_or_default();
    let shown = |(name, values): (String, Vec<String>)| {
        let value = if is_secret_name(&name) { MASK.to_owned() } else { without_nul(&values.join(", ")) };
        (name, value)
    };
    let mut body = laid_out(&message.body);
    let cut = body.len() > LONGEST;
    body.truncate(body.floor_char_boundary(LONGEST));
    Payload { headers: headers.into_iter().map(shown).collect(), body, cut }
}

fn laid_out(body: &[u8]) -> String {
    if let Ok(mut value) = serde_json::from_slice::<Value>(body)
        && (value.is_object() || value.is_array())
    {
        mask(&mut value);
        return without_nul(&format!("{value:#}"));
    }
    let text = without_nul(&String::from_utf8_lossy(body));
    if !is_form(&text) {
        return masked(&text);
    }
    let lines = url::form_urlencoded::parse(body).map(|(name, value)| {
        let value = if is_secret_name(&name) { MASK.to_owned() } else { laid_out_value(&name, &value) };
        format!("{}: {value}", masked(&without_nul(&name)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A field of a form may hold JSON of its own.
fn laid_out_value(name: &str, value: &str) -> String {
    match serde_json::from_str::<Value>(value) {
        Ok(mut inside) if inside.is_object() => {
            mask(&mut inside);
            without_nul(&format!("{inside:#}"))
        }
        _ => without_nul(&plain(name, value)),
    }
}

/// Names and values, and nothing that a form would have encoded.
fn is_form(text: &str) -> bool {
    text.split('&').all(|pair| pair.contains('='))
        && !text.contains(|c: char| c.is_whitespace() || "{}<>\"".contains(c))
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    _ if is_secret_name(name) && !value.is_null() => *value = Value::from(MASK),
                    Value::String(text) => *text = plain(name, text),
                    inside => mask(inside),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::String(text) => *text = masked(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn plain(name: &str, text: &str) -> String {
    let is_name = NAMES.contains(&name)
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_=".contains(c));
    if is_name { text.to_owned() } else { masked(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_is_laid_out_and_its_secrets_are_masked() {
        let body = br#"{"action":"opened","token":"short","installation":{"access_tokens":["a","b"]},
            "after":"0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c","hook":{"config":{"secret":"x"}},
            "response_url":"https://hooks.example/commands/T1/2/aBcDeFgHiJkL9876","note":"see ghp_0123456789abcdefABCD","n":1}"#;
        let shown = laid_out(body);
        for kept in ["\"action\": \"opened\"", "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c", "\"n\": 1"] {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
        for secret in ["short", "\"a\"", "\"x\"", "aBcDeFgHiJkL9876", "ghp_0123456789abcdefABCD"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }

    #[test]
    fn a_form_has_a_line_for_each_field() {
        let body = b"token=abc&text=shipped+it&payload=%7B%22trigger%22%3A%7B%22token%22%3A%22abc%22%7D%7D";
        assert_eq!(
            laid_out(body),
            "token: …\ntext: shipped it\npayload: {\n  \"trigger\": {\n    \"token\": \"…\"\n  }\n}"
        );
        assert_eq!(laid_out(b"plain words"), "plain words");
        assert_eq!(laid_out(b"\xff\0"), "\u{fffd}\u{fffd}");
        assert_eq!(laid_out(b""), "");
    }

    proptest! {
        #[test]
        fn a_value_under_the_name_of_a_secret_never_comes_through(
            secret in "Z9[a-zA-Z0-9]{6,40}",
            name in "[a-z]{0,4}_?(token|secret|password|signature|cookie)",
        ) {
            let json = serde_json::json!({ "x": [{ &name: { "deep": [&secret] } }], "y": { &name: &secret } }).to_string();
            let form = format!("a=b&{name}={secret}");
            for body in [json, form] {
                let shown = laid_out(body.as_bytes());
                prop_assert!(!shown.contains(&secret), "{}", shown);
            }
        }

        #[test]
        fn any_bytes_can_be_shown(body in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = laid_out(&body);
        }
    }
}
