//! An organization's settings: who did what, how long things are kept, the end of a team, and the end of it all, each with its
//! receipt.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

/// From the click to the last row, on a machine that other tests share.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_organization_is_looked_after_and_deleted() -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(Scripts::On).await?;
    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    tour::link_widgets(&browser, &demo.address).await?;

    browser.go(demo.at("/organizations")).await?;
    let acme = browser.find("main a[href^='/organizations/'][href$='/settings']").await?;
    browser.leave_by(acme).await?;
    browser.wait_for_text("What is known and kept").await?;
    let settings = browser.address().await?;
    pictures(&browser, "organization-settings").await?;

    browser.follow("Audit log").await?;
    browser.wait_for_text("Link made").await?;
    pictures(&browser, "organization-audit").await?;

    browser.go(settings.clone()).await?;
    browser.follow("How long things are kept").await?;
    browser.wait_for_text("Kept for as long as it takes").await?;
    pictures(&browser, "organization-retention").await?;

    delete_a_team(&browser, &demo).await?;

    browser.go(settings).await?;
    browser.follow("Delete the organization").await?;
    no_complaints(&browser, &demo).await?;
    browser.fill("To confirm, type", "Acme").await?;
    browser.fill("Your password", "not this one").await?;
    browser.press("Delete everything").await?;
    browser.wait_for_text("This is not your password.").await?;
    // Chromium takes note of any answer that refuses something, as this one should.
    browser.complaints().await?;
    pictures(&browser, "organization-delete").await?;
    browser.fill("Your password", "patchbay").await?;
    browser.press("Delete everything").await?;
    browser.wait_for_path("/receipts/").await?;
    browser.reload_until_text("Everything of it is deleted", SOON).await?;
    pictures(&browser, "organization-receipt").await?;
    no_complaints(&browser, &demo).await?;

    browser.go(format!("{}/github/acme/widgets/settings/hooks", demo.sandbox)).await?;
    ensure!(!browser.text().await?.contains(&demo.address), "our webhook is left at the partner");
    browser.close().await?;
    demo.stop().await
}

/// A new one, from its settings: with the name typed wrong and then right, to its receipt.
async fn delete_a_team(browser: &Browser, demo: &Demo) -> Result<()> {
    browser.go(demo.at("/teams/new")).await?;
    browser.fill("The team's name", "Board").await?;
    browser.fill("Time zone", "Vienna").await?;
    browser.press("Make the team").await?;
    browser.folded("Delete the team").await?.click().await?;
    browser.wait_for_text("no entries, no links and no mirrors").await?;
    browser.fill("To confirm, type", "Bored").await?;
    no_complaints(browser, demo).await?;
    browser.press("Delete the team").await?;
    browser.wait_for_text("Type the team's name as it is written here: Board").await?;
    // Chromium takes note of any answer that refuses something, as this one should.
    browser.complaints().await?;
    pictures(browser, "team-delete").await?;
    browser.fill("To confirm, type", "Board").await?;
    browser.press("Delete the team").await?;
    browser.wait_for_text("Deleted lately").await?;
    browser.reload_until_gone("Being deleted", SOON).await?;
    pictures(browser, "team-deleted").await?;
    no_complaints(browser, demo).await
}
