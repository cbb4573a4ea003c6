//! The tour of who has three thousand repositories: with scripts a combobox, by keyboard; without them a button. Then an
//! account that is taken back at the partner: what needs somebody is said on every page, and one button mends it.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

const MOMENT: Duration = Duration::from_secs(10);

/// What the keyboard sends, as WebDriver writes it.
const DOWN: &str = "\u{E015}";
const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";

#[tokio::test]
async fn one_of_three_thousand_is_found() -> Result<()> {
    among_three_thousand(Scripts::On).await
}

#[tokio::test]
async fn one_of_three_thousand_is_found_without_scripts() -> Result<()> {
    among_three_thousand(Scripts::Off).await
}

async fn among_three_thousand(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    sandbox(&demo, "repositories", r#"{ "owner": "acme", "prefix": "tool", "count": 3000 }"#).await?;
    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    tour::connect(&browser, &demo.address).await?;

    let field = browser.field("Repository").await?;
    if scripts == Scripts::On {
        ensure!(field.attribute("role").await?.as_deref() == Some("combobox"), "it is no combobox");
        field.fill("tool-02").await?;
        browser.wait_for_text("The first 50 of").await?;
        pictures(&browser, "link-form-choices").await?;
        field.keys(ESCAPE).await?;
        ensure!(field.attribute("aria-expanded").await?.as_deref() == Some("false"), "Escape does not close it");
        field.fill("tool-0218").await?;
        browser.wait_for_text("1 choice.").await?;
        field.keys(DOWN).await?;
        ensure!(field.attribute("aria-activedescendant").await?.is_some(), "nothing is pointed at");
        field.keys(ENTER).await?;
        ensure!(field.value().await? == "acme/tool-0218", "chosen was {}", field.value().await?);
        ensure!(browser.address().await?.path() == "/integrations/github/link", "the form was sent");
    } else {
        field.fill("tool-0218").await?;
        browser.press("Search in Repository").await?;
        browser.press("acme/tool-0218").await?;
        ensure!(browser.field("Repository").await?.value().await? == "acme/tool-0218");
    }
    browser.press("Add to Patchbay").await?;
    browser.wait_for_path("/teams/").await?;
    browser.reload_until_text("Working", MOMENT).await?;
    let settings = browser.address().await?;

    // GitHub's user takes it back; the link notices when it is looked at.
    sandbox(&demo, "users/ada-codes/revoke", "{}").await?;
    browser.follow("acme/tool-0218").await?;
    browser.press("Check now").await?;
    browser.reload_until_text("Connect GitHub again", MOMENT).await?;
    if scripts == Scripts::On {
        pictures(&browser, "link-to-reconnect").await?;
    }
    browser.go(&settings).await?;
    browser.wait_for_text("needs attention:").await?;
    if scripts == Scripts::On {
        pictures(&browser, "team-settings-broken").await?;
    }
    browser.go(demo.at("/log")).await?;
    browser.wait_for_text("which stops 1 link, needs attention:").await?;
    browser.leave_by(browser.find(".alerts form button").await?).await?;
    browser.press("Authorize Patchbay").await?;
    browser.wait_for_path("/settings").await?;
    browser.go(&settings).await?;
    browser.reload_until_text("Working", MOMENT).await?;
    ensure!(!browser.text().await?.contains("needs attention"), "it is said although it is mended");
    no_complaints(&browser, &demo).await?;
    browser.close().await?;
    demo.stop().await
}

async fn sandbox(demo: &Demo, path: &str, body: &str) -> Result<()> {
    let call = reqwest::Client::new().post(format!("{}/github/_sandbox/{path}", demo.sandbox));
    call.header("content-type", "application/json").body(body.to_owned()).send().await?.error_for_status()?;
    Ok(())
}
