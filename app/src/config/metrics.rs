//! Who may read the metrics.

use integration_contract::{ExposeSecret, SecretString};

use super::{Error, Result, Variables};

/// Shorter ones can be guessed by trying.
const SHORTEST: usize = 16;

/// Who may read `/metrics`.
pub struct MetricsSettings {
    /// `PATCHBAY_METRICS_TOKEN`: who shows it may. Without one only this machine may.
    pub token: Option<SecretString>,
}

impl MetricsSettings {
    pub(super) fn read(variables: &mut Variables) -> Result<Self> {
        let token = variables.take("PATCHBAY_METRICS_TOKEN").map(SecretString::from);
        match &token {
            Some(token) if token.expose_secret().len() < SHORTEST => {
                Err(Error::new(format!("PATCHBAY_METRICS_TOKEN must have at least {SHORTEST} characters.")))
            }
            _ => Ok(Self { token }),
        }
    }
}
