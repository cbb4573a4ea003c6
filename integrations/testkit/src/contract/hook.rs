//! Are hooks believed only when signed, read the same each time, and harmless whatever is in them?

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use integration_contract::{
    Address, Happening, HookAnswer, HookCall, HookRules, IntegrationLink, Reading, Scheme, SecretOf, SecretString,
    Verified,
};
use serde_json::Value;

use super::{Findings, GIVEN_SECRET, HOOK_SECRET, KEY, Subject};
use crate::{Fixture, ScriptedHttp, fixtures};

/// Our clock, when fixtures arrive: 2026-01-01.
const NOW: i64 = 1_767_225_600;
/// At how many places each body is cut off.
const CUTS: usize = 40;
/// An id longer than this does not fit into an index on every database.
const LONGEST_ID: usize = 1500;

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    let Some(rules) = &subject.partner.card().hooks else { return };
    let fixtures = fixtures(&subject.fixtures);
    found.unless(!fixtures.is_empty(), "the card has hooks, but there is no fixture of one");
    let link = subject.link(subject.link.clone());
    let mut events = BTreeSet::new();
    for (nth, fixture) in fixtures.into_iter().enumerate() {
        let name = &fixture.name;
        let media_type = fixture.call.media_type().unwrap_or_default();
        let allowed = rules.content_types.contains(&media_type.as_str());
        found.unless(allowed, format!("{name}: the card does not allow its content type {media_type:?}"));
        signatures(subject, &fixture, found);
        let call = addressed(&fixture);
        let address = subject.partner.address(&call);
        // A challenge is for the app as a whole, and answered at once.
        let answer = subject.partner.answer(&Verified::from_inbox(call.clone()));
        let at_once = matches!(answer, Ok(HookAnswer::Reply(_)));
        found.unless(at_once || address != Address::Nobody, format!("{name}: it is addressed to nobody"));
        let of_the_link = subject.partner.scheme().secret != SecretOf::Link || address == Address::Link(KEY.into());
        found.unless(of_the_link, format!("{name}: it is signed per link, and not addressed by the link's key"));
        read(subject, &link, rules, name, &call, found);
        looked_up(subject, &link, name, &call, found).await;
        // The first fixture of an event meets many strange values in every place, the others one each.
        let event = name.split("__").next().unwrap_or_default().to_owned();
        let strange = Strange { first: nth, number: if events.insert(event) { 5 } else { 1 } };
        mutated(subject, &link, name, &call, &strange, found);
    }
}

fn addressed(fixture: &Fixture) -> HookCall {
    HookCall { key: Some(KEY.to_owned()), ..fixture.call.clone() }
}

fn signed(scheme: &Scheme, call: &HookCall, secret: &SecretString, at: i64) -> HookCall {
    let mut call = call.clone();
    let at = scheme.timestamp.map_or_else(String::new, |timestamp| timestamp.format.write(at));
    if let Some(timestamp) = &scheme.timestamp {
        call.headers.insert(timestamp.header.to_owned(), vec![at.clone()]);
    }
    let signature = scheme.sign(&call.body, &at, secret);
    call.headers.insert(scheme.header.to_owned(), vec![signature]);
    call
}

fn signatures(subject: &Subject, fixture: &Fixture, found: &mut Findings) {
    let (name, scheme) = (&fixture.name, subject.partner.scheme());
    let secret = match scheme.secret {
        SecretOf::Link => Some(SecretString::from(HOOK_SECRET)),
        SecretOf::Given => Some(SecretString::from(GIVEN_SECRET)),
        SecretOf::Setting(setting) => subject.settings.get(setting).cloned(),
    };
    let Some(secret) = secret else {
        return found.unless(false, "the setting that holds the signing secret is not set");
    };
    let call = addressed(fixture);
    let accepts = |call: HookCall| scheme.verify(call, std::slice::from_ref(&secret), NOW).is_ok();
    found.unless(accepts(signed(&scheme, &call, &secret, NOW)), format!("{name}: its own signature is refused"));
    found.unless(!accepts(call.clone()), format!("{name}: accepted without a signature"));
    let wrong = signed(&scheme, &call, &"another-secret".into(), NOW);
    found.unless(!accepts(wrong), format!("{name}: accepted with the signature of another secret"));
    let mut changed = signed(&scheme, &call, &secret, NOW);
    changed.body = [&changed.body[..], b" "].concat().into();
    found.unless(!accepts(changed), format!("{name}: accepted with a body that was changed"));
    if let Some(timestamp) = &scheme.timestamp {
        for at in [NOW - timestamp.window - 1, NOW + timestamp.window + 1] {
            found.unless(!accepts(signed(&scheme, &call, &secret, at)), format!("{name}: accepted at a wrong time"));
        }
    }
}

fn read(
    subject: &Subject,
    link: &IntegrationLink,
    rules: &HookRules,
    name: &str,
    call: &HookCall,
    found: &mut Findings,
) {
    let partner = &subject.partner;
    // The inbox keeps only these; the message must be the same to a job as it was at the door.
    let mut kept = call.clone();
    kept.headers.retain(|header, _| rules.kept_headers.contains(&header.as_str()));
    kept.key = None;
    let (call, kept) = (Verified::from_inbox(call.clone()), Verified::from_inbox(kept));

    match (partner.answer(&call), partner.answer(&call)) {
        (Ok(answer), Ok(again)) => {
            found.unless(answer == again, format!("{name}: answered differently the second time"));
            if let HookAnswer::Accept { event, delivery, .. } | HookAnswer::Ignore { event, delivery, .. } = answer {
                let named = !event.is_empty() && !delivery.is_empty() && delivery.len() <= 200;
                found.unless(named, format!("{name}: its event or its delivery has no usable name"));
            }
        }
        (Err(error), _) | (_, Err(error)) => found.unless(false, format!("{name}: not answered: {error}")),
    }
    match (partner.hook(link, &kept), partner.hook(link, &kept), partner.hook(link, &call)) {
        (Ok(reading), Ok(again), Ok(whole)) => {
            found.unless(reading == again, format!("{name}: read differently the second time"));
            found.unless(reading == whole, format!("{name}: read differently with the headers that are not kept"));
            said(subject, name, &reading, found);
        }
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
            found.unless(false, format!("{name}: not read: {error}"));
        }
    }
}

/// What a reading leaves open is found out by looking, and by nothing else.
async fn looked_up(subject: &Subject, link: &IntegrationLink, name: &str, call: &HookCall, found: &mut Findings) {
    let reading = subject.partner.hook(link, &Verified::from_inbox(call.clone()));
    let Ok(Reading { look_up: Some(what), .. }) = reading else { return };
    let world = ScriptedHttp::answering((subject.outside)());
    match subject.partner.look_up(&subject.account(world.http()), link, &what).await {
        Ok(reading) => {
            found.unless(reading.look_up.is_none(), format!("{name}: the look-up asks for another one"));
            said(subject, name, &reading, found);
        }
        Err(error) => found.unless(false, format!("{name}: not looked up: {error}")),
    }
    let writes = world.sent().iter().any(|sent| (subject.writes)(sent));
    found.unless(!writes, format!("{name}: looking up changes something at the partner"));
    for url in subject.calls_elsewhere(&world.sent()) {
        found.unless(false, format!("{name}: looking up calls {url}, which no setting names"));
    }
}

fn said(subject: &Subject, name: &str, reading: &Reading, found: &mut Findings) {
    let ways = [!reading.happenings.is_empty(), reading.ignored.is_some(), reading.look_up.is_some()];
    let one = ways.into_iter().filter(|way| *way).count() == 1;
    found.unless(one, format!("{name}: it must say something, or say why not, or ask for a look-up"));
    let shown = serde_json::to_string(reading).unwrap_or_default();
    found.unless(!subject.shows_a_secret(&shown), format!("{name}: what it says shows a secret"));
    for happening in &reading.happenings {
        let id = match happening {
            Happening::Entry(entry) => {
                let whole = !entry.text.trim().is_empty() && !entry.author.name.is_empty() && !entry.source.is_empty();
                found.unless(whole, format!("{name}: an entry lacks its text, its author or its source"));
                found.unless(leads_to_the_web(entry.url.as_deref()), format!("{name}: an entry leads to no web page"));
                &entry.external_id
            }
            Happening::Lines(lines) => {
                let whole = !lines.text.trim().is_empty() && !lines.author.name.is_empty() && !lines.source.is_empty();
                found.unless(whole, format!("{name}: lines lack their text, their author or their source"));
                found.unless(leads_to_the_web(lines.url.as_deref()), format!("{name}: lines lead to no web page"));
                &lines.external_id
            }
            Happening::Item(change) => {
                let whole = !change.item.id.is_empty() && !change.item.name.is_empty() && !change.by.name.is_empty();
                found.unless(whole, format!("{name}: a change of an item lacks the item's id or name, or whose it is"));
                let url = change.item.url.as_deref();
                found.unless(leads_to_the_web(url), format!("{name}: an item leads to no web page"));
                &change.id
            }
            Happening::EntryEdited { external_id, .. } | Happening::EntryRetracted { external_id } => external_id,
            Happening::HookWorks
            | Happening::TargetChanged(_)
            | Happening::TargetGone { .. }
            | Happening::TargetBack
            | Happening::AccountGone { .. } => continue,
        };
        let usable = !id.is_empty() && id.len() <= LONGEST_ID;
        found.unless(usable, format!("{name}: an external id is empty or too long"));
    }
}

fn leads_to_the_web(url: Option<&str>) -> bool {
    url.is_none_or(|url| url.starts_with("https://") || url.starts_with("http://"))
}

/// Bodies that are cut off, bent or filled with what does not belong there may be refused, but nothing may panic.
fn mutated(
    subject: &Subject,
    link: &IntegrationLink,
    name: &str,
    call: &HookCall,
    strange: &Strange,
    found: &mut Findings,
) {
    let mut bodies: Vec<Vec<u8>> = vec![Vec::new(), b"[]".to_vec(), b"null".to_vec(), b"{}".to_vec(), vec![0xff; 64]];
    let body = &call.body;
    bodies.extend((0..CUTS).map(|cut| body[..body.len() * cut / CUTS].to_vec()));
    bodies.extend((0..CUTS).map(|flip| {
        let mut bent = body.to_vec();
        let at = (bent.len() * flip / CUTS).min(bent.len().saturating_sub(1));
        if let Some(byte) = bent.get_mut(at) {
            *byte ^= 1 << (flip % 8);
        }
        bent
    }));
    if let Ok(json) = serde_json::from_slice::<Value>(body) {
        bodies.extend(with_each_value_replaced(&json, strange).iter().map(|json| json.to_string().into_bytes()));
    }
    let mut calls: Vec<_> = bodies.into_iter().map(|body| HookCall { body: body.into(), ..call.clone() }).collect();
    for header in call.headers.keys() {
        for values in [vec![], vec![String::new()], vec!["é\u{0}".repeat(5000)], vec!["a".into(), "b".into()]] {
            let mut call = call.clone();
            call.headers.insert(header.clone(), values);
            calls.push(call);
        }
    }
    for call in calls {
        let shown = String::from_utf8_lossy(&call.body[..call.body.len().min(300)]).into_owned();
        let calm = catch_unwind(AssertUnwindSafe(|| {
            let _ = subject.partner.address(&call);
            let call = Verified::from_inbox(call);
            let _ = subject.partner.answer(&call);
            let _ = subject.partner.hook(link, &call);
        }));
        found.unless(calm.is_ok(), format!("{name}: a mutation panics: {shown}"));
    }
}

/// Which of the strange values each place meets.
struct Strange {
    first: usize,
    number: usize,
}

/// The same JSON with one value at a time replaced by one that may not belong there; the first 200 places.
fn with_each_value_replaced(json: &Value, strange: &Strange) -> Vec<Value> {
    let values = [
        Value::Null,
        Value::from(-1),
        Value::from(u64::MAX),
        Value::from(1e300),
        Value::from(""),
        Value::from("\u{0}\u{202e}é".repeat(300)),
        Value::Array(vec![Value::Null]),
        Value::Object(serde_json::Map::new()),
        Value::Bool(true),
    ];
    let mut pointers = Vec::new();
    collect(json, String::new(), &mut pointers);
    let mut all = Vec::new();
    for (place, pointer) in pointers.iter().take(200).enumerate() {
        for nth in 0..strange.number {
            let value = &values[(strange.first + place + 2 * nth) % values.len()];
            let mut json = json.clone();
            if let Some(place) = json.pointer_mut(pointer) {
                *place = value.clone();
                all.push(json);
            }
        }
    }
    all
}

fn collect(json: &Value, at: String, pointers: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match json {
        Value::Object(fields) => {
            for (key, value) in fields {
                collect(value, format!("{at}/{}", escaped(key)), pointers);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        pointers.push(at);
    }
}
