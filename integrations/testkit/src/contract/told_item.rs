//! Does what happens to items of other links arrive, once, in one place, harmless, and with its buttons?

use integration_contract::{
    Button, Capability, Change, Comment, Error, ErrorKind, IntegrationLink, Item, ItemChange, ItemState, Outgoing,
    OutgoingItem, Posted, Receipt, Result, Told,
};

use super::{
    Findings, Subject,
    ability::{KINDS, item, person},
};
use crate::ScriptedHttp;

const BUTTON: &str = "https://patchbay.example/integrations/suite/actions/suite-token";
/// What no call may carry as it is: it would be markup to somebody.
const MARKUP: [&str; 4] = ["<script", "<img", "<!channel>", "<@U1>"];

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    let link = subject.link(subject.link.clone());
    let wants = |link: &IntegrationLink, item: &Item| subject.partner.wants_item(link, &change(item, Change::Opened));
    let wanted = KINDS.map(item).into_iter().find(|item| wants(&link, item));
    if !subject.partner.card().capabilities.contains(&Capability::Deliver) {
        return found.unless(wanted.is_none(), "items are wanted, but the card says that nothing is delivered");
    }
    let Some(item) = wanted else { return };
    let strange = subject.link(integration_contract::LinkSettings::of(&["strange"]));
    found.unless(!wants(&strange, &item), "a link with strange settings wants an item");
    life(subject, &link, &item, found).await;
    lost_answer(subject, &link, &item, found).await;
}

fn change(item: &Item, what: Change) -> ItemChange {
    let by = person("9", "Eve <script>");
    ItemChange { id: "suite-change".to_owned(), what, by, at: Some(1_767_225_600), item: item.clone() }
}

fn comment(body: &str) -> Comment {
    Comment {
        id: "c1".to_owned(),
        body: body.to_owned(),
        url: Some("https://code.example/acme/widgets/42#c1".to_owned()),
        author: person("9", "Eve <script>"),
        attachments: Vec::new(),
    }
}

/// One thing that is told of an item.
struct Step {
    name: &'static str,
    change: ItemChange,
    trouble: Option<&'static str>,
}

/// What happens to an item, in order.
fn steps(item: &Item) -> Vec<Step> {
    let closed = Item { state: ItemState::Closed, state_word: "closed <script>".to_owned(), ..item.clone() };
    let step = |name, item: &Item, what| Step { name, change: change(item, what), trouble: None };
    vec![
        step("opened", item, Change::Opened),
        step("commented", item, Change::Commented(comment("me too <script>alert(4)</script> <!channel>"))),
        step("edited comment", item, Change::CommentEdited(comment("me <img src=x> three"))),
        step("assigned", item, Change::Assigned),
        step("labelled", item, Change::Labelled),
        step("closed", &closed, Change::Closed),
        Step {
            name: "trouble",
            change: change(&closed, Change::Reopened),
            trouble: Some("GitHub did not reopen it for Eve <script>: she may not."),
        },
    ]
}

fn message(step: &Step, thread: Option<&str>, posted: Posted) -> Outgoing {
    Outgoing {
        id: format!("suite-message-{}", step.name),
        what: Told::Item(Box::new(OutgoingItem {
            id: "suite-item".to_owned(),
            item: step.change.item.clone(),
            change: step.change.clone(),
            source: "acme/widgets".to_owned(),
            thread: thread.map(str::to_owned),
            trouble: step.trouble.map(str::to_owned),
        })),
        posted,
        buttons: vec![Button { name: "Assign to me".to_owned(), url: BUTTON.parse().expect("a URL") }],
    }
}

async fn tell(subject: &Subject, link: &IntegrationLink, world: &ScriptedHttp, message: &Outgoing) -> Result<Receipt> {
    subject.partner.deliver(&subject.account(world.http()), link, message).await
}

async fn life(subject: &Subject, link: &IntegrationLink, item: &Item, found: &mut Findings) {
    let world = ScriptedHttp::answering((subject.outside)());
    let mut thread: Option<String> = None;
    for step in steps(item) {
        let name = step.name;
        let before = world.sent().len();
        match tell(subject, link, &world, &message(&step, thread.as_deref(), Posted::Never)).await {
            Ok(Receipt { remote_id: Some(place), .. }) => {
                thread.get_or_insert(place);
            }
            other => {
                return found.unless(
                    false,
                    format!("an item is told ({name}), but it is not known where it stands: {other:?}"),
                );
            }
        }
        let sent = &world.sent()[before..];
        let told = sent.iter().any(|sent| (subject.writes)(sent));
        found.unless(told, format!("an item is told ({name}) without telling the partner"));
        let bodies: String = sent.iter().map(|sent| String::from_utf8_lossy(&sent.body).into_owned()).collect();
        for markup in MARKUP {
            found.unless(!bodies.contains(markup), format!("an item ({name}) carries {markup:?} as it was written"));
        }
        if name == "opened" && subject.partner.card().capabilities.contains(&Capability::Actions) {
            found.unless(bodies.contains(BUTTON), "an item is told without its buttons");
        }
    }
    for sent in world.sent() {
        let shown = String::from_utf8_lossy(&sent.body).into_owned() + sent.url.as_str();
        found.unless(!subject.takes_a_secret_out(&shown), format!("{} carries a secret", sent.line()));
    }
    for url in subject.calls_elsewhere(&world.sent()) {
        found.unless(false, format!("delivering calls {url}, which no setting names"));
    }
}

/// The first write is done and its answer gets lost.
async fn lost_answer(subject: &Subject, link: &IntegrationLink, item: &Item, found: &mut Findings) {
    let mut outside = (subject.outside)();
    let (writes, mut lost) = (subject.writes, false);
    let world = ScriptedHttp::answering(move |sent| {
        let answer = outside(sent);
        if !lost && writes(sent) {
            lost = true;
            return Err(Error::new(ErrorKind::UnknownOutcome, "The answer was lost."));
        }
        answer
    });
    let steps = steps(item);
    let Some(opened) = steps.first() else { return };
    let first = tell(subject, link, &world, &message(opened, None, Posted::Never)).await;
    let unknown = first.as_ref().is_err_and(|error| error.kind() == ErrorKind::UnknownOutcome);
    found.unless(unknown, format!("a lost answer about an item is not told as one: {first:?}"));
    let again = tell(subject, link, &world, &message(opened, None, Posted::Maybe { since: 0 })).await;
    let there = matches!(&again, Ok(Receipt { remote_id: Some(_), .. }));
    found.unless(there, format!("after a lost answer an item is never told: {again:?}"));
}
