//! JSON from outside, read strictly.
//!
//! Two readers that disagree about one text are a way around a check, so a text that two readers could understand
//! differently (a key that stands twice, a number that no 64-bit type holds exactly) is an error here.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Result};

/// Reads one JSON object. At most 128 levels deep (serde_json's own limit).
///
/// # Errors
/// [`ErrorKind::Malformed`] for anything but one object in valid UTF-8 without repeated keys.
pub fn object(bytes: &[u8]) -> Result<Value> {
    let value: Strict = serde_json::from_slice(bytes)
        .map_err(|error| Error::new(ErrorKind::Malformed, "The body is not valid JSON.").caused_by(error))?;
    match value.0 {
        Value::Object(_) => Ok(value.0),
        _ => Err(Error::new(ErrorKind::Malformed, "The body is JSON, but not an object.")),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        StrictValue.deserialize(deserializer).map(Self)
    }
}

struct StrictValue;

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(StrictValue)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(StrictValue)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let bad: &[&[u8]] = &[
            b"",
            b"{",
            b"[]",
            b"\"x\"",
            b"123",
            b"null",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":NaN}",
            b"{\"a\":1e999}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\xc0\xaf\"}",
            b"{} {}",
            b"\xef\xbb\xbf{}",
        ];
        for text in bad {
            assert_eq!(object(text).unwrap_err().kind(), ErrorKind::Malformed, "{}", String::from_utf8_lossy(text));
        }
        let digits = format!("{{\"a\":{}}}", "9".repeat(400));
        assert!(object(digits.as_bytes()).is_err());
    }

    #[test]
    fn nesting_ends_at_the_documented_depth_without_harm() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(nested(120).as_bytes()).is_ok());
        assert!(object(nested(128).as_bytes()).is_err());
        assert!(object(nested(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_back(pairs in proptest::collection::btree_map(".*", any::<(i64, bool, String)>(), 0..8)) {
            let text = serde_json::to_vec(&pairs).expect("a map of texts");
            prop_assert_eq!(object(&text).expect("an object"), serde_json::to_value(&pairs).expect("the same map"));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = object(&bytes);
        }
    }
}
