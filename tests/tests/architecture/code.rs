//! Rust text without what the rules do not ask about: comments, the insides of strings, and what only tests compile.

/// The text with comments and the insides of literals blanked out. Line breaks stay.
pub(crate) fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            'r' | 'b' | 'c' if !ends_in_word(&bare) => raw_or_prefixed(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skipped == 0 {
            bare.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            bare.push(' ');
            bare.extend(rest[..skipped].chars().filter(|one| *one == '\n'));
            rest = &rest[skipped..];
        }
    }
    bare
}

/// Bare code without items under `#[cfg(test)]` and its like; and the names of the modules it declares there.
pub(crate) fn without_tests(bare: &str) -> (String, Vec<String>) {
    let (mut kept, mut modules) = (String::with_capacity(bare.len()), Vec::new());
    let mut rest = bare;
    while let Some(at) = rest.find("#[cfg(") {
        let length = delimited(&rest[at + 1..], '[', ']') + 1;
        let condition = &rest[at..at + length];
        if words(condition).any(|word| word == "test") && !condition.contains("not(") {
            kept.push_str(&rest[..at]);
            let item = &rest[at + length..];
            let end = item_end(item);
            modules.extend(declared_module(&item[..end]));
            rest = &item[end..];
        } else {
            kept.push_str(&rest[..at + length]);
            rest = &rest[at + length..];
        }
    }
    kept.push_str(rest);
    (kept, modules)
}

/// A path, and whether it stands in a `use`.
pub(crate) struct Named {
    pub(crate) path: String,
    pub(crate) is_imported: bool,
}

/// Every path: those in `use`, written out one by one, and those in the code.
pub(crate) fn paths(bare: &str) -> Vec<Named> {
    let mut paths = Vec::new();
    let mut rest = bare;
    let mut before_is_word = false;
    while let Some(first) = rest.chars().next() {
        if !is_word(first) || before_is_word {
            before_is_word = is_word(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let length = path_length(rest);
        if &rest[..length] == "use" {
            let end = rest.find(';').unwrap_or(rest.len());
            written_out("", &rest[length..end], &mut paths);
            rest = &rest[end..];
        } else {
            paths.push(Named { path: rest[..length].to_owned(), is_imported: false });
            rest = &rest[length..];
        }
    }
    paths
}

/// The words of a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|one| !is_word(one)).filter(|word| !word.is_empty())
}

fn is_word(one: char) -> bool {
    one.is_alphanumeric() || one == '_'
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

fn path_length(text: &str) -> usize {
    let word = |text: &str| text.find(|one| !is_word(one)).unwrap_or(text.len());
    let mut length = word(text);
    while let Some(more) = text[length..].strip_prefix("::").filter(|more| more.starts_with(is_word)) {
        length += 2 + word(more);
    }
    length
}

fn written_out(prefix: &str, tree: &str, paths: &mut Vec<Named>) {
    let tree = tree.trim().trim_start_matches("::");
    let joined = |part: &str| if prefix.is_empty() { part.to_owned() } else { format!("{prefix}::{part}") };
    let Some(open) = tree.find('{') else {
        let path = tree.split_whitespace().next().unwrap_or_default();
        if !path.is_empty() {
            paths.push(Named { path: joined(path), is_imported: true });
        }
        return;
    };
    let base = tree[..open].trim().trim_end_matches("::");
    let base = if base.is_empty() { prefix.to_owned() } else { joined(base) };
    let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut start) = (0, 0);
    for (at, one) in inside.char_indices() {
        match one {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                written_out(&base, &inside[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    written_out(&base, &inside[start..], paths);
}

/// Where an item ends: at its semicolon, or with its braces. Attributes belong to it.
fn item_end(item: &str) -> usize {
    let mut at = 0;
    while let Some(one) = item[at..].chars().next() {
        match one {
            ';' => return at + 1,
            '{' => return at + delimited(&item[at..], '{', '}'),
            '(' => at += delimited(&item[at..], '(', ')'),
            '[' => at += delimited(&item[at..], '[', ']'),
            _ => at += one.len_utf8(),
        }
    }
    at
}

fn declared_module(item: &str) -> Option<String> {
    let mut words = words(item.strip_suffix(';')?).skip_while(|word| *word != "mod");
    words.nth(1).map(str::to_owned)
}

/// The length of what begins with `open`, up to the `close` that belongs to it.
fn delimited(text: &str, open: char, close: char) -> usize {
    let mut depth = 0_usize;
    for (at, one) in text.char_indices() {
        if one == open {
            depth += 1;
        } else if one == close {
            depth -= 1;
            if depth == 0 {
                return at + close.len_utf8();
            }
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, one) in text.char_indices().skip(1) {
        match one {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_or_prefixed(text: &str) -> usize {
    let prefix = text.find(|one| !"rbc".contains(one)).unwrap_or(text.len());
    let hashes = text[prefix..].find(|one| one != '#').unwrap_or(0);
    let body = &text[prefix + hashes..];
    if !body.starts_with('"') {
        return if text.starts_with("b'") { 1 + character(&text[1..]) } else { 0 };
    }
    if !text[..prefix].contains('r') {
        return prefix + quoted(body);
    }
    let end = format!("\"{}", "#".repeat(hashes));
    body[1..].find(&end).map_or(text.len(), |at| prefix + hashes + 1 + at + end.len())
}

/// A character, or nothing where the quote begins a lifetime.
fn character(text: &str) -> usize {
    let mut rest = text.char_indices().skip(1);
    match rest.next() {
        Some((_, '\\')) => rest.skip(1).find(|(_, one)| *one == '\'').map_or(0, |(at, _)| at + 1),
        Some(_) => rest.next().filter(|(_, one)| *one == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

#[test]
fn use_trees_are_written_out() {
    let code = "use a::{b, c::{self, d as e}, f::*}; pub(crate) use ::g; fn h() { i::j(k.l::<m::n>()) }";
    let expected =
        ["a::b", "a::c::self", "a::c::d", "a::f::*", "pub", "crate", "g", "fn", "h", "i::j", "k", "l", "m::n"];
    let found = paths(code);
    assert_eq!(found.iter().map(|named| named.path.as_str()).collect::<Vec<_>>(), expected);
    let imported = found.iter().filter(|named| named.is_imported).count();
    assert_eq!(imported, 5);
}

#[test]
fn literals_and_comments_are_blank() {
    let code = "a \"b\\\"c\" d 'e' '\\'' '\"' f::<'g>() r#\"h\"i\"# b\"j\" b'k' // l\nm /* n /* o */ p */ q br\"r\" s";
    let bare = bare(code);
    assert_eq!(words(&bare).collect::<Vec<_>>(), ["a", "d", "f", "g", "m", "q", "s"]);
    assert_eq!(bare.lines().count(), 2);
}

#[test]
fn what_only_tests_compile_is_left_out() {
    let code = "a #[cfg(test)] mod b; c #[cfg(any(test, feature = ))] pub mod d; #[cfg(not(test))] e; #[cfg(test)] #[path()] fn f(x: [u8; 2]) { {g} } h";
    let (kept, modules) = without_tests(code);
    assert_eq!(modules, ["b", "d"]);
    let kept: Vec<&str> = words(&kept).collect();
    assert_eq!(kept, ["a", "c", "cfg", "not", "test", "e", "h"]);
}
