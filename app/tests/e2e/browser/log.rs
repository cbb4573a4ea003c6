//! The log as people read it: search, files, a colleague's new entry, and one's own log.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

/// From a colleague's click to my page; promised are a second or two, and the tests share a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// How a driver writes these keys.
const CONTROL: char = '\u{e009}';
const ENTER: char = '\u{e007}';

#[tokio::test]
async fn the_log_is_searched_taken_away_and_alive() -> Result<()> {
    read_the_log(Scripts::On).await
}

#[tokio::test]
async fn the_log_is_searched_and_taken_away_without_scripts() -> Result<()> {
    read_the_log(Scripts::Off).await
}

async fn read_the_log(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let (browser, colleague) = (Browser::open(scripts).await?, Browser::open(Scripts::Off).await?);
    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    let log = browser.address().await?;
    tour::log_in(&colleague, &demo.address, "bob@example.com").await?;

    browser.fill("What got done?", "Painted the ÄRMEL of 100% of the coats").await?;
    browser.press("Add to the log").await?;
    browser.wait_for_text("Painted the ÄRMEL").await?;

    // A colleague writes while the page is open.
    colleague.go(&log).await?;
    colleague.fill("What got done?", "Sewed on all the buttons").await?;
    colleague.press("Add to the log").await?;
    match scripts {
        Scripts::On => {
            let after = browser.wait_for_text("Sewed on all the buttons").await?;
            ensure!(after < SOON, "the new entry came only after {after:?}");
            ensure!(browser.count("li.entry-new").await? == 1, "what is new is not marked");
            // What was typed meanwhile is still there, and so are the buttons.
            browser.fill("What got done?", "Half a sent").await?;
            colleague.fill("What got done?", "And the cuffs").await?;
            colleague.press("Add to the log").await?;
            browser.wait_for_text("And the cuffs").await?;
            let typed = browser.find("#body").await?.value().await?;
            ensure!(typed == "Half a sent", "what was typed is lost: {typed:?}");
            browser.field("What got done?").await?.keys(&format!("ence{CONTROL}{ENTER}")).await?;
            browser.wait_for_text("Half a sentence").await?;
        }
        Scripts::Off => {
            browser.reload_until_text("Sewed on all the buttons", SOON).await?;
        }
    }

    browser.fill("Words", "ärmel 100%").await?;
    browser.press("Search").await?;
    browser.wait_for_text("Showing only").await?;
    let found = browser.text().await?;
    ensure!(found.contains("Painted the ÄRMEL") && !found.contains("Sewed on all"), "{found}");
    let file = browser.find("a[href*='export.csv']").await?.attribute("href").await?.unwrap_or_default();
    ensure!(file.contains("q=%C3%A4rmel+100%25"), "the file is not of what is shown: {file}");
    if scripts == Scripts::On {
        browser.folded("Person, status").await?.click().await?;
        pictures(&browser, "log-search").await?;
    }
    browser.follow("Show everything").await?;
    browser.wait_for_text("Sewed on all the buttons").await?;
    if scripts == Scripts::On {
        pictures(&browser, "log-live").await?;
    }
    browser.leave_by(browser.find(".day-head a").await?).await?;
    let people = browser.count(".day-person h3").await?;
    ensure!(people == 2, "the day has {people} people");
    if scripts == Scripts::On {
        pictures(&browser, "log-day").await?;
    }

    browser.follow("My log").await?;
    browser.wait_for_text("In a row").await?;
    let mine = browser.text().await?;
    ensure!(mine.contains("Painted the ÄRMEL") && !mine.contains("Sewed on all"), "{mine}");
    if scripts == Scripts::On {
        pictures(&browser, "my-log").await?;
        browser.go(format!("{log}/settings")).await?;
        pictures(&browser, "team-settings-digest").await?;
    }

    no_complaints(&browser, &demo).await?;
    browser.close().await?;
    colleague.close().await?;
    demo.stop().await
}
