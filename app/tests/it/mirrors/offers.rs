//! The offers of this binary: their pictures show what is in the partners' fixtures, and nothing that is not.

use patchbay::{boot::open_partners, config::PartnersSettings, registry::MIRRORS};
use serde_json::Value;

use crate::floor_plan::source::files;

/// Every text that stands in a fixture of these partners.
fn fixtures(partners: [&str; 2]) -> Vec<String> {
    let folders = partners.map(|partner| format!("integrations/{partner}/fixtures/hooks"));
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let mut texts = Vec::new();
    for file in files(&folders, &[".json"]) {
        collect(&serde_json::from_str(&file.text).unwrap_or_default(), &mut texts);
    }
    assert!(texts.len() > 100, "there are no fixtures of {partners:?}");
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| collect(one, texts)),
        Value::Object(all) => all.values().for_each(|one| collect(one, texts)),
        _ => {}
    }
}

#[test]
fn pictures_show_what_the_fixtures_say() {
    for offer in MIRRORS {
        let texts = fixtures([offer.left, offer.right]);
        let example = &offer.example;
        for shown in [example.url, example.title].into_iter().chain(
            [example.opened, example.comment, example.answer, example.note]
                .into_iter()
                .flat_map(|(who, what)| [who, what]),
        ) {
            assert!(texts.iter().any(|text| text.starts_with(shown)), "{}: no fixture says {shown:?}", offer.id);
        }
    }
}

#[test]
fn offers_are_of_partners_that_have_items() {
    let partners = open_partners(&PartnersSettings::default()).unwrap();
    assert_eq!(partners.offers().count(), MIRRORS.len());
    for (offer, left, right) in partners.offers() {
        assert!(left.integration.items().is_some() && right.integration.items().is_some(), "{}", offer.id);
        assert!(offer.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        assert!(!offer.does.is_empty() && offer.docs.starts_with("# "), "{}", offer.id);
    }
}
