//! The style guide shows what there is, and the style sheet has nothing that is nowhere.

use std::collections::BTreeSet;

use crate::{
    floor_plan::source::files,
    harness::{TestDatabase, on_both_databases},
    integrations::Ground,
};

async fn every_component_is_drawn_and_names_are_only_text(test: TestDatabase) {
    let ground = Ground::idle(test).await;
    let page = ground.app().visitor().get("/styleguide").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<script>"), "a name became markup");
    assert!(page.text.contains("&#60;b&#62;So.&#60;/b&#62;"), "what a message says became markup");
    for part in ["aria-describedby=\"email-error\"", "/static/app.css?v=", "class=\"error-status\"", "entry-blocked"] {
        assert!(page.text.contains(part), "{part}");
    }
    ground.finish().await;
}

/// The classes that the style sheet speaks of.
fn classes(css: &str) -> BTreeSet<String> {
    let selectors = css.split('}').filter_map(|rule| rule.split('{').next_back().and(rule.split_once('{')));
    let mut classes = BTreeSet::new();
    for (selector, _) in selectors {
        for piece in selector.split('.').skip(1) {
            let end = piece.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-').unwrap_or(piece.len());
            if piece.starts_with(|sign: char| sign.is_ascii_lowercase()) {
                classes.insert(piece[..end].to_owned());
            }
        }
    }
    classes
}

#[test]
fn every_class_of_the_style_sheet_is_on_some_page() {
    let css = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../static/app.css")).unwrap();
    // What stands in comments is no selector.
    let css: String = css.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, rest)| rest)).collect();
    let pages = files(&["templates", "static", "app/src"], &[".html", ".js", ".rs"]);
    let is_used = |class: &str| {
        // `pill-{{ tone.class() }}` stands for all that begin so.
        let made = class.rsplit_once('-').map(|(stem, _)| format!("{stem}-{{{{"));
        pages.iter().any(|page| {
            let words = page.text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-');
            words.into_iter().any(|word| word == class) || made.as_ref().is_some_and(|made| page.text.contains(made))
        })
    };
    let classes = classes(&css);
    assert!(classes.len() > 100, "the style sheet was not understood: {classes:?}");
    let unused: Vec<_> = classes.iter().filter(|class| !is_used(class)).collect();
    assert!(unused.is_empty(), "no page has these: {unused:?}");
}

on_both_databases!(every_component_is_drawn_and_names_are_only_text);
