//! Who may come in, and with what: extractors for handlers.

mod alerts;
mod form;
mod path;
mod peer;
mod return_path;
mod signed_in;
mod visitor;

pub use form::Form;
pub use path::Path;
pub use peer::Peer;
pub use return_path::ReturnPath;
pub use signed_in::SignedIn;
pub use visitor::Visitor;
