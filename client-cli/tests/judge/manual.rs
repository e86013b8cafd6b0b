//! Manual pages, completions, and the Debian package that they go into.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::person::Person;

#[test]
fn every_command_has_a_manual_page_with_its_example() {
    let place = tempfile::tempdir().unwrap();
    let person = Person::at(&place, "nobody");
    person.says(&["man", "man1"]);
    let pages: BTreeSet<String> = fs::read_dir(place.path().join("man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let help = person.says(&["--help"]);
    let commands = help.split("Commands:").nth(1).unwrap().split("Options").next().unwrap();
    let named: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert!(named.len() > 20, "{help}");
    for command in named {
        let page = format!("lightproof-{command}.1");
        assert!(pages.contains(&page), "there is no {page}");
    }
    assert!(pages.contains("lightproof.1") && !pages.iter().any(|page| page.contains("decode")));
    // Commands of commands have pages too: `contact add`, `relay move`.
    for page in pages.iter().filter(|page| *page != "lightproof.1") {
        let text = fs::read_to_string(place.path().join("man1").join(page)).unwrap();
        assert!(text.contains("Example") && text.starts_with(".ie"), "{page}: {text}");
    }
}

#[test]
fn the_package_of_the_client_lists_what_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let (_, listed) = manifest.split_once("\nassets = [\n").unwrap();
    let listed = listed.split_once("\n]\n").unwrap().0;
    let making = fs::read_to_string(folder.join("../.ci/package")).unwrap();
    let sources: Vec<&str> = listed.lines().map(|line| line.split('"').nth(1).unwrap()).collect();
    assert_eq!(sources.len(), 6);
    for source in sources {
        // What is made is made by the script; everything else lies here.
        let is_there = match source.strip_prefix("target/release/") {
            None => folder.join(source).exists(),
            Some("lightproof") => true,
            Some("dist/man/lightproof*.1") => making.contains("man \"$dist/man\""),
            Some(made) => making.contains(&made.replace("dist/", "$dist/")),
        };
        assert!(is_there, "{source}");
    }
}
