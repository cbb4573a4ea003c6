//! The GitHub sandbox alone, for pointing any GitHub client at it:
//! `cargo run -p integration-github --features sandbox --example github-sandbox -- 4567 [CALLBACK]`

use std::net::Ipv4Addr;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use integration_github::sandbox;
use tokio::net::TcpListener;
use url::Url;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: github-sandbox PORT [CALLBACK]")?.parse()?;
    let callback = arguments.next().unwrap_or_else(|| "http://localhost:3000/auth/github/callback".to_owned());
    let at = Url::parse(&format!("http://127.0.0.1:{port}/github"))?;
    let opened = sandbox::open(&at, &Url::parse(&callback)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    eprintln!("GitHub sandbox at {at}; for programs see {at}/_sandbox/");
    let front = Redirect::temporary("/github");
    let router =
        Router::new().route("/", get(front.clone())).route("/github/", get(front)).nest("/github", opened.router);
    axum::serve(listener, router).await?;
    Ok(())
}
