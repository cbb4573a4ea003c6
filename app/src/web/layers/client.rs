//! Who calls, when proxies stand between.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use http::HeaderMap;

use crate::config::ProxySettings;

/// Notes the caller's address where the connection's stands: what limits per address and the log go by.
pub(super) fn note(request: &mut Request, proxies: &ProxySettings) -> Option<IpAddr> {
    let ConnectInfo(peer) = *request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let caller = behind(peer.ip().to_canonical(), request.headers(), proxies);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(caller, peer.port())));
    Some(caller)
}

/// Each proxy appends whom it was called by, so the list is read from its end as long as the speaker is trusted. What
/// stands before the first stranger was written by the stranger.
fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &ProxySettings) -> IpAddr {
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let mut speaker = peer;
    for said in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !proxies.trusts(speaker) {
            break;
        }
        match said.trim().parse::<IpAddr>() {
            Ok(address) => speaker = address.to_canonical(),
            Err(_) => break,
        }
    }
    speaker
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_count_from_trusted_proxies_only() {
        let cases: [(&str, &[&str], &str); 8] = [
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, nonsense, 10.0.0.2"], "10.0.0.2"),
        ];
        let proxies = ProxySettings { trusted: vec!["10.0.0.0/8".parse().unwrap()] };
        for (peer, lines, expected) in cases {
            let headers =
                lines.iter().map(|line| ("x-forwarded-for".parse().unwrap(), line.parse().unwrap())).collect();
            let peer: IpAddr = peer.parse().unwrap();
            let client = behind(peer.to_canonical(), &headers, &proxies);
            assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
    }
}
