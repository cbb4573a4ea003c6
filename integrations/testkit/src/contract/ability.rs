//! Does the partner have the optional abilities its card declares, no others, and do they make sense?

use integration_contract::{Author, Capability, Deed, Error, ErrorKind, FormInput, Item, ItemKind, ItemState, Items};
use url::Url;

use super::{Findings, Subject};
use crate::ScriptedHttp;

pub(super) const KINDS: [ItemKind; 3] = [ItemKind::Issue, ItemKind::PullRequest, ItemKind::Ticket];
const STATES: [(ItemState, &str); 5] = [
    (ItemState::Open, "open"),
    (ItemState::Waiting, "waiting"),
    (ItemState::Closed, "closed"),
    (ItemState::Closed, "merged"),
    (ItemState::Closed, "\u{0}<script>"),
];

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    let partner = subject.partner.as_ref();
    let declared = |capability| partner.card().capabilities.contains(&capability);
    for (capability, there, what) in [
        (Capability::Items, partner.items().is_some(), "items"),
        (Capability::Actions, partner.actions().is_some(), "actions"),
        (Capability::Setup, partner.setup().is_some(), "setup"),
    ] {
        found.unless(declared(capability) == there, format!("card and behaviour disagree about {what}"));
    }
    notice(subject, declared(Capability::Notice), found).await;
    if let Some(items) = partner.items() {
        let short = items.short();
        let is_short = (1..=8).contains(&short.len()) && short.bytes().all(|letter| letter.is_ascii_lowercase());
        found.unless(is_short, format!("{short:?} is not a few small letters"));
        deeds(items, found);
        hearing(items, &subject.form, found);
        strange_ids(subject, items, found).await;
        strange_pages(subject, items, found).await;
    }
    actions(subject, found);
    if let Some(setup) = partner.setup() {
        let nothing = FormInput::default();
        found.unless(setup.setup(&nothing).is_err(), "an address that names nothing sets something up");
        found.unless(setup.configure(&nothing).is_err(), "an address that names nothing configures something");
    }
}

async fn notice(subject: &Subject, declared: bool, found: &mut Findings) {
    let link = subject.link(subject.link.clone());
    for trouble in [Some("The account is gone."), None] {
        let silence = |_: &crate::Sent| Err(Error::new(ErrorKind::Unavailable, "Nobody answers."));
        let world = ScriptedHttp::answering(silence);
        let noticed = subject.partner.notice(&subject.account(world.http()), &link, trouble).await;
        let unsupported = noticed.is_err_and(|error| error.kind() == ErrorKind::Unsupported);
        found.unless(unsupported != declared, "card and behaviour disagree about notices");
    }
}

/// What was chosen stays chosen, and what has it all is left alone.
fn hearing(items: &dyn Items, form: &FormInput, found: &mut Findings) {
    let whole = items.hearing_all(form.clone());
    for (name, value) in form.pairs() {
        let kept = whole.all(name).iter().any(|there| there == value);
        found.unless(kept, format!("{name:?} is no longer {value:?} in a form that hears of everything"));
    }
    found.unless(items.hearing_all(whole.clone()) == whole, "a form that hears of everything is changed once more");
}

/// Pure, and nothing that is so already.
fn deeds(items: &dyn Items, found: &mut Findings) {
    for kind in KINDS {
        for (state, word) in STATES {
            let item = Item { state, state_word: word.to_owned(), ..item(kind) };
            let offered = items.deeds(&item);
            found.unless(offered == items.deeds(&item), "other deeds are offered the second time");
            let twice = offered.iter().enumerate().any(|(at, deed)| offered[..at].contains(deed));
            found.unless(!twice, "a deed is offered twice");
            let needs_words = offered.iter().any(|deed| matches!(deed, Deed::Retitle(_) | Deed::Label(_)));
            found.unless(!needs_words, "a deed is offered that one click can't say");
            let close_again = state == ItemState::Closed && offered.contains(&Deed::Close);
            found.unless(!close_again, "closing is offered for what is closed");
            let open_again = state != ItemState::Closed && offered.contains(&Deed::Reopen);
            found.unless(!open_again, "reopening is offered for what is open");
        }
    }
}

/// What is no id of the partner's leads nowhere.
async fn strange_ids(subject: &Subject, items: &dyn Items, found: &mut Findings) {
    let link = subject.link(subject.link.clone());
    for id in ["", "../1", "1/../../2", "1?x=1", "-1", "\u{0}"] {
        let world = ScriptedHttp::answering((subject.outside)());
        let cx = subject.account(world.http());
        let there = items.item(&cx, &link, id).await;
        found.unless(!matches!(there, Ok(Some(_))), format!("there is an item with the id {id:?}"));
        let done = items.act(&cx, &link, id, &Deed::Close).await;
        found.unless(done.is_err(), format!("something is done to an item with the id {id:?}"));
        let wrote = world.sent().iter().any(|sent| (subject.writes)(sent));
        found.unless(!wrote, format!("the id {id:?} leads to a call that changes something"));
        for url in subject.calls_elsewhere(&world.sent()) {
            found.unless(false, format!("the id {id:?} leads to {url}, which no setting names"));
        }
    }
}

/// Reading on from anywhere reads, at the partner, and shows nothing that can't be mirrored.
async fn strange_pages(subject: &Subject, items: &dyn Items, found: &mut Findings) {
    let link = subject.link(subject.link.clone());
    for after in [None, Some(""), Some("../1"), Some("https://elsewhere.example/?a=b"), Some("\u{0}#&=")] {
        let world = ScriptedHttp::answering((subject.outside)());
        let page = items.list_items(&subject.account(world.http()), &link, after).await;
        if let Ok(page) = &page {
            let pulls = page.items.iter().any(|item| item.kind == ItemKind::PullRequest);
            found.unless(!pulls, "pull requests are listed among items that are mirrored");
            let sorted = page.items.is_sorted_by_key(|item| std::cmp::Reverse(item.created_at));
            found.unless(sorted, "the last opened items are not listed first");
        }
        let wrote = world.sent().iter().any(|sent| (subject.writes)(sent));
        found.unless(!wrote, format!("listing items after {after:?} changes something"));
        for url in subject.calls_elsewhere(&world.sent()) {
            found.unless(false, format!("listing items after {after:?} leads to {url}, which no setting names"));
        }
    }
}

fn actions(subject: &Subject, found: &mut Findings) {
    let Some(actions) = subject.partner.actions() else { return };
    let scheme = actions.token();
    let lower = scheme.header == scheme.header.to_lowercase() && !scheme.header.is_empty();
    found.unless(lower, "the header of an action's token is not lower case");
    let listed = subject.partner.card().settings.iter().any(|setting| setting.name == scheme.setting);
    found.unless(listed, format!("actions are signed with the setting {:?}, which is not on the card", scheme.setting));
    let page = Url::parse("https://patchbay.example/claims/suite-claim").expect("a URL");
    let (_, value) = actions.challenge(&page);
    let leads = value.to_str().is_ok_and(|value| value.contains(page.as_str()));
    found.unless(leads, "a challenge does not lead to its page");
}

/// One that is told of, with markup wherever people write.
pub(super) fn item(kind: ItemKind) -> Item {
    Item {
        id: "42".to_owned(),
        kind,
        name: "acme/widgets#42".to_owned(),
        title: "charts <!channel> & <script>alert(1)</script> *late*".to_owned(),
        body: "first <script>alert(2)</script>\n\n<@U1> see https://example.com/?a=1&b=2 <img src=x onerror=alert(3)>"
            .to_owned(),
        url: Some("https://code.example/acme/widgets/42".to_owned()),
        state: ItemState::Open,
        state_word: "open".to_owned(),
        author: person("7", "Ada <script>"),
        assignees: vec![person("8", "Bob <@U1>")],
        labels: vec!["<script>".to_owned(), "bug".to_owned()],
        external_id: None,
        created_at: None,
        updated_at: Some(1_767_225_600),
    }
}

pub(super) fn person(id: &str, name: &str) -> Author {
    Author {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        url: Some(format!("https://code.example/people/{id}")),
        avatar: Some(format!("https://code.example/people/{id}.png")),
    }
}
