//! Links that start in a partner's product, and partners each of whose customers has an address of their own.

mod configure;
mod sites;
mod starts;
