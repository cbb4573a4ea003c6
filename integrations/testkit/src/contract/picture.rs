//! Is the picture of a message what is really sent, and is nothing in it markup?

use integration_contract::{
    Author, Capability, Change, Item, ItemChange, ItemKind, ItemState, Outgoing, OutgoingEntry, OutgoingItem, Posted,
    Status, Told,
};
use serde_json::Value;

use super::{Findings, Subject};
use crate::ScriptedHttp;

const STRANGE: &str = "shipped *it* <script>alert(1)</script> & &lt;b&gt;";

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    let delivers = subject.partner.card().capabilities.contains(&Capability::Deliver);
    for what in [Told::Entry(entry("shipped the search page")), Told::Item(Box::new(item()))] {
        let picture = subject.partner.picture(&what, &[]);
        let Some(picture) = picture else {
            found.unless(!delivers, "a message has no picture");
            continue;
        };
        found.unless(delivers, "there is a picture of a message that is never sent");
        let sent = sent(subject, what).await;
        for piece in picture.said().flat_map(str::lines).map(str::trim) {
            let is_sent = sent.iter().any(|text| text.contains(piece));
            found.unless(is_sent, format!("the picture of a message says {piece:?}, and the message does not"));
        }
    }
    let strange = subject.partner.picture(&Told::Entry(entry(STRANGE)), &[]);
    let as_text = |said: String| said.contains("<script>alert(1)</script> & &lt;b&gt;");
    let harmless = strange.is_none_or(|picture| as_text(picture.said().collect()));
    found.unless(harmless, "the picture of a message changes what people wrote");
}

/// The texts of what is sent, as a reader sees them.
async fn sent(subject: &Subject, what: Told) -> Vec<String> {
    let link = subject.link(subject.link.clone());
    let world = ScriptedHttp::answering((subject.outside)());
    let message = Outgoing { id: "suite-picture".to_owned(), what, posted: Posted::Never, buttons: Vec::new() };
    // What goes wrong with delivering is found by its own check; nothing is sent then.
    let _told = subject.partner.deliver(&subject.account(world.http()), &link, &message).await;
    let mut texts = Vec::new();
    for sent in world.sent() {
        collect(&sent.json(), &mut texts);
    }
    texts
}

fn collect(json: &Value, texts: &mut Vec<String>) {
    match json {
        Value::String(text) => {
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            texts.push(text.replace("&amp;", "&"));
        }
        Value::Array(all) => all.iter().for_each(|one| collect(one, texts)),
        Value::Object(fields) => fields.values().for_each(|one| collect(one, texts)),
        _ => {}
    }
}

fn entry(text: &str) -> OutgoingEntry {
    OutgoingEntry {
        id: "suite-entry".to_owned(),
        url: "https://patchbay.example/teams/1/entries/1".to_owned(),
        text: text.to_owned(),
        status: Status::Done,
        author: "Ada Lovelace".to_owned(),
        author_avatar: None,
        author_id: Some("1".to_owned()),
        source: Some("acme/widgets#42".to_owned()),
        source_url: Some("https://code.example/acme/widgets/42".to_owned()),
        of_item: false,
        team: "Product".to_owned(),
        day: "2026-11-22".to_owned(),
        archived: false,
    }
}

fn item() -> OutgoingItem {
    let ada = Author { name: "Ada Lovelace".to_owned(), ..Author::default() };
    let item = Item {
        id: "42".to_owned(),
        kind: ItemKind::Issue,
        name: "acme/widgets#42".to_owned(),
        title: "The chart is empty on Sundays".to_owned(),
        body: "West of Greenwich, that is.".to_owned(),
        url: Some("https://code.example/acme/widgets/42".to_owned()),
        state: ItemState::Open,
        state_word: "open".to_owned(),
        author: ada.clone(),
        assignees: Vec::new(),
        labels: vec!["bug".to_owned()],
        external_id: None,
        created_at: None,
        updated_at: None,
    };
    let change = ItemChange { id: "1".to_owned(), what: Change::Opened, by: ada, at: None, item: item.clone() };
    let source = "acme/widgets".to_owned();
    OutgoingItem { id: "suite-item".to_owned(), item, change, source, thread: None, trouble: None }
}
