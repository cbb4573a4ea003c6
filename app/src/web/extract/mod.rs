//! Who may come in: extractors for handlers.
