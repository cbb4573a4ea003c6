//! The tour of who wants to know what became of something: the link's activity, live where there are scripts, the trace of
//! one event, something that failed and is done again, and a preview of other settings.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{SOON, no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

#[tokio::test]
async fn what_became_of_an_event_can_be_followed() -> Result<()> {
    from_an_event_to_its_trace(Scripts::On).await
}

#[tokio::test]
async fn what_became_of_an_event_can_be_followed_without_scripts() -> Result<()> {
    from_an_event_to_its_trace(Scripts::Off).await
}

async fn from_an_event_to_its_trace(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    let log = browser.address().await?;
    link_done(&browser, &demo).await?;
    tour::link_widgets(&browser, &demo.address).await?;
    browser.follow("acme/widgets").await?;
    let link = browser.address().await?;

    // The page stands open while something happens at the partner.
    browser.follow("All activity").await?;
    open_issue(&demo, "The chart is empty on Sundays").await?;
    match scripts {
        Scripts::On => browser.wait_for_text("The chart is empty on Sundays").await?,
        Scripts::Off => {
            browser.follow("Look again").await?;
            browser.reload_until_text("The chart is empty on Sundays", SOON).await?
        }
    };
    browser.reload_until_text("Became an entry", SOON).await?;
    take_pictures(&browser, scripts, "activity").await?;

    browser.leave_by(browser.find("td a[href*='/activity/']").await?).await?;
    browser.reload_until_text("Attempt 1: delivered", SOON + Duration::from_secs(4)).await?;
    let story = browser.text().await?;
    for step in ["Arrived from GitHub", "Verified", "Wrote the entry", "Delivery to Slack", "#done"] {
        ensure!(story.contains(step), "the trace lacks {step:?}: {story}");
    }
    take_pictures(&browser, scripts, "trace").await?;
    browser.find("details.docs > summary").await?.click().await?;
    browser.wait_for_text("\"action\": \"opened\"").await?;
    take_pictures(&browser, scripts, "trace-raw").await?;

    // Slack refuses a message; whoever looks sends it again from the list.
    control(&demo, r#"{ "path": "/api/chat.postMessage", "effect": "refused", "error": "msg_too_long", "times": 0 }"#)
        .await?;
    browser.go(&log).await?;
    browser.fill("What got done?", "Too long for a channel").await?;
    browser.press("Add to the log").await?;
    browser.go(demo.at("/integrations/slack")).await?;
    browser.follow("#done").await?;
    browser.reload_until_text("Failed", SOON + Duration::from_secs(4)).await?;
    browser.follow("All activity").await?;
    take_pictures(&browser, scripts, "activity-failed").await?;
    reset(&demo).await?;
    browser.press("Replay what failed (1)").await?;
    browser.wait_for_text("On their way again: 1.").await?;
    browser.reload_until_gone("Send again", SOON + Duration::from_secs(4)).await?;

    browser.go(format!("{link}?edit=1")).await?;
    browser.press("Preview").await?;
    browser.wait_for_text("Nothing was saved.").await?;
    ensure!(browser.text().await?.contains("The chart is empty on Sundays"), "the preview shows nothing");
    take_pictures(&browser, scripts, "preview").await?;
    browser.go(demo.at("/integrations/slack/link")).await?;
    browser.fill("Channel", "#general").await?;
    browser.press("Preview").await?;
    browser.wait_for_text("it counts from now on, not backwards").await?;
    take_pictures(&browser, scripts, "preview-new").await?;

    no_complaints(&browser, &demo).await?;
    browser.close().await?;
    demo.stop().await
}

/// A link to #done of Slack that works.
pub(super) async fn link_done(browser: &Browser, demo: &Demo) -> Result<()> {
    browser.go(demo.at("/integrations/slack")).await?;
    browser.press("Connect Slack").await?;
    browser.press("Continue as ada").await?;
    browser.press("Allow").await?;
    browser.wait_for_path("/integrations/slack/link").await?;
    browser.fill("Channel", "#done").await?;
    browser.press("Add to Patchbay").await?;
    browser.wait_for_path("/teams/").await?;
    browser.reload_until_text("Working", SOON + Duration::from_secs(6)).await?;
    Ok(())
}

/// Opens an issue in another window, so to say.
pub(super) async fn open_issue(demo: &Demo, title: &str) -> Result<()> {
    let call = reqwest::Client::new().post(format!("{}/github/acme/widgets/issues", demo.sandbox));
    let call = call.header("cookie", "github_sandbox_user=ada-codes").form(&[("title", title), ("body", "")]);
    call.send().await?.error_for_status()?;
    Ok(())
}

async fn control(demo: &Demo, fault: &str) -> Result<()> {
    sandbox(demo, "rules", fault).await
}

async fn reset(demo: &Demo) -> Result<()> {
    sandbox(demo, "reset", "{}").await
}

async fn sandbox(demo: &Demo, path: &str, body: &str) -> Result<()> {
    let call = reqwest::Client::new().post(format!("{}/slack/_sandbox/{path}", demo.sandbox));
    call.header("content-type", "application/json").body(body.to_owned()).send().await?.error_for_status()?;
    Ok(())
}

/// One set is enough.
async fn take_pictures(browser: &Browser, scripts: Scripts, name: &str) -> Result<()> {
    if scripts == Scripts::Off {
        return Ok(());
    }
    pictures(browser, name).await
}
