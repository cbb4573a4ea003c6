//! Where we listen.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::{Error, Result, Variables};

/// Where we listen.
pub struct ListenSettings {
    /// `PATCHBAY_LISTEN`, default `127.0.0.1:3000`. Port 0 takes any free one.
    pub address: SocketAddr,
}

impl ListenSettings {
    pub(super) fn read(variables: &mut Variables) -> Result<Self> {
        let address = match variables.take("PATCHBAY_LISTEN") {
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            Some(text) => text.parse().map_err(|_| {
                Error::new(format!(
                    "PATCHBAY_LISTEN must be an IP address with a port, such as 127.0.0.1:3000 or [::]:3000, not {text:?}."
                ))
            })?,
        };
        Ok(Self { address })
    }
}

/// A socket that a supervisor opened and hands on to each process it starts (systemd's socket activation), if there is
/// one: callers then wait in its queue during a restart instead of being refused.
///
/// # Errors
/// When something was handed on that is not a listening TCP socket.
pub fn handed_listener() -> Result<Option<TcpListener>> {
    listenfd::ListenFd::from_env()
        .take_tcp_listener(0)
        .map_err(|_| Error::new("LISTEN_FDS: the socket that was handed on is not a listening TCP socket."))
}
