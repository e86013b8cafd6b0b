//! What is a value and what is not, and what goes together.

use clap::Parser;

use super::value::ValueError;
use super::*;
use crate::args::{Command, CommandLine};
use crate::exit::Exit;

fn send(words: &[&str]) -> Result<Sending, Failure> {
    let line = CommandLine::try_parse_from([&["lightproof", "send"], words].concat()).unwrap();
    let passphrase = PassphraseSource::current(&line.global, |_| false);
    let Some(Command::Send(typed)) = line.command else { panic!("send is send") };
    Sending::plan(typed, &passphrase)
}

#[test]
fn clap_finds_no_fault_in_the_definition() {
    use clap::CommandFactory;
    CommandLine::command().debug_assert();
}

#[test]
fn contacts_are_separated_by_commas_and_named_once() {
    let to: Recipients = "bob, carol,bob".parse().unwrap();
    assert_eq!(to.names().iter().map(ContactName::as_str).collect::<Vec<_>>(), ["bob", "carol"]);
    assert_eq!("bob,,carol".parse::<Recipients>(), Err(ValueError::NothingThere));
    assert_eq!("a,b".parse::<ContactName>(), Err(ValueError::Comma));
    assert_eq!("-x".parse::<ContactName>(), Err(ValueError::Dash));
    assert_eq!("a\u{202e}b".parse::<ContactName>(), Err(ValueError::Invisible));
    assert_eq!(" a".parse::<ContactName>(), Err(ValueError::SpaceAround));
    assert_eq!("x".repeat(65).parse::<ContactName>(), Err(ValueError::TooLong));
    assert_eq!("Bob the builder".parse::<ContactName>().unwrap().as_str(), "Bob the builder");
}

#[test]
fn numbers_and_prefixes_are_told_apart() {
    assert_eq!("2".parse(), Ok(RequestChoice::Number(2)));
    assert_eq!("12345678".parse(), Ok(RequestChoice::Fingerprint("12345678".into())));
    assert_eq!("AB12 cd34".parse(), Ok(RequestChoice::Fingerprint("ab12cd34".into())));
    for wrong in ["0", "bob", "abc", "", "-1", "12 345"] {
        assert_eq!(wrong.parse::<RequestChoice>(), Err(ValueError::NotARequest));
    }
    assert_eq!("3F2a".parse::<IdPrefix>().unwrap().as_str(), "3f2a");
    assert_eq!("3f2".parse::<IdPrefix>(), Err(ValueError::NotAnId));
    assert_eq!("85".parse(), Ok(Quality::Fixed(85)));
    assert_eq!("auto".parse(), Ok(Quality::Auto));
    for wrong in ["0", "101", "256", "high", "-1"] {
        assert_eq!(wrong.parse::<Quality>(), Err(ValueError::NotAQuality));
    }
    assert_eq!("65536".parse::<MaxEdge>(), Err(ValueError::NotAnEdge));
    assert_eq!("1920".parse::<MaxEdge>().unwrap().pixels(), 1920);
}

#[test]
fn a_card_is_told_from_a_file() {
    assert_eq!(CardSource::from(OsString::from("Lightproof:abc ")), CardSource::Text("Lightproof:abc".into()));
    assert_eq!(CardSource::from(OsString::from("bob.card")), CardSource::Input(Input::File("bob.card".into())));
    assert_eq!(CardSource::from(OsString::from("-")), CardSource::Input(Input::Standard));
    assert_eq!(format!("{:?}", CardSource::from(OsString::from("lightproof:secret"))), "Text");
}

#[test]
fn the_defaults_of_send_are_compressed_and_deposited() {
    let sending = send(&["bob", "a.jpg", "b.jpg", "-m", "look"]).unwrap();
    assert_eq!(
        sending.treatment,
        Treatment::Compressed { quality: Quality::Auto, max_edge: None, keep_metadata: false }
    );
    assert_eq!(sending.until, Until::Wait(Wait::Deposited));
    assert_eq!(sending.note, Note::Text("look".into()));
    assert_eq!(sending.photos.len(), 2);
}

#[test]
fn what_does_not_go_together_is_refused() {
    for words in [
        &["bob"] as &[_],
        &["bob", "a.jpg", "--as", "exact", "--quality", "80"],
        &["bob", "a.jpg", "--as", "original", "--max-edge", "1000"],
        &["bob", "-", "--note-file", "-"],
        &["bob", "-", "--passphrase-file", "-"],
        &["bob", "-", "-"],
    ] {
        assert_eq!(send(words).unwrap_err().exit, Exit::Usage, "{words:?}");
    }
    let many = [&["bob"], ["a.jpg"; 17].as_slice()].concat();
    assert_eq!(send(&many).unwrap_err().exit, Exit::Usage);
    assert!(send(&["bob", "-", "-m", "from stdin"]).is_ok());
}

#[test]
fn a_passphrase_comes_from_the_file_then_the_variable_then_the_person() {
    let global = Global { passphrase_file: Some(Input::Standard), ..Global::default() };
    assert!(PassphraseSource::current(&global, |_| true) == PassphraseSource::Input(Input::Standard));
    assert!(PassphraseSource::current(&Global::default(), |_| true) == PassphraseSource::Variable(PASSPHRASE_VARIABLE));
    assert!(PassphraseSource::current(&Global::default(), |_| false) == PassphraseSource::Prompt);
}

#[cfg(target_os = "linux")]
#[test]
fn the_home_follows_the_xdg_specification() {
    let with = |data: Option<&str>| {
        let data = data.map(OsString::from);
        home(&Global::default(), move |name| match name {
            "XDG_DATA_HOME" => data.clone(),
            "HOME" => Some("/home/alice".into()),
            _ => None,
        })
    };
    assert_eq!(with(Some("/data")).unwrap(), Path::new("/data/lightproof"));
    assert_eq!(with(Some("data")).unwrap(), Path::new("/home/alice/.local/share/lightproof"));
    assert_eq!(with(None).unwrap(), Path::new("/home/alice/.local/share/lightproof"));
    assert_eq!(home(&Global::default(), |_| None).unwrap_err().exit, Exit::Usage);
}
