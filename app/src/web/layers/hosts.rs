//! The names we answer to. A request under another name is not ours: answering it would let a foreign page, whose name
//! was pointed at this machine, act as one of ours.
//!
//! This machine has three names for itself, and a browser keeps the cookies of each apart: who opens a page under
//! another than the public one is sent there, or a partner would send them back to where they are not logged in.

use std::net::SocketAddr;

use http::{HeaderMap, Uri, header, uri::Authority};
use url::Url;

/// This machine's names for itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names, with their ports, that we answer to.
#[derive(Clone, Debug)]
pub struct Hosts {
    names: Vec<(String, u16)>,
    /// Where pages are sent that were asked for under another of the names.
    home: Option<Url>,
}

/// Under which of our names a request came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// The one that counts, or all do.
    ByName,
    /// Another of this machine's names: pages are at this address.
    ByOtherName(Url),
}

/// Why a request is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It names nobody, or several.
    Nobody,
    /// It names somebody else.
    SomebodyElse,
}

impl Hosts {
    /// The public address, and this machine's own names when only this machine can reach us.
    pub fn new(public_url: &Url, listen: SocketAddr) -> Self {
        let port = public_url.port_or_known_default().unwrap_or(80);
        let mut names: Vec<_> = public_url.host_str().map(|host| (host.to_owned(), port)).into_iter().collect();
        if listen.ip().is_loopback() {
            names.extend(LOOPBACK.map(|host| (host.to_owned(), listen.port())));
        }
        // At another port, a proxy stands before us; many call us by the machine's name, and would be sent in circles.
        let is_here = listen.ip().is_loopback()
            && port == listen.port()
            && public_url.host_str().is_some_and(|host| LOOPBACK.contains(&host));
        Self { names, home: is_here.then(|| public_url.clone()) }
    }

    /// Lets our own names pass.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<Called, Stranger> {
        let mut named = headers.get_all(header::HOST).iter();
        let host = match (named.next(), named.next()) {
            (Some(host), None) => Some(host.to_str().map_err(|_| Stranger::Nobody)?),
            (None, None) => None,
            _ => return Err(Stranger::Nobody),
        };
        // A request for a whole URL is for the host in that URL, whatever the header says.
        let authority = match uri.authority() {
            Some(authority) => authority.clone(),
            None => host.and_then(|host| host.parse::<Authority>().ok()).ok_or(Stranger::Nobody)?,
        };
        if authority.as_str().contains('@') {
            return Err(Stranger::Nobody);
        }
        let ours = self.names.iter().any(|(host, port)| {
            authority.host().eq_ignore_ascii_case(host)
                // Browsers leave out the port that goes without saying; a proxy that ends TLS may too.
                && authority.port_u16().map_or([80, 443].contains(port), |theirs| theirs == *port)
        });
        if !ours {
            return Err(Stranger::SomebodyElse);
        }
        let home = self
            .home
            .as_ref()
            .filter(|home| home.host_str().is_some_and(|host| !authority.host().eq_ignore_ascii_case(host)));
        Ok(home.map_or(Called::ByName, |home| Called::ByOtherName(home.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &Hosts, target: &str, host: &[&str]) -> Result<Called, Stranger> {
        let headers = host.iter().map(|host| (header::HOST, host.parse().unwrap())).collect();
        hosts.check(&target.parse().unwrap(), &headers)
    }

    #[test]
    fn a_public_instance_answers_to_its_public_name_only() {
        let hosts = Hosts::new(&"https://log.example.com".parse().unwrap(), "0.0.0.0:3000".parse().unwrap());

        for host in ["log.example.com", "log.example.com:443", "LOG.example.com"] {
            assert_eq!(check(&hosts, "/", &[host]), Ok(Called::ByName), "{host}");
        }
        for host in
            ["evil.example", "log.example.com:3000", "log.example.com.evil.example", "localhost:3000", "0.0.0.0:3000"]
        {
            assert_eq!(check(&hosts, "/", &[host]), Err(Stranger::SomebodyElse), "{host}");
        }
        for host in [&["x y"][..], &[""], &[], &["log.example.com", "log.example.com"], &["a@log.example.com"]] {
            assert_eq!(check(&hosts, "/", host), Err(Stranger::Nobody), "{host:?}");
        }
    }

    #[test]
    fn an_instance_for_this_machine_answers_to_the_machines_own_names() {
        let hosts = Hosts::new(&"http://localhost:3000".parse().unwrap(), "127.0.0.1:3000".parse().unwrap());

        let home = Called::ByOtherName("http://localhost:3000".parse().unwrap());
        for (host, called) in [("localhost:3000", &Called::ByName), ("127.0.0.1:3000", &home), ("[::1]:3000", &home)] {
            assert_eq!(check(&hosts, "/", &[host]).as_ref(), Ok(called), "{host}");
        }
        for host in ["localhost", "localhost:3001", "rebound.example:3000"] {
            assert_eq!(check(&hosts, "/", &[host]), Err(Stranger::SomebodyElse), "{host}");
        }
    }

    #[test]
    fn behind_a_proxy_every_name_of_the_machine_is_as_good() {
        for public_url in ["https://log.example.com", "http://localhost:8080"] {
            let hosts = Hosts::new(&public_url.parse().unwrap(), "127.0.0.1:3000".parse().unwrap());
            assert_eq!(check(&hosts, "/", &["127.0.0.1:3000"]), Ok(Called::ByName), "{public_url}");
        }
    }

    #[test]
    fn a_whole_url_counts_for_more_than_the_header() {
        let hosts = Hosts::new(&"http://localhost:3000".parse().unwrap(), "127.0.0.1:3000".parse().unwrap());

        assert_eq!(check(&hosts, "http://localhost:3000/x", &["localhost:3000"]), Ok(Called::ByName));
        assert_eq!(check(&hosts, "http://evil.example/x", &["localhost:3000"]), Err(Stranger::SomebodyElse));
    }
}
