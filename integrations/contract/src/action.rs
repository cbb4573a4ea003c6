//! Actions: buttons inside the partner's product that call us. The host verifies the call and does the deed; the partner
//! says what the call says.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use http::{HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use crate::{HookCall, Refused, Verified};

/// The ability to put buttons into the partner's product ([`crate::Outgoing::buttons`]) and to be called by them.
pub trait Actions: Send + Sync {
    /// How the calls are signed. The host runs it.
    fn token(&self) -> TokenScheme;

    /// Checks that the call is what the button at `url` sends. The token says who clicked; what it does, the address
    /// says. Answers with the name the partner gives the person, for the case that we do not know them.
    ///
    /// # Errors
    /// Why the call is not done.
    fn clicked(&self, call: &Verified<HookCall>, url: &Url) -> Result<String, NotClicked>;

    /// The header of a 401 that leads somebody we do not know to `page`.
    fn challenge(&self, page: &Url) -> (HeaderName, HeaderValue);
}

/// Why a genuine call is not a click on the button it was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClicked {
    /// Answered 415.
    #[error("The body is not of the documented media type.")]
    MediaType,
    /// Answered 400.
    #[error("The body is not JSON.")]
    NotJson,
    /// Answered 422.
    #[error("The body is not an action that we offered.")]
    OtherShape,
    /// Answered 403: the token and its body were made for another address.
    #[error("The action belongs to another address.")]
    OtherAddress,
}

/// A JWT in a header, HS256, that vouches for a person and for the body: a hook's signature that knows who clicked.
#[derive(Clone, Copy, Debug)]
pub struct TokenScheme {
    /// The header that holds the token, in lower case.
    pub header: &'static str,
    /// The operator's setting whose value is the key.
    pub setting: &'static str,
    /// The claim with the SHA-256 of the raw body in lower-case hexadecimal.
    pub digest_claim: &'static str,
    /// How many seconds after its end a token still counts, for clocks that differ.
    pub leeway: i64,
    /// A token that ends later than this many seconds from now is not the partner's.
    pub longest: i64,
}

/// Who clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clicker {
    /// The partner's id of the account.
    pub account: String,
    /// SHA-256 of the token, by which a second use is recognised.
    pub mark: Vec<u8>,
    /// From when on the token does not count any more, in unix seconds.
    pub stale_at: i64,
}

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 4 * 1024;

impl TokenScheme {
    /// Checks that the call's token was made with `secret`, counts `now` (unix seconds) and is of this body. Whether it
    /// was used before, only the host can tell.
    ///
    /// # Errors
    /// Why not; fails closed.
    pub fn verify(
        &self,
        call: HookCall,
        secret: &SecretString,
        now: i64,
    ) -> Result<(Verified<HookCall>, Clicker), Refused> {
        if secret.expose_secret().is_empty() {
            return Err(Refused::NoSecret);
        }
        let token = call.header(self.header).filter(|token| (1..=LONGEST_TOKEN).contains(&token.len()));
        let token = token.ok_or(Refused::NoSignature)?;
        let claims = claims(token, secret)?;
        let ends = claims.get("exp").and_then(seconds).ok_or(Refused::NoTimestamp)?;
        if ends.saturating_add(self.leeway) < now || ends.saturating_sub(now) > self.longest {
            return Err(Refused::Stale(now.saturating_sub(ends)));
        }
        if let Some(begins) = claims.get("nbf")
            && seconds(begins).is_none_or(|begins| begins > now)
        {
            return Err(Refused::Stale(0));
        }
        let account = claims.get("sub").and_then(account).ok_or(Refused::NoSubject)?;
        let said = claims.get(self.digest_claim).and_then(Value::as_str).ok_or(Refused::Mismatch)?;
        if verify_slices_are_equal(said.as_bytes(), call.digest().as_bytes()).is_err() {
            return Err(Refused::Mismatch);
        }
        let mark = digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec();
        let clicker = Clicker { account, mark, stale_at: ends.saturating_add(self.leeway).saturating_add(1) };
        Ok((Verified::new(call), clicker))
    }
}

/// What a genuine token says. Its header names the algorithm and nothing else: no key to fetch, none to choose, nothing that
/// would have to be understood first.
fn claims(token: &str, secret: &SecretString) -> Result<Map<String, Value>, Refused> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::NoSignature)?;
    let is_jwt = header.typ.as_ref().is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
    let plain = Header { typ: header.typ.clone(), ..Header::new(Algorithm::HS256) };
    if !is_jwt || header != plain {
        return Err(Refused::NoSignature);
    }
    let mut rules = Validation::new(Algorithm::HS256);
    // The partner's times are not quite those of the standard, and are checked by whoever asked.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &rules).map_err(|_| Refused::Mismatch)?;
    Ok(decoded.claims)
}

/// A whole number of seconds, as a number or as its digits.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => digits(text)?.parse().ok(),
        _ => None,
    }
}

/// An account's id, as a number or as its digits; there is none with the number 0.
fn account(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    digits(&text).filter(|text| *text != "0").map(str::to_owned)
}

/// A number as it is written shortest, so that each has one spelling.
fn digits(text: &str) -> Option<&str> {
    let plain = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    (plain && shortest).then_some(text)
}
