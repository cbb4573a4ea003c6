//! Do links come, stay and go as promised: read-only until they are made, reserved before they are made, made once,
//! and nothing removed but what was ours?

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use integration_contract::{CheckedLink, ErrorKind, FieldKind, FormInput, LinkForm, LinkRefused, Remote};

use super::{Findings, Subject};
use crate::{MemoryLedger, ScriptedHttp, Sent};

/// Names of fields that the host adds to the form.
const OF_THE_HOST: [&str; 5] = ["team", "level", "csrf", "_method", "link"];

/// As many as [`integration_contract::Lately::happened`] may have.
const MOST_LATELY: usize = 20;

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    form(subject, found).await;
    let Some(checked) = checked(subject, found).await else { return };
    sentences(subject, &checked, found);
    lately(subject, &checked, found).await;
    made_and_removed(subject, &checked, found).await;
    lost_answer(subject, &checked, found).await;
}

fn world(subject: &Subject) -> ScriptedHttp {
    ScriptedHttp::answering((subject.outside)())
}

fn writes(subject: &Subject, world: &ScriptedHttp) -> Vec<Sent> {
    world.sent().into_iter().filter(|sent| (subject.writes)(sent)).collect()
}

async fn form(subject: &Subject, found: &mut Findings) {
    let world = world(subject);
    let cx = subject.account(world.http());
    for so_far in [FormInput::default(), subject.form.clone()] {
        match subject.partner.new_link(&cx, &so_far).await {
            Ok(form) => fields(&form, &so_far, found),
            Err(error) => found.unless(false, format!("there is no form: {error}")),
        }
    }
    found.unless(writes(subject, &world).is_empty(), "drawing the form changes something at the partner");
    for url in subject.calls_elsewhere(&world.sent()) {
        found.unless(false, format!("drawing the form calls {url}, which no setting names"));
    }
}

fn fields(form: &LinkForm, so_far: &FormInput, found: &mut Findings) {
    let mut names = BTreeSet::new();
    for field in &form.fields {
        let name = field.name;
        found.unless(names.insert(name), format!("the field {name:?} stands in the form twice"));
        found.unless(!OF_THE_HOST.contains(&name), format!("the field {name:?} has a name that is the host's own"));
        found.unless(!field.label.trim().is_empty(), format!("the field {name:?} has no label"));
        if !so_far.is_empty() {
            let kept = field.values == so_far.all(name);
            found.unless(kept, format!("the field {name:?} does not keep what was typed"));
        }
        if let FieldKind::One(choices) | FieldKind::Many(choices) = &field.kind {
            let known = |value: &String| choices.iter().any(|choice| choice.value == *value);
            found.unless(field.values.iter().all(known), format!("the field {name:?} has a value that is no choice"));
        }
    }
    for (name, _) in so_far.pairs() {
        found.unless(names.contains(name), format!("the form has no field {name:?}"));
    }
}

async fn checked(subject: &Subject, found: &mut Findings) -> Option<CheckedLink> {
    let world = world(subject);
    let cx = subject.account(world.http());
    let empty = subject.partner.check_link(&cx, &FormInput::default()).await;
    let told = matches!(empty, Err(LinkRefused::Fields(errors)) if !errors.is_empty());
    found.unless(told, "an empty form is not refused field by field");
    found.unless(world.sent().is_empty(), "an empty form is taken to the partner");

    let checked = match subject.partner.check_link(&cx, &subject.form).await {
        Ok(checked) => checked,
        Err(refused) => {
            found.unless(false, format!("a good form is refused: {refused:?}"));
            return None;
        }
    };
    found.unless(!checked.target.is_empty(), "a link has no target");
    let back = subject.partner.form_input(&subject.link(checked.settings.clone()));
    match subject.partner.check_link(&cx, &back).await {
        Ok(again) => found.unless(again == checked, "what a link's form says is not what the link is set to"),
        Err(refused) => found.unless(false, format!("what a link's form says is refused: {refused:?}")),
    }
    found.unless(writes(subject, &world).is_empty(), "checking a form changes something at the partner");
    Some(checked)
}

/// What happened before is looked up and nothing else, whether or not the partner can say it.
async fn lately(subject: &Subject, checked: &CheckedLink, found: &mut Findings) {
    let world = world(subject);
    let link = subject.link(checked.settings.clone());
    if let Ok(Some(lately)) = subject.partner.lately(&subject.account(world.http()), &link).await {
        let in_order = lately.happened.is_sorted_by_key(|happened| std::cmp::Reverse(happened.at));
        found.unless(in_order, "what happened lately is not in order, the newest first");
        found.unless(lately.happened.len() <= MOST_LATELY, "more than twenty things happened lately");
        let is_sentence = lately.left_out.is_none_or(|left_out| left_out.ends_with('.'));
        found.unless(is_sentence, "what is left out of what happened lately is not said in a sentence");
    }
    found
        .unless(writes(subject, &world).is_empty(), "looking up what happened lately changes something at the partner");
}

fn sentences(subject: &Subject, checked: &CheckedLink, found: &mut Findings) {
    for settings in [checked.settings.clone(), subject.link.clone()] {
        let link = subject.link(settings);
        let (name, summary) = (subject.partner.short_name(&link), subject.partner.summary(&link));
        found.unless(!name.trim().is_empty() && !name.contains('\n'), "a link has no short name");
        found.unless(summary.ends_with('.') && !summary.contains('\n'), "a link's summary is not a sentence");
        let secret = subject.shows_a_secret(&name) || subject.shows_a_secret(&summary);
        found.unless(!secret, "a link's name or summary shows a secret");
    }
    // Settings of an older version of the partner must not take the page down.
    let strange = subject.link(integration_contract::LinkSettings::of(&["strange"]));
    found.unless(!subject.partner.short_name(&strange).is_empty(), "a link with strange settings has no name");
    found.unless(!subject.partner.summary(&strange).is_empty(), "a link with strange settings has no summary");
}

async fn made_and_removed(subject: &Subject, checked: &CheckedLink, found: &mut Findings) {
    let link = subject.link(checked.settings.clone());
    let ledger = MemoryLedger::default();
    let unreserved = Arc::new(Mutex::new(false));
    let world = {
        let (mut outside, writes) = ((subject.outside)(), subject.writes);
        let (ledger, unreserved) = (ledger.clone(), unreserved.clone());
        ScriptedHttp::answering(move |sent| {
            if writes(sent) && ledger.now().is_empty() {
                *unreserved.lock().expect("no panic before") = true;
            }
            outside(sent)
        })
    };
    let cx = subject.account(world.http());
    let mut after = Vec::new();
    for time in ["first", "second"] {
        if let Err(error) = subject.partner.create_link(&cx, &link, &ledger).await {
            found.unless(false, format!("a link can't be made the {time} time: {error}"));
            return;
        }
        after.push(ledger.now());
    }
    found.unless(after[0] == after[1], "making a link again makes a thing twice");
    found.unless(!*unreserved.lock().expect("no panic before"), "something is made before it is reserved");
    let rows = ledger.now();
    found.unless(rows.iter().all(|row| row.id.is_some()), "a link is made, but the ledger does not know all ids");
    // The other way round need not be: being in a room is an effect, and nothing that could be made twice.
    let effects = !subject.partner.card().effects.is_empty();
    found.unless(effects || rows.is_empty(), "the card's effects and the ledger disagree");
    let before = world.sent().len();
    match subject.partner.destroy_link(&cx, &link, &[]).await {
        Ok(receipt) => found.unless(receipt.is_empty(), "something is removed that is not in the ledger"),
        Err(error) => found.unless(false, format!("a link that made nothing can't be removed: {error}")),
    }
    let touched = world.sent()[before..].iter().any(|sent| (subject.writes)(sent));
    found.unless(!touched, "removing a link that made nothing changes something at the partner");

    for time in ["first", "second"] {
        let before = world.sent().len();
        match subject.partner.destroy_link(&cx, &link, &rows).await {
            Ok(receipt) => {
                found
                    .unless(receipt.len() == rows.len(), "the receipt does not have a line for each row of the ledger");
                let said = receipt.iter().all(|line| !line.what.is_empty() && !subject.shows_a_secret(&line.what));
                found.unless(said, "a line of the receipt is empty or shows a secret");
            }
            Err(error) => found.unless(false, format!("a link can't be removed the {time} time: {error}")),
        }
        for sent in world.sent()[before..].iter().filter(|sent| (subject.writes)(sent)) {
            found.unless(names_one_of(sent, &rows), format!("{} is about nothing of ours", sent.line()));
        }
    }
}

/// Whether a call names the id of one of the ledger's rows: as a segment of its path, or in its body.
fn names_one_of(sent: &Sent, rows: &[Remote]) -> bool {
    let body = String::from_utf8_lossy(&sent.body).into_owned();
    rows.iter().filter_map(|row| row.id.as_deref()).any(|id| {
        let path = sent.url.path_segments().is_some_and(|mut segments| segments.any(|segment| segment == id));
        let query = sent.url.query_pairs().any(|(_, value)| value == id);
        path || query || body.contains(id)
    })
}

/// The first write is done and its answer gets lost; the link must come to be all the same, once.
async fn lost_answer(subject: &Subject, checked: &CheckedLink, found: &mut Findings) {
    let link = subject.link(checked.settings.clone());
    let ledger = MemoryLedger::default();
    let world = {
        let (mut outside, writes) = ((subject.outside)(), subject.writes);
        let mut lost = false;
        ScriptedHttp::answering(move |sent| {
            let answer = outside(sent);
            if !lost && writes(sent) {
                lost = true;
                return Err(integration_contract::Error::new(ErrorKind::UnknownOutcome, "The answer was lost."));
            }
            answer
        })
    };
    let cx = subject.account(world.http());
    let mut outcome = subject.partner.create_link(&cx, &link, &ledger).await;
    for _ in 0..3 {
        if !outcome.as_ref().is_err_and(integration_contract::Error::passes) {
            break;
        }
        outcome = subject.partner.create_link(&cx, &link, &ledger).await;
    }
    found.unless(outcome.is_ok(), "a lost answer keeps a link from ever being made");
    found.unless(ledger.now().iter().all(|row| row.id.is_some()), "a lost answer leaves the ledger without the id");
}
