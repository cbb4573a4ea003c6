//! Headless Chromium over the WebDriver protocol: the few calls the tours need, through the HTTP client the product has
//! anyway. <https://www.w3.org/TR/webdriver2/>
//!
//! A browser speaks as a person would: by the text of links and buttons and the labels of fields.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

/// How long a page may take to show what a tour waits for.
const PATIENCE: Duration = Duration::from_secs(8);

/// The key under which WebDriver wraps an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Whether the browser runs scripts. No page may need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    On,
    Off,
}

/// Which rules a page is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    All,
    /// Those that compare colours.
    Colours,
}

impl Rules {
    /// As axe names them; all, where nothing is named.
    fn only(self) -> &'static [&'static str] {
        match self {
            Self::All => &[],
            Self::Colours => &["color-contrast", "link-in-text-block"],
        }
    }
}

/// The colours a person's system asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    /// As in CSS.
    pub fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// One browser with one window and no memory of earlier ones.
pub struct Browser {
    http: reqwest::Client,
    /// `http://127.0.0.1:port/session/id`
    session: String,
    /// Ends with the browser, and the browser with it.
    driver: Child,
    /// Where the browser keeps its profile and the like; a killed one takes nothing away itself.
    _folder: tempfile::TempDir,
}

/// Something on the page.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    pub async fn open(scripts: Scripts) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own, so that what the driver started can be ended with it.
            .process_group(0)
            .spawn()
            .context("chromedriver can't be started: scripts/test installs it")?;
        let port = announced_port(&mut driver)?;
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
        let mut browser = Self { http, session: format!("http://127.0.0.1:{port}"), driver, _folder: folder };
        let made = browser.post("/session", capabilities(scripts)).await.context("Chromium can't be started")?;
        let id = made["sessionId"].as_str().context("a session without an id")?;
        browser.session = format!("http://127.0.0.1:{port}/session/{id}");
        // How long it looks for an element before it says that there is none.
        browser.post("/timeouts", json!({ "implicit": PATIENCE.as_millis() })).await?;
        Ok(browser)
    }

    pub async fn go(&self, address: impl AsRef<str>) -> Result<()> {
        self.post("/url", json!({ "url": address.as_ref() })).await.map(drop)
    }

    /// Where the browser is.
    pub async fn address(&self) -> Result<Url> {
        let address = self.get("/url").await?;
        Ok(address.as_str().context("no address")?.parse()?)
    }

    /// What a person reads on the page.
    pub async fn text(&self) -> Result<String> {
        self.one("css selector", "body").await?.text().await
    }

    pub async fn find(&self, css: &str) -> Result<Element<'_>> {
        self.one("css selector", css).await
    }

    /// How many elements match.
    pub async fn count(&self, css: &str) -> Result<usize> {
        let found = self.post("/elements", json!({ "using": "css selector", "value": css })).await?;
        Ok(found.as_array().map_or(0, Vec::len))
    }

    /// Follows the link with this text.
    pub async fn follow(&self, text: &str) -> Result<()> {
        self.leave_by(self.one("xpath", &format!("//a[{}]", reads(text))).await?).await
    }

    /// Presses the button with this text; what asks once more is unfolded first.
    pub async fn press(&self, text: &str) -> Result<()> {
        let button = format!("//button[{}]", reads(text));
        let folded = "ancestor::details[@class = 'confirm' and not(@open)]";
        // One question for both: the driver waits long for what is not there.
        let found = self.one("xpath", &format!("{button}/{folded}/summary | {button}[not({folded})]")).await?;
        if self.get(&format!("/element/{}/name", found.id)).await? != "summary" {
            return self.leave_by(found).await;
        }
        found.click().await?;
        self.leave_by(self.one("xpath", &button).await?).await
    }

    /// Clicks what leads to another page, and waits for that page. The driver itself waits only for a page that has
    /// begun to load, and would find the old page's elements until then.
    pub async fn leave_by(&self, door: Element<'_>) -> Result<()> {
        let page = self.one("css selector", "html").await?;
        door.click().await?;
        let start = Instant::now();
        while self.get(&format!("/element/{}/name", page.id)).await.is_ok() {
            ensure!(start.elapsed() < PATIENCE, "the click led nowhere; {}", self.story().await);
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// The item of a list that reads `text`, among other things.
    pub async fn entry(&self, text: &str) -> Result<Element<'_>> {
        self.one("xpath", &format!("//li[contains(normalize-space(.), {})]", quoted(text))).await
    }

    /// The link or button that stands in the item of a list that reads `item`, by how its own text begins or by its title.
    pub async fn door_of(&self, item: &str, text: &str) -> Result<Element<'_>> {
        let item = format!("//li[contains(normalize-space(.), {})]", quoted(item));
        let text = quoted(text);
        let is_it = format!("starts-with(normalize-space(.), {text}) or @title = {text}");
        self.one("xpath", &format!("{item}//*[self::a or self::button][{is_it}]")).await
    }

    /// The head of what is folded up, by part of its text.
    pub async fn folded(&self, text: &str) -> Result<Element<'_>> {
        self.one("xpath", &format!("//summary[contains(normalize-space(.), {})]", quoted(text))).await
    }

    /// Types into the field with this label, over what stood there.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        self.field(label).await?.fill(text).await
    }

    /// The field with this label: the label names it, or is around it.
    pub async fn field(&self, label: &str) -> Result<Element<'_>> {
        let label = format!("//label[contains(normalize-space(.), {})]", quoted(label));
        let around = ["input", "select", "textarea"].map(|kind| format!("{label}//{kind}")).join(" | ");
        self.one("xpath", &format!("//*[@id = {label}/@for] | {around}")).await
    }

    /// Waits until the page reads `text`, and says how long that took.
    pub async fn wait_for_text(&self, text: &str) -> Result<Duration> {
        let start = Instant::now();
        while !self.text().await?.contains(text) {
            if start.elapsed() > PATIENCE {
                bail!("the page never read {text:?}; {}", self.story().await);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(start.elapsed())
    }

    /// Waits until there are so many of these.
    pub async fn wait_for_count(&self, css: &str, count: usize) -> Result<()> {
        let began = Instant::now();
        while self.count(css).await? != count {
            ensure!(began.elapsed() < PATIENCE, "there never were {count} of {css}; {}", self.story().await);
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until the browser is at a path that starts so.
    pub async fn wait_for_path(&self, start: &str) -> Result<()> {
        let began = Instant::now();
        while !self.address().await?.path().starts_with(start) {
            ensure!(began.elapsed() < PATIENCE, "never came to {start}; {}", self.story().await);
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Loads the page again and again until it reads `text`, and says how long that took.
    pub async fn reload_until_text(&self, text: &str, patience: Duration) -> Result<Duration> {
        self.reload_until(text, true, patience).await
    }

    /// The same until it no longer reads `text`.
    pub async fn reload_until_gone(&self, text: &str, patience: Duration) -> Result<Duration> {
        self.reload_until(text, false, patience).await
    }

    async fn reload_until(&self, text: &str, there: bool, patience: Duration) -> Result<Duration> {
        let start = Instant::now();
        loop {
            self.post("/refresh", json!({})).await?;
            if self.text().await?.contains(text) == there {
                return Ok(start.elapsed());
            }
            let expected = if there { "read" } else { "stopped reading" };
            ensure!(start.elapsed() < patience, "the page never {expected} {text:?}; {}", self.story().await);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the browser complained about since the last look: script errors, refused resources, CSP reports.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let log = self.post("/se/log", json!({ "type": "browser" })).await?;
        let lines = log.as_array().into_iter().flatten();
        let grave = lines.filter(|line| matches!(line["level"].as_str(), Some("WARNING" | "SEVERE")));
        Ok(grave.filter_map(|line| line["message"].as_str().map(str::to_owned)).collect())
    }

    /// What scrolls and should not: the page sideways, which is broken on a phone, or a part of it up and down, other
    /// than a text box and a list to choose from.
    pub async fn stray_scrolling(&self) -> Result<Vec<String>> {
        const SCRIPT: &str = r#"
            const page = document.documentElement;
            const stray = [...document.querySelectorAll("body *:not(textarea, [role=listbox])")].filter(part =>
                part.scrollHeight > part.clientHeight && ["auto", "scroll"].includes(getComputedStyle(part).overflowY));
            return stray.map(part => `<${part.localName} class="${part.className}"> up and down`)
                .concat(page.scrollWidth > page.clientWidth ? ["the page sideways"] : []);
        "#;
        let stray = self.post("/execute/sync", json!({ "script": SCRIPT, "args": [] })).await?;
        Ok(serde_json::from_value(stray)?)
    }

    /// Chromium's own way: a window that was resized would not get as narrow as a phone.
    pub async fn look_through_a_window_of(&self, width: u32, height: u32) -> Result<()> {
        self.look_through_a_screen_of(width, height, 1.0).await
    }

    /// The same on a screen with so many of its points to each of the page.
    pub async fn look_through_a_screen_of(&self, width: u32, height: u32, points: f32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": points, "mobile": false });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.post("/goog/cdp/execute", command).await.map(drop)
    }

    /// Shows pages in these colours from now on, and nothing that moves: what is half-way there would be judged as it is.
    pub async fn prefer(&self, scheme: Scheme) -> Result<()> {
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme.word() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": features });
        self.post("/goog/cdp/execute", command).await.map(drop)
    }

    /// What on the page keeps people out who do not see, see colours or use a mouse as others do, by the rules of axe-core:
    /// <https://dequeuniversity.com/rules/axe/>. `scripts/test` installs it.
    pub async fn barriers(&self, rules: Rules) -> Result<Vec<String>> {
        const SHOWN: &str = r#"
            const [only, done] = arguments;
            if (!window.axe) return done(null);
            const options = { resultTypes: ["violations"], preload: false, ...(only.length && { runOnly: only }) };
            axe.run(options).then(({ violations }) => done(violations.flatMap(rule => rule.nodes.map(
                node => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`))), error => done([`${error}`]));
        "#;
        let run = json!({ "script": SHOWN, "args": [rules.only()] });
        let mut found = self.post("/execute/async", run.clone()).await?;
        if found.is_null() {
            // It is half a megabyte, so a page takes it once.
            let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/axe/node_modules/axe-core/axe.min.js");
            let axe =
                tokio::fs::read_to_string(&axe).await.context("axe-core is not there: scripts/test installs it")?;
            self.post("/execute/sync", json!({ "script": axe, "args": [] })).await?;
            found = self.post("/execute/async", run).await?;
        }
        Ok(serde_json::from_value(found)?)
    }

    /// Saves what the window shows.
    pub async fn screenshot(&self, file: &Path) -> Result<()> {
        let picture = self.get("/screenshot").await?;
        let picture = STANDARD.decode(picture.as_str().context("no picture")?)?;
        tokio::fs::create_dir_all(file.parent().context("a picture needs a folder")?).await?;
        Ok(tokio::fs::write(file, picture).await?)
    }

    /// Leaves out of the page what is another each time it is looked at: the hour, and where the keyboard is.
    pub async fn hold_still(&self) -> Result<()> {
        const SCRIPT: &str = r#"
            document.activeElement?.blur();
            window.scrollTo(0, 0);
            document.documentElement.style.scrollbarWidth = "none";
            document.querySelectorAll("time").forEach(time => {
                time.textContent = time.textContent.replace(/\b\d?\d:\d\d(:\d\d)?/g, "10:24");
            });
        "#;
        self.post("/execute/sync", json!({ "script": SCRIPT, "args": [] })).await.map(drop)
    }

    /// Saves what the window shows in few bytes, sharp on fine screens too; says how many.
    pub async fn small_screenshot(&self, file: &Path) -> Result<usize> {
        let how = json!({ "format": "webp", "quality": 80 });
        let picture = self.post("/goog/cdp/execute", json!({ "cmd": "Page.captureScreenshot", "params": how })).await?;
        let picture = STANDARD.decode(picture["data"].as_str().context("no picture")?)?;
        tokio::fs::create_dir_all(file.parent().context("a picture needs a folder")?).await?;
        tokio::fs::write(file, &picture).await?;
        Ok(picture.len())
    }

    /// Ends it well. Whatever is left goes when it is dropped.
    pub async fn close(self) -> Result<()> {
        self.answer(self.http.delete(&self.session)).await.map(drop)
    }

    async fn one(&self, using: &str, value: &str) -> Result<Element<'_>> {
        let found = self.post("/element", json!({ "using": using, "value": value })).await;
        match found {
            Ok(found) => {
                let id = found[ELEMENT].as_str().context("no element")?.to_owned();
                Ok(Element { browser: self, id })
            }
            Err(error) => bail!("{error:#}; {}", self.story().await),
        }
    }

    /// For a failing tour: where the browser stood, and what it showed.
    async fn story(&self) -> String {
        let address = self.get("/url").await.unwrap_or_default();
        let source = self.post("/element", json!({ "using": "css selector", "value": "body" })).await;
        let text = match source {
            Ok(body) => self.get(&format!("/element/{}/text", body[ELEMENT].as_str().unwrap_or_default())).await,
            Err(error) => Err(error),
        };
        format!("the browser is at {address} and shows:\n{}", text.unwrap_or_default().as_str().unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.answer(self.http.get(format!("{}{path}", self.session))).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.answer(self.http.post(format!("{}{path}", self.session)).json(&body)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let mut answer: Value = request.send().await?.json().await?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            Some(error) => {
                bail!("{error}: {}", value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default())
            }
            None => Ok(value),
        }
    }
}

impl Element<'_> {
    pub async fn click(&self) -> Result<()> {
        self.post("click", json!({})).await
    }

    pub async fn fill(&self, text: &str) -> Result<()> {
        self.post("clear", json!({})).await?;
        self.post("value", json!({ "text": text })).await
    }

    /// Presses keys in it, after what stands there.
    pub async fn keys(&self, keys: &str) -> Result<()> {
        self.post("value", json!({ "text": keys })).await
    }

    pub async fn text(&self) -> Result<String> {
        let text = self.browser.get(&format!("/element/{}/text", self.id)).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// An attribute as it stands in the page.
    /// What it holds now, whatever it began with.
    pub async fn value(&self) -> Result<String> {
        let value = self.browser.get(&format!("/element/{}/property/value", self.id)).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    pub async fn attribute(&self, name: &str) -> Result<Option<String>> {
        let value = self.browser.get(&format!("/element/{}/attribute/{name}", self.id)).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    async fn post(&self, what: &str, body: Value) -> Result<()> {
        self.browser.post(&format!("/element/{}/{what}", self.id), body).await.map(drop)
    }
}

impl Drop for Browser {
    /// A tour that failed leaves no browser behind: ends the driver's whole process group.
    fn drop(&mut self) {
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.driver.wait();
    }
}

/// Reads "… was started successfully on port N." from the driver's output.
fn announced_port(driver: &mut Child) -> Result<u16> {
    let output = driver.stdout.take().context("the driver has no output")?;
    for line in BufReader::new(output).lines() {
        if let Some((_, port)) = line?.split_once("successfully on port ") {
            return Ok(port.trim_end_matches('.').parse()?);
        }
    }
    bail!("the driver ended without naming its port")
}

fn capabilities(scripts: Scripts) -> Value {
    let javascript = match scripts {
        Scripts::On => 1,
        Scripts::Off => 2,
    };
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "args": [
                "--headless=new",
                // The pages are our own, and Chromium's sandbox does not start as root.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                // Nothing but the pages under test is to be reached.
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1440,900",
            ],
            "prefs": { "profile.managed_default_content_settings.javascript": javascript },
        },
    } } })
}

/// The condition that an element's visible text is `text`.
fn reads(text: &str) -> String {
    format!("normalize-space(.) = {}", quoted(text))
}

/// A text in XPath, which has no escapes.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}
