//! The Slack sandbox alone, for pointing any Slack client at it:
//! `cargo run -p integration-slack --features sandbox --example slack-sandbox -- 4567 [CALLBACK]`

use std::net::Ipv4Addr;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use integration_slack::sandbox;
use tokio::net::TcpListener;
use url::Url;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: slack-sandbox PORT [CALLBACK]")?.parse()?;
    let callback = arguments.next().unwrap_or_else(|| "http://localhost:3000/auth/slack/callback".to_owned());
    let at = Url::parse(&format!("http://127.0.0.1:{port}/slack"))?;
    let opened = sandbox::open(&at, &Url::parse(&callback)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    eprintln!("Slack sandbox at {at}; for programs see {at}/_sandbox/");
    let front = Redirect::temporary("/slack");
    let router =
        Router::new().route("/", get(front.clone())).route("/slack/", get(front)).nest("/slack", opened.router);
    axum::serve(listener, router).await?;
    Ok(())
}
