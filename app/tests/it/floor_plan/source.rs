//! The source tree as the rules see it: files, and their code as tokens without comments, texts and layout.

use std::{fs, path::Path};

/// One file of the repository.
pub struct File {
    /// From the root of the repository, with `/` between folders.
    pub path: String,
    pub text: String,
}

/// One word or sign of Rust code.
#[derive(Debug, PartialEq)]
pub struct Token {
    pub line: usize,
    pub text: String,
}

impl File {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn tokens(&self) -> Vec<Token> {
        tokens(&self.text)
    }

    /// The first module of the app that this file belongs to: `core` for `app/src/core/teams.rs`, `clock` for
    /// `app/src/clock.rs`.
    pub fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("app/src/")?;
        inside.split('/').next().map(|first| first.trim_end_matches(".rs"))
    }

    /// How many modules deep the file's own module is: 1 for `app/src/core/mod.rs`, 2 for `app/src/core/teams.rs`.
    fn depth(&self) -> usize {
        let inside = self.path.strip_prefix("app/src/").unwrap_or(&self.path);
        let folders = inside.matches('/').count();
        if inside.ends_with("mod.rs") { folders } else { folders + 1 }
    }

    /// The other rooms of the app that this file names, with the line where it does.
    pub fn rooms_used(&self) -> Vec<(usize, String)> {
        let tokens = self.tokens();
        let mut used = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            at = match tokens[at].text.as_str() {
                "crate" => first_segments(&tokens, at + 1, &mut used),
                "super" => {
                    let mut supers = 1;
                    at += 1;
                    while is(&tokens, at, &["::", "super"]) {
                        supers += 1;
                        at += 2;
                    }
                    if supers == self.depth() { first_segments(&tokens, at, &mut used) } else { at }
                }
                _ => at + 1,
            };
        }
        used
    }
}

/// Every file under these folders of the repository whose name ends in one of `endings`, in order.
pub fn files(folders: &[&str], endings: &[&str]) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in folders {
        collect(root, &root.join(folder), endings, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The names of the folders in a folder of the repository.
pub fn folders(of: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let entries = fs::read_dir(root.join(of)).unwrap().map(Result::unwrap);
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn collect(root: &Path, folder: &Path, endings: &[&str], found: &mut Vec<File>) {
    if !folder.exists() {
        return;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !matches!(name, "target" | "node_modules") {
                collect(root, &path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let inside = path.strip_prefix(root).unwrap().to_str().unwrap();
            found.push(File::new(inside, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Whether the tokens from `at` on are exactly these.
pub fn is(tokens: &[Token], at: usize, expected: &[&str]) -> bool {
    tokens.len() >= at + expected.len()
        && tokens[at..].iter().zip(expected).all(|(token, expected)| token.text == *expected)
}

/// The lines on which these tokens follow each other.
pub fn lines_with(tokens: &[Token], expected: &[&str]) -> Vec<usize> {
    (0..tokens.len()).filter(|&at| is(tokens, at, expected)).map(|at| tokens[at].line).collect()
}

/// Reads `::name` or `::{name…, name…}` at `at` and notes the names; returns where to go on.
fn first_segments(tokens: &[Token], at: usize, used: &mut Vec<(usize, String)>) -> usize {
    if !is(tokens, at, &["::"]) {
        return at;
    }
    let mut at = at + 1;
    if !is(tokens, at, &["{"]) {
        used.extend(tokens.get(at).map(|token| (token.line, token.text.clone())));
        return at + 1;
    }
    let mut depth = 0;
    let mut expects_name = false;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if expects_name && depth == 1 => used.push((token.line, token.text.clone())),
            _ => {}
        }
        expects_name = depth == 1 && matches!(token.text.as_str(), "{" | ",");
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The words and signs of Rust code. Comments are dropped; a text or a character becomes the one token `""`.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, token) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), None)
        } else if let Some(length) = literal(rest) {
            (length, Some("\"\""))
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (length, Some(&rest[..length]))
        } else if first.is_whitespace() {
            (first.len_utf8(), None)
        } else {
            let two = ["::", "==", "!=", "=>", "->", "<=", ">="].into_iter().find(|two| rest.starts_with(two));
            let length = two.map_or(first.len_utf8(), str::len);
            (length, Some(&rest[..length]))
        };
        found.extend(token.map(|text| Token { line, text: text.to_owned() }));
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// The length of the text or character literal that `rest` starts with.
fn literal(rest: &str) -> Option<usize> {
    let marks = rest.trim_start_matches(['b', 'c', 'r']);
    let before = rest.len() - marks.len();
    if before > 2 {
        return None;
    }
    if rest[..before].contains('r') {
        let hashes = marks.len() - marks.trim_start_matches('#').len();
        if marks[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = before + hashes + 1;
            return Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()));
        }
        return None;
    }
    let quote = marks.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inside = &marks[1..];
    // `'a` without a closing quote is a lifetime.
    if quote == '\'' && !inside.starts_with('\\') && inside.chars().nth(1) != Some('\'') {
        return None;
    }
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        if c == quote && !escaped {
            return Some(before + 1 + at + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    Some(rest.len())
}

mod tests {
    use super::*;

    fn texts(code: &str) -> Vec<String> {
        tokens(code).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_texts_are_not_code() {
        assert_eq!(texts("a // b\n/* c */ d"), ["a", "d"]);
        assert_eq!(
            texts(r##"f("x \" y", r#"a "b" c"#, b"z", 'q', '\'')"##),
            ["f", "(", "\"\"", ",", "\"\"", ",", "\"\"", ",", "\"\"", ",", "\"\"", ")"]
        );
        assert_eq!(
            texts("fn f<'a>(x: &'a str)"),
            ["fn", "f", "<", "'", "a", ">", "(", "x", ":", "&", "'", "a", "str", ")"]
        );
        assert_eq!(tokens("\"one\ntwo\"\nthree")[1], Token { line: 3, text: "three".into() });
    }

    #[test]
    fn a_room_is_found_however_it_is_named() {
        let rooms = |path: &str, code: &str| -> Vec<String> {
            File::new(path, code).rooms_used().into_iter().map(|(_, room)| room).collect()
        };
        let file = "app/src/core/teams.rs";
        assert_eq!(rooms(file, "use crate::db::TeamId;"), ["db"]);
        assert_eq!(rooms(file, "use crate::{clock::Clock, db::{self, ids::{A, B}}, web};"), ["clock", "db", "web"]);
        assert_eq!(rooms(file, "fn f() { crate::web::page::Page::default() }"), ["web"]);
        assert_eq!(rooms(file, "use super::super::web;"), ["web"]);
        assert_eq!(rooms(file, "use super::users;"), Vec::<String>::new());
        assert_eq!(rooms("app/src/core/mod.rs", "use super::{web, jobs::x};"), ["web", "jobs"]);
        assert_eq!(rooms(file, "// crate::web\nlet x = \"crate::web\";"), Vec::<String>::new());
    }
}
