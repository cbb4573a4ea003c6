//! Link forms: the partners' own, asked for once however often somebody types into them, and the choices in them narrowed to
//! what is sought.
//!
//! Listing five thousand repositories takes a partner fifty calls. What was listed for an account is remembered for a
//! moment, in this process only; what is not on the list can be pasted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use integration_contract::{Account, Choice, FieldKind, FormInput, LinkForm};

use super::{Core, partners::Partner};
use crate::db::{IntegrationUserId, entity::integration_user};

/// How old a list may be that a page is drawn with.
pub const FRESH: Duration = Duration::from_secs(20);

/// The same while somebody types.
pub const KEPT: Duration = Duration::from_secs(5 * 60);

/// So many choices are shown at once; a form in which none has more is not worth remembering.
pub const SHOWN: usize = 50;

/// Forms of so many accounts are remembered.
const ACCOUNTS: usize = 50;

/// Of each account so many: a partner may offer something else for each choice in another field.
const FORMS: usize = 8;

/// What is remembered of one account; whoever asks its partner holds it, and the others wait for what that brings.
type Drawer = Arc<tokio::sync::Mutex<Vec<Kept>>>;

/// The forms that are remembered.
#[derive(Default)]
pub struct LinkForms {
    drawers: Mutex<HashMap<IntegrationUserId, (i64, Drawer)>>,
}

struct Kept {
    /// Unix milliseconds.
    asked_at: i64,
    /// When the account was connected: with another consent, another list.
    connected_at: i64,
    /// Whether nothing stood in it.
    blank: bool,
    /// What stood in the fields that decide what there is to choose.
    decided: Vec<(&'static str, Vec<String>)>,
    form: LinkForm,
}

impl Kept {
    fn fits(&self, row: &integration_user::Model, so_far: &FormInput, oldest: i64) -> bool {
        self.asked_at >= oldest
            && self.connected_at == row.connected_at
            // What stands in a blank form when it is opened is in no other.
            && (self.blank || !so_far.is_empty())
            && self.decided.iter().all(|(name, values)| so_far.all(name) == values)
    }
}

impl LinkForms {
    fn drawer(&self, id: IntegrationUserId, now: i64) -> Drawer {
        let mut drawers = self.drawers.lock().unwrap_or_else(PoisonError::into_inner);
        if drawers.len() >= ACCOUNTS && !drawers.contains_key(&id) {
            let oldest = drawers.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id);
            oldest.map(|oldest| drawers.remove(&oldest));
        }
        let (used, drawer) = drawers.entry(id).or_default();
        *used = now;
        drawer.clone()
    }
}

/// The partner's form for this account, no older than `age`.
///
/// # Errors
/// The partner's.
pub async fn ask(
    core: &Core,
    partner: &Partner,
    account: &Account,
    row: Option<&integration_user::Model>,
    so_far: &FormInput,
    age: Duration,
) -> integration_contract::Result<LinkForm> {
    let Some(row) = row else { return partner.integration.new_link(account, so_far).await };
    let drawer = core.0.link_forms.drawer(row.id, core.clock.now());
    let mut kept = drawer.lock().await;
    let oldest = core.clock.before(age);
    if let Some(found) = kept.iter().find(|kept| kept.fits(row, so_far, oldest)) {
        return Ok(filled(found.form.clone(), so_far));
    }
    let form = partner.integration.new_link(account, so_far).await?;
    let is_long = |kind: &FieldKind| matches!(kind, FieldKind::Search { choices, .. } if choices.len() > SHOWN);
    if form.fields.iter().any(|field| is_long(&field.kind)) {
        let decided = form.redrawn_by.iter().map(|name| (*name, so_far.all(name).to_vec())).collect();
        let (blank, asked_at) = (so_far.is_empty(), core.clock.now());
        kept.retain(|kept| !kept.fits(row, so_far, i64::MIN));
        kept.truncate(FORMS - 1);
        let connected_at = row.connected_at;
        kept.insert(0, Kept { asked_at, connected_at, blank, decided, form: form.clone() });
    }
    Ok(form)
}

/// With what stands in it by now.
fn filled(mut form: LinkForm, so_far: &FormInput) -> LinkForm {
    if !so_far.is_empty() {
        for field in &mut form.fields {
            field.values = so_far.all(field.name).to_vec();
        }
    }
    form
}

/// The choices that have every word of what is sought, those that begin with it first.
pub fn narrow<'a>(choices: &'a [Choice], sought: &str) -> Vec<&'a Choice> {
    let sought = sought.trim().to_lowercase();
    let words: Vec<&str> = sought.split_whitespace().collect();
    let mut found: Vec<(u8, &Choice)> = choices
        .iter()
        .filter_map(|choice| {
            let (value, label) = (choice.value.to_lowercase(), choice.label.to_lowercase());
            let has = |word: &&str| value.contains(*word) || label.contains(*word);
            let begins = |text: &str| text.starts_with(&sought) || text.contains(&format!("/{sought}"));
            let place = u8::from(!(begins(&value) || begins(label.trim_start_matches('#'))));
            words.iter().all(has).then_some((place, choice))
        })
        .collect();
    // Stable: within each the partner's order stays.
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, choice)| choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_narrowed_by_every_word() {
        let choice = |value: &str| Choice { value: value.into(), label: format!("{value} (private)") };
        let choices = ["acme/widgets", "widgets/old", "acme/blue-widgets", "acme/gadgets"].map(choice);
        let found = |sought| narrow(&choices, sought).into_iter().map(|choice| &choice.value[..]).collect::<Vec<_>>();
        assert_eq!(found("").len(), 4);
        assert_eq!(found("WIDG"), ["acme/widgets", "widgets/old", "acme/blue-widgets"]);
        assert_eq!(found("old widgets"), ["widgets/old"]);
        assert_eq!(found("blue"), ["acme/blue-widgets"]);
        assert_eq!(found("private").len(), 4, "what people read counts too");
        assert_eq!(found("nothing"), Vec::<&str>::new());
    }
}
