//! Links that start at Flowdock: "add" and "configure" in a flow's inbox settings.
//!
//! Flowdock's documents know two ways in which it tells what is meant: by parameters of its own, which it appends, and by a
//! template that the application fills with its variables. Both are taken. Addresses that come along are compared and
//! never called. <https://github.com/flowdock/api-docs/blob/master/docs/production-integrations.md>

use integration_contract::{Error, ErrorKind, FormInput, RemoteName, Result, Setup, SetupWish};

use crate::{
    address::{FlowPath, is_flow_id, is_source_id, only_one},
    config::Config,
    link,
    source::KIND,
};

impl Setup for Config {
    fn setup(&self, query: &FormInput) -> Result<SetupWish> {
        let flow = flow(query)?.ok_or_else(broken)?;
        if let Some(url) = parameter(query, "flow_url")? {
            FlowPath::of_flow(url, &self.api_url).ok_or_else(broken)?;
        }
        Ok(SetupWish { what: format!("the flow {flow}"), form: link::begun_with(flow) })
    }

    fn configure(&self, query: &FormInput) -> Result<RemoteName> {
        flow(query)?;
        let id = match (parameter(query, "integration_id")?, parameter(query, "source")?) {
            (Some(id), None) | (None, Some(id)) => id,
            (Some(id), Some(same)) if id == same => id,
            _ => return Err(broken()),
        };
        if !is_source_id(id) {
            return Err(broken());
        }
        if let Some(url) = parameter(query, "source_url")? {
            let (_, of_url) = FlowPath::of_source(url, &self.api_url).ok_or_else(broken)?;
            if of_url != id {
                return Err(broken());
            }
        }
        Ok(RemoteName { kind: KIND, id: id.to_owned() })
    }
}

fn flow(query: &FormInput) -> Result<Option<&str>> {
    let flow = parameter(query, "flow")?;
    if flow.is_none_or(is_flow_id) { Ok(flow) } else { Err(broken()) }
}

/// A parameter that is there; an empty one is not.
fn parameter<'a>(query: &'a FormInput, name: &str) -> Result<Option<&'a str>> {
    Ok(only_one(query, name).ok_or_else(broken)?.filter(|value| !value.is_empty()))
}

fn broken() -> Error {
    Error::new(
        ErrorKind::Malformed,
        "This address is not one that Flowdock makes. Start again from the flow's inbox settings at Flowdock.",
    )
}
