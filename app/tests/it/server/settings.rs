//! `.env.sample` and the settings say the same.

use std::collections::{BTreeMap, BTreeSet};

use integration_contract::Card;
use patchbay::{
    boot::open_partners,
    config::{Config, PartnersSettings, Variables, variable},
};

const SAMPLE: &str = include_str!("../../../../.env.sample");

/// The variables of the sample with the value that counts without them.
fn defaults() -> Vec<(&'static str, &'static str)> {
    let lines = SAMPLE.lines().filter_map(|line| line.strip_prefix('#'));
    lines.filter(|line| !line.starts_with([' ', '#'])).filter_map(|line| line.split_once('=')).collect()
}

fn examples() -> Vec<(&'static str, &'static str)> {
    let lines = SAMPLE.lines().filter_map(|line| line.strip_prefix("# Example: "));
    lines.filter_map(|line| line.split_once('=')).collect()
}

fn agrees_with(cards: &[&Card]) {
    let in_code = Config::names(cards.iter().copied()).unwrap();
    let in_sample: BTreeSet<String> = defaults().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(in_sample, in_code, "left: .env.sample, right: the settings that are read");
    assert_eq!(defaults().len(), in_sample.len(), "a variable stands twice");

    let exemplified: Vec<&str> = examples().into_iter().map(|(name, _)| name).collect();
    let expected: Vec<&str> = defaults().into_iter().map(|(name, _)| name).collect();
    assert_eq!(exemplified, expected, "each variable has one example, above it");

    let read = |pairs: Vec<(&str, &str)>| {
        let variables: Variables = pairs.into_iter().collect();
        Config::read(variables, cards.iter().copied()).unwrap()
    };
    assert!(read(examples()).unknown.is_empty());

    let (sample, nothing) = (read(defaults()), read(vec![]));
    assert_eq!(sample.database.url.sqlite_path(), nothing.database.url.sqlite_path());
    assert_eq!(sample.listen.address, nothing.listen.address);
    assert_eq!(sample.site.name, nothing.site.name);
    assert_eq!(sample.site.public_url(3000), nothing.site.public_url(3000));
    assert_eq!(sample.keys.file, nothing.keys.file);
    assert_eq!(sample.logs.format, nothing.logs.format);

    let said: BTreeMap<&str, &str> = defaults().into_iter().collect();
    for card in cards {
        for setting in card.settings {
            let name = variable(card.id, setting);
            assert_eq!(said[name.as_str()], setting.default.unwrap_or_default(), "the default of {name}");
            assert_eq!(required(&name), setting.required, "whether {name} is required");
        }
    }
}

/// Whether the comment above a variable says so.
fn required(name: &str) -> bool {
    let above = SAMPLE.split(&format!("\n#{name}=")).next().unwrap();
    above.rsplit("\n\n").next().unwrap().contains("Required.")
}

#[test]
fn the_sample_of_settings_is_whole_and_true() {
    let partners = open_partners(&PartnersSettings::default()).unwrap();
    let cards: Vec<&Card> = partners.all().iter().map(|partner| partner.integration.card()).collect();
    agrees_with(&cards);
}
