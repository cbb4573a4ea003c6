//! Whether blocks are as Slack wants them: known kinds, required fields, lengths.
//! <https://docs.slack.dev/reference/block-kit/blocks>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::refusal::Refusal;

const BLOCKS_MAX: usize = 50;
const BLOCK_ID_MAX: usize = 255;
const SECTION_MAX: usize = 3000;
const FIELDS_MAX: usize = 10;
const FIELD_MAX: usize = 2000;
const HEADER_MAX: usize = 150;
const CONTEXT_MAX: usize = 10;
const ACTIONS_MAX: usize = 25;
const URL_MAX: usize = 3000;
const MARKDOWN_MAX: usize = 12_000;

/// What is wrong, and where: `/blocks/0/text`.
type Wrong = (String, String);

/// Refuses with all that is wrong, as Slack does.
pub(super) fn check(blocks: &Value) -> Result<(), Refusal> {
    let Some(list) = blocks.as_array() else { return Err(Refusal::new("invalid_blocks_format")) };
    let mut wrong: Vec<Wrong> = Vec::new();
    if list.len() > BLOCKS_MAX {
        wrong.push((format!("no more than {BLOCKS_MAX} items allowed"), "/blocks".to_owned()));
    }
    let mut ids = BTreeSet::new();
    for (index, block) in list.iter().enumerate() {
        let at = format!("/blocks/{index}");
        check_block(block, &at, &mut wrong);
        let id = block["block_id"].as_str().unwrap_or_default();
        if id.len() > BLOCK_ID_MAX {
            wrong.push((format!("must be less than {} characters", BLOCK_ID_MAX + 1), format!("{at}/block_id")));
        }
        if !id.is_empty() && !ids.insert(id) {
            wrong.push((format!("`block_id` already exists: {id}"), format!("{at}/block_id")));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let sentences: Vec<String> = wrong.iter().map(|(what, at)| format!("{what} [json-pointer:{at}]")).collect();
    let messages: Vec<String> = sentences.iter().map(|sentence| format!("[ERROR] {sentence}")).collect();
    Err(Refusal::new("invalid_blocks")
        .with("errors", json!(sentences))
        .with("response_metadata", json!({"messages": messages})))
}

fn check_block(block: &Value, at: &str, wrong: &mut Vec<Wrong>) {
    let mut needed = |field: &str| {
        if block[field].is_null() {
            wrong.push((format!("missing required field: {field}"), at.to_owned()));
        }
    };
    match block["type"].as_str() {
        Some("section") => {
            if block["fields"].is_null() {
                needed("text");
            }
            check_text(&block["text"], &["mrkdwn", "plain_text"], SECTION_MAX, &format!("{at}/text"), wrong);
            check_list(&block["fields"], FIELDS_MAX, &format!("{at}/fields"), wrong, |field, at, wrong| {
                check_text(field, &["mrkdwn", "plain_text"], FIELD_MAX, at, wrong);
            });
            check_element(&block["accessory"], &format!("{at}/accessory"), wrong);
        }
        Some("header") => {
            needed("text");
            check_text(&block["text"], &["plain_text"], HEADER_MAX, &format!("{at}/text"), wrong);
        }
        Some("context") => {
            needed("elements");
            check_list(&block["elements"], CONTEXT_MAX, &format!("{at}/elements"), wrong, |element, at, wrong| {
                if element["type"] == "image" {
                    check_element(element, at, wrong);
                } else {
                    check_text(element, &["mrkdwn", "plain_text"], SECTION_MAX, at, wrong);
                }
            });
        }
        Some("actions") => {
            needed("elements");
            check_list(&block["elements"], ACTIONS_MAX, &format!("{at}/elements"), wrong, check_element);
        }
        Some("image") => {
            needed("alt_text");
            if block["slack_file"].is_null() {
                needed("image_url");
            }
        }
        Some("rich_text") => needed("elements"),
        Some("markdown") => {
            needed("text");
            if block["text"].as_str().unwrap_or_default().chars().count() > MARKDOWN_MAX {
                wrong.push((format!("must be less than {} characters", MARKDOWN_MAX + 1), format!("{at}/text")));
            }
        }
        Some("divider" | "file" | "input" | "video" | "table" | "context_actions") => {}
        Some(other) => wrong.push((format!("unsupported type: {other}"), format!("{at}/type"))),
        None => wrong.push(("missing required field: type".to_owned(), at.to_owned())),
    }
}

fn check_text(text: &Value, kinds: &[&str], most: usize, at: &str, wrong: &mut Vec<Wrong>) {
    if text.is_null() {
        return;
    }
    if !text["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
        wrong.push((format!("unsupported type: {}", text["type"].as_str().unwrap_or("none")), format!("{at}/type")));
    }
    match text["text"].as_str() {
        Some("") => wrong.push(("must be more than 0 characters".to_owned(), format!("{at}/text"))),
        Some(said) if said.chars().count() > most => {
            wrong.push((format!("must be less than {} characters", most + 1), format!("{at}/text")));
        }
        Some(_) => {}
        None => wrong.push(("missing required field: text".to_owned(), at.to_owned())),
    }
}

fn check_list(
    list: &Value,
    most: usize,
    at: &str,
    wrong: &mut Vec<Wrong>,
    check: impl Fn(&Value, &str, &mut Vec<Wrong>),
) {
    if list.is_null() {
        return;
    }
    let Some(items) = list.as_array() else {
        wrong.push(("must be an array".to_owned(), at.to_owned()));
        return;
    };
    if items.is_empty() || items.len() > most {
        wrong.push((format!("must have 1 to {most} items"), at.to_owned()));
    }
    for (index, item) in items.iter().enumerate() {
        check(item, &format!("{at}/{index}"), wrong);
    }
}

/// A button has a text and may lead somewhere; an image has an address. Other elements are taken as they are.
fn check_element(element: &Value, at: &str, wrong: &mut Vec<Wrong>) {
    let missing = |field: &str| (format!("missing required field: {field}"), at.to_owned());
    match element["type"].as_str() {
        Some("button") => {
            if element["text"].is_null() {
                wrong.push(missing("text"));
            }
            check_text(&element["text"], &["plain_text"], 75, &format!("{at}/text"), wrong);
            if element["url"].as_str().is_some_and(|url| url.len() > URL_MAX || !url.contains("://")) {
                wrong.push(("invalid url".to_owned(), format!("{at}/url")));
            }
        }
        Some("image") => {
            if element["image_url"].is_null() && element["slack_file"].is_null() {
                wrong.push(missing("image_url"));
            }
            if element["alt_text"].is_null() {
                wrong.push(missing("alt_text"));
            }
        }
        Some(_) => {}
        None if element.is_null() => {}
        None => wrong.push(missing("type")),
    }
}
