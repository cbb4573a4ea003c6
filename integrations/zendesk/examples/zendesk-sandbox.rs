//! The Zendesk sandbox alone, for pointing any Zendesk client at it:
//! `cargo run -p integration-zendesk --features sandbox --example zendesk-sandbox -- 4567 [CALLBACK]`
//!
//! It is under `/zendesk`, and at the root for clients that name the account by host: `acme.anything:4567`.

use std::net::Ipv4Addr;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use integration_zendesk::sandbox;
use tokio::net::TcpListener;
use url::Url;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: zendesk-sandbox PORT [CALLBACK]")?.parse()?;
    let callback = arguments.next().unwrap_or_else(|| "http://localhost:3000/auth/zendesk/callback".to_owned());
    let at = Url::parse(&format!("http://127.0.0.1:{port}/zendesk"))?;
    let opened = sandbox::open(&at, &Url::parse(&callback)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    eprintln!("Zendesk sandbox at {at}; for programs see {at}/_sandbox/");
    let front = Redirect::temporary("/zendesk");
    let router = Router::new()
        .route("/", get(front.clone()))
        .route("/zendesk/", get(front))
        .nest("/zendesk", opened.router.clone())
        .fallback_service(opened.router);
    axum::serve(listener, router).await?;
    Ok(())
}
