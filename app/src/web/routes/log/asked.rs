//! What the address of a log asks for: a day, a filter, where to go on. The other way round, the addresses of the
//! log's own links.

use axum::extract::FromRequestParts;
use http::request::Parts;
use integration_contract::{FieldErrors, FormInput, text::without_nul};
use jiff::civil::Date;

use crate::{
    core::{
        self,
        entries::{self, Cursor, Filter, Shown, Source},
    },
    db::TeamId,
    web::Error,
};

/// How the state of entries is written in addresses and chosen in the form.
pub(super) const STATES: [(&str, &str, Shown); 4] = [
    ("done", "Done", Shown::Done),
    ("goal", "Goals", Shown::Goal),
    ("blocked", "Blockers", Shown::Blocked),
    ("archived", "Archived", Shown::Archived),
];

/// What `source=` says for entries that were written here.
pub(super) const HERE: &str = "here";

/// What is said of a day that is none.
const A_DAY: &str = "A day is written like 2026-11-22.";

/// What is asked of a team's log.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub filter: Filter,
    pub before: Option<Cursor>,
    /// The first day of the month that the calendar shows.
    pub month: Option<Date>,
}

impl Asked {
    fn read(input: &FormInput) -> core::Result<Self> {
        let mut errors = FieldErrors::default();
        let mut filter = Filter {
            from: asked(&mut errors, input, "from", A_DAY, entries::day),
            to: asked(&mut errors, input, "to", A_DAY, entries::day),
            day: asked(&mut errors, input, "day", A_DAY, entries::day),
            person: asked(&mut errors, input, "person", "Choose a person from the list.", |text| text.parse().ok()),
            shown: asked(&mut errors, input, "status", "Choose a status from the list.", state),
            ..Filter::default()
        };
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && to < from
        {
            errors.add("to", "The last day is before the first.");
        }
        let text = input.one("q");
        if text.chars().count() > entries::LONGEST_SEARCH {
            errors.add("q", format!("Search for at most {} characters.", entries::LONGEST_SEARCH));
        }
        // Whoever chooses days from a day's page looks beyond it.
        if filter.from.is_some() || filter.to.is_some() {
            filter.day = None;
        }
        filter.text = Some(text.to_owned()).filter(|text| !text.is_empty());
        filter.tag = Some(input.one("tag").trim_start_matches('#').trim().to_owned()).filter(|tag| !tag.is_empty());
        filter.source = match input.one("source") {
            "" => None,
            HERE => Some(Source::Here),
            partner => Some(Source::Partner(partner.to_owned())),
        };
        let before =
            asked(&mut errors, input, "before", "Go back to the newest entries.", |text| text.parse::<Cursor>().ok());
        let month = asked(&mut errors, input, "month", "A month is written like 2026-11.", |text| {
            entries::day(&format!("{text}-01"))
        });
        if errors.is_empty() { Ok(Self { filter, before, month }) } else { Err(core::Error::Invalid(errors)) }
    }

    /// Whether this is the log as such: newest entries, all of them.
    pub fn is_plain(&self) -> bool {
        self.filter == Filter::default() && self.before.is_none()
    }

    /// Whether something other than a day limits it.
    pub fn is_filtered(&self) -> bool {
        self.filter != Filter { day: self.filter.day, ..Filter::default() }
    }

    /// The same, of one day, from its newest entry on.
    pub fn on(&self, day: Date) -> Self {
        Self { filter: Filter { day: Some(day), ..self.filter.clone() }, before: None, month: None }
    }

    /// The same of all days, from the newest entry on.
    pub fn on_all_days(&self) -> Self {
        Self { filter: Filter { day: None, ..self.filter.clone() }, before: None, month: None }
    }

    /// The same, from a place in the log on.
    pub fn from(&self, before: Cursor) -> Self {
        Self { before: Some(before), ..self.clone() }
    }

    /// The same, with the calendar at another month.
    pub fn with_month(&self, month: Date) -> Self {
        Self { month: Some(month), ..self.clone() }
    }

    /// Only what has a tag.
    pub fn tagged(tag: &str) -> Self {
        Self { filter: Filter { tag: Some(tag.to_owned()), ..Filter::default() }, ..Self::default() }
    }

    /// Only one person's.
    pub fn by(person: crate::db::UserId) -> Self {
        Self { filter: Filter { person: Some(person), ..Filter::default() }, ..Self::default() }
    }

    /// What the page is called, so that several of a log can be told apart among tabs and in the history.
    pub fn title(&self, log: &str) -> String {
        let day = self.filter.day.map(|day| day.strftime("%A, %-d %B %Y").to_string());
        let what = match (self.is_filtered(), day) {
            (true, Some(day)) => format!("Search in {day}"),
            (true, None) => "Search".to_owned(),
            (false, Some(day)) => day,
            (false, None) if self.before.is_some() => "Older entries".to_owned(),
            (false, None) => return log.to_owned(),
        };
        format!("{what} · {log}")
    }

    /// How the status is written in the address.
    pub fn state(&self) -> &'static str {
        STATES.iter().find(|(_, _, shown)| Some(*shown) == self.filter.shown).map_or("", |(word, _, _)| word)
    }

    /// How the source is written in the address.
    pub fn source(&self) -> &str {
        match &self.filter.source {
            None => "",
            Some(Source::Here) => HERE,
            Some(Source::Partner(partner)) => partner,
        }
    }

    /// Its address.
    pub fn address(&self, team: TeamId) -> String {
        self.below(&format!("/teams/{team}"))
    }

    /// Its address in a person's own log.
    pub fn own_address(&self) -> String {
        self.below("/log")
    }

    /// The address of a file with all of it.
    pub fn file(&self, team: TeamId, ending: &str) -> String {
        Self { before: None, month: None, ..self.clone() }.below(&format!("/teams/{team}/export.{ending}"))
    }

    /// The address of a file with all of a person's own.
    pub fn own_file(&self, ending: &str) -> String {
        Self { before: None, month: None, ..self.clone() }.below(&format!("/log/export.{ending}"))
    }

    fn below(&self, path: &str) -> String {
        let text = |one: Option<String>| one.unwrap_or_default();
        let pairs = [
            ("q", text(self.filter.text.clone())),
            ("from", text(self.filter.from.map(|day| day.to_string()))),
            ("to", text(self.filter.to.map(|day| day.to_string()))),
            ("day", text(self.filter.day.map(|day| day.to_string()))),
            ("person", text(self.filter.person.map(|person| person.to_string()))),
            ("status", self.state().to_owned()),
            ("tag", text(self.filter.tag.clone())),
            ("source", self.source().to_owned()),
            ("month", text(self.month.map(|month| month.strftime("%Y-%m").to_string()))),
            ("before", text(self.before.map(|before| before.to_string()))),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let input = pairs.map(|(name, value)| (without_nul(&name), without_nul(&value))).collect();
        Ok(Self::read(&input)?)
    }
}

/// A field's value; none when it is empty, and a sentence when it says nothing.
fn asked<T>(
    errors: &mut FieldErrors,
    input: &FormInput,
    field: &str,
    sentence: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = input.one(field);
    if text.is_empty() {
        return None;
    }
    let value = read(text);
    if value.is_none() {
        errors.add(field, sentence);
    }
    value
}

fn state(word: &str) -> Option<Shown> {
    STATES.iter().find(|(known, _, _)| *known == word).map(|(_, _, shown)| *shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::UserId;

    #[test]
    fn an_address_asks_for_what_it_was_made_of() {
        let team = TeamId::new();
        let person = UserId::new();
        for query in [
            String::new(),
            "day=2026-11-22".into(),
            format!(
                "q=100%25+%26+more&from=2026-11-01&to=2026-11-30&person={person}&status=archived&tag=gr%C3%B6%C3%9Fe&source=here&month=2026-10"
            ),
            "source=tracker".into(),
            "tag=a%26b%3D%2B%23".into(),
        ] {
            let input: FormInput = url::form_urlencoded::parse(query.as_bytes()).collect();
            let asked = Asked::read(&input).unwrap();
            let again = asked.address(team);
            assert_eq!(again.split_once('?').map_or("", |(_, query)| query), query);
        }
    }

    #[test]
    fn what_is_asked_has_a_title() {
        for (query, title) in [
            ("", "Product"),
            ("month=2026-10", "Product"),
            ("day=2026-11-22", "Sunday, 22 November 2026 · Product"),
            ("q=release", "Search · Product"),
            ("q=release&day=2026-11-22", "Search in Sunday, 22 November 2026 · Product"),
        ] {
            let input: FormInput = url::form_urlencoded::parse(query.as_bytes()).collect();
            assert_eq!(Asked::read(&input).unwrap().title("Product"), title, "{query}");
        }
    }

    #[test]
    fn a_first_or_last_day_takes_the_place_of_one_day() {
        for field in ["from", "to"] {
            let input = [("day", "2026-11-22"), (field, "2026-11-20"), ("q", "x")].into_iter().collect();
            assert_eq!(Asked::read(&input).unwrap().own_address(), format!("/log?q=x&{field}=2026-11-20"));
        }
    }

    #[test]
    fn nonsense_gets_a_sentence_and_nothing_asks_for_nothing() {
        for (field, text) in [
            ("day", "yesterday"),
            ("from", "monday"),
            ("to", "2026-02-30"),
            ("q", &"x".repeat(201)),
            ("person", "1 OR 1=1"),
            ("status", "DONE"),
            ("before", "2026-11-22"),
            ("month", "2026-13"),
            ("month", "2026-11-22"),
        ] {
            let refused = Asked::read(&[(field, text)].into_iter().collect());
            assert!(matches!(refused, Err(core::Error::Invalid(errors)) if errors.get(field).is_some()), "{field}");
        }
        let blank = ["q", "from", "to", "day", "person", "status", "tag", "source", "month", "before"]
            .map(|field| (field, " "));
        assert!(Asked::read(&blank.into_iter().collect()).unwrap().is_plain());
        assert!(Asked::read(&[("tag", "##")].into_iter().collect()).unwrap().is_plain());
    }
}
