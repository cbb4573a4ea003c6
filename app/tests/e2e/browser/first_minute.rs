//! The tour of somebody who has never seen the product: a partner is added to a team and brings its first entry, somebody
//! takes the consent back at the partner, the page says what is wrong and has the one button for it, and nothing is lost.

use anyhow::{Result, ensure};
use tokio::time::Instant;

use super::{SOON, no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

#[tokio::test]
async fn what_breaks_says_so_and_is_mended_with_one_button() -> Result<()> {
    from_the_first_entry_over_a_break_to_the_mending(Scripts::On).await
}

#[tokio::test]
async fn what_breaks_says_so_and_is_mended_with_one_button_without_scripts() -> Result<()> {
    from_the_first_entry_over_a_break_to_the_mending(Scripts::Off).await
}

async fn from_the_first_entry_over_a_break_to_the_mending(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    let repository = format!("{}/github/acme/widgets", demo.sandbox);
    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    let log = browser.address().await?;

    let begun = Instant::now();
    browser.follow("Add a partner").await?;
    browser.follow("Add to Patchbay: GitHub").await?;
    browser.press("Connect GitHub").await?;
    browser.press("Continue as ada-codes").await?;
    browser.press("Authorize Patchbay").await?;
    browser.fill("Repository", "acme/widgets").await?;
    browser.press("Add to Patchbay").await?;
    browser.reload_until_text("Working", SOON).await?;
    open_issue(&browser, &repository, "The chart is empty on Sundays").await?;
    browser.go(&log).await?;
    browser.reload_until_text("The chart is empty on Sundays", SOON).await?;
    eprintln!("from the log to the first entry: {:?}", begun.elapsed());

    // Ada takes the consent back at GitHub, and somebody goes on working there.
    browser.go(format!("{}/github/settings/applications", demo.sandbox)).await?;
    browser.press("Revoke").await?;
    open_issue(&browser, &repository, "Opened while the consent was gone").await?;

    browser.go(demo.at("/integrations/github")).await?;
    browser.follow("acme/widgets").await?;
    let page = browser.text().await?;
    ensure!(page.contains("Needs attention"), "the link's page does not say that it is broken: {page}");
    ensure!(page.contains("GitHub no longer accepts the connection of this account"), "it does not say why: {page}");
    if scripts == Scripts::On {
        pictures(&browser, "link-broken").await?;
    }
    // From then on every page says it.
    browser.go(&log).await?;
    let page = browser.text().await?;
    ensure!(
        page.contains("ada-codes") && page.contains("needs attention"),
        "the log does not say what is broken: {page}"
    );

    browser.press("Connect GitHub again for ada-codes").await?;
    browser.press("Authorize Patchbay").await?;
    browser.wait_for_path("/settings").await?;
    browser.go(&log).await?;
    browser.reload_until_gone("needs attention", SOON).await?;
    browser.reload_until_text("Opened while the consent was gone", SOON).await?;

    open_issue(&browser, &repository, "Opened after it was mended").await?;
    browser.go(&log).await?;
    browser.reload_until_text("Opened after it was mended", SOON).await?;
    for title in ["The chart is empty on Sundays", "Opened while the consent was gone"] {
        ensure!(browser.text().await?.contains(title), "{title} is lost");
    }

    no_complaints(&browser, &demo).await?;
    browser.close().await?;
    demo.stop().await
}

async fn open_issue(browser: &Browser, repository: &str, title: &str) -> Result<()> {
    browser.go(repository).await?;
    browser.fill("Title", title).await?;
    browser.press("Open issue").await?;
    Ok(())
}
