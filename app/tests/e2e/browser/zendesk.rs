//! The tour through Zendesk: asked for the account first, a solved ticket becomes an entry, and of two webhooks ours goes.

use anyhow::{Result, ensure};

use super::{SOON, no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

/// The account Acme in the sandbox.
const ACME: &str = "/zendesk/acme";

/// The webhook of another product that the sandbox opens with.
const FOREIGN: &str = "https://other-product.example/hook";

#[tokio::test]
async fn a_solved_ticket_becomes_an_entry() -> Result<()> {
    from_the_subdomain_to_the_last_webhook(Scripts::On).await
}

#[tokio::test]
async fn a_solved_ticket_becomes_an_entry_without_scripts() -> Result<()> {
    from_the_subdomain_to_the_last_webhook(Scripts::Off).await
}

async fn from_the_subdomain_to_the_last_webhook(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    let acme = format!("{}{ACME}", demo.sandbox);
    let be = async |name: &str| {
        browser.go(format!("{}/zendesk", demo.sandbox)).await?;
        browser.press(&format!("Be {name}")).await
    };

    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    let log = browser.address().await?.to_string();
    be("Ada Lovelace").await?;
    browser.go(demo.at("/integrations/zendesk")).await?;
    if scripts == Scripts::On {
        pictures(&browser, "zendesk-partner").await?;
    }
    browser.fill("Your Zendesk address", "acme").await?;
    browser.press("Connect Zendesk").await?;
    browser.press("Allow").await?;
    browser.wait_for_path("/integrations/zendesk/link").await?;
    if scripts == Scripts::On {
        pictures(&browser, "zendesk-link-form").await?;
    }
    browser.press("Add to Patchbay").await?;
    browser.wait_for_path("/teams/").await?;
    browser.reload_until_text("Working", SOON).await?;
    let settings = browser.address().await?.to_string();

    be("Bob Kahn").await?;
    browser.go(format!("{acme}/agent/tickets/1")).await?;
    browser.find("select[name=status] option[value=solved]").await?.click().await?;
    browser.press("Submit").await?;
    browser.go(&log).await?;
    let after = browser.reload_until_text("The chart is empty on Sundays", SOON).await?;
    eprintln!("the entry stood in the log {after:?} after the ticket was solved");
    let entry = browser.entry("The chart is empty on Sundays").await?.text().await?;
    ensure!(entry.contains("Bob Kahn"), "the entry does not say who solved it: {entry}");

    be("Ada Lovelace").await?;
    browser.go(format!("{acme}/admin")).await?;
    let hooks = browser.text().await?;
    ensure!(hooks.contains(&demo.address) && hooks.contains(FOREIGN), "expected our webhook and another: {hooks}");
    browser.go(&settings).await?;
    browser.press("Remove the link to acme.zendesk.com").await?;
    browser.reload_until_text("Removed", SOON).await?;
    browser.go(format!("{acme}/admin")).await?;
    let hooks = browser.text().await?;
    ensure!(hooks.contains(FOREIGN), "another product's webhook was removed with ours: {hooks}");
    ensure!(!hooks.contains("/integrations/zendesk/hook"), "our webhook is still there: {hooks}");

    no_complaints(&browser, &demo).await?;
    browser.close().await?;
    demo.stop().await
}
