//! Actions: the buttons in a thread's menu, and what Flowdock sends when somebody presses one.
//! <https://github.com/flowdock/api-docs/blob/master/docs/thread-actions.md>

use http::{HeaderName, HeaderValue, header};
use integration_contract::{Actions, HookCall, NotClicked, TokenScheme, Verified, strict_json, text};
use serde_json::Value;
use url::Url;

use crate::config::CLIENT_SECRET;

/// A token lives 30 seconds. Clocks differ, but one that ends in more than five minutes is nobody's of Flowdock.
const TOKEN: TokenScheme = TokenScheme {
    header: "flowdock-token",
    setting: CLIENT_SECRET,
    digest_claim: "signature",
    leeway: 10,
    longest: 300,
};

pub(crate) struct FlowdockActions;

impl Actions for FlowdockActions {
    fn token(&self) -> TokenScheme {
        TOKEN
    }

    fn clicked(&self, call: &Verified<HookCall>, url: &Url) -> Result<String, NotClicked> {
        // No document names the media type, so none at all is good as well.
        if call.headers.contains_key("content-type") && call.media_type().as_deref() != Some("application/json") {
            return Err(NotClicked::MediaType);
        }
        if serde_json::from_slice::<serde::de::IgnoredAny>(&call.body).is_err() {
            return Err(NotClicked::NotJson);
        }
        let action = strict_json::object(&call.body).map_err(|_| NotClicked::OtherShape)?;
        let target = &action["target"];
        let (address, method) = match (target["urlTemplate"].as_str(), target["httpMethod"].as_str()) {
            (Some(address), Some(method)) if action["@type"] == "UpdateAction" && target["@type"] == "EntryPoint" => {
                (address, method)
            }
            _ => return Err(NotClicked::OtherShape),
        };
        // The token is of the body, not of the address that was called: only this joins the two.
        if address != url.as_str() || method != "POST" {
            return Err(NotClicked::OtherAddress);
        }
        Ok(name(&action["agent"]["name"]))
    }

    fn challenge(&self, page: &Url) -> (HeaderName, HeaderValue) {
        // Unquoted, as documented: Flowdock takes everything after the sign. An address has nothing that a header can't.
        let value = HeaderValue::from_str(&format!("Flowdock-Token url={page}"));
        (header::WWW_AUTHENTICATE, value.unwrap_or_else(|_| HeaderValue::from_static("Flowdock-Token")))
    }
}

/// For people to read, and nothing else: who it is, the token says.
fn name(said: &Value) -> String {
    match text::first_line(&text::without_nul(said.as_str().unwrap_or_default()), 100) {
        name if name.is_empty() => "Somebody at Flowdock".to_owned(),
        name => name,
    }
}
