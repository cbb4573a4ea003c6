//! Samples: what a partner's page shows of what it would be told. The entries and items are made up, and nobody's.

use integration_contract::{
    Author, Button, Capability, Change, Item, ItemChange, ItemKind, ItemState, OutgoingEntry, OutgoingItem, Picture,
    Status, Told,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::core::{Core, actions::Verb, partners::Partner};

/// Pictures of messages at the partner, each with what it tells; none where the partner is told nothing.
pub fn samples(core: &Core, partner: &Partner) -> Vec<(&'static str, Picture)> {
    if !partner.can(Capability::Deliver) {
        return Vec::new();
    }
    let now = Timestamp::from_millisecond(core.clock.now()).unwrap_or_default().to_zoned(TimeZone::UTC);
    let day = now.date().to_string();
    let told = [
        ("An entry", Told::Entry(entry(core, &day, Status::Done, "Rolled 2.4 out to everybody")), &[][..]),
        (
            "A blocker",
            Told::Entry(entry(core, &day, Status::Blocked, "Waiting for the new certificate")),
            &[Verb::Complete][..],
        ),
        ("An issue", Told::Item(Box::new(item(core))), &[Verb::AssignToMe, Verb::Close][..]),
    ];
    told.into_iter()
        .filter_map(|(what, told, verbs)| {
            Some((what, partner.integration.picture(&told, &buttons(core, partner, verbs))?))
        })
        .collect()
}

/// As they would stand there; these lead nowhere but here.
fn buttons(core: &Core, partner: &Partner, verbs: &[Verb]) -> Vec<Button> {
    let verbs = verbs.iter().filter(|_| partner.can(Capability::Actions));
    verbs.map(|verb| Button { name: verb.name().to_owned(), url: core.site.public_url.clone() }).collect()
}

fn entry(core: &Core, day: &str, status: Status, text: &str) -> OutgoingEntry {
    OutgoingEntry {
        id: "sample".to_owned(),
        url: core.site.public_url.to_string(),
        text: text.to_owned(),
        status,
        author: "Ada Lovelace".to_owned(),
        author_avatar: None,
        author_id: None,
        source: None,
        source_url: None,
        of_item: false,
        team: "Product".to_owned(),
        day: day.to_owned(),
        archived: false,
    }
}

fn item(core: &Core) -> OutgoingItem {
    let author = Author { name: "Grace Hopper".to_owned(), ..Author::default() };
    let item = Item {
        id: "42".to_owned(),
        kind: ItemKind::Issue,
        name: "acme/widgets#42".to_owned(),
        title: "The chart is empty on Sundays".to_owned(),
        body: "West of Greenwich, that is.".to_owned(),
        url: Some(core.site.public_url.to_string()),
        state: ItemState::Open,
        state_word: "open".to_owned(),
        author: author.clone(),
        assignees: Vec::new(),
        labels: vec!["bug".to_owned()],
        external_id: None,
        created_at: None,
        updated_at: None,
    };
    let change = ItemChange { id: "sample".to_owned(), what: Change::Opened, by: author, at: None, item: item.clone() };
    let source = "acme/widgets".to_owned();
    OutgoingItem { id: "sample".to_owned(), item, change, source, thread: None, trouble: None }
}
