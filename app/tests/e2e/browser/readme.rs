//! The pictures of the README, from the demo: `scripts/screenshots` asks for them. They are taken by day and by night, at one
//! width, and into `docs/pictures`.

use std::path::Path;

use anyhow::{Result, ensure};

use super::{SOON, activity, slack::DONE, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scheme, Scripts},
};

/// The window of the pictures.
const WINDOW: (u32, u32) = (1200, 860);

/// The most bytes of a picture: a page with all of them is to load in a moment.
const MOST_BYTES: usize = 150_000;

#[tokio::test]
#[ignore = "makes files of the repository anew; scripts/screenshots runs it"]
async fn the_pictures_of_the_readme() -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(Scripts::On).await?;
    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    let log = browser.address().await?.to_string();
    activity::link_done(&browser, &demo).await?;
    let settings = browser.address().await?.to_string();
    tour::link_widgets(&browser, &demo.address).await?;

    for issue in ["Invoices of a leap year lack a day", "The chart is empty on Sundays"] {
        activity::open_issue(&demo, issue).await?;
        browser.go(&log).await?;
        browser.reload_until_text(issue, SOON).await?;
    }
    shoot(&browser, "log").await?;

    browser.go(&settings).await?;
    browser.follow("acme/widgets").await?;
    browser.follow("All activity").await?;
    browser.leave_by(browser.find("td a[href*='/activity/']").await?).await?;
    browser.reload_until_text("Attempt 1: delivered", SOON * 2).await?;
    shoot(&browser, "trace").await?;

    mirror(&browser, &demo).await?;
    activity::open_issue(&demo, "Labels fall off in the rain").await?;
    browser.reload_until_text("1 pair is joined.", SOON * 2).await?;
    shoot(&browser, "mirror").await?;

    browser.go(format!("{}{DONE}", demo.sandbox)).await?;
    browser.folded("the channel itself").await?.click().await?;
    browser.press("Archive channel").await?;
    activity::open_issue(&demo, "Nobody answers at night").await?;
    browser.go(&settings).await?;
    browser.follow("#done").await?;
    browser.reload_until_text("#done was archived at Slack", SOON).await?;
    browser.reload_until_text("1 message is kept", SOON).await?;
    shoot(&browser, "broken").await?;

    browser.go(demo.at("/integrations")).await?;
    shoot(&browser, "catalogue").await?;
    browser.close().await?;
    demo.stop().await
}

/// From the offer to a mirror that works; ends on its page. GitHub is connected already.
async fn mirror(browser: &Browser, demo: &Demo) -> Result<()> {
    browser.go(demo.at("/integrations")).await?;
    browser.follow("GitHub ↔ Zendesk").await?;
    browser.follow("Set it up").await?;
    browser.fill("Your Zendesk address", "acme").await?;
    browser.press("Connect Zendesk").await?;
    browser.press("Continue as Ada Lovelace").await?;
    browser.press("Allow").await?;
    browser.fill("Repository", "acme/widgets").await?;
    browser.press("Go on").await?;
    // The link that is there brings less than a mirror needs.
    browser.press("Switch it on, and go on").await?;
    browser.wait_for_text("What gets a copy").await?;
    browser.press("Go on").await?;
    browser.press("Save the mirror").await?;
    browser.reload_until_text("Working since", SOON * 2).await.map(drop)
}

/// One picture by day and one by night, of what a window shows.
async fn shoot(browser: &Browser, name: &str) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures");
    let (width, height) = WINDOW;
    browser.look_through_a_screen_of(width, height, 1.5).await?;
    for (scheme, night) in [(Scheme::Light, ""), (Scheme::Dark, "-dark")] {
        browser.prefer(scheme).await?;
        browser.hold_still().await?;
        let bytes = browser.small_screenshot(&folder.join(format!("{name}{night}.webp"))).await?;
        ensure!(bytes <= MOST_BYTES, "the picture {name}{night} has {bytes} bytes");
    }
    Ok(())
}
