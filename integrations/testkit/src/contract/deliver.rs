//! Does what leaves go where it should, once, and back out again? And does a partner that is told nothing want nothing?

use integration_contract::{
    Answer, Capability, Error, ErrorKind, IntegrationLink, Outgoing, OutgoingEntry, Posted, Receipt, Result, Status,
    Told, Want,
};

use super::{Findings, Subject};
use crate::{ScriptedHttp, Sent};

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    let link = subject.link(subject.link.clone());
    let wanted = [Status::Done, Status::Goal, Status::Blocked]
        .map(entry)
        .into_iter()
        .find(|entry| subject.partner.wants(&link, entry) != Want::No);
    if !subject.partner.card().capabilities.contains(&Capability::Deliver) {
        let world = ScriptedHttp::answering((subject.outside)());
        let told = tell(subject, &link, &world, Told::Entry(entry(Status::Done)), Posted::Never).await;
        let unsupported = told.is_err_and(|error| error.kind() == ErrorKind::Unsupported);
        found.unless(unsupported && wanted.is_none(), "card and behaviour disagree about delivering");
        return;
    }
    let Some(entry) = wanted else {
        return found.unless(false, "the card says that entries are delivered, but the suite's link wants none");
    };
    let strange = subject.link(integration_contract::LinkSettings::of(&["strange"]));
    found.unless(subject.partner.wants(&strange, &entry) == Want::No, "a link with strange settings wants an entry");
    come_and_go(subject, &link, &entry, found).await;
    unwanted(subject, &link, &entry, found).await;
    lost_answer(subject, &link, &entry, found).await;
    digest(subject, &link, &entry, found).await;
    answers(subject, &link, found).await;
}

fn entry(status: Status) -> OutgoingEntry {
    OutgoingEntry {
        id: "suite-entry".to_owned(),
        url: "https://patchbay.example/teams/1/entries/1".to_owned(),
        text: "shipped <!channel> & \u{0} <script> @everyone\nthe second line".to_owned(),
        status,
        author: "Ada <@U1>".to_owned(),
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

async fn tell(
    subject: &Subject,
    link: &IntegrationLink,
    world: &ScriptedHttp,
    what: Told,
    posted: Posted,
) -> Result<Receipt> {
    let buttons = Vec::new();
    let message = Outgoing { id: "suite-message".to_owned(), what, posted, buttons };
    subject.partner.deliver(&subject.account(world.http()), link, &message).await
}

fn writes(subject: &Subject, world: &ScriptedHttp) -> Vec<Sent> {
    world.sent().into_iter().filter(|sent| (subject.writes)(sent)).collect()
}

/// Told, told again after a change, taken back; each again as after a crash.
async fn come_and_go(subject: &Subject, link: &IntegrationLink, entry: &OutgoingEntry, found: &mut Findings) {
    let world = ScriptedHttp::answering((subject.outside)());
    let first = tell(subject, link, &world, Told::Entry(entry.clone()), Posted::Never).await;
    let place = match first {
        Ok(Receipt { remote_id: Some(place), .. }) => place,
        other => {
            return found.unless(false, format!("an entry is told, but it is not known where it stands: {other:?}"));
        }
    };
    found.unless(!writes(subject, &world).is_empty(), "an entry is told without telling the partner");
    let changed = OutgoingEntry { text: "shipped it for good".to_owned(), ..entry.clone() };
    for time in ["first", "second"] {
        let again = tell(subject, link, &world, Told::Entry(changed.clone()), Posted::As(place.clone())).await;
        let same = matches!(&again, Ok(receipt) if receipt.remote_id.as_ref() == Some(&place));
        found.unless(same, format!("a changed entry does not change what stands there, the {time} time: {again:?}"));
    }
    let archived = OutgoingEntry { archived: true, ..changed };
    for time in ["first", "second"] {
        let gone = tell(subject, link, &world, Told::Entry(archived.clone()), Posted::As(place.clone())).await;
        let nothing = matches!(&gone, Ok(Receipt { remote_id: None, .. }));
        found.unless(nothing, format!("an archived entry does not go, the {time} time: {gone:?}"));
    }
    for sent in world.sent() {
        let shown = String::from_utf8_lossy(&sent.body).into_owned() + sent.url.as_str();
        found.unless(!subject.takes_a_secret_out(&shown), format!("{} carries a secret", sent.line()));
    }
    for url in subject.calls_elsewhere(&world.sent()) {
        found.unless(false, format!("delivering calls {url}, which no setting names"));
    }
}

/// An entry that was archived before it was told is not told at all.
async fn unwanted(subject: &Subject, link: &IntegrationLink, entry: &OutgoingEntry, found: &mut Findings) {
    let world = ScriptedHttp::answering((subject.outside)());
    let archived = OutgoingEntry { archived: true, ..entry.clone() };
    let told = tell(subject, link, &world, Told::Entry(archived), Posted::Never).await;
    let nothing = matches!(&told, Ok(Receipt { remote_id: None, .. })) && writes(subject, &world).is_empty();
    found.unless(nothing, "an entry that is archived already is told");
}

/// The write is done and its answer gets lost.
async fn lost_answer(subject: &Subject, link: &IntegrationLink, entry: &OutgoingEntry, found: &mut Findings) {
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
    let first = tell(subject, link, &world, Told::Entry(entry.clone()), Posted::Never).await;
    let unknown = first.as_ref().is_err_and(|error| error.kind() == ErrorKind::UnknownOutcome);
    found.unless(unknown, format!("a lost answer is not told as one: {first:?}"));
    let again = tell(subject, link, &world, Told::Entry(entry.clone()), Posted::Maybe { since: 0 }).await;
    let there = matches!(&again, Ok(Receipt { remote_id: Some(_), .. }));
    found.unless(there, format!("after a lost answer an entry is never told: {again:?}"));
}

/// A partner may have no digests; then it wants none, and says so.
async fn digest(subject: &Subject, link: &IntegrationLink, entry: &OutgoingEntry, found: &mut Findings) {
    let world = ScriptedHttp::answering((subject.outside)());
    let many = (0..500).map(|nth| OutgoingEntry { id: format!("suite-{nth}"), ..entry.clone() }).collect();
    for entries in [vec![entry.clone()], many] {
        let told = tell(subject, link, &world, Told::Digest(entries), Posted::Never).await;
        let there = matches!(&told, Ok(Receipt { remote_id: Some(_), .. }));
        let none = told.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unsupported);
        let wanted = matches!(subject.partner.wants(link, entry), Want::Digest { .. });
        found.unless(there || (none && !wanted), format!("a digest is not told: {told:?}"));
    }
}

/// An answer goes only where the operator's settings point.
async fn answers(subject: &Subject, link: &IntegrationLink, found: &mut Findings) {
    for to in ["https://elsewhere.example/answer", "http://127.0.0.1/answer", "nonsense", ""] {
        let world = ScriptedHttp::answering((subject.outside)());
        let answer = Answer { written: Vec::new(), why_not: Some("It says nothing.".to_owned()), connect: None };
        let told = tell(subject, link, &world, Told::Answer { to: to.to_owned(), answer }, Posted::Never).await;
        let refused = told.is_err() && world.sent().is_empty();
        found.unless(refused, format!("an answer is taken to {to:?}"));
    }
}
