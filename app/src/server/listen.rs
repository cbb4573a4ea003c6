//! Taking a port, and room for the connections on it.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Somebody else has the port.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("port {} is already in use on {}", .0.port(), .0.ip())]
pub struct PortTaken(pub SocketAddr);

/// Listens on an address.
///
/// # Errors
/// [`PortTaken`], or whatever else the system says.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(PortTaken(address).into()),
        Err(error) => Err(anyhow::anyhow!("can't listen on {address}: {error}")),
    }
}

/// Listens on a socket that a supervisor opened.
///
/// # Errors
/// Whatever the system says.
pub fn adopt(handed: std::net::TcpListener) -> std::io::Result<TcpListener> {
    handed.set_nonblocking(true)?;
    TcpListener::from_std(handed)
}

/// Raises the number of files this process may have open as far as the system lets it, and says how many connections
/// that leaves room for: shells start processes with 1,024, and each connection is one.
pub fn room_for_connections(wanted: usize) -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let allowed = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: allowed.maximum, maximum: allowed.maximum });
        // Databases, partners and files want some of them too.
        let files =
            getrlimit(Resource::Nofile).current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        wanted.min(files.saturating_sub(256).max(64))
    }
    #[cfg(not(unix))]
    wanted
}
