//! Flowdock's addresses: which texts are ids and paths, and which URLs lead to what. Nothing that came in is ever called:
//! what is called is made of these parts, below the operator's own address.

use integration_contract::{FormInput, IntegrationLink};
use url::Url;

/// A flow's place: `acme/main`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlowPath {
    pub(crate) organization: String,
    pub(crate) flow: String,
}

impl FlowPath {
    /// Of two names as Flowdock writes them in addresses.
    pub(crate) fn new(organization: &str, flow: &str) -> Option<Self> {
        let good = is_slug(organization) && is_slug(flow);
        good.then(|| Self { organization: organization.to_owned(), flow: flow.to_owned() })
    }

    /// `acme/main`, as the ledger has it and as people may type it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (organization, flow) = text.split_once('/')?;
        Self::new(organization, flow)
    }

    /// Of a flow's page: `{WEB_URL}/app/acme/main`, and whatever is below it.
    pub(crate) fn of_page(text: &str, web_url: &Url) -> Option<Self> {
        match segments_below(text, web_url)?.as_slice() {
            ["app", organization, flow, ..] => Self::new(organization, flow),
            _ => None,
        }
    }

    /// Of a flow in the API: `{API_URL}/flows/acme/main`.
    pub(crate) fn of_flow(text: &str, api_url: &Url) -> Option<Self> {
        match segments_below(text, api_url)?.as_slice() {
            ["flows", organization, flow] => Self::new(organization, flow),
            _ => None,
        }
    }

    /// Of a source in the API, with its id: `{API_URL}/flows/acme/main/sources/36`.
    pub(crate) fn of_source<'a>(text: &'a str, api_url: &Url) -> Option<(Self, &'a str)> {
        match segments_below(text, api_url)?.as_slice() {
            ["flows", organization, flow, "sources", id] if is_source_id(id) => {
                Some((Self::new(organization, flow)?, id))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for FlowPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.organization, self.flow)
    }
}

/// What stands below `base`, segment by segment; `None` when the text is any other address, or written in any other way
/// than an address that Flowdock made: with another host, port or scheme, with a name or password, a query, an escape, or
/// steps up.
fn segments_below<'a>(text: &'a str, base: &Url) -> Option<Vec<&'a str>> {
    let below = text.strip_prefix(base.as_str().trim_end_matches('/'))?.strip_prefix('/')?;
    let segments: Vec<_> = below.split('/').collect();
    segments.iter().all(|segment| is_slug(segment)).then_some(segments)
}

/// A segment of Flowdock's addresses.
fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    (1..=100).contains(&text.len()) && text.bytes().all(plain) && text != "." && text != ".."
}

/// An id of a flow as Flowdock sends it to us: hexadecimal, or a UUID.
pub(crate) fn is_flow_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=100).contains(&text.len()) && text.bytes().all(plain)
}

/// An id of a source: a number, as it is written shortest.
pub(crate) fn is_source_id(text: &str) -> bool {
    (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

/// An address below this one.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// A flow's page.
pub(crate) fn page(web_url: &Url, path: &FlowPath) -> Url {
    below(web_url, &["app", &path.organization, &path.flow])
}

/// The link's page here: lasting, its own, and no secret. By it a source is known to be ours.
pub(crate) fn of_link(link: &IntegrationLink) -> Url {
    let mut url = beside_the_hook(link, &["link", &link.id]);
    url.set_query(None);
    url
}

/// Where this source is configured: the same address that Flowdock makes of the application's configuration URI.
pub(crate) fn configuration(link: &IntegrationLink, source: &str, flow: &str) -> Url {
    let mut url = beside_the_hook(link, &["configure"]);
    url.query_pairs_mut().clear().append_pair("integration_id", source).append_pair("flow", flow);
    url
}

/// `…/integrations/flowdock/hook` is where the host put us.
fn beside_the_hook(link: &IntegrationLink, segments: &[&str]) -> Url {
    let mut url = link.hook_url.clone();
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop().extend(segments);
    }
    url
}

/// What was sent under a name that can stand only once; the outer `None` = it stands there twice.
pub(crate) fn only_one<'a>(input: &'a FormInput, name: &str) -> Option<Option<&'a str>> {
    match input.all(name) {
        [] => Some(None),
        [one] => Some(Some(one.as_str())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn a_flow_is_read_from_flowdocks_own_addresses_only() {
        let api = url("https://api.flowdock.com");
        let read = |text: &str| FlowPath::of_flow(text, &api).map(|path| path.to_string());
        assert_eq!(read("https://api.flowdock.com/flows/acme/main").as_deref(), Some("acme/main"));
        for other in [
            "https://evil.example/flows/acme/main",
            "https://api.flowdock.com.evil.example/flows/acme/main",
            "https://api.flowdock.com:8443/flows/acme/main",
            "https://api.flowdock.com@evil.example/flows/acme/main",
            "https://ada:pw@api.flowdock.com/flows/acme/main",
            "http://api.flowdock.com/flows/acme/main",
            "//api.flowdock.com/flows/acme/main",
            "/flows/acme/main",
            "https://api.flowdock.com/flows/acme/../umbra/main",
            "https://api.flowdock.com/flows/../main",
            "https://api.flowdock.com/flows/%2e%2e/main",
            "https://api.flowdock.com/flows/acme/ma%2fin",
            "https://api.flowdock.com/flows/acme\\main",
            "https://api.flowdock.com/flows/acme",
            "https://api.flowdock.com/flows/acme/main/",
            "https://api.flowdock.com/flows//main",
            "https://api.flowdock.com//flows/acme/main",
            "https://api.flowdock.com/flows/acme/main?x=1",
            "https://api.flowdock.com/flows/acme/main#x",
            "https://api.flowdock.com/flows/acme/main/sources/36",
            "https://api.flowdock.com/v1/flows/acme/main",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        let below = url("http://127.0.0.1:3001/flowdock/");
        let read = |text: &str| FlowPath::of_flow(text, &below).is_some();
        assert!(read("http://127.0.0.1:3001/flowdock/flows/acme/main"));
        assert!(!read("http://127.0.0.1:3001/flows/acme/main"));
        assert!(!read("http://127.0.0.1:3001/flowdockflows/acme/main"));
    }

    #[test]
    fn a_source_is_read_with_its_id() {
        let api = url("https://api.flowdock.com/");
        let read = |text: &str| FlowPath::of_source(text, &api).map(|(path, id)| (path.to_string(), id.to_owned()));
        let found = read("https://api.flowdock.com/flows/acme/main/sources/36");
        assert_eq!(found, Some(("acme/main".to_owned(), "36".to_owned())));
        for other in
            ["", "https://api.flowdock.com/flows/acme/main/sources/", "https://api.flowdock.com/flows/acme/main"]
        {
            assert_eq!(read(other), None, "{other}");
        }
        for id in ["x", "036", "-1", "1e3", "1.5", "99999999999999999999"] {
            assert_eq!(read(&format!("https://api.flowdock.com/flows/acme/main/sources/{id}")), None, "{id}");
        }
    }

    #[test]
    fn our_own_addresses_are_beside_the_hook() {
        let link = IntegrationLink {
            id: "l1".into(),
            settings: integration_contract::LinkSettings::of(&()),
            hook_url: url("https://log.example/base/integrations/flowdock/hook?key=secret"),
            hook_secret: "unused".into(),
            given_secret: None,
        };
        assert_eq!(of_link(&link).as_str(), "https://log.example/base/integrations/flowdock/link/l1");
        assert_eq!(
            configuration(&link, "36", "5f-a").as_str(),
            "https://log.example/base/integrations/flowdock/configure?integration_id=36&flow=5f-a"
        );
    }
}
