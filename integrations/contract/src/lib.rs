//! What a partner is to Patchbay: the trait [`Integration`] and the plain values it speaks in.
//!
//! A partner decides, the host acts. Reading a hook and summing up a link are pure functions of stored input; whatever
//! needs the network goes through the [`Http`] handle that the host passes in. Nothing here knows a database, a web
//! framework or a tenant. The host is the package `patchbay` in `app/`; the suite every partner must pass is in
//! `integrations/testkit`.

mod account;
mod action;
mod card;
mod error;
mod form;
mod happening;
mod hook;
mod http;
mod integration;
mod item;
mod link;
mod outgoing;
mod picture;
mod scheme;
mod settings;
mod setup;
pub mod strict_json;
pub mod text;

pub use account::{Account, AuthorizeAsk, Connected, Credentials, Grant, Identity};
pub use action::{Actions, Clicker, NotClicked, TokenScheme};
pub use card::{Capability, Card, Connect, Effect, EventKind, Example, Scope, Site};
pub use error::{Error, ErrorKind, Result};
pub use form::{Choice, Field, FieldErrors, FieldKind, FormInput, LinkForm, LinkRefused};
pub use happening::{Author, Happened, Happening, Lately, NewEntry, NewLines, Reading, Status};
pub use hook::{Address, HookAnswer, HookCall, HookReply, HookRules, Verified};
pub use http::{Auth, Http, Request, Response, Transport};
pub use integration::Integration;
pub use item::{
    Attachment, Change, Comment, Deed, Item, ItemChange, ItemKind, ItemPage, ItemState, Items, NewComment, NewItem,
};
pub use link::{CheckedLink, IntegrationLink, Ledger, Level, LinkSettings, Remote, Reservation, Undone, UndoneOutcome};
pub use outgoing::{Answer, Button, Outgoing, OutgoingEntry, OutgoingItem, Posted, Receipt, Told, Want};
pub use picture::{Picture, PicturePart, Words};
pub use scheme::{Encoding, Part, Refused, Scheme, SecretOf, TimeFormat, Timestamp};
pub use secrecy::{ExposeSecret, SecretString};
pub use settings::{PartnerSettings, Setting};
pub use setup::{RemoteName, Setup, SetupWish};
