//! Form fields and queries.

use url::form_urlencoded;

/// Urlencoded pairs, in order, with repeats.
#[derive(Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads them; every text is some list of fields.
    pub fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Without spaces around it; nothing if nothing is left.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// All of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Entries of a field separated by commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        let entries = self.all(name).flat_map(|text| text.split(','));
        entries.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds pairs at the end.
    pub fn extend(&mut self, more: impl IntoIterator<Item = (String, String)>) {
        self.0.extend(more);
    }

    /// As it would stand in a query.
    pub fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}
