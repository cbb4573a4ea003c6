//! The tour through Flowdock: from the flow's own "add", over threads and a button pressed by somebody we do not know, to
//! the removal of the source there.

use anyhow::{Result, ensure};

use super::{SOON, no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

/// The flow Product of Acme in the sandbox.
const FLOW: &str = "/flowdock/app/acme/product";

/// What is opened at GitHub, and becomes a thread.
const ISSUE: &str = "The chart is empty on Sundays";

#[tokio::test]
async fn threads_have_buttons_that_work() -> Result<()> {
    from_the_flows_add_to_the_flows_remove(Scripts::On).await
}

#[tokio::test]
async fn threads_have_buttons_that_work_without_scripts() -> Result<()> {
    from_the_flows_add_to_the_flows_remove(Scripts::Off).await
}

async fn from_the_flows_add_to_the_flows_remove(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    let walk = Walk { flow: format!("{}{FLOW}", demo.sandbox), scripts, browser, demo };

    let settings = walk.add_the_source_from_the_flow().await?;
    let log = settings.trim_end_matches("/settings").to_owned();
    walk.an_entry_is_a_thread_and_its_button_completes_it(&log).await?;
    tour::link_widgets(&walk.browser, &walk.demo.address).await?;
    let issue = walk.an_issue_is_a_thread().await?;
    walk.somebody_unknown_says_who_they_are_and_then_it_is_one_click(&issue).await?;
    walk.trouble_stands_in_the_flow_until_it_is_mended(&log).await?;
    walk.configure_changes_what_becomes_a_thread().await?;
    walk.removing_the_source_ends_the_link(&log).await?;

    no_complaints(&walk.browser, &walk.demo).await?;
    walk.browser.close().await?;
    walk.demo.stop().await
}

struct Walk {
    demo: Demo,
    browser: Browser,
    scripts: Scripts,
    /// The page of the flow in the sandbox.
    flow: String,
}

impl Walk {
    /// Ends on the team's settings.
    async fn add_the_source_from_the_flow(&self) -> Result<String> {
        let browser = &self.browser;
        self.be("ada").await?;
        browser.go(format!("{}/inbox-settings", self.flow)).await?;
        browser.follow("Add Patchbay").await?;
        // Signed out, and back to where the flow led.
        browser.fill("E-mail", "ada@example.com").await?;
        browser.fill("Password", "patchbay").await?;
        browser.press("Log in").await?;
        browser.wait_for_path("/integrations/flowdock/setup").await?;
        self.pictures("flowdock-setup").await?;
        browser.press("Go on to Flowdock").await?;
        browser.press("Authorize").await?;
        browser.wait_for_path("/integrations/flowdock/link").await?;
        browser.wait_for_text("Product (Acme)").await?;
        self.pictures("flowdock-link-form").await?;
        browser.press("Add to Patchbay").await?;
        browser.wait_for_path("/teams/").await?;
        browser.reload_until_text("Working", SOON).await?;
        let settings = browser.address().await?.to_string();

        browser.go(format!("{}/inbox-settings", self.flow)).await?;
        browser.wait_for_text("added by Ada Codes").await?;
        Ok(settings)
    }

    async fn an_entry_is_a_thread_and_its_button_completes_it(&self, log: &str) -> Result<()> {
        let browser = &self.browser;
        self.write(log, "[] Publish the numbers <script> & more").await?;
        self.open_thread("Publish the numbers <script> & more").await?;
        browser.press("Mark as done").await?;
        browser.wait_for_text("Mark as done: done.").await?;
        browser.reload_until_text("done", SOON).await?;
        browser.go(log).await?;
        let entry = browser.entry("Publish the numbers").await?.text().await?;
        ensure!(entry.to_lowercase().contains("done"), "the goal is still one: {entry}");
        Ok(())
    }

    /// Gives the address of the thread.
    async fn an_issue_is_a_thread(&self) -> Result<String> {
        let browser = &self.browser;
        self.open_issue(ISSUE).await?;
        let after = self.open_thread(ISSUE).await?;
        eprintln!("the thread stood in the flow {after:?} after the issue was opened");
        self.pictures("flowdock-thread").await?;
        let text = browser.text().await?;
        ensure!(text.contains("Assign to me") && text.contains("Close"), "the thread lacks its buttons: {text}");
        Ok(browser.address().await?.to_string())
    }

    async fn somebody_unknown_says_who_they_are_and_then_it_is_one_click(&self, thread: &str) -> Result<()> {
        let browser = &self.browser;
        self.be("bob").await?;
        browser.go(format!("{}/github/login", self.demo.sandbox)).await?;
        browser.press("Continue as bob-builds").await?;
        browser.go(thread).await?;
        browser.press("Assign to me").await?;
        let challenge = browser.find("#challenge").await?.attribute("href").await?.unwrap_or_default();
        ensure!(challenge.starts_with(&self.demo.address), "the challenge leads elsewhere: {challenge}");

        // In Ada's browser Bob logs in first, and comes back to what he was asked.
        tour::log_out_of(browser, &self.demo.address).await?;
        browser.go(&challenge).await?;
        browser.fill("E-mail", "bob@example.com").await?;
        browser.fill("Password", "patchbay").await?;
        browser.press("Log in").await?;
        browser.wait_for_text("Is this you on Flowdock?").await?;
        self.pictures("flowdock-claim").await?;
        browser.press("Confirm at Flowdock").await?;
        browser.press("Authorize").await?;
        browser.wait_for_text("One account is missing").await?;
        self.pictures("flowdock-claim-github").await?;
        browser.press("Connect GitHub").await?;
        browser.press("Authorize Patchbay").await?;
        browser.wait_for_text("Flowdock").await?;
        self.pictures("flowdock-claim-done").await?;

        browser.go(thread).await?;
        browser.press("Assign to me").await?;
        browser.wait_for_text("Assign to me: done.").await?;
        browser.reload_until_text("bob-builds", SOON).await?;
        browser.press("Close").await?;
        browser.wait_for_text("Close: done.").await?;
        browser.reload_until_text("closed", SOON).await?;
        ensure!(browser.text().await?.contains("Reopen"), "a closed issue can't be reopened");
        self.pictures("flowdock-thread-closed").await?;
        browser.leave_by(browser.find("a[href*='/github/acme/widgets/issues/']").await?).await?;
        let issue = browser.text().await?;
        ensure!(
            issue.contains("bob-builds") && issue.contains("closed: completed"),
            "GitHub heard nothing of it: {issue}"
        );
        Ok(())
    }

    async fn trouble_stands_in_the_flow_until_it_is_mended(&self, log: &str) -> Result<()> {
        let browser = &self.browser;
        tour::log_out_of(browser, &self.demo.address).await?;
        tour::log_in(browser, &self.demo.address, "ada@example.com").await?;
        browser.go(format!("{}/github/login", self.demo.sandbox)).await?;
        browser.press("Continue as ada-codes").await?;
        browser.go(format!("{}/github/settings/applications", self.demo.sandbox)).await?;
        browser.press("Revoke").await?;
        browser.go(format!("{log}/settings")).await?;
        browser.follow("acme/widgets").await?;
        browser.press("Check now").await?;
        browser.reload_until_text("Connect GitHub again", SOON).await?;
        let link = browser.address().await?.to_string();
        let inbox_settings = format!("{}/inbox-settings", self.flow);
        browser.go(&inbox_settings).await?;
        browser.reload_until_text("acme/widgets", SOON).await?;
        self.pictures("flowdock-trouble").await?;

        browser.go(&link).await?;
        browser.press("Connect GitHub again").await?;
        browser.press("Authorize Patchbay").await?;
        browser.go(&inbox_settings).await?;
        browser.reload_until_gone("acme/widgets", SOON).await.map(drop)
    }

    async fn configure_changes_what_becomes_a_thread(&self) -> Result<()> {
        let browser = &self.browser;
        self.be("ada").await?;
        browser.go(format!("{}/inbox-settings", self.flow)).await?;
        browser.follow("Configure").await?;
        browser.wait_for_path("/integrations/flowdock/link/").await?;
        self.pictures("flowdock-link").await?;
        browser.field("Issues of the team").await?.click().await?;
        browser.press("Save").await?;
        browser.reload_until_text("Working", SOON).await?;
        self.open_issue("Nobody asked for this one").await?;
        self.open_issue("Nor for this").await?;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        browser.go(&self.flow).await?;
        ensure!(!browser.text().await?.contains("Nobody asked for this one"), "what was switched off is still told");
        Ok(())
    }

    async fn removing_the_source_ends_the_link(&self, log: &str) -> Result<()> {
        let browser = &self.browser;
        browser.go(format!("{}/inbox-settings", self.flow)).await?;
        browser.press("Remove").await?;
        self.write(log, "Written after the source was removed").await?;
        browser.go(format!("{log}/settings")).await?;
        browser.reload_until_text("Removed", SOON).await?;
        self.pictures("flowdock-removed").await?;
        browser.go(&self.flow).await?;
        ensure!(!browser.text().await?.contains("Written after"), "a removed source still gets messages");
        browser.go(format!("{}/inbox-settings", self.flow)).await?;
        ensure!(!browser.text().await?.contains("added by"), "the source is back");
        Ok(())
    }

    // ---- steps

    async fn write(&self, log: &str, text: &str) -> Result<()> {
        self.browser.go(log).await?;
        self.browser.fill("What got done?", text).await?;
        self.browser.press("Add to the log").await
    }

    async fn open_issue(&self, title: &str) -> Result<()> {
        self.browser.go(format!("{}/github/acme/widgets", self.demo.sandbox)).await?;
        self.browser.fill("Title", title).await?;
        self.browser.press("Open issue").await
    }

    /// Waits for a thread in the flow's inbox and opens it.
    async fn open_thread(&self, title: &str) -> Result<std::time::Duration> {
        self.browser.go(&self.flow).await?;
        let after = self.browser.reload_until_text(title, SOON).await?;
        self.browser.follow(title).await?;
        Ok(after)
    }

    async fn be(&self, nick: &str) -> Result<()> {
        self.browser.go(format!("{}/flowdock/login", self.demo.sandbox)).await?;
        self.browser.press(&format!("Continue as {nick}")).await
    }

    /// One set of pictures is enough.
    async fn pictures(&self, name: &str) -> Result<()> {
        if self.scripts == Scripts::Off {
            return Ok(());
        }
        pictures(&self.browser, name).await
    }
}
