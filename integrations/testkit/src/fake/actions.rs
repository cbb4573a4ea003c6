//! The fake partner's buttons: how their calls are signed and read, and how one is clicked.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, header};
use integration_contract::{
    Actions, ExposeSecret, HookCall, NotClicked, SecretString, TokenScheme, Verified, strict_json,
};
use serde_json::{Value, json};
use url::Url;

use super::{FakePartner, word};

const TOKEN: &str = "x-fake-token";
const DIGEST: &str = "body_sha256";
/// How many seconds a token counts.
const LIFE: i64 = 60;

/// What the partner sends when somebody clicks.
#[derive(Clone, Debug)]
pub struct Click {
    /// The headers, the token among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body, byte for byte.
    pub body: String,
}

impl FakePartner {
    /// What it sends to `url` when the account with the number `id`, whom it calls `name`, clicks the button there at
    /// `now` (unix seconds). No two clicks have the same token.
    pub fn click(&self, url: &Url, id: u64, name: &str, secret: &SecretString, now: i64) -> Click {
        let number = {
            let mut outside = self.outside();
            outside.clicks += 1;
            outside.clicks
        };
        let body = json!({ "button": url, "by": name }).to_string();
        let digest = HookCall { headers: [].into(), key: None, body: body.clone().into() }.digest();
        let claims = json!({ "sub": id.to_string(), "exp": now + LIFE, "jti": number, DIGEST: digest });
        let headers = vec![("content-type", "application/json".to_owned()), (TOKEN, token(&claims, secret))];
        Click { headers, body }
    }
}

/// A JWT, HS256.
fn token(claims: &Value, secret: &SecretString) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
}

impl Actions for FakePartner {
    fn token(&self) -> TokenScheme {
        TokenScheme { header: TOKEN, setting: "SECRET", digest_claim: DIGEST, leeway: 5, longest: LIFE }
    }

    fn clicked(&self, call: &Verified<HookCall>, url: &Url) -> Result<String, NotClicked> {
        if call.media_type().as_deref() != Some("application/json") {
            return Err(NotClicked::MediaType);
        }
        let body = strict_json::object(&call.body).map_err(|_| NotClicked::NotJson)?;
        match body.get("button").and_then(Value::as_str) {
            None => Err(NotClicked::OtherShape),
            Some(button) if button != url.as_str() => Err(NotClicked::OtherAddress),
            Some(_) => Ok(word(&body, "by").to_owned()),
        }
    }

    fn challenge(&self, page: &Url) -> (HeaderName, HeaderValue) {
        let value = HeaderValue::from_str(&format!("Fake url=\"{page}\""));
        (header::WWW_AUTHENTICATE, value.unwrap_or(HeaderValue::from_static("Fake")))
    }
}
