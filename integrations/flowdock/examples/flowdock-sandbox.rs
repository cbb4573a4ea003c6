//! The Flowdock sandbox alone, for pointing any Flowdock client at it:
//! `cargo run -p integration-flowdock --features sandbox --example flowdock-sandbox -- 4567 [CALLBACK]`

use std::net::Ipv4Addr;

use axum::Router;
use integration_flowdock::sandbox;
use tokio::net::TcpListener;
use url::Url;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: flowdock-sandbox PORT [CALLBACK]")?.parse()?;
    let callback = arguments.next().unwrap_or_else(|| "http://localhost:3000/auth/flowdock/callback".to_owned());
    let at = Url::parse(&format!("http://127.0.0.1:{port}/flowdock"))?;
    let opened = sandbox::open(&at, &Url::parse(&callback)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    eprintln!("Flowdock sandbox at {at}; for programs see {at}/_sandbox/");
    // Flowdock's own client for Node knows the API only at the top of a host, and drops any path before it.
    let router = Router::new().nest("/flowdock", opened.router.clone()).merge(opened.router);
    axum::serve(listener, router).await?;
    Ok(())
}
