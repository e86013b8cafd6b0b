//! The sources of a package, read as the rules need them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{code, root};

/// One file, without comments and literals and what only tests compile.
pub(crate) struct Source {
    /// From the root of the workspace.
    pub(crate) path: String,
    code: String,
}

impl Source {
    /// A file as shipped.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), code: code::without_tests(&code::bare(text)).0 }
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Every path it names.
    pub(crate) fn paths(&self) -> Vec<String> {
        code::paths(&self.code).into_iter().map(|named| named.path).collect()
    }

    /// What its paths begin with; a word alone is a path in a `use` only.
    pub(crate) fn roots(&self) -> BTreeSet<String> {
        let root = |named: code::Named| match named.path.split_once("::") {
            Some((root, _)) => Some(root.to_owned()),
            None => named.is_imported.then_some(named.path),
        };
        code::paths(&self.code).into_iter().filter_map(root).collect()
    }

    pub(crate) fn has_word(&self, word: &str) -> bool {
        code::words(&self.code).any(|other| other == word)
    }

    pub(crate) fn calls_macro(&self, name: &str) -> bool {
        self.code.match_indices(name).any(|(at, _)| {
            let is_whole = !self.code[..at].ends_with(|one: char| one.is_alphanumeric() || one == '_');
            is_whole && self.code[at + name.len()..].starts_with('!')
        })
    }
}

/// Every file that is compiled into what a package ships.
pub(crate) fn shipped(package: &str) -> Vec<Source> {
    let files = files(&root().join(package).join("src"));
    let mut left_out = Vec::new();
    for file in &files {
        let (_, modules) = code::without_tests(&code::bare(&fs::read_to_string(file).unwrap()));
        left_out.extend(modules.iter().flat_map(|module| module_files(file, module)));
    }
    files.iter().filter(|file| !left_out.iter().any(|out| file.starts_with(out))).map(|file| read(file)).collect()
}

/// Every file of a package, its tests too.
pub(crate) fn all(package: &str) -> Vec<Source> {
    files(&root().join(package)).iter().map(|file| read_whole(file)).collect()
}

fn read(file: &Path) -> Source {
    Source::new(&relative(file), &fs::read_to_string(file).unwrap())
}

fn read_whole(file: &Path) -> Source {
    Source { path: relative(file), code: code::bare(&fs::read_to_string(file).unwrap()) }
}

fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// Where a module declared in a file may be.
fn module_files(file: &Path, module: &str) -> [PathBuf; 2] {
    let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
    let folder = match stem.as_str() {
        "mod" | "lib" | "main" => file.parent().unwrap().to_owned(),
        stem => file.parent().unwrap().join(stem),
    };
    [folder.join(format!("{module}.rs")), folder.join(module)]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                found.extend(files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn shipped_files_are_those_outside_tests() {
    let paths: Vec<String> = shipped("protocol/e2ee").into_iter().map(|source| source.path).collect();
    assert!(paths.contains(&"protocol/e2ee/src/kdf.rs".to_owned()));
    assert!(!paths.iter().any(|path| path.ends_with("/tests.rs")), "{paths:?}");
}

#[test]
fn a_word_alone_is_an_import_in_a_use_only() {
    let source = Source::new("x.rs", "use image as picture; use a::{b::c, d}; fn f(image: u8) { redb.x(); e::f() }");
    assert_eq!(source.roots(), ["image", "a", "e"].map(str::to_owned).into());
}
