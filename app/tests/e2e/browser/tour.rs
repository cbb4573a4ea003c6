//! The stretches of road that tours have in common, told as a person walks them.

use std::time::Duration;

use anyhow::Result;

use crate::webdriver::Browser;

/// The password of every log-in of the demo.
const DEMO_PASSWORD: &str = "patchbay";

/// A new account with an organization and a first team.
pub async fn sign_up(browser: &Browser, product: &str) -> Result<()> {
    browser.go(format!("{product}/signup")).await?;
    browser.fill("Your name", "Grace").await?;
    browser.fill("E-mail", "grace@example.com").await?;
    browser.fill("Password", "a compiler for people").await?;
    browser.press("Sign up").await?;
    browser.fill("The organization's name", "Eckert and Mauchly").await?;
    browser.fill("The team's name", "Programming").await?;
    browser.press("Make the organization").await?;
    browser.wait_for_path("/teams/").await
}

/// One of the demo's people.
pub async fn log_in(browser: &Browser, product: &str, email: &str) -> Result<()> {
    browser.go(format!("{product}/login")).await?;
    browser.fill("E-mail", email).await?;
    browser.fill("Password", DEMO_PASSWORD).await?;
    browser.press("Log in").await?;
    browser.find("details.account").await?;
    Ok(())
}

pub async fn log_out(browser: &Browser) -> Result<()> {
    browser.find("details.account > summary").await?.click().await?;
    browser.leave_by(browser.find("form[action='/logout'] button").await?).await?;
    browser.wait_for_path("/login").await
}

/// The same, from wherever the browser is.
pub async fn log_out_of(browser: &Browser, product: &str) -> Result<()> {
    browser.go(format!("{product}/settings")).await?;
    log_out(browser).await
}

/// From the catalogue through the consent of the sandbox to the link form.
pub async fn connect(browser: &Browser, product: &str) -> Result<()> {
    browser.go(format!("{product}/integrations")).await?;
    browser.follow("Add to Patchbay: GitHub").await?;
    browser.press("Connect GitHub").await?;
    browser.press("Continue as ada-codes").await?;
    browser.press("Authorize Patchbay").await?;
    browser.wait_for_path("/integrations/github/link").await
}

/// Fills the link form, and waits until the webhook is made.
pub async fn link_widgets(browser: &Browser, product: &str) -> Result<()> {
    connect(browser, product).await?;
    browser.fill("Repository", "acme/widgets").await?;
    browser.press("Add to Patchbay").await?;
    browser.wait_for_path("/teams/").await?;
    browser.reload_until_text("Working", Duration::from_secs(10)).await?;
    Ok(())
}
