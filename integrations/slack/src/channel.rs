//! Being in the channel: all that a link needs at Slack.
//!
//! Joining is no thing that could be made twice or be removed by mistake, so nothing is reserved for it. The app stays in
//! the channel when a link goes, since others may need it there; with the workspace's last link its access is revoked,
//! and Slack takes it out everywhere.

use integration_contract::{
    Account, Error, ErrorKind, Happening, IntegrationLink, LinkSettings, Remote, Result, Undone, UndoneOutcome,
};

use crate::{
    api::Api,
    config::Config,
    error::invite,
    settings::{Me, Settings},
};

/// Makes sure that the app is in the channel.
pub(crate) async fn enter(config: &Config, cx: &Account, link: &IntegrationLink) -> Result<()> {
    let settings: Settings = link.settings.read()?;
    let api = Api::new(&cx.http, &config.api_url).about(settings.about());
    let channel = api.conversations_info(&settings.channel_id).await?;
    if channel.is_archived {
        return Err(Error::new(ErrorKind::Forbidden, archived(&settings)));
    }
    match (channel.is_member, channel.is_private) {
        (true, _) => Ok(()),
        (false, true) => Err(Error::new(ErrorKind::Forbidden, invitation(&settings))),
        (false, false) => api.conversations_join(&settings.channel_id).await.map(drop).map_err(Error::from),
    }
}

/// Looks whether the channel is there and the app in it, and what it is called now.
pub(crate) async fn inspect(config: &Config, cx: &Account, link: &IntegrationLink) -> Result<Vec<Happening>> {
    let settings: Settings = link.settings.read()?;
    let api = Api::new(&cx.http, &config.api_url).about(settings.about());
    let me = Me::from(api.auth_test(None).await?);
    let gone = |reason: String| Ok(vec![Happening::TargetGone { reason }]);
    let channel = match api.conversations_info(&settings.channel_id).await {
        Ok(channel) => channel,
        Err(no) if matches!(no.error().kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {
            return gone(no.error().sentence().to_owned());
        }
        Err(no) => return Err(no.into()),
    };
    if channel.is_archived {
        return gone(archived(&settings));
    }
    if !channel.is_member {
        return gone(left(&settings));
    }
    let now = Settings {
        channel_name: if channel.name.is_empty() { settings.channel_name.clone() } else { channel.name },
        is_private: channel.is_private,
        me,
        ..settings.clone()
    };
    let changed = (now != settings).then(|| Happening::TargetChanged(LinkSettings::of(&now)));
    Ok(changed.into_iter().chain([Happening::HookWorks]).collect())
}

/// Nothing is made at Slack that would have to be removed.
pub(crate) fn leave(ours: &[Remote]) -> Vec<Undone> {
    let nothing_of_ours = |row: &Remote| Undone {
        what: format!("{} at {}", row.kind, row.place),
        outcome: UndoneOutcome::LeftOver("This is nothing that we make at Slack.".to_owned()),
    };
    ours.iter().map(nothing_of_ours).collect()
}

// ---- sentences for the link's page

pub(crate) fn archived(settings: &Settings) -> String {
    let channel = settings.channel();
    if settings.is_private {
        let bot = settings.about().bot;
        return format!(
            "{channel} was archived at Slack. Unarchive it there and type “/invite {bot}” in it, then press Try again."
        );
    }
    format!("{channel} was archived at Slack. Unarchive it there, then press Try again.")
}

pub(crate) fn deleted(settings: &Settings) -> String {
    format!("{} was deleted at Slack. Remove this link, or choose another channel for it.", settings.channel())
}

pub(crate) fn left(settings: &Settings) -> String {
    let channel = settings.channel();
    if settings.is_private {
        return format!("Our app was removed from {channel}. {}", invite(&settings.about()));
    }
    format!("Our app was removed from {channel}. Press Try again, and it joins again.")
}

pub(crate) fn invitation(settings: &Settings) -> String {
    format!("Our app is not in {}, which is private. {}", settings.channel(), invite(&settings.about()))
}
