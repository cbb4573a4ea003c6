//! Tours in the browser. Each starts a demo of its own.

use anyhow::Result;

use crate::webdriver::{Browser, Scripts};

/// The driver itself, on a page without a server: what the tours rely on holds with and without scripts.
async fn the_driver_reads_and_fills_a_page(scripts: Scripts) -> Result<()> {
    let browser = Browser::open(scripts).await?;
    let page = "data:text/html,<form method=get><label for=n>Your name</label><input id=n name=n>\
                <label>Colour <select name=c><option>red</option><option>blue</option></select></label>\
                <button>Go on</button></form><p id=s>off</p><script>s.textContent='on'</script>";
    browser.go(page).await?;

    browser.fill("Your name", "Ada").await?;
    let name = browser.field("Your name").await?;

    assert_eq!(name.attribute("name").await?.as_deref(), Some("n"));
    let expected = if scripts == Scripts::On { "on" } else { "off" };
    assert_eq!(browser.find("#s").await?.text().await?, expected);
    assert!(browser.field("Colour").await.is_ok());
    assert!(browser.press("Go back").await.is_err());
    assert!(browser.press("Go on").await.is_ok());
    browser.close().await
}

#[tokio::test]
async fn the_driver_works_with_scripts() -> Result<()> {
    the_driver_reads_and_fills_a_page(Scripts::On).await
}

#[tokio::test]
async fn the_driver_works_without_scripts() -> Result<()> {
    the_driver_reads_and_fills_a_page(Scripts::Off).await
}
