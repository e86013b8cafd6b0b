//! What keys and news lead to.

use lightproof_core::message::{Direction, State as Became};

use super::*;
use crate::inbox::event::{Key, Person, Standing, Treatment};
use crate::output::event::{self, Direction as Way};

/// Somebody whose fingerprint is this number all over.
pub(crate) fn somebody(number: u8) -> Fingerprint {
    Fingerprint::from_bytes([number; 32])
}

fn person(number: u8, name: &str, standing: Standing) -> Person {
    Person { fingerprint: somebody(number), name: name.to_owned(), standing, unread: 0 }
}

/// Alice's home: a request, Bob with so many messages, Carol with none.
pub(crate) fn home(messages: u64) -> Home {
    let entry = |number: u64| {
        let direction = if number.is_multiple_of(2) { Direction::In } else { Direction::Out };
        Entry { key: MessageKey::test(somebody(2), direction, number), state: Became::Verified, is_unread: false }
    };
    Home {
        me: "alice".to_owned(),
        people: vec![
            person(1, "Dave", Standing::Request),
            person(2, "bob", Standing::Verified),
            person(3, "carol", Standing::Unverified),
        ],
        messages: BTreeMap::from([(somebody(2), (0..messages).map(entry).collect())]),
        ..Home::default()
    }
}

/// A message as it is loaded.
pub(crate) fn message(key: &MessageKey, from: &str, note: &str) -> Loaded {
    let is_in = key.direction() == Direction::In;
    let (from, to) = if is_in { (from, "alice") } else { ("alice", from) };
    let message = event::Message {
        id: "3f2a".repeat(8),
        from: from.to_owned(),
        to: to.to_owned(),
        direction: if is_in { Way::In } else { Way::Out },
        state: if is_in { event::State::Verified } else { event::State::Delivered },
        note: (!note.is_empty()).then(|| note.to_owned()),
        sent_at: "2026-11-21T16:20:03Z".to_owned(),
        photos: Vec::new(),
        view_once: false,
        retracted: false,
        columns: 80,
        is_given_up: false,
        previews: String::new(),
    };
    Loaded { message, promise: None }
}

/// A photo of a message.
pub(crate) fn photo() -> event::MessagePhoto {
    event::MessagePhoto {
        treatment: "compressed",
        media_type: "image/jpeg",
        bytes: 1_234_567,
        sha256: String::new(),
        width: Some(1600),
        height: Some(1200),
        file: None,
        thumbhash: None,
        holds: None,
    }
}

/// A window of 80 by 24 with that home in it; everything that is asked for is loaded.
pub(crate) fn opened(messages: u64) -> State {
    let mut state = State::new(80, 24);
    tell(&mut state, Event::Home(home(messages)));
    state
}

/// Takes it in, and loads what is asked for; the other intents.
pub(crate) fn tell(state: &mut State, event: Event) -> Vec<Intent> {
    let mut others = Vec::new();
    let mut intents = state.on(event);
    while let Some(intent) = intents.pop() {
        if let Intent::Load(keys) = &intent {
            let loaded = keys.iter().map(|key| (*key, message(key, "bob", "look at this")));
            intents.extend(state.on(Event::Loaded(loaded.collect())));
        } else {
            others.push(intent);
        }
    }
    others
}

pub(crate) fn press(state: &mut State, keys: &[Key]) -> Vec<Intent> {
    keys.iter().flat_map(|key| tell(state, Event::Key(key.clone()))).collect()
}

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

#[test]
fn a_message_is_written_and_sent_and_what_is_written_waits_until_it_is_sent() {
    let mut state = opened(4);
    press(&mut state, &[Key::Down, Key::Enter, Key::Char('w')]);
    press(&mut state, &typed("see you"));
    press(&mut state, &[Key::LineBreak, Key::Char('?'), Key::Escape, Key::Char('w'), Key::Tab]);
    press(&mut state, &typed("a b.jpg"));
    press(&mut state, &[Key::Enter, Key::Enter, Key::Control('t')]);
    let draft = Draft {
        to: Some(somebody(2)),
        note: "see you\n?".to_owned(),
        photos: vec!["a b.jpg".to_owned()],
        treatment: Treatment::Original,
    };
    assert!(press(&mut state, &[Key::Enter]) == [Intent::Send(draft.clone())]);
    assert!(matches!(state.page(), Page::Conversation(_)));
    // It failed: it is where it was written.
    tell(&mut state, Event::Unsent { draft: draft.clone(), was_saved: false });
    press(&mut state, &[Key::Char('w')]);
    assert!(matches!(state.page(), Page::Writing(page) if page.draft() == draft));
    press(&mut state, &[Key::Enter]);
    tell(&mut state, Event::Saved);
    press(&mut state, &[Key::Char('w')]);
    assert!(matches!(state.page(), Page::Writing(page) if page.draft().is_empty()));
    assert!(press(&mut state, &[Key::Enter]).is_empty(), "nothing is not sent");
}

#[test]
fn a_request_is_accepted_with_a_name_or_declined_after_a_question() {
    let mut state = opened(0);
    press(&mut state, &[Key::Home, Key::Enter, Key::Control('u')]);
    press(&mut state, &typed("dave"));
    let accepted = press(&mut state, &[Key::Enter]);
    assert!(accepted == [Intent::Accept { request: somebody(1), name: Some("dave".to_owned()) }]);
    // The name was not to be had: the page is still there.
    assert!(matches!(state.page(), Page::Answering(_)));
    tell(&mut state, Event::Met(somebody(1)));
    assert!(matches!(state.page(), Page::People));
    // What they call themselves is not taken for a name that was typed.
    let unnamed = press(&mut state, &[Key::Enter, Key::Enter]);
    assert!(unnamed == [Intent::Accept { request: somebody(1), name: None }]);
    press(&mut state, &[Key::Escape]);
    assert!(press(&mut state, &[Key::Char('d'), Key::Char('n')]).is_empty());
    assert!(press(&mut state, &[Key::Char('d'), Key::Char('y')]) == [Intent::Decline(somebody(1))]);
}

#[test]
fn a_card_is_pasted_and_its_relay_asked_about() {
    let mut state = opened(0);
    press(&mut state, &[Key::Char('a'), Key::Pasted("lightproof:AQ\n".to_owned()), Key::Enter]);
    press(&mut state, &typed("erin"));
    let (card, name) = ("lightproof:AQ".to_owned(), "erin".to_owned());
    let add = |relay| Intent::Add { card: card.clone(), name: name.clone(), relay };
    assert!(press(&mut state, &[Key::Enter]) == [add(CardRelay::Unasked)]);
    let relay: RelayLink = "wss://other.example/".parse().unwrap();
    tell(&mut state, Event::AskCardRelay { relay, card: card.clone(), name: name.clone() });
    assert!(press(&mut state, &[Key::Char('y')]) == [add(CardRelay::Allowed)]);
    assert!(matches!(state.page(), Page::Adding(_)));
    tell(&mut state, Event::Met(somebody(9)));
    assert!(matches!(state.page(), Page::People));
}

#[test]
fn safety_numbers_are_marked_only_once_they_are_there_and_somebody_says_yes() {
    let mut state = opened(0);
    assert!(press(&mut state, &[Key::End, Key::Char('v')]) == [Intent::ShowSafety(somebody(3))]);
    assert!(press(&mut state, &[Key::Char('m'), Key::Char('y')]).is_empty());
    tell(&mut state, Event::Safety { contact: somebody(3), number: "12345 67890".to_owned() });
    assert!(press(&mut state, &[Key::Char('m'), Key::Enter]).is_empty(), "Enter is no yes");
    assert!(press(&mut state, &[Key::Char('m'), Key::Char('y')]) == [Intent::Mark(somebody(3))]);
}

#[test]
fn a_relay_is_asked_about_once_and_not_while_somebody_writes() {
    let mut state = opened(2);
    press(&mut state, &[Key::End, Key::Char('w')]);
    let relay: RelayLink = "wss://other.example/".parse().unwrap();
    tell(&mut state, Event::AskRelay(relay.clone()));
    assert!(matches!(state.page(), Page::Writing(_)));
    press(&mut state, &[Key::Escape]);
    assert!(matches!(state.page(), Page::Confirm(_)));
    assert!(press(&mut state, &[Key::Char('y')]) == [Intent::AllowRelay(relay.clone())]);
    tell(&mut state, Event::AskRelay(relay));
    assert!(matches!(state.page(), Page::People));
}

#[test]
fn nobody_is_written_to_who_is_not_a_contact() {
    let mut state = opened(0);
    press(&mut state, &[Key::Home, Key::Char('w')]);
    assert!(matches!(state.page(), Page::People), "a request");
    let mut blocked = home(0);
    blocked.people[1].standing = Standing::Blocked;
    tell(&mut state, Event::Home(blocked));
    press(&mut state, &[Key::Down, Key::Enter, Key::Char('w')]);
    assert!(matches!(state.page(), Page::Conversation(_)), "somebody blocked");
}

#[test]
fn whoever_is_at_the_newest_message_stays_there_and_whoever_reads_older_ones_is_left_alone() {
    let mut state = opened(30);
    press(&mut state, &[Key::Down, Key::Enter]);
    let at = |state: &State| match state.page() {
        Page::Conversation(page) => page.list.at(),
        _ => usize::MAX,
    };
    assert_eq!(at(&state), 29);
    tell(&mut state, Event::Home(home(31)));
    assert_eq!(at(&state), 30);
    press(&mut state, &[Key::Up, Key::Up]);
    let mut without_the_first = home(32);
    without_the_first.messages.get_mut(&somebody(2)).unwrap().remove(0);
    tell(&mut state, Event::Home(without_the_first));
    assert_eq!(at(&state), 27, "the same message, one place higher");
}

#[test]
fn a_photo_is_looked_at_once_for_each_size_and_a_late_drawing_is_no_drawing() {
    let mut state = opened(1);
    let key = MessageKey::test(somebody(2), Direction::In, 0);
    let mut loaded = message(&key, "bob", "two");
    loaded.message.photos = vec![photo(), photo()];
    state.on(Event::Key(Key::Down));
    state.on(Event::Key(Key::Enter));
    assert!(state.on(Event::Key(Key::Enter)).contains(&Intent::Read(key)));
    let looked = state.on(Event::Loaded(vec![(key, loaded.clone())]));
    let [Intent::Look(first)] = looked.as_slice() else { panic!("{} intents", looked.len()) };
    assert_eq!((first.photo, first.columns), (0, 80));
    assert!(state.on(Event::Loaded(vec![(key, loaded)])).is_empty(), "it was asked for");
    let looked = state.on(Event::Key(Key::Right));
    let [Intent::Look(second)] = looked.as_slice() else { panic!("{} intents", looked.len()) };
    assert_eq!(second.photo, 1);
    state.on(Event::Photo(PhotoSeen { place: *first, drawing: None, remarks: Vec::new() }));
    assert!(matches!(state.page(), Page::Reading(page) if page.seen.is_none()));
    let looked = state.on(Event::Resized { columns: 100, rows: 30 });
    assert!(matches!(looked.as_slice(), [Intent::Look(place)] if place.columns == 100));
}

#[test]
fn what_is_for_one_look_is_not_looked_at_in_passing() {
    let mut state = opened(1);
    let key = MessageKey::test(somebody(2), Direction::In, 0);
    let mut loaded = message(&key, "bob", "");
    loaded.message.photos = vec![photo()];
    loaded.message.view_once = true;
    press(&mut state, &[Key::Down, Key::Enter, Key::Enter]);
    assert!(state.on(Event::Loaded(vec![(key, loaded)])).is_empty());
}

#[test]
fn ten_thousand_messages_scroll_and_only_those_in_sight_are_loaded() {
    let mut state = State::new(80, 24);
    let mut most = 0;
    let mut steps = vec![Event::Home(home(10_000)), Event::Key(Key::Down), Event::Key(Key::Enter)];
    let keys = [Key::Home, Key::PageDown, Key::Down, Key::End, Key::PageUp, Key::Up];
    steps.extend(keys.iter().cycle().take(600).cloned().map(Event::Key));
    // All the way through, page by page.
    steps.push(Event::Key(Key::Home));
    steps.extend(std::iter::repeat_n(Event::Key(Key::PageDown), 600));
    for step in steps {
        for intent in state.on(step) {
            let Intent::Load(keys) = intent else { continue };
            most = most.max(keys.len());
            let loaded = keys.iter().map(|key| (*key, message(key, "bob", "look"))).collect();
            assert!(state.on(Event::Loaded(loaded)).is_empty());
        }
        assert!(state.in_sight().len() <= state.body_rows());
        assert!(state.in_sight().iter().all(|key| state.loaded(key).is_some()));
        assert!(state.loaded.len() <= MOST_LOADED + state.body_rows(), "{}", state.loaded.len());
    }
    assert_eq!(most, 19, "a page");
    assert!(matches!(state.page(), Page::Conversation(page) if page.list.at() == 9_999));
}

#[test]
fn control_c_and_q_end_it_and_q_is_a_letter_where_one_writes() {
    let mut state = opened(1);
    press(&mut state, &[Key::End, Key::Char('w'), Key::Char('q')]);
    assert!(!state.is_done());
    assert!(matches!(state.page(), Page::Writing(page) if page.note.text() == "q"));
    press(&mut state, &[Key::Control('c')]);
    assert!(state.is_done());
    let mut state = opened(1);
    assert!(press(&mut state, &[Key::Control('z')]) == [Intent::Suspend]);
    press(&mut state, &[Key::Char('q')]);
    assert!(state.is_done());
}

/// Writes these words to Bob and sends them.
fn sends(state: &mut State, words: &str) -> Draft {
    press(state, &[Key::Char('w')]);
    press(state, &typed(words));
    let mut intents = press(state, &[Key::Enter]);
    let Some(Intent::Send(draft)) = intents.pop() else { panic!("{words:?} is not sent") };
    draft
}

/// The editor held the first still, while it was under way, and lost the second when the first was sent.
#[test]
fn what_is_written_while_an_earlier_message_is_under_way_is_not_mixed_with_it() {
    let mut state = opened(1);
    press(&mut state, &[Key::Down]);
    let first = sends(&mut state, "note one");
    let second = sends(&mut state, "note two");
    assert_eq!((first.note.as_str(), second.note.as_str()), ("note one", "note two"));
    press(&mut state, &[Key::Char('w')]);
    press(&mut state, &typed("three"));
    press(&mut state, &[Key::Escape]);
    tell(&mut state, Event::Saved);
    // The second cannot be sent, while the third is begun: it comes after it.
    tell(&mut state, Event::Unsent { draft: second.clone(), was_saved: false });
    assert_eq!(sends(&mut state, "!").note, "three!");
    press(&mut state, &[Key::Char('w')]);
    assert!(matches!(state.page(), Page::Writing(page) if page.draft() == second));
    press(&mut state, &[Key::Control('u')]);
    tell(&mut state, Event::Unsent { draft: first.clone(), was_saved: true });
    assert!(matches!(state.page(), Page::Writing(page) if page.draft() == first), "into the empty page");
}

#[test]
fn it_is_left_once_what_was_to_be_sent_is_saved_or_by_asking_twice() {
    let sending = || {
        let mut state = opened(1);
        press(&mut state, &[Key::Down]);
        let draft = sends(&mut state, "one");
        sends(&mut state, "two");
        press(&mut state, &[Key::Char('q')]);
        assert!(!state.is_done());
        let said = state.said.clone().map(|said| said.text);
        assert_eq!(said.as_deref(), Some("2 messages are being saved, then it ends; q again ends it without"));
        (state, draft)
    };
    let (mut state, _) = sending();
    tell(&mut state, Event::Saved);
    assert!(!state.is_done());
    tell(&mut state, Event::Saved);
    assert!(state.is_done() && state.unsaved_count() == 0);
    // Impatient.
    let (mut state, _) = sending();
    press(&mut state, &[Key::Control('c')]);
    assert!(state.is_done() && state.unsaved_count() == 2);
    // Of another mind.
    let (mut state, _) = sending();
    press(&mut state, &[Key::Down]);
    tell(&mut state, Event::Saved);
    tell(&mut state, Event::Saved);
    assert!(!state.is_done());
    // One cannot be sent: that is to be seen.
    let (mut state, draft) = sending();
    tell(&mut state, Event::Unsent { draft, was_saved: false });
    tell(&mut state, Event::Saved);
    assert!(!state.is_done() && state.unsaved_count() == 0);
    press(&mut state, &[Key::Char('q')]);
    assert!(state.is_done());
}

#[test]
fn news_is_told_of_once_it_was_on_the_screen() {
    let mut state = opened(1);
    let mut news = home(1);
    news.news = vec![MessageKey::test(somebody(2), Direction::In, 0)];
    tell(&mut state, Event::Home(news));
    assert_eq!(state.take_news().len(), 1);
    assert!(state.take_news().is_empty());
}
