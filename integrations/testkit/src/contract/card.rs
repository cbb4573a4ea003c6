//! Is the card whole, and is what it says fit to be shown?

use std::collections::BTreeSet;

use integration_contract::Connect;

use super::{Findings, Subject};

pub(super) fn check(subject: &Subject, found: &mut Findings) {
    let card = subject.partner.card();
    let id_good = !card.id.is_empty() && card.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    found.unless(id_good, format!("the card's id {:?} is not lower-case letters and digits", card.id));
    for (what, text) in
        [("name", card.name), ("tagline", card.tagline), ("category", card.category), ("readme", card.readme)]
    {
        found.unless(!text.trim().is_empty(), format!("the card's {what} is empty"));
    }
    found.unless(card.icon.trim_start().starts_with("<svg"), "the card's icon is not an SVG document");
    found.unless(!card.icon.contains("<script"), "the card's icon has a script in it");
    found.unless(!card.levels.is_empty(), "the card has no level");
    found.unless(!card.events.is_empty(), "the card has no event");

    let mut ids = BTreeSet::new();
    for event in card.events {
        found.unless(ids.insert(event.id), format!("the event {:?} stands on the card twice", event.id));
        let whole = !event.id.is_empty() && !event.label.trim().is_empty();
        found.unless(whole, format!("the event {:?} lacks an id or a label", event.id));
    }
    for effect in card.effects {
        let whole = !effect.what.trim().is_empty() && !effect.undo.trim().is_empty();
        found.unless(whole, format!("the effect {:?} does not say what is made and how it is undone", effect.what));
    }
    let mut names = BTreeSet::new();
    for setting in card.settings {
        let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let name = setting.name;
        found.unless(names.insert(name), format!("the setting {name:?} stands on the card twice"));
        found.unless(!name.is_empty() && name.bytes().all(upper), format!("the setting {name:?} is not upper case"));
        found.unless(!setting.help.trim().is_empty(), format!("the setting {name:?} has no help"));
        let either = !(setting.required && setting.default.is_some());
        found.unless(either, format!("the setting {name:?} is required and has a default"));
    }
    if let Connect::OAuth { scopes, .. } = &card.connect {
        for scope in *scopes {
            found.unless(!scope.why.trim().is_empty(), format!("the scope {:?} has no reason", scope.name));
            let explained = card.readme.contains(&format!("`{}`", scope.name));
            found.unless(explained, format!("the README does not explain the scope {:?}", scope.name));
        }
    }
    if let Some(rules) = &card.hooks {
        found.unless((1..=64 * 1024 * 1024).contains(&rules.max_body), "the limit of hook bodies makes no sense");
        found.unless(!rules.content_types.is_empty(), "no content type of hooks is allowed");
        for text in rules.content_types.iter().chain(rules.kept_headers) {
            found.unless(*text == text.to_lowercase() && !text.is_empty(), format!("{text:?} is not lower case"));
        }
        let signature = subject.partner.scheme().header;
        let kept = rules.kept_headers.contains(&signature);
        found.unless(!kept, format!("the signature header {signature:?} is kept; nothing may need it after the check"));
    }
}
