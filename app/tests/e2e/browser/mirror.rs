//! The tour through a mirror: from the catalogue over the way to one, both ways between two partners, to its removal.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::{FOREIGN, SOON, no_complaints, pictures, tour};
use crate::{
    product::Demo,
    webdriver::{Browser, Scripts},
};

/// The help desk in the sandbox.
const DESK: &str = "/zendesk/acme";

/// The webhook of another product that the help desk opens with.
const FOREIGN_AT_DESK: &str = "https://other-product.example/hook";

/// What is opened.
const ISSUE: &str = "Labels fall off in the rain";

/// Both links are set up by then.
const SET_UP: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_issue_and_a_ticket_stay_in_step() -> Result<()> {
    from_the_offer_to_the_last_webhook(Scripts::On).await
}

#[tokio::test]
async fn an_issue_and_a_ticket_stay_in_step_without_scripts() -> Result<()> {
    from_the_offer_to_the_last_webhook(Scripts::Off).await
}

async fn from_the_offer_to_the_last_webhook(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    let walk = Walk {
        widgets: format!("{}/github/acme/widgets", demo.sandbox),
        desk: format!("{}{DESK}", demo.sandbox),
        browser,
        demo,
        scripts,
    };

    tour::log_in(&walk.browser, &walk.demo.address, "ada@example.com").await?;
    walk.the_catalogue_offers_it().await?;
    walk.both_accounts_are_connected_on_the_way().await?;
    let mirror = walk.a_repository_and_a_look_ahead().await?;
    let issue = walk.an_issue_becomes_a_ticket().await?;
    walk.what_is_said_is_said_on_both_sides(&issue).await?;
    walk.closing_solves(&issue).await?;
    walk.its_page_tells_what_was_carried_over(&mirror).await?;
    walk.removing_it_takes_our_webhooks_and_no_others(&mirror).await?;

    no_complaints(&walk.browser, &walk.demo).await?;
    walk.browser.close().await?;
    walk.demo.stop().await
}

struct Walk {
    demo: Demo,
    browser: Browser,
    scripts: Scripts,
    /// The repository's page in the sandbox.
    widgets: String,
    /// The help desk's.
    desk: String,
}

impl Walk {
    async fn the_catalogue_offers_it(&self) -> Result<()> {
        let browser = &self.browser;
        browser.go(self.demo.at("/integrations")).await?;
        self.pictures("mirror-catalogue").await?;
        browser.follow("GitHub ↔ Zendesk").await?;
        browser.wait_for_text("Internal notes never leave Zendesk").await?;
        self.pictures("mirror-offer").await?;
        browser.follow("Set it up").await
    }

    async fn both_accounts_are_connected_on_the_way(&self) -> Result<()> {
        let browser = &self.browser;
        browser.wait_for_path("/mirrors/new").await?;
        self.pictures("mirror-connect").await?;
        browser.press("Connect GitHub").await?;
        browser.press("Continue as ada-codes").await?;
        browser.press("Authorize Patchbay").await?;
        browser.wait_for_path("/mirrors/new").await?;

        // What is no address is said beside its field, and what is connected stays connected.
        browser.fill("Your Zendesk address", "acme.example").await?;
        browser.press("Connect Zendesk").await?;
        browser.wait_for_text("Type what stands before .zendesk.com").await?;
        self.only_refusals().await?;
        self.be("Ada Lovelace").await?;
        browser.go(self.demo.at("/mirrors/new")).await?;
        browser.fill("Your Zendesk address", "acme").await?;
        browser.press("Connect Zendesk").await?;
        browser.press("Allow").await?;
        browser.wait_for_path("/mirrors/new").await
    }

    /// Ends on the mirror's page, and answers with its address.
    async fn a_repository_and_a_look_ahead(&self) -> Result<String> {
        let browser = &self.browser;
        browser.wait_for_text("Choose what is joined").await?;
        self.pictures("mirror-place").await?;
        browser.fill("Repository", "acme/nowhere").await?;
        browser.press("Go on").await?;
        browser.wait_for_text("Check the spelling").await?;
        self.only_refusals().await?;
        browser.fill("Repository", "acme/widgets").await?;
        browser.press("Go on").await?;
        browser.wait_for_text("What gets a copy").await?;
        self.pictures("mirror-how").await?;
        browser.press("Go on").await?;
        browser.wait_for_text("what would become of the last ones").await?;
        self.pictures("mirror-look").await?;
        browser.press("Save the mirror").await?;
        browser.wait_for_text("acme/widgets ↔ acme.zendesk.com").await?;
        browser.reload_until_text("Working since", SET_UP).await?;
        self.pictures("mirror-new").await?;
        let mirror = browser.address().await?;
        ensure!(mirror.path().starts_with("/mirrors/"), "this is no mirror's page: {mirror}");
        Ok(mirror.to_string())
    }

    /// Answers with the issue's address; ends on the ticket's page.
    async fn an_issue_becomes_a_ticket(&self) -> Result<String> {
        let browser = &self.browser;
        browser.go(&self.widgets).await?;
        browser.fill("Title", ISSUE).await?;
        browser.press("Open issue").await?;
        browser.go(&self.widgets).await?;
        let door = browser.door_of(ISSUE, ISSUE).await?;
        let issue = door.attribute("href").await?.unwrap_or_default();
        let issue = browser.address().await?.join(&issue)?.to_string();

        self.be("Bob Kahn").await?;
        self.open_ticket().await?;
        let ticket = browser.text().await?;
        ensure!(ticket.contains("wrote in"), "the ticket does not say who wrote what: {ticket}");
        Ok(issue)
    }

    async fn what_is_said_is_said_on_both_sides(&self, issue: &str) -> Result<()> {
        let browser = &self.browser;
        self.reply("We are looking into it.", "public").await?;
        self.reply("The customer is difficult.", "internal").await?;
        browser.go(issue).await?;
        browser.reload_until_text("We are looking into it.", SOON).await?;
        let said = browser.text().await?;
        ensure!(!said.contains("difficult"), "an internal note left the help desk: {said}");
        browser.fill("Comment", "[Comment Created in GitHub] Only outdoors.").await?;
        browser.press("Comment").await?;
        self.open_ticket().await?;
        browser.reload_until_text("Only outdoors.", SOON).await?;
        let said = browser.text().await?;
        let times = said.matches("We are looking into it.").count();
        ensure!(times == 1, "the reply stands on its own ticket {times} times: {said}");
        Ok(())
    }

    async fn closing_solves(&self, issue: &str) -> Result<()> {
        let browser = &self.browser;
        browser.go(issue).await?;
        browser.press("Close issue").await?;
        self.open_ticket().await?;
        let start = Instant::now();
        loop {
            let state = browser.find("span.state").await?.text().await?;
            if state.eq_ignore_ascii_case("solved") {
                return Ok(());
            }
            ensure!(start.elapsed() < SOON, "the ticket is {state}, and its issue is closed");
            sleep(Duration::from_millis(100)).await;
            let here = browser.address().await?;
            browser.go(here).await?;
        }
    }

    async fn its_page_tells_what_was_carried_over(&self, mirror: &str) -> Result<()> {
        let browser = &self.browser;
        browser.go(mirror).await?;
        browser.reload_until_text("1 pair is joined.", SOON).await?;
        let text = browser.text().await?;
        ensure!(text.contains("Carried over"), "nothing was carried over: {text}");
        self.pictures("mirror").await?;
        browser.press("Pause").await?;
        browser.wait_for_text("Paused since").await?;
        browser.press("Resume").await?;
        browser.wait_for_text("Working since").await.map(drop)
    }

    async fn removing_it_takes_our_webhooks_and_no_others(&self, mirror: &str) -> Result<()> {
        let browser = &self.browser;
        let hooks = async |page: String| {
            browser.go(page).await?;
            browser.text().await
        };
        let at_repository = format!("{}/settings/hooks", self.widgets);
        let at_desk = format!("{}/admin", self.desk);
        self.be("Ada Lovelace").await?;
        let (before, desk_before) = (hooks(at_repository.clone()).await?, hooks(at_desk.clone()).await?);
        ensure!(before.contains(&self.demo.address) && before.contains(FOREIGN), "{before}");
        ensure!(desk_before.contains(&self.demo.address) && desk_before.contains(FOREIGN_AT_DESK), "{desk_before}");

        browser.go(mirror).await?;
        browser.follow("Team settings").await?;
        self.pictures("mirror-settings").await?;
        browser.press("Remove the mirror acme/widgets ↔ acme.zendesk.com").await?;
        browser.reload_until_text("Removed the webhook", SET_UP).await?;
        browser.reload_until_gone("Being removed", SET_UP).await?;
        self.pictures("mirror-removed").await?;
        browser.go(mirror).await?;
        browser.wait_for_text("Removed since").await?;

        let (after, desk_after) = (hooks(at_repository).await?, hooks(at_desk).await?);
        ensure!(after.contains(FOREIGN), "another product's webhook was removed with ours: {after}");
        ensure!(!after.contains(&self.demo.address), "our webhook is still there: {after}");
        ensure!(desk_after.contains(FOREIGN_AT_DESK), "another product's webhook was removed with ours: {desk_after}");
        ensure!(!desk_after.contains("/integrations/zendesk/hook"), "our webhook is still there: {desk_after}");
        Ok(())
    }

    // ---- steps

    /// Whoever the browser is at the help desk.
    async fn be(&self, name: &str) -> Result<()> {
        self.browser.go(format!("{}/zendesk", self.demo.sandbox)).await?;
        self.browser.press(&format!("Be {name}")).await
    }

    /// Opens the ticket of the issue, as soon as it is there.
    async fn open_ticket(&self) -> Result<()> {
        self.browser.go(format!("{}/agent", self.desk)).await?;
        self.browser.reload_until_text(ISSUE, SOON).await?;
        self.browser.leave_by(self.browser.door_of(ISSUE, "#").await?).await
    }

    /// Answers on the ticket's page.
    async fn reply(&self, text: &str, visibility: &str) -> Result<()> {
        self.browser.fill("Reply", text).await?;
        let how = format!("select[name=visibility] option[value={visibility}]");
        self.browser.find(&how).await?.click().await?;
        self.browser.press("Submit").await
    }

    /// The browser notes that what was typed wrong came back as such, and has nothing else to say.
    async fn only_refusals(&self) -> Result<()> {
        let mut complaints = self.browser.complaints().await?;
        complaints.retain(|complaint| !complaint.starts_with(&self.demo.sandbox) && !complaint.contains("422"));
        ensure!(complaints.is_empty(), "the browser complains:\n{}", complaints.join("\n"));
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
