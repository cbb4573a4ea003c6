//! Which proxies are believed.

use std::net::IpAddr;

use super::{Error, Network, Result, Variables};

/// Which proxies are believed when they say for whom they call.
#[derive(Clone, Debug, Default)]
pub struct ProxySettings {
    /// `PATCHBAY_TRUSTED_PROXIES`: addresses and networks whose `X-Forwarded-For` counts; default none.
    pub trusted: Vec<Network>,
}

impl ProxySettings {
    pub(super) fn read(variables: &mut Variables) -> Result<Self> {
        let text = variables.take("PATCHBAY_TRUSTED_PROXIES").unwrap_or_default();
        let parse = |item: &str| {
            item.parse().map_err(|_| {
                Error::new(format!(
                    "PATCHBAY_TRUSTED_PROXIES must be IP addresses or networks with commas between, such as \
                     10.0.0.5,10.1.0.0/16, and {item:?} is neither."
                ))
            })
        };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Ok(Self { trusted: items.map(parse).collect::<Result<_>>()? })
    }

    /// Whether what this address says about its callers counts.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}
