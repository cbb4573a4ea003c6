//! What is logged, and how.

use tracing_subscriber::EnvFilter;

use super::{Error, Result, Variables};

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `PATCHBAY_LOG`: a level, or levels by module such as `info,patchbay::jobs=debug`; none = `info`.
    pub filter: Option<String>,
    /// `PATCHBAY_LOG_FORMAT`.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

impl LogSettings {
    pub(super) fn read(variables: &mut Variables) -> Result<Self> {
        let filter = variables.take("PATCHBAY_LOG");
        if let Some(filter) = &filter {
            EnvFilter::try_new(filter).map_err(|_| {
                Error::new(format!(
                    "PATCHBAY_LOG must be a filter such as info or info,patchbay=debug, not {filter:?}."
                ))
            })?;
        }
        let format = match variables.take("PATCHBAY_LOG_FORMAT").as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => return Err(Error::new(format!("PATCHBAY_LOG_FORMAT must be text or json, not {other:?}."))),
        };
        Ok(Self { filter, format })
    }
}
