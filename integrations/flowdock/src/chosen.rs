//! What was submitted, before Flowdock is asked about it.

use integration_contract::{FieldErrors, FormInput};
use url::Url;

use crate::{
    address::{FlowPath, only_one},
    settings::{Kind, LONGEST_NAME},
};

pub(crate) const FLOW: &str = "flow";
pub(crate) const TELL: &str = "tell";
pub(crate) const NAME: &str = "name";

/// Before a flow's id that we wrote into the form ourselves.
const BY_ID: &str = "id:";

/// A flow, as it was named.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// By the id with which Flowdock sent somebody here, or which a link has.
    Id(String),
    /// By its place, or its page.
    Path(FlowPath),
    /// By whatever a person typed: its id, or one of its names.
    Word(String),
}

impl Named {
    pub(crate) fn read(text: &str, web_url: &Url) -> Option<Self> {
        if let Some(id) = text.strip_prefix(BY_ID) {
            return is_id(id).then(|| Self::Id(id.to_owned()));
        }
        if let Some(path) = FlowPath::of_page(text, web_url) {
            return Some(Self::Path(path));
        }
        if text.contains('/') {
            return FlowPath::read(text).map(Self::Path);
        }
        let good = !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.contains(char::is_control);
        good.then(|| Self::Word(text.to_owned()))
    }

    /// How a flow's id stands in the form.
    pub(crate) fn by_id(id: &str) -> String {
        format!("{BY_ID}{id}")
    }
}

/// Old ids were `organization:flow`. Flowdock may answer with one; nobody may come with one.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    (1..=100).contains(&text.len()) && text.bytes().all(plain)
}

pub(crate) struct Chosen {
    pub(crate) flow: Named,
    pub(crate) name: String,
    pub(crate) tell: Vec<Kind>,
}

impl Chosen {
    pub(crate) fn read(input: &FormInput, web_url: &Url) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let flow = only_one(input, FLOW).flatten().and_then(|text| Named::read(text.trim(), web_url));
        if flow.is_none() {
            errors.add(FLOW, "Choose one flow, or paste the address of its page at Flowdock.");
        }
        let name = only_one(input, NAME).flatten().and_then(name);
        if name.is_none() {
            errors.add(NAME, format!("Give it one name of at most {LONGEST_NAME} characters."));
        }
        let tell = kinds(input.all(TELL));
        if tell.is_none() {
            errors.add(TELL, "Choose at least one, from the list.");
        }
        match (flow, name, tell) {
            (Some(flow), Some(name), Some(tell)) => Ok(Self { flow, name, tell }),
            _ => Err(errors),
        }
    }
}

fn name(text: &str) -> Option<String> {
    let name = text.trim();
    let good = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.contains(char::is_control);
    good.then(|| name.to_owned())
}

/// The chosen kinds in the form's order; `None` when there are none, or one that is not in the form.
fn kinds(ids: &[String]) -> Option<Vec<Kind>> {
    let known = |id: &String| Kind::ALL.iter().any(|kind| kind.id() == id);
    let chosen: Vec<_> = Kind::ALL.into_iter().filter(|kind| ids.iter().any(|id| id == kind.id())).collect();
    (ids.iter().all(known) && !chosen.is_empty()).then_some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_named_by_id_place_page_or_word() {
        let web: Url = "https://www.flowdock.com".parse().expect("a URL");
        let read = |text: &str| Named::read(text, &web);
        let path = || Some(Named::Path(FlowPath::new("acme", "main").expect("a path")));
        assert_eq!(read("id:5f-a"), Some(Named::Id("5f-a".into())));
        assert_eq!(read("id:acme:main"), Some(Named::Id("acme:main".into())));
        assert_eq!(read("acme/main"), path());
        assert_eq!(read("https://www.flowdock.com/app/acme/main"), path());
        assert_eq!(read("https://www.flowdock.com/app/acme/main/threads/x6BAmK"), path());
        assert_eq!(read("Main flow"), Some(Named::Word("Main flow".into())));
        for bad in [
            "",
            "id:",
            "id:a/b",
            "id:<b>",
            "acme/main/x",
            "../main",
            "acme/..",
            "https://evil.example/app/acme/main",
            "https://www.flowdock.com/account",
            "https://www.flowdock.com/app/acme/%2e%2e",
            "a\nb",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
