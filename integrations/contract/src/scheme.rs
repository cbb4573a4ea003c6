//! Signature schemes as data, and the one piece of code that runs them.
//!
//! A partner declares how it signs; the host calls [`Scheme::verify`] with the secrets it holds. There is no other way
//! to a [`Verified`] call, so verification can't be forgotten.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::{HookCall, Verified};

/// How a partner signs its hooks: an HMAC-SHA256 in a header.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// The header that holds the signature, in lower case.
    pub header: &'static str,
    /// What stands before the signature in the header, such as `sha256=`.
    pub prefix: &'static str,
    /// How the signature is written.
    pub encoding: Encoding,
    /// What is signed, in order.
    pub message: &'static [Part],
    /// The signed time, where the scheme has one.
    pub timestamp: Option<Timestamp>,
    /// Whose secret it is.
    pub secret: SecretOf,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// Lower-case hexadecimal; upper case is refused.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// A piece of what is signed.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// These bytes.
    Literal(&'static str),
    /// The timestamp header's text, as it came.
    Timestamp,
    /// The raw body.
    Body,
}

/// A signed time.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    /// The header that holds it, in lower case.
    pub header: &'static str,
    /// How it is written.
    pub format: TimeFormat,
    /// How many seconds it may differ from our clock, either way.
    pub window: i64,
}

/// How a signed time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Unix seconds, in digits.
    Unix,
    /// ISO 8601 in UTC, to the second or finer: `2021-03-25T05:09:27Z`.
    Iso,
}

/// Whose secret a scheme uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretOf {
    /// Each link has its own.
    Link,
    /// Each link has one that the partner made and gave us: [`crate::Ledger::keep_secret`].
    Given,
    /// The operator's one for the partner, under this setting.
    Setting(&'static str),
}

/// Why a call is not genuine. For our log; the caller learns only that it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no secret, or an empty one. Never read as "no check".
    #[error("there is no secret to check with")]
    NoSecret,
    /// The signature header is absent, there twice, or not written as the scheme says.
    #[error("the signature header is absent or malformed")]
    NoSignature,
    /// The timestamp is absent, there twice, or not a number.
    #[error("the timestamp header is absent or malformed")]
    NoTimestamp,
    /// The timestamp is too far from our clock, by this many seconds (positive = in the past).
    #[error("the timestamp differs from our clock by {0} s")]
    Stale(i64),
    /// It does not say who it is from.
    #[error("the token names nobody")]
    NoSubject,
    /// It was signed with something else, or the body was changed.
    #[error("the signature does not fit the body")]
    Mismatch,
}

impl Scheme {
    /// Of a partner that has no hooks: verifies nothing.
    pub const NOTHING: Self = Self {
        header: "",
        prefix: "",
        encoding: Encoding::Hex,
        message: &[],
        timestamp: None,
        secret: SecretOf::Setting(""),
    };

    /// Checks that `call` was signed with one of `secrets` (more than one while a secret is being replaced).
    ///
    /// `now` is unix seconds by our clock. The comparison takes the same time wherever the signatures differ.
    ///
    /// # Errors
    /// Why not. Fails closed: an empty list or an empty secret verifies nothing.
    pub fn verify(&self, call: HookCall, secrets: &[SecretString], now: i64) -> Result<Verified<HookCall>, Refused> {
        let secrets: Vec<_> = secrets.iter().filter(|secret| !secret.expose_secret().is_empty()).collect();
        if secrets.is_empty() {
            return Err(Refused::NoSecret);
        }
        let signature = self.signature(&call).ok_or(Refused::NoSignature)?;
        let timestamp = match self.timestamp {
            Some(rule) => Some(rule.check(&call, now)?),
            None => None,
        };
        let message = self.message(&call, timestamp.unwrap_or_default());
        let genuine = secrets.iter().any(|secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            hmac::verify(&key, &message, &signature).is_ok()
        });
        if genuine { Ok(Verified::new(call)) } else { Err(Refused::Mismatch) }
    }

    /// The header's value for a body, as the partner would write it: for sandboxes and tests.
    pub fn sign(&self, body: &[u8], timestamp: &str, secret: &SecretString) -> String {
        let call = HookCall { headers: [].into(), key: None, body: body.to_vec().into() };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let tag = hmac::sign(&key, &self.message(&call, timestamp));
        let text = match self.encoding {
            Encoding::Hex => hex::encode(tag.as_ref()),
            Encoding::Base64 => STANDARD.encode(tag.as_ref()),
        };
        format!("{}{text}", self.prefix)
    }

    fn signature(&self, call: &HookCall) -> Option<Vec<u8>> {
        let text = call.header(self.header)?.strip_prefix(self.prefix)?;
        let bytes = match self.encoding {
            // A partner writes lower case; taking both would give one signature two spellings.
            Encoding::Hex if text.bytes().any(|byte| byte.is_ascii_uppercase()) => return None,
            Encoding::Hex if text.len() != 64 => return None,
            Encoding::Hex => hex::decode(text).ok()?,
            Encoding::Base64 if text.len() != 44 => return None,
            Encoding::Base64 => STANDARD.decode(text).ok()?,
        };
        (bytes.len() == 32).then_some(bytes)
    }

    fn message(&self, call: &HookCall, timestamp: &str) -> Vec<u8> {
        let mut message = Vec::with_capacity(call.body.len() + 64);
        for part in self.message {
            match part {
                Part::Literal(text) => message.extend_from_slice(text.as_bytes()),
                Part::Timestamp => message.extend_from_slice(timestamp.as_bytes()),
                Part::Body => message.extend_from_slice(&call.body),
            }
        }
        message
    }
}

impl Timestamp {
    fn check<'a>(&self, call: &'a HookCall, now: i64) -> Result<&'a str, Refused> {
        let text = call.header(self.header).ok_or(Refused::NoTimestamp)?;
        let at = self.format.read(text).ok_or(Refused::NoTimestamp)?;
        let age = now.saturating_sub(at);
        if age.abs() > self.window { Err(Refused::Stale(age)) } else { Ok(text) }
    }
}

impl TimeFormat {
    /// A time as the partner would write it: for sandboxes and tests.
    pub fn write(self, at: i64) -> String {
        match self {
            Self::Unix => at.to_string(),
            Self::Iso => jiff::Timestamp::from_second(at).unwrap_or_default().to_string(),
        }
    }

    /// In unix seconds; `None` for what is not written so.
    fn read(self, text: &str) -> Option<i64> {
        match self {
            Self::Unix => {
                let digits = (1..=11).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| text.parse().ok()).flatten()
            }
            Self::Iso if is_iso(text) => Some(text.parse::<jiff::Timestamp>().ok()?.as_second()),
            Self::Iso => None,
        }
    }
}

/// The one spelling that counts. The parser knows many more: offsets, spaces, names of time zones.
fn is_iso(text: &str) -> bool {
    const SHAPE: &[u8; 19] = b"0000-00-00T00:00:00";
    let Some((time, rest)) = text.as_bytes().split_at_checked(SHAPE.len()) else { return false };
    let same = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let fraction = |digits: &[u8]| (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    time.iter().zip(SHAPE).all(same)
        && match rest {
            [b'Z'] => true,
            [b'.', digits @ .., b'Z'] => fraction(digits),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's scheme, and the vector of its documentation.
    const LIKE_GITHUB: Scheme = Scheme {
        header: "x-hub-signature-256",
        prefix: "sha256=",
        encoding: Encoding::Hex,
        message: &[Part::Body],
        timestamp: None,
        secret: SecretOf::Link,
    };
    const RIGHT: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    /// Slack's scheme, and the vector of its documentation.
    const LIKE_SLACK: Scheme = Scheme {
        header: "x-slack-signature",
        prefix: "v0=",
        encoding: Encoding::Hex,
        message: &[Part::Literal("v0:"), Part::Timestamp, Part::Literal(":"), Part::Body],
        timestamp: Some(Timestamp { header: "x-slack-request-timestamp", format: TimeFormat::Unix, window: 300 }),
        secret: SecretOf::Setting("SIGNING_SECRET"),
    };
    const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    /// Zendesk's scheme. It publishes no vector; this one is from a public test of somebody else's receiver, with the
    /// secret that Zendesk documents for trying out.
    const LIKE_ZENDESK: Scheme = Scheme {
        header: "x-zendesk-webhook-signature",
        prefix: "",
        encoding: Encoding::Base64,
        message: &[Part::Timestamp, Part::Body],
        timestamp: Some(Timestamp {
            header: "x-zendesk-webhook-signature-timestamp",
            format: TimeFormat::Iso,
            window: 300,
        }),
        secret: SecretOf::Given,
    };
    const ZENDESK_SECRET: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";
    const ZENDESK_BODY: &str = r#"{"event":"ticket.updated","id":123}"#;
    /// 2021-03-25T05:09:27Z
    const ZENDESK_TIME: i64 = 1_616_648_967;

    fn call(headers: &[(&str, &str)], body: &str) -> HookCall {
        let mut call = HookCall { headers: [].into(), key: None, body: body.to_owned().into() };
        for (name, value) in headers {
            call.headers.entry((*name).to_owned()).or_default().push((*value).to_owned());
        }
        call
    }

    fn secret(text: &str) -> Vec<SecretString> {
        vec![SecretString::from(text)]
    }

    fn github(signature: &str) -> Result<Verified<HookCall>, Refused> {
        let call = call(&[("x-hub-signature-256", signature)], "Hello, World!");
        LIKE_GITHUB.verify(call, &secret("It's a Secret to Everybody"), 0)
    }

    #[test]
    fn the_documented_vectors_verify() {
        assert!(github(RIGHT).is_ok());

        let headers = [
            ("x-slack-request-timestamp", "1531420618"),
            ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ];
        let key = secret("8f742231b10e8888abcd99yyyzzz85a5");
        assert!(LIKE_SLACK.verify(call(&headers, SLACK_BODY), &key, 1_531_420_618 + 300).is_ok());
        let late = LIKE_SLACK.verify(call(&headers, SLACK_BODY), &key, 1_531_420_618 + 301);
        assert_eq!(late.unwrap_err(), Refused::Stale(301));
        let early = LIKE_SLACK.verify(call(&headers, SLACK_BODY), &key, 1_531_420_618 - 301);
        assert_eq!(early.unwrap_err(), Refused::Stale(-301));

        let headers = [
            ("x-zendesk-webhook-signature-timestamp", "2021-03-25T05:09:27Z"),
            ("x-zendesk-webhook-signature", "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM="),
        ];
        let at = |now| LIKE_ZENDESK.verify(call(&headers, ZENDESK_BODY), &secret(ZENDESK_SECRET), now).map(drop);
        assert_eq!(at(ZENDESK_TIME + 300), Ok(()));
        assert_eq!(at(ZENDESK_TIME + 301), Err(Refused::Stale(301)));
        assert_eq!(at(ZENDESK_TIME - 299), Ok(()));
        assert_eq!(at(ZENDESK_TIME - 301), Err(Refused::Stale(-301)));
    }

    #[test]
    fn what_is_not_written_as_the_scheme_says_is_refused() {
        let long = format!("{RIGHT}{}", "0".repeat(10_000));
        let wrong = [
            "",
            "sha256=",
            &RIGHT[7..],
            &RIGHT[..RIGHT.len() - 1],
            &format!("{RIGHT}0"),
            &RIGHT.to_uppercase().replace("SHA256", "sha256"),
            "sha256=zz7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "sha256=dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=",
            "sha1=757107ea0eb2509fc211221cce984b8a37570b6d",
            &long,
        ];
        for signature in wrong {
            assert_eq!(github(signature).unwrap_err(), Refused::NoSignature, "{signature}");
        }
        let twice = call(&[("x-hub-signature-256", RIGHT), ("x-hub-signature-256", RIGHT)], "Hello, World!");
        let answer = LIKE_GITHUB.verify(twice, &secret("It's a Secret to Everybody"), 0);
        assert_eq!(answer.unwrap_err(), Refused::NoSignature);
    }

    #[test]
    fn another_secret_or_another_body_does_not_fit() {
        for other in ["other", "null"] {
            let signed = call(&[("x-hub-signature-256", RIGHT)], "Hello, World!");
            assert_eq!(LIKE_GITHUB.verify(signed, &secret(other), 0).unwrap_err(), Refused::Mismatch);
        }
        for body in ["Hello, World!\n", "\u{feff}Hello, World!", "Hello, World", "hello, world!"] {
            let signed = call(&[("x-hub-signature-256", RIGHT)], body);
            let answer = LIKE_GITHUB.verify(signed, &secret("It's a Secret to Everybody"), 0);
            assert_eq!(answer.unwrap_err(), Refused::Mismatch, "{body:?}");
        }
    }

    #[test]
    fn no_secret_verifies_nothing() {
        let of_the_empty_secret = LIKE_GITHUB.sign(b"x", "", &SecretString::from(""));
        for secrets in [vec![], secret("")] {
            let signed = call(&[("x-hub-signature-256", &of_the_empty_secret)], "x");
            assert_eq!(LIKE_GITHUB.verify(signed, &secrets, 0).unwrap_err(), Refused::NoSecret);
        }
    }

    #[test]
    fn a_secret_being_replaced_counts_beside_the_new_one() {
        let both = vec![SecretString::from("new"), SecretString::from("It's a Secret to Everybody")];
        let signed = call(&[("x-hub-signature-256", RIGHT)], "Hello, World!");
        assert!(LIKE_GITHUB.verify(signed, &both, 0).is_ok());
    }

    #[test]
    fn a_timestamp_is_plain_unix_seconds() {
        let key = secret("k");
        for at in ["", "abc", "-1", "1e9", "9223372036854775808", " 1531420618", "+1531420618", "1531420618.0"] {
            let signature = LIKE_SLACK.sign(b"x", at, &key[0]);
            let signed = call(&[("x-slack-request-timestamp", at), ("x-slack-signature", &signature)], "x");
            assert_eq!(LIKE_SLACK.verify(signed, &key, 1_531_420_618).unwrap_err(), Refused::NoTimestamp, "{at:?}");
        }
    }

    #[test]
    fn a_timestamp_in_iso_8601_is_in_utc_and_written_in_one_way() {
        let key = secret("k");
        let verify = |at: &str| {
            let headers = [
                ("x-zendesk-webhook-signature-timestamp", at),
                ("x-zendesk-webhook-signature", &LIKE_ZENDESK.sign(b"x", at, &key[0])),
            ];
            LIKE_ZENDESK.verify(call(&headers, "x"), &key, ZENDESK_TIME).map(drop)
        };
        for good in ["2021-03-25T05:09:27Z", "2021-03-25T05:09:27.5Z", "2021-03-25T05:09:27.123456789Z"] {
            assert_eq!(verify(good), Ok(()), "{good:?}");
        }
        assert_eq!(verify(&TimeFormat::Iso.write(ZENDESK_TIME)), Ok(()));
        for bad in [
            "",
            "abc",
            "1616648967",
            "2021-03-25",
            "2021-03-25T05:09Z",
            "2021-03-25T05:09:27",
            "2021-03-25t05:09:27z",
            "2021-03-25 05:09:27Z",
            "2021-03-25T05:09:27+00:00",
            "2021-03-25T05:09:27Z[UTC]",
            "2021-03-25T05:09:27.Z",
            "2021-03-25T05:09:27.1234567890Z",
            "2021-13-25T05:09:27Z",
            "2021-02-30T05:09:27Z",
            "2021-03-25T24:09:27Z",
            " 2021-03-25T05:09:27Z",
            "+002021-03-25T05:09:27Z",
            "2021-03-25T05:09:27Z ",
        ] {
            assert_eq!(verify(bad), Err(Refused::NoTimestamp), "{bad:?}");
        }
        assert_eq!(verify("0000-01-01T00:00:00Z"), Err(Refused::Stale(63_783_868_167)));
    }
}
