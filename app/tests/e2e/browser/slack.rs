//! The tour through Slack: both ways, a channel that is archived and comes back, somebody we do not know, and the end.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{SOON, no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

/// The workspace Acme and its channel #done in the sandbox.
const WORKSPACE: &str = "/slack/client/T0ACME0001";
pub(super) const DONE: &str = "/slack/client/T0ACME0001/C0ACMEDONE";

/// Posts into a channel are a second apart, and a link that comes back has them wait.
const A_FEW_POSTS: Duration = Duration::from_secs(10);

#[tokio::test]
async fn entries_and_messages_go_both_ways() -> Result<()> {
    from_the_first_command_to_the_last_link(Scripts::On).await
}

#[tokio::test]
async fn entries_and_messages_go_both_ways_without_scripts() -> Result<()> {
    from_the_first_command_to_the_last_link(Scripts::Off).await
}

async fn from_the_first_command_to_the_last_link(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    let walk = Walk { done: format!("{}{DONE}", demo.sandbox), scripts, browser, demo };

    tour::log_in(&walk.browser, &walk.demo.address, "ada@example.com").await?;
    let log = walk.browser.address().await?.to_string();
    walk.link_done().await?;
    let link = walk.browser.address().await?.to_string();

    walk.a_command_becomes_an_entry(&log).await?;
    walk.an_entry_becomes_a_message_and_the_message_follows_it(&log).await?;
    walk.an_archived_channel_breaks_the_link_and_one_click_mends_it(&log, &link).await?;
    walk.somebody_unknown_says_who_they_are(&log).await?;
    walk.the_workspace_is_not_another_organizations().await?;
    walk.the_last_link_takes_the_installation_along(&log).await?;

    no_complaints(&walk.browser, &walk.demo).await?;
    walk.browser.close().await?;
    walk.demo.stop().await
}

struct Walk {
    demo: Demo,
    browser: Browser,
    scripts: Scripts,
    /// The page of #done in the sandbox.
    done: String,
}

impl Walk {
    /// From the catalogue over Slack's consent to a link that works; ends on the link's own page.
    async fn link_done(&self) -> Result<()> {
        let browser = &self.browser;
        browser.go(self.demo.at("/integrations")).await?;
        browser.follow("Add to Patchbay: Slack").await?;
        self.pictures("slack-partner").await?;
        browser.press("Connect Slack").await?;
        browser.press("Continue as ada").await?;
        browser.press("Allow").await?;
        browser.wait_for_path("/integrations/slack/link").await?;
        self.pictures("slack-link-form").await?;
        browser.fill("Channel", "#done").await?;
        browser.press("Add to Patchbay").await?;
        browser.wait_for_path("/teams/").await?;
        browser.reload_until_text("Working", A_FEW_POSTS).await?;
        browser.follow("#done").await
    }

    async fn a_command_becomes_an_entry(&self, log: &str) -> Result<()> {
        let browser = &self.browser;
        self.type_into_done("/done shipped the search page").await?;
        browser.go(log).await?;
        let after = browser.reload_until_text("shipped the search page", SOON).await?;
        eprintln!("the entry stood in the log {after:?} after the command was answered");
        let entry = browser.entry("shipped the search page").await?.text().await?;
        ensure!(entry.contains("Ada Lovelace") && entry.contains("#done"), "the entry is not Ada's: {entry}");

        browser.go(&self.done).await?;
        browser.reload_until_text("Written to the log of Product", SOON).await?;
        // Who wrote it is answered; the channel is not told.
        ensure!(!browser.text().await?.contains("Open in the log"), "what came from Slack went back to its channel");
        Ok(())
    }

    async fn an_entry_becomes_a_message_and_the_message_follows_it(&self, log: &str) -> Result<()> {
        let browser = &self.browser;
        self.write(log, "[] Publish the numbers <!channel> & more").await?;
        browser.go(&self.done).await?;
        let after = browser.reload_until_text("Publish the numbers <!channel> & more", SOON).await?;
        eprintln!("the message stood in the channel {after:?} after the entry was written");
        ensure!(browser.text().await?.contains("Ada Lovelace · goal · Product"), "the message says not whose it is");

        browser.go(log).await?;
        browser.leave_by(browser.door_of("Publish the numbers", "Edit").await?).await?;
        browser.find("main textarea").await?.fill("Publish all the numbers").await?;
        browser.press("Save").await?;
        browser.go(&self.done).await?;
        browser.reload_until_text("Publish all the numbers", SOON).await?;

        browser.go(log).await?;
        browser.leave_by(browser.door_of("Publish all the numbers", "Mark as done").await?).await?;
        browser.go(&self.done).await?;
        browser.reload_until_text("Ada Lovelace · done · Product", SOON).await?;

        browser.go(log).await?;
        browser.leave_by(browser.door_of("Publish all the numbers", "Archive").await?).await?;
        browser.go(&self.done).await?;
        browser.reload_until_gone("Publish all the numbers", SOON).await.map(drop)
    }

    async fn an_archived_channel_breaks_the_link_and_one_click_mends_it(&self, log: &str, link: &str) -> Result<()> {
        let browser = &self.browser;
        browser.go(&self.done).await?;
        self.open("the channel itself").await?;
        browser.press("Archive channel").await?;
        browser.go(link).await?;
        browser.reload_until_text("#done was archived at Slack", SOON).await?;
        self.write(log, "Written while the channel was archived").await?;
        browser.go(link).await?;
        browser.reload_until_text("Held", SOON).await?;
        self.pictures("slack-link-broken").await?;
        browser.press("Try again").await?;
        browser.reload_until_text("#done was archived at Slack", SOON).await?;

        // Slack tells of it, but the sandbox keeps that to itself: the button alone has to do.
        self.deliveries("{\"effect\":\"drop\",\"times\":5}").await?;
        browser.go(&self.done).await?;
        browser.press("Unarchive channel").await?;
        browser.go(link).await?;
        browser.press("Try again").await?;
        browser.reload_until_text("Working", SOON).await?;
        browser.go(&self.done).await?;
        browser.reload_until_text("Written while the channel was archived", A_FEW_POSTS).await?;
        self.reset().await?;
        browser.go(link).await?;
        self.pictures("slack-link").await
    }

    async fn somebody_unknown_says_who_they_are(&self, log: &str) -> Result<()> {
        let browser = &self.browser;
        self.be("bob").await?;
        self.type_into_done("/done answered the auditors").await?;
        browser.go(&self.done).await?;
        browser.reload_until_text("Connect them", SOON).await?;
        let offer = browser.find("a[href*='/integrations/slack/authorize']").await?;
        let offer = offer.attribute("href").await?.unwrap_or_default();

        // In Ada's browser Bob logs in first, and comes back to the offer.
        tour::log_out_of(browser, &self.demo.address).await?;
        browser.go(&offer).await?;
        browser.fill("E-mail", "bob@example.com").await?;
        browser.fill("Password", "patchbay").await?;
        browser.press("Log in").await?;
        browser.wait_for_text("Is this you on Slack?").await?;
        self.pictures("slack-claim").await?;
        browser.press("That is me").await?;
        browser.wait_for_text("It says who you are there, and opens nothing.").await?;
        self.pictures("slack-settings").await?;
        browser.go(log).await?;
        let entry = browser.entry("answered the auditors").await?.text().await?;
        ensure!(entry.contains("Bob Kahn"), "the entry is not Bob's: {entry}");

        no_complaints(browser, &self.demo).await?;
        browser.go(&offer).await?;
        browser.wait_for_text("This link does not count").await?;
        // The browser's one complaint is that the page was answered 403, as it should be.
        let complaints = browser.complaints().await?;
        ensure!(complaints.iter().all(|complaint| complaint.contains("403")), "{complaints:?}");
        Ok(())
    }

    async fn the_workspace_is_not_another_organizations(&self) -> Result<()> {
        let browser = &self.browser;
        tour::log_out_of(browser, &self.demo.address).await?;
        tour::log_in(browser, &self.demo.address, "eve@example.com").await?;
        self.be("ada").await?;
        browser.go(self.demo.at("/integrations/slack")).await?;
        browser.press("Connect Slack").await?;
        browser.press("Allow").await?;
        browser.wait_for_text("Acme is connected to another organization here.").await.map(drop)
    }

    async fn the_last_link_takes_the_installation_along(&self, log: &str) -> Result<()> {
        let browser = &self.browser;
        tour::log_out_of(browser, &self.demo.address).await?;
        tour::log_in(browser, &self.demo.address, "ada@example.com").await?;
        browser.go(self.demo.at("/integrations/slack")).await?;
        self.pictures("slack-partner-installed").await?;
        browser.press("Disconnect Acme").await?;
        browser.wait_for_text("One link acts with this account").await?;

        browser.go(format!("{log}/settings")).await?;
        browser.press("Remove the link to #done").await?;
        browser.reload_until_text("Removed", SOON).await?;
        browser.reload_until_text("Acme", SOON).await?;
        self.pictures("slack-removed").await?;
        browser.go(format!("{}{WORKSPACE}/apps", self.demo.sandbox)).await?;
        browser.reload_until_text("No app is installed here", SOON).await?;
        self.write(log, "Nobody hears of this").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        browser.go(&self.done).await?;
        ensure!(!browser.text().await?.contains("Nobody hears of this"), "a removed link still posts");
        Ok(())
    }

    // ---- steps

    /// Writes into the log.
    async fn write(&self, log: &str, text: &str) -> Result<()> {
        self.browser.go(log).await?;
        self.browser.fill("What got done?", text).await?;
        self.browser.press("Add to the log").await
    }

    /// Says something in #done, as whoever this browser is at Slack.
    async fn type_into_done(&self, text: &str) -> Result<()> {
        self.browser.go(&self.done).await?;
        self.browser.fill("Message", text).await?;
        self.browser.press("Send").await
    }

    async fn be(&self, name: &str) -> Result<()> {
        self.browser.go(format!("{}/slack/login", self.demo.sandbox)).await?;
        self.browser.press(&format!("Continue as {name}")).await
    }

    /// Opens what is folded under this.
    async fn open(&self, summary: &str) -> Result<()> {
        self.browser.folded(summary).await?.click().await
    }

    async fn deliveries(&self, fault: &str) -> Result<()> {
        self.control("deliveries", fault).await
    }

    async fn reset(&self) -> Result<()> {
        self.control("reset", "{}").await
    }

    async fn control(&self, path: &str, body: &str) -> Result<()> {
        let call = reqwest::Client::new().post(format!("{}/slack/_sandbox/{path}", self.demo.sandbox));
        let call = call.header("content-type", "application/json").body(body.to_owned());
        call.send().await?.error_for_status()?;
        Ok(())
    }

    /// One set of pictures is enough.
    async fn pictures(&self, name: &str) -> Result<()> {
        if self.scripts == Scripts::Off {
            return Ok(());
        }
        pictures(&self.browser, name).await
    }
}
