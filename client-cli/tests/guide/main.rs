//! `docs/guide.md` as a newcomer follows it: every block of commands in its order, on a machine with nothing on it, and what
//! they print compared with what the page says they print.
//!
//! It starts programs and opens sockets, because that is what it is about.
#![expect(clippy::unwrap_used, reason = "a test that fails is to stop")]

mod machine;
#[path = "../judge/program.rs"]
mod program;
mod root;

use std::collections::BTreeMap;

use machine::Machine;

/// A fenced block.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).map(|(language, text)| Block { language, text }).collect()
}

/// A word that differs from one run to the next: a number, an ID, a digest, a day.
fn is_drawn(word: &str) -> bool {
    let is_hex = word.len() >= 4 && word.chars().all(|letter| letter.is_ascii_hexdigit());
    is_hex || word.contains(|letter: char| letter.is_ascii_digit())
}

/// Whether a line was printed as the page says, and which of its words stand for which.
fn same<'a>(wanted: &'a str, found: &'a str, known: &mut BTreeMap<&'a str, &'a str>) -> bool {
    if wanted.starts_with("code ") {
        return wanted == found;
    }
    let (wanted, found): (Vec<_>, Vec<_>) = (wanted.split(' ').collect(), found.split(' ').collect());
    wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|(wanted, found)| {
            let (wanted, found) = (wanted.trim_matches(','), found.trim_matches(','));
            if !is_drawn(wanted) || !is_drawn(found) {
                return wanted == found;
            }
            // The same thing is the same wherever the page shows it.
            *known.entry(wanted).or_insert(found) == found || wanted.len() < 8
        })
}

/// What differs from one photo to the other.
fn of_a_photo(line: &str) -> bool {
    line.starts_with("    removed ") || line.starts_with("    quality ")
}

#[test]
fn a_newcomer_with_the_guide_alone_ends_with_a_verified_picture() {
    let page = include_str!("../../../docs/guide.md");
    let mut machine = Machine::new();
    let (mut said, mut commands, mut compared) = (Vec::<String>::new(), 0, 0);
    let mut known = BTreeMap::<String, String>::new();
    for block in blocks(page) {
        match block.language {
            "sh" => {
                let mut text = block.text.to_owned();
                for (wanted, found) in &known {
                    text = text.replace(wanted, found);
                }
                commands += text.lines().filter(|line| !line.trim().is_empty()).count();
                said.push(machine.run(&text));
            }
            "text" => {
                let found = said.last().unwrap();
                let mut drawn = known.iter().map(|(wanted, found)| (wanted.as_str(), found.as_str())).collect();
                let wanted: Vec<_> = block.text.lines().filter(|line| !of_a_photo(line)).collect();
                let lines: Vec<_> = found.lines().filter(|line| !of_a_photo(line)).collect();
                let are_same = wanted.len() == lines.len()
                    && wanted.iter().zip(&lines).all(|(wanted, found)| same(wanted, found, &mut drawn));
                assert!(are_same, "the page says\n{}\nand it was\n{found}\n{drawn:#?}", block.text);
                known = drawn.into_iter().map(|(wanted, found)| (wanted.to_owned(), found.to_owned())).collect();
                known.retain(|wanted, _| wanted.len() == 8 && is_drawn(wanted));
                compared += 1;
            }
            other => panic!("nobody tries a block of {other:?}"),
        }
    }
    assert!(commands >= 20 && compared >= 10, "{commands} commands, {compared} compared");
    assert!(image::open(machine.file("launch.jpg")).is_ok(), "a picture at the end");
    println!(
        "evidence: P2 P3 | {commands} commands of docs/guide.md, what {compared} blocks of them print | one run, {}",
        machine.is_called()
    );
}

#[test]
fn what_is_not_as_the_page_says_is_seen() {
    let mut known = BTreeMap::new();
    assert!(same("7fe12276 to bob: deposited", "aabbccdd to bob: deposited", &mut known));
    assert!(!same("7fe12276 to bob: deposited", "00bbccdd to bob: deposited", &mut known), "another ID");
    assert!(!same("7fe12276 to bob: deposited", "aabbccdd to bob: outbox", &mut known));
    assert!(!same("code 4", "code 5", &mut known));
    let page = "# One\n\n```sh\ntrue\n```\n\nand\n\n```text\nso\n```\n";
    assert_eq!(
        blocks(page).iter().map(|it| (it.language, it.text)).collect::<Vec<_>>(),
        [("sh", "true"), ("text", "so")]
    );
}
