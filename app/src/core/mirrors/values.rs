//! What both sides of a pair say, compared with what they said when they were last in step.
//!
//! Each side has a **known** picture. What a side says otherwise than that, somebody changed there; so a change is
//! carried over once, and what we wrote ourselves is none, because we knew it before its hook came. Nothing here looks
//! at a clock or at a text's beginning.

use std::collections::BTreeSet;

use integration_contract::{Deed, Item, ItemState, text};
use serde::{Deserialize, Serialize};

use super::{settings::Options, words};
use crate::{core::sealing::digest_of, db::entity::mirror::Side};

/// What an item said when both were last in step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// What people call it.
    pub name: String,
    /// Its page.
    pub url: Option<String>,
    pub title: String,
    pub closed: bool,
    pub labels: Vec<String>,
    /// A digest of its text.
    pub text: String,
    /// The newest picture that we saw, by the partner's clock, in unix seconds.
    pub at: Option<i64>,
}

impl Known {
    pub fn of(item: &Item) -> Self {
        Self {
            name: text::without_nul(&item.name),
            url: item.url.as_deref().map(text::without_nul),
            title: text::without_nul(&item.title),
            closed: item.state == ItemState::Closed,
            labels: item.labels.iter().map(|label| text::without_nul(label)).collect(),
            text: digest(&item.body),
            at: item.updated_at,
        }
    }

    /// What the original said when its copy was made of it: open, whatever it is by now.
    pub fn of_original(item: &Item, options: Options) -> Self {
        let labels = if options.labels { Self::of(item).labels } else { Vec::new() };
        Self { closed: false, labels, ..Self::of(item) }
    }

    /// What a copy said when it was made, whatever somebody did to it since.
    pub fn of_copy(item: &Item, title: &str, labels: &[String]) -> Self {
        Self { title: text::without_nul(title), closed: false, labels: labels.to_vec(), ..Self::of(item) }
    }

    pub fn saw(&mut self, item: &Item) {
        self.at = self.at.max(item.updated_at);
        self.name = text::without_nul(&item.name);
        self.url = item.url.as_deref().map(text::without_nul);
    }
}

/// A digest of a text, which is not to be kept here itself.
fn digest(text: &str) -> String {
    hex::encode(&digest_of(text.as_bytes())[..16])
}

/// Whether a picture says nothing but what is known.
pub(super) fn says_the_same(known: &Known, item: &Item, options: Options) -> bool {
    let says = Known::of(item);
    says.title == known.title
        && (!options.states || says.closed == known.closed)
        && (!options.labels || Difference::between(&known.labels, &says.labels).is_none())
        && (!options.comments || says.text == known.text)
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    State,
    Labels,
    Text,
}

impl Field {
    /// Those that a mirror keeps in step, in the order in which they are written. A title always is: it is the item's name.
    pub fn chosen(options: Options) -> impl Iterator<Item = Self> {
        [
            Some(Self::Title),
            options.labels.then_some(Self::Labels),
            // A text can't be changed at every partner: it is told as a comment.
            options.comments.then_some(Self::Text),
            // Last, because some partners take nothing more for what is closed.
            options.states.then_some(Self::State),
        ]
        .into_iter()
        .flatten()
    }
}

/// One side: what is known of it, and what it says.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub known: Known,
    pub now: Known,
}

impl Picture {
    fn changed(&self, field: Field) -> bool {
        match field {
            Field::Title => self.now.title != self.known.title,
            Field::State => self.now.closed != self.known.closed,
            Field::Text => self.now.text != self.known.text,
            Field::Labels => self.labelled().is_some(),
        }
    }

    fn labelled(&self) -> Option<Difference> {
        Difference::between(&self.known.labels, &self.now.labels)
    }
}

/// Both sides, each with something of its own.
#[derive(Clone, Debug, Default)]
pub struct Sides<T> {
    /// The left one's.
    pub left: T,
    /// The right one's.
    pub right: T,
}

impl<T> Sides<T> {
    /// One side's.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// Likewise, to be changed.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }
}

/// Something to be written to one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// This is done to it.
    Act(Deed),
    /// The other side's text is told by a comment.
    Tell,
}

/// What carries this field's changes over: to one side, or, with labels, to both. Where both sides changed it, the side
/// whose change is being carried goes before the other one; labels of both are joined.
pub(super) fn writes(field: Field, from: Side, both: &Sides<Picture>) -> Vec<(Side, Write)> {
    let to = from.other();
    let (source, other) = (both.get(from), both.get(to));
    match field {
        Field::Labels => [from, to].into_iter().filter_map(|side| label(side, both)).collect(),
        Field::Text => {
            let told = [from, to].into_iter().filter(|&side| both.get(side).changed(field));
            told.map(|side| (side.other(), Write::Tell)).collect()
        }
        Field::Title | Field::State => {
            let goes = if source.changed(field) {
                from
            } else if other.changed(field) {
                to
            } else {
                return Vec::new();
            };
            let (says, is) = (&both.get(goes).now, &both.get(goes.other()).now);
            let deed = match field {
                // One of blanks is none.
                Field::Title if ["", &is.title].contains(&words::cut_title(&says.title).as_str()) => None,
                Field::Title => Some(Deed::Retitle(words::cut_title(&says.title))),
                _ if says.closed == is.closed => None,
                _ if says.closed => Some(Deed::Close),
                _ => Some(Deed::Reopen),
            };
            deed.map(|deed| (goes.other(), Write::Act(deed))).into_iter().collect()
        }
    }
}

/// What the labels that came and went on this side make of the other side's.
fn label(side: Side, both: &Sides<Picture>) -> Option<(Side, Write)> {
    let difference = both.get(side).labelled()?;
    let is = &both.get(side.other()).now.labels;
    let labels = difference.applied_to(is);
    Difference::between(is, &labels).map(|_| (side.other(), Write::Act(Deed::Label(labels))))
}

/// After a field was carried from a side to the other: both are known to say so. `answer` is how the other side stands
/// now, when it was written to.
pub(super) fn carried(field: Field, from: Side, both: &mut Sides<Picture>, answer: Option<&Known>) {
    let to = from.other();
    if field == Field::Labels {
        let Some(difference) = both.get(from).labelled() else { return };
        let source = both.get_mut(from);
        source.known.labels.clone_from(&source.now.labels);
        let other = both.get_mut(to);
        let is_changed = other.changed(field);
        if let Some(answer) = answer {
            other.now.labels.clone_from(&answer.labels);
        }
        if !is_changed {
            other.known.labels.clone_from(&other.now.labels);
            return;
        }
        // Not simply what it says now: somebody may have changed others of its labels, and that is still to be carried.
        let there: BTreeSet<String> = other.now.labels.iter().map(|label| plain(label)).collect();
        let mut known = difference.applied_to(&other.known.labels);
        known.retain(|label| there.contains(&plain(label)) || other.known.labels.contains(label));
        other.known.labels = known;
        return;
    }
    let says = |known: &mut Known, now: &Known| match field {
        Field::Title => known.title.clone_from(&now.title),
        Field::State => known.closed = now.closed,
        Field::Text => known.text.clone_from(&now.text),
        Field::Labels => {}
    };
    let source = both.get_mut(from);
    says(&mut source.known, &source.now);
    if field == Field::Text {
        // The other side's text is its own.
        return;
    }
    let other = both.get_mut(to);
    if let Some(answer) = answer {
        says(&mut other.now, answer);
    }
    says(&mut other.known, &other.now);
}

/// Labels that came and went.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    added: Vec<String>,
    gone: BTreeSet<String>,
}

impl Difference {
    fn between(before: &[String], after: &[String]) -> Option<Self> {
        let set = |labels: &[String]| labels.iter().map(|label| plain(label)).collect::<BTreeSet<_>>();
        let (had, has) = (set(before), set(after));
        let added: Vec<String> = after.iter().filter(|label| !had.contains(&plain(label))).cloned().collect();
        let gone: BTreeSet<String> = had.difference(&has).cloned().collect();
        (!added.is_empty() || !gone.is_empty()).then_some(Self { added, gone })
    }

    fn applied_to(&self, labels: &[String]) -> Vec<String> {
        let mut after: Vec<String> =
            labels.iter().filter(|label| !self.gone.contains(&plain(label))).cloned().collect();
        for label in &self.added {
            if !after.iter().any(|there| plain(there) == plain(label)) {
                after.push(label.clone());
            }
        }
        after
    }
}

/// A label as it is the same on both sides: a tag has no spaces, no commas and no capitals.
fn plain(label: &str) -> String {
    let words = label.split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | '_'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Options =
        Options { creates: super::super::settings::Creates::Both, comments: true, states: true, labels: true };

    fn known(title: &str, closed: bool, labels: &[&str]) -> Known {
        Known {
            name: "a#1".into(),
            url: None,
            title: title.into(),
            closed,
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            text: digest("text"),
            at: Some(1),
        }
    }

    fn both(left: (Known, Known), right: (Known, Known)) -> Sides<Picture> {
        let picture = |(known, now)| Picture { known, now };
        Sides { left: picture(left), right: picture(right) }
    }

    fn all_writes(from: Side, both: &Sides<Picture>) -> Vec<(Side, Write)> {
        Field::chosen(ALL).flat_map(|field| writes(field, from, both)).collect()
    }

    #[test]
    fn what_nobody_changed_is_not_written() {
        let (a, b) = (known("a", false, &["x"]), known("b", true, &["y"]));
        assert_eq!(all_writes(Side::Left, &both((a.clone(), a), (b.clone(), b))), []);
    }

    #[test]
    fn a_change_goes_to_the_other_side_whichever_told_of_it() {
        let (open, closed) = (known("a", false, &[]), known("a", true, &[]));
        let pictures = both((open.clone(), closed), (open.clone(), open));
        for from in [Side::Left, Side::Right] {
            assert_eq!(all_writes(from, &pictures), [(Side::Right, Write::Act(Deed::Close))]);
        }
    }

    #[test]
    fn what_is_so_already_is_not_written() {
        let (open, closed) = (known("a", false, &[]), known("a", true, &[]));
        assert_eq!(all_writes(Side::Left, &both((open.clone(), closed.clone()), (open, closed))), []);
    }

    #[test]
    fn of_two_titles_the_one_that_is_being_carried_stays() {
        let pictures = both(
            (known("a", false, &[]), known("left", false, &[])),
            (known("a", false, &[]), known("right", false, &[])),
        );
        let retitle = |title: &str| Write::Act(Deed::Retitle(title.into()));
        assert_eq!(all_writes(Side::Left, &pictures), [(Side::Right, retitle("left"))]);
        assert_eq!(all_writes(Side::Right, &pictures), [(Side::Left, retitle("right"))]);
    }

    #[test]
    fn labels_of_both_sides_are_joined_and_each_keeps_its_spelling() {
        let mut pictures = both(
            (known("a", false, &["Help wanted", "old"]), known("a", false, &["Help wanted", "new"])),
            (known("a", false, &["help_wanted", "old"]), known("a", false, &["help_wanted", "old", "vip"])),
        );
        let label = |labels: &[&str]| Write::Act(Deed::Label(labels.iter().map(|&label| label.to_owned()).collect()));
        assert_eq!(
            writes(Field::Labels, Side::Left, &pictures),
            [(Side::Right, label(&["help_wanted", "vip", "new"])), (Side::Left, label(&["Help wanted", "new", "vip"])),]
        );
        // Cut off between the two writes, the other one is still to be made.
        let answer = known("a", false, &["help_wanted", "vip", "new"]);
        carried(Field::Labels, Side::Left, &mut pictures, Some(&answer));
        assert_eq!(writes(Field::Labels, Side::Left, &pictures), [(Side::Left, label(&["Help wanted", "new", "vip"]))]);
        carried(Field::Labels, Side::Right, &mut pictures, Some(&known("a", false, &["Help wanted", "new", "vip"])));
        assert_eq!(writes(Field::Labels, Side::Left, &pictures), []);
    }

    #[test]
    fn what_we_wrote_is_known_before_its_hook_comes() {
        let (open, closed) = (known("a", false, &[]), known("a", true, &[]));
        let mut pictures = both((open.clone(), closed.clone()), (open.clone(), open));
        carried(Field::State, Side::Left, &mut pictures, Some(&closed));
        assert!(pictures.left.known.closed && pictures.right.known.closed);
        assert_eq!(all_writes(Side::Right, &pictures), []);
    }

    #[test]
    fn a_change_of_another_field_is_not_lost_by_a_write() {
        let (open, closed) = (known("a", false, &[]), known("a", true, &[]));
        // Somebody retitles the right one while the left one is being closed there.
        let mut pictures = both((open.clone(), closed), (open.clone(), open));
        let answer = known("b", true, &[]);
        carried(Field::State, Side::Left, &mut pictures, Some(&answer));
        pictures.right.now = answer;
        assert_eq!(all_writes(Side::Right, &pictures), [(Side::Left, Write::Act(Deed::Retitle("b".into())))]);
    }

    #[test]
    fn a_text_is_told_to_the_other_side() {
        let mut edited = known("a", false, &[]);
        edited.text = digest("other");
        let same = known("a", false, &[]);
        let mut pictures = both((same.clone(), edited), (same.clone(), same));
        assert_eq!(all_writes(Side::Right, &pictures), [(Side::Right, Write::Tell)]);
        carried(Field::Text, Side::Left, &mut pictures, None);
        assert_eq!(all_writes(Side::Right, &pictures), []);
    }
}
