//! Our one source in a flow: made, kept in line, looked after and removed, each so that it can be done again after a crash.
//!
//! A source is ours when the ledger names its id, or when its address is this link's page. Its token is told once, when it is
//! made; one whose token we do not have is of no use, so it is removed and another made. With the token, nobody's
//! account is needed any more: only making and removing are done as a person.

use integration_contract::{
    Account, Error, ErrorKind, Happening, IntegrationLink, Ledger, Remote, Result, SecretString, Undone, UndoneOutcome,
};

use crate::{
    address::{self, FlowPath, is_source_id},
    api::Api,
    config::Config,
    html,
    settings::Settings,
    wire::{MadeSource, NewSource, Source, SourceChange},
};

/// What the ledger calls it.
pub(crate) const KIND: &str = "source";

/// Of the sentence in a flow's inbox settings. No limit is documented.
const LONGEST_NOTICE: usize = 500;

// ---- made

/// Makes sure that the flow has our source, and that it leads to the link's settings.
pub(crate) async fn make(config: &Config, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
    let settings: Settings = link.settings.read()?;
    let path = settings.path().ok_or_else(strange)?;
    let api = Api::new(&cx.http, &config.api_url);
    let earlier = ledger.rows().await?.into_iter().find(|row| row.kind == KIND);
    if let (Some(Remote { id: Some(id), .. }), Some(token)) = (&earlier, &link.given_secret) {
        match configure(&api, link, &settings, token, id).await {
            // The token opens nothing, so there is nothing that it could be used for.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => return done,
        }
    }
    if let Some(row) = earlier {
        remove_ours(&api, link, &path).await?;
        ledger.gone(&row.reservation).await?;
    }
    let reservation = ledger.reserve(KIND, &path.to_string()).await?;
    let page = address::of_link(link);
    let new = NewSource { name: &settings.name, external_url: page.as_str() };
    let made = match api.create_source(&path, &new).await {
        Ok(made) => made,
        // It may be there: the row stays open, and the next run looks.
        Err(error) if error.kind() == ErrorKind::UnknownOutcome => return Err(error),
        Err(error) => {
            ledger.gone(&reservation).await?;
            return Err(error);
        }
    };
    match made {
        MadeSource { id: Some(id), flow_token: Some(token) } if is_token(&token) => {
            let (id, token) = (id.to_string(), SecretString::from(token));
            ledger.keep_secret(&token).await?;
            ledger.made(&reservation, &id).await?;
            configure(&api, link, &settings, &token, &id).await
        }
        made => {
            if unmake(&api, link, &path, made.id).await.is_ok() {
                ledger.gone(&reservation).await?;
            }
            Err(Error::new(
                ErrorKind::Unavailable,
                "Flowdock did not tell us the id and the token of the source that it made, so it was removed again.",
            ))
        }
    }
}

/// 32 hexadecimal digits, in every example there is.
fn is_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// "Configure" at Flowdock leads to our page of it, whatever the application's configuration URI is.
async fn configure(
    api: &Api<'_>,
    link: &IntegrationLink,
    settings: &Settings,
    token: &SecretString,
    id: &str,
) -> Result<()> {
    let page = address::configuration(link, id, &settings.flow_id);
    let change = SourceChange { configuration_url: Some(page.as_str()), ..SourceChange::default() };
    api.change_own_source(token, &change).await
}

/// By the id that Flowdock told, or as whatever has our address.
async fn unmake(api: &Api<'_>, link: &IntegrationLink, path: &FlowPath, id: Option<u64>) -> Result<()> {
    match id {
        Some(id) => delete(api, path, &id.to_string()).await.map(drop),
        None => remove_ours(api, link, path).await.map(drop),
    }
}

/// Removes every source of the flow that leads to this link's page, and says whether there was one.
async fn remove_ours(api: &Api<'_>, link: &IntegrationLink, path: &FlowPath) -> Result<bool> {
    let page = address::of_link(link);
    let mut any = false;
    for source in api.flow_sources(path).await? {
        if source.external_url.as_deref() == Some(page.as_str()) {
            any |= delete(api, path, &source.id.to_string()).await?;
        }
    }
    Ok(any)
}

/// `false` when it was not there any more.
async fn delete(api: &Api<'_>, path: &FlowPath, id: &str) -> Result<bool> {
    match api.delete_source(path, id).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn strange() -> Error {
    Error::new(ErrorKind::Malformed, "The settings of this link can't be read.")
}

// ---- looked after

/// Asks with the source's own token, so that it works when the account's access is long over.
///
/// # Errors
/// [`ErrorKind::Gone`] when the source was removed at Flowdock.
pub(crate) async fn inspect(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    ours: &[Remote],
) -> Result<Vec<Happening>> {
    // What was never made does not work; why it was not stands on the link already.
    let made = ours.iter().any(|row| row.kind == KIND && row.id.is_some());
    let Some(token) = link.given_secret.as_ref().filter(|_| made) else { return Ok(Vec::new()) };
    match Api::new(&cx.http, &config.api_url).own_sources(token).await {
        Ok(_) => Ok(vec![Happening::TargetBack]),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(vec![Happening::TargetGone { reason: error.sentence().to_owned() }])
        }
        Err(error) => Err(error),
    }
}

/// The sentence stands in the flow's inbox settings until it is taken away.
///
/// # Errors
/// As [`inspect`].
pub(crate) async fn notice(config: &Config, cx: &Account, link: &IntegrationLink, trouble: Option<&str>) -> Result<()> {
    // Without a source there is no place where anybody could read it.
    let Some(token) = &link.given_secret else { return Ok(()) };
    let sentence = html::plain(trouble.unwrap_or_default(), LONGEST_NOTICE);
    let change = SourceChange { error_message: Some(&sentence), ..SourceChange::default() };
    Api::new(&cx.http, &config.api_url).change_own_source(token, &change).await
}

// ---- removed

/// Removes exactly `ours`.
pub(crate) async fn remove(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    ours: &[Remote],
) -> Result<Vec<Undone>> {
    let mut receipt = Vec::with_capacity(ours.len());
    for row in ours {
        receipt.push(remove_one(config, cx, link, row).await?);
    }
    Ok(receipt)
}

async fn remove_one(config: &Config, cx: &Account, link: &IntegrationLink, row: &Remote) -> Result<Undone> {
    let id = row.id.as_deref();
    let (KIND, Some(path), true) = (row.kind.as_str(), FlowPath::read(&row.place), id.is_none_or(is_source_id)) else {
        let what = format!("{} at {}", row.kind, row.place);
        return Ok(Undone {
            what,
            outcome: UndoneOutcome::LeftOver("This is nothing that we make at Flowdock.".into()),
        });
    };
    let settings = link.settings.read::<Settings>().ok();
    let source = Removal {
        api: Api::new(&cx.http, &config.api_url),
        config,
        link,
        name: settings.as_ref().map_or_else(|| "without a name".to_owned(), |known| format!("“{}”", known.name)),
        place: settings.as_ref().map_or_else(|| path.to_string(), Settings::place),
        path,
    };
    let outcome = source.remove(id).await?;
    Ok(Undone { what: format!("the source {} in {}", source.name, source.place), outcome })
}

/// One source on its way out.
struct Removal<'a> {
    api: Api<'a>,
    config: &'a Config,
    link: &'a IntegrationLink,
    path: FlowPath,
    /// For the receipt.
    name: String,
    place: String,
}

impl Removal<'_> {
    async fn remove(&self, id: Option<&str>) -> Result<UndoneOutcome> {
        let removed = match id {
            Some(id) => delete(&self.api, &self.path, id).await,
            // It is not known whether it was made: only our own address tells.
            None => remove_ours(&self.api, self.link, &self.path).await,
        };
        match removed {
            Ok(true) => Ok(UndoneOutcome::Removed),
            // Flowdock says the same of a source that is gone, and of one in a flow that it hides from this account or that
            // has another address now.
            Ok(false) => match self.still_there().await? {
                None => Ok(UndoneOutcome::AlreadyGone),
                Some(source) => self.remove_elsewhere(&source).await,
            },
            Err(error) if matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Forbidden) => {
                match self.still_there().await {
                    Ok(None) if self.link.given_secret.is_some() => Ok(UndoneOutcome::AlreadyGone),
                    _ => Ok(self.left_over(&error)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Only its own token still opens a source once the account does not. `None` = it was removed, or there is no token to
    /// ask with.
    async fn still_there(&self) -> Result<Option<Source>> {
        let Some(token) = &self.link.given_secret else { return Ok(None) };
        match self.api.own_sources(token).await {
            Ok(mut sources) => Ok(sources.pop()),
            Err(error) if matches!(error.kind(), ErrorKind::Gone | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where it says itself that it is, below the operator's own address.
    async fn remove_elsewhere(&self, source: &Source) -> Result<UndoneOutcome> {
        let hidden =
            Error::new(ErrorKind::NotFound, "Flowdock does not show the flow to the account that made the link.");
        let moved = source.url.as_deref().and_then(|url| FlowPath::of_source(url, &self.config.api_url));
        let moved = moved.filter(|(path, id)| *path != self.path && *id == source.id.to_string());
        let Some((path, id)) = moved else { return Ok(self.left_over(&hidden)) };
        match delete(&self.api, &path, id).await {
            Ok(true) => Ok(UndoneOutcome::Removed),
            Ok(false) => Ok(self.left_over(&hidden)),
            Err(error) if matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Forbidden) => {
                Ok(self.left_over(&error))
            }
            Err(error) => Err(error),
        }
    }

    fn left_over(&self, why: &Error) -> UndoneOutcome {
        // Of an access that is over, nothing has to be done about the account: it was for setting up.
        let why = match why.kind() {
            ErrorKind::Unauthorized => "The access of the account that made the link is over.",
            _ => why.sentence(),
        };
        UndoneOutcome::LeftOver(format!(
            "{why} Anybody in the flow can remove the source {} at {} under Inbox settings.",
            self.name,
            address::page(&self.config.web_url, &self.path)
        ))
    }
}
