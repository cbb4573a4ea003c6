//! The driver itself, on a page without a server: what the tours rely on holds with and without scripts.

use anyhow::Result;

use crate::webdriver::{Browser, Scripts};

const PAGE: &str = "data:text/html,<form method=get><label for=n>Your name</label><input id=n name=n>\
    <label>Colour <select name=c><option>red</option><option>blue</option></select></label>\
    <button>Go on</button></form><p id=s>off</p><script>s.textContent='on'</script>";

#[tokio::test]
async fn the_driver_works_with_scripts() -> Result<()> {
    reads_and_fills_a_page(Scripts::On).await
}

#[tokio::test]
async fn the_driver_works_without_scripts() -> Result<()> {
    reads_and_fills_a_page(Scripts::Off).await
}

async fn reads_and_fills_a_page(scripts: Scripts) -> Result<()> {
    let browser = Browser::open(scripts).await?;
    browser.go(PAGE).await?;

    browser.fill("Your name", "Ada").await?;
    let name = browser.field("Your name").await?;

    assert_eq!(name.attribute("name").await?.as_deref(), Some("n"));
    assert_eq!(browser.find("#s").await?.text().await?, if scripts == Scripts::On { "on" } else { "off" });
    assert!(browser.field("Colour").await.is_ok());
    assert!(browser.press("Go back").await.is_err());
    assert!(browser.press("Go on").await.is_ok());
    browser.close().await
}
