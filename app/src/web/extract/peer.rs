//! Where a request comes from, for limits.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;

/// The address of the caller, as the layers noted it: the connection's, or what a trusted proxy says. Never read
/// from a header here.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let noted = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // Without a note all callers count as one, which errs on the strict side.
        Ok(Self(noted.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(caller)| caller.ip())))
    }
}
