//! A message of ours as it looks in a flow's inbox, for the partner's page: what happened, and the thread after it.

use integration_contract::{Button, Picture, PicturePart, Told};

use crate::{
    html, thread,
    wire::{Action, Post},
};

pub(crate) fn of(what: &Told, buttons: &[Button]) -> Option<Picture> {
    let post = match what {
        Told::Entry(entry) => thread::entry("", entry, true, buttons),
        Told::Item(told) => thread::item("", told, buttons),
        Told::Digest(_) | Told::Answer { .. } => return None,
    };
    Some(drawn(post))
}

fn drawn(post: Post) -> Picture {
    let text = |written: &str| Some(html::shown(written)).filter(|words| !words.is_empty());
    let thread = post.thread;
    let mut parts = vec![PicturePart::Small(html::shown(&post.title))];
    parts.extend(post.body.as_deref().and_then(text).map(PicturePart::Text));
    parts.push(PicturePart::Title(html::shown(&thread.title)));
    parts.push(PicturePart::State(thread.status.value));
    parts.extend(text(&thread.body).map(PicturePart::Text));
    let facts = thread.fields.into_iter();
    parts.extend(facts.map(|field| PicturePart::Fact(field.label.to_owned(), html::shown(&field.value))));
    let buttons = thread.actions.into_iter().map(|action| match action {
        Action::UpdateAction { name, .. } | Action::ViewAction { name, .. } => name,
    });
    Picture { by: Some(post.author.name), parts, buttons: buttons.collect() }
}
