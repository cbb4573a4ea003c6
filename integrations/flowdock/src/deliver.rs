//! What leaves: which entries and items a link tells, and their way into the flow. How they look is `thread`.
//!
//! An entry or an item is one thread, which is found again by the name we give it. So a message that is posted twice, after a
//! lost answer, makes no second thread; at worst the thread says twice that something happened. Whether Flowdock took the
//! first can't be seen: the source's token opens no messages.

use integration_contract::{
    Account, Error, ErrorKind, IntegrationLink, ItemChange, Outgoing, OutgoingEntry, Posted, Receipt, Result, Told,
    Want,
};

use crate::{
    api::Api,
    config::Config,
    settings::{Kind, Settings},
    thread,
};

pub(crate) fn wants(link: &IntegrationLink, entry: &OutgoingEntry) -> Want {
    let Ok(settings) = link.settings.read::<Settings>() else { return Want::No };
    let told_as_item = entry.of_item && settings.tell.iter().any(|kind| kind.is_item());
    if settings.tell.contains(&entry.status.into()) && !told_as_item { Want::Now } else { Want::No }
}

pub(crate) fn wants_item(link: &IntegrationLink, change: &ItemChange) -> bool {
    let kind = Kind::from(change.item.kind);
    link.settings.read::<Settings>().is_ok_and(|settings| settings.tell.contains(&kind))
}

pub(crate) async fn deliver(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    message: &Outgoing,
) -> Result<Receipt> {
    let (post, receipt) = match &message.what {
        Told::Entry(entry) if entry.archived && message.posted == Posted::Never => return Ok(Receipt::nothing()),
        Told::Entry(entry) => {
            let first = message.posted == Posted::Never;
            let post = thread::entry(&message.id, entry, first, &message.buttons);
            // The thread stays, without a word of the entry in it.
            let receipt =
                if entry.archived { Receipt::nothing() } else { Receipt::posted(post.external_thread_id.clone()) };
            (post, receipt)
        }
        Told::Item(item) => {
            let post = thread::item(&message.id, item, &message.buttons);
            let receipt = Receipt::posted(post.external_thread_id.clone());
            (post, receipt)
        }
        Told::Digest(_) => return Err(Error::unsupported("telling many entries at once")),
        Told::Answer { .. } => return Err(Error::unsupported("answering anybody")),
    };
    let token = link.given_secret.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "This link has no source at Flowdock. Press Try again to make one.")
    })?;
    Api::new(&cx.http, &config.api_url).post_message(token, &post).await?;
    Ok(receipt)
}
