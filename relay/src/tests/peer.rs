use lightproof_wire::{
    capability::Capability,
    codec::{Extensions, Text},
    command::Command,
    deposit_receipt::ReceiptKey,
    frame::{CommandFrame, RelayFrame},
    id::{CommandId, MailboxHandle, Sequence},
    limits::{DELIVERY_WINDOW, WATCHED_MAILBOXES},
    refusal::Refusal,
    reply::{Policy, Push, Reply, Welcome},
    time::Timestamp,
};

use super::{LIMITS, TODAY, envelope};
use crate::{
    admit::Admission,
    bucket::Rate,
    deliver::{Inbox, WatchId, Watches},
    mailbox::{EnvelopeHead, EnvelopeRow, Page},
    peer::{Output, Peer},
};

const NOW: Timestamp = Timestamp(1_000);
const HANDLE: MailboxHandle = MailboxHandle(5);

fn peer(burst: u32) -> Peer {
    let welcome = Welcome {
        versions: Default::default(),
        receipt_key: ReceiptKey([0; 32]),
        limits: LIMITS.announced(),
        policy: Policy::Open,
        day: TODAY,
        notice: Text::default(),
        operator: Text::default(),
        extensions: Extensions::default(),
    };
    let mut peer = Peer::greet(welcome, Rate::new(1, burst, NOW));
    assert!(matches!(peer.poll(), Some(Output::Send(RelayFrame::Push(Push::Welcome(_))))));
    peer
}

fn give(peer: &mut Peer, id: u32, command: Command) {
    let frame = CommandFrame { id: CommandId(id), command };
    peer.receive(&frame.encode(), NOW, &Admission::default());
}

fn watched(peer: &mut Peer) -> WatchId {
    watched_as(peer, HANDLE)
}

fn watched_as(peer: &mut Peer, handle: MailboxHandle) -> WatchId {
    let owner = Capability::from_bytes([1; 32]);
    let hash = owner.hash();
    give(peer, 1, Command::Watch { owner, handle });
    assert!(matches!(peer.poll(), Some(Output::Watch(..))));
    let watch = Watches::default().begin(hash, handle, &std::sync::Arc::<Inbox>::default());
    peer.watching(CommandId(1), handle, hash, watch, Sequence(0));
    assert!(matches!(peer.poll(), Some(Output::Send(RelayFrame::Reply(_, Reply::Watching { .. })))));
    watch
}

fn page(from: u64, to: u64, complete: bool) -> Page {
    let row = |n| {
        let head = EnvelopeHead { day: TODAY, expires: TODAY, digest: envelope(1).digest() };
        (Sequence(n), EnvelopeRow { head, envelope: envelope(1) })
    };
    Page { envelopes: (from..=to).map(row).collect(), end: Sequence(to), complete, damaged_count: 0 }
}

fn drain(peer: &mut Peer) -> Vec<String> {
    std::iter::from_fn(|| peer.poll())
        .map(|output| match output {
            Output::Send(RelayFrame::Push(Push::Delivery(it))) => format!("delivery {}", it.sequence.0),
            Output::Send(RelayFrame::Push(Push::CaughtUp(_))) => "caught up".to_owned(),
            Output::Send(RelayFrame::Push(Push::Superseded(_))) => "superseded".to_owned(),
            Output::Send(RelayFrame::Reply(id, Reply::Refused(refusal))) => format!("{} {refusal:?}", id.0),
            Output::Send(RelayFrame::Reply(id, reply)) => format!("{} {reply:?}", id.0),
            Output::Load(_, _, _, after, limit) => format!("load {limit} after {}", after.0),
            Output::Ack(id, ..) => format!("ack {}", id.0),
            Output::Close => "close".to_owned(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_window_of_deliveries_is_refilled_by_acks_and_then_caught_up() {
    let mut peer = peer(100);
    let watch = watched(&mut peer);
    assert_eq!(drain(&mut peer), ["load 32 after 0"]);
    peer.page(HANDLE, watch, page(1, 32, false));
    assert_eq!(drain(&mut peer).len(), DELIVERY_WINDOW, "deliveries and nothing else");
    give(&mut peer, 2, Command::Ack { handle: HANDLE, sequence: Sequence(7) });
    assert_eq!(drain(&mut peer), ["ack 2"]);
    peer.acked(CommandId(2), HANDLE, Sequence(7), Reply::Done);
    assert_eq!(drain(&mut peer), ["2 Done", "load 1 after 32"]);
    peer.page(HANDLE, watch, page(33, 33, true));
    assert_eq!(drain(&mut peer), ["delivery 33", "caught up"]);
}

#[test]
fn a_wake_up_during_a_look_is_not_lost_and_an_empty_one_says_nothing_twice() {
    let mut peer = peer(100);
    let watch = watched(&mut peer);
    drain(&mut peer);
    peer.wake(HANDLE, watch);
    assert_eq!(drain(&mut peer), [""; 0], "one look at a time");
    peer.page(HANDLE, watch, Page { complete: true, ..Page::default() });
    assert_eq!(drain(&mut peer), ["load 32 after 0"], "not caught up yet");
    peer.page(HANDLE, watch, page(1, 1, true));
    assert_eq!(drain(&mut peer), ["delivery 1", "caught up"]);
    peer.wake(HANDLE, watch);
    assert_eq!(drain(&mut peer), ["load 31 after 1"]);
    peer.page(HANDLE, watch, Page { complete: true, end: Sequence(1), ..Page::default() });
    assert_eq!(drain(&mut peer), [""; 0]);
}

/// Whoever watched a thousand mailboxes and stopped reading had 32 envelopes of each waiting in the relay's memory.
#[test]
fn of_many_mailboxes_one_is_read_at_a_time_and_each_has_its_turn() {
    const COUNT: u32 = 1_000;
    let mut peer = peer(COUNT);
    let caught_up = || Page { complete: true, ..Page::default() };
    let watches: Vec<_> = (0..COUNT)
        .map(|handle| {
            let watch = watched_as(&mut peer, MailboxHandle(handle));
            assert_eq!(drain(&mut peer), ["load 32 after 0"]);
            peer.page(MailboxHandle(handle), watch, caught_up());
            assert_eq!(drain(&mut peer), ["caught up"]);
            watch
        })
        .collect();
    for _ in 0..2 {
        for (handle, watch) in (0..).zip(&watches) {
            peer.wake(MailboxHandle(handle), *watch);
        }
    }
    assert_eq!(drain(&mut peer), ["load 32 after 0"], "one");
    peer.page(MailboxHandle(0), watches[0], page(1, 31, false));
    let outputs = drain(&mut peer);
    assert_eq!(
        (outputs.len(), outputs.last().unwrap().as_str()),
        (32, "load 32 after 0"),
        "sent before the next is read"
    );
    peer.superseded(MailboxHandle(1), watches[1]);
    peer.page(MailboxHandle(1), watches[1], page(1, 31, false));
    assert_eq!(drain(&mut peer), ["superseded", "load 32 after 0"]);
    for (handle, watch) in (2..).zip(&watches[2..]) {
        peer.page(MailboxHandle(handle), *watch, caught_up());
        let next = if handle == COUNT - 1 { "load 1 after 31" } else { "load 32 after 0" };
        assert_eq!(drain(&mut peer), [next], "{handle} was announced before");
    }
    peer.page(MailboxHandle(0), watches[0], page(32, 32, true));
    assert_eq!(drain(&mut peer), ["delivery 32", "caught up"]);
}

#[test]
fn an_ack_that_had_to_wait_frees_its_place_when_it_comes_again() {
    let mut peer = peer(100);
    let watch = watched(&mut peer);
    drain(&mut peer);
    peer.page(HANDLE, watch, page(1, 32, false));
    drain(&mut peer);
    let ack = || Command::Ack { handle: HANDLE, sequence: Sequence(7) };
    give(&mut peer, 2, ack());
    drain(&mut peer);
    peer.acked(CommandId(2), HANDLE, Sequence(7), Reply::Refused(Refusal::Busy));
    assert_eq!(drain(&mut peer), ["2 Busy"], "its place is still taken");
    give(&mut peer, 3, ack());
    assert_eq!(drain(&mut peer), ["ack 3"]);
    peer.acked(CommandId(3), HANDLE, Sequence(7), Reply::Done);
    assert_eq!(drain(&mut peer), ["3 Done", "load 1 after 32"]);
}

#[test]
fn a_handle_names_one_mailbox_from_the_moment_it_is_asked_for() {
    let mut peer = peer(100);
    let watch = |byte| Command::Watch { owner: Capability::from_bytes([byte; 32]), handle: HANDLE };
    give(&mut peer, 1, watch(1));
    give(&mut peer, 2, watch(2));
    assert!(matches!(peer.poll(), Some(Output::Watch(CommandId(1), ..))));
    assert_eq!(drain(&mut peer), ["2 Refused"]);
    peer.not_watching(CommandId(1), HANDLE, Refusal::Refused);
    assert_eq!(drain(&mut peer), ["1 Refused"]);
    give(&mut peer, 3, watch(2));
    assert!(matches!(peer.poll(), Some(Output::Watch(CommandId(3), ..))), "free again");
}

/// Those asked for count as well: they are watched before long.
#[test]
fn one_connection_watches_so_many_mailboxes_and_no_more() {
    let mut peer = peer(10_000);
    let handle = |number: usize| MailboxHandle(u32::try_from(number).unwrap());
    let watch = |peer: &mut Peer, number: usize| {
        let owner = Capability::from_bytes([1; 32]);
        give(peer, 2_000 + handle(number).0, Command::Watch { owner, handle: handle(number) });
        drain(peer)
    };
    for number in 1..=WATCHED_MAILBOXES / 2 {
        watched_as(&mut peer, handle(number));
        drain(&mut peer);
    }
    for number in WATCHED_MAILBOXES / 2 + 1..=WATCHED_MAILBOXES {
        assert!(watch(&mut peer, number).iter().all(|output| output.starts_with("Watch")), "{number}");
    }
    assert_eq!(watch(&mut peer, WATCHED_MAILBOXES + 1), ["3025 TooLarge"]);
    // One it watches may be watched anew; one that was refused leaves room.
    watched_as(&mut peer, handle(1));
    let last = handle(WATCHED_MAILBOXES);
    peer.not_watching(CommandId(2_000 + last.0), last, Refusal::Refused);
    drain(&mut peer);
    assert!(watch(&mut peer, WATCHED_MAILBOXES + 1).iter().all(|output| output.starts_with("Watch")));
    assert_eq!(watch(&mut peer, WATCHED_MAILBOXES + 2), ["3026 TooLarge"]);
}

#[test]
fn a_superseded_watch_delivers_nothing_more() {
    let mut peer = peer(100);
    let watch = watched(&mut peer);
    drain(&mut peer);
    peer.superseded(HANDLE, watch);
    peer.page(HANDLE, watch, page(1, 3, true));
    assert_eq!(drain(&mut peer), ["superseded"]);
    give(&mut peer, 9, Command::Ack { handle: HANDLE, sequence: Sequence(1) });
    assert_eq!(drain(&mut peer), ["9 Superseded"]);
}

#[test]
fn a_command_of_a_later_version_is_refused_and_the_next_is_served() {
    let mut peer = peer(2);
    peer.receive(&[0, 0, 0, 1, 200], NOW, &Admission::default());
    assert_eq!(drain(&mut peer).last().unwrap(), "1 Unsupported");
    give(&mut peer, 2, Command::Ping);
    assert_eq!(drain(&mut peer), ["2 Pong"]);
    peer.receive(&[0, 0, 0, 3, 200], NOW, &Admission::default());
    assert!(drain(&mut peer)[0].starts_with("3 TooMany"), "it counts as any other");
}

#[test]
fn a_frame_that_is_no_command_closes() {
    for bytes in [&b""[..], &[0, 0, 0, 0, 16], &[0, 0, 0, 0, 200], &[0, 0, 0, 1, 16, 0]] {
        let mut peer = peer(100);
        peer.receive(bytes, NOW, &Admission::default());
        assert_eq!(drain(&mut peer).last().unwrap(), "close");
        assert!(!peer.reads());
        give(&mut peer, 3, Command::Ping);
        assert_eq!(drain(&mut peer), [""; 0]);
    }
}

#[test]
fn an_id_in_use_closes_and_too_many_commands_under_way_are_not_read() {
    let mut busy = peer(1_000);
    let retire = || Command::Retire { owner: Capability::from_bytes([3; 32]) };
    give(&mut busy, 1, retire());
    give(&mut busy, 1, retire());
    assert_eq!(drain(&mut busy).last().unwrap(), "close");
    let mut busy = peer(1_000);
    for id in 1..=32 {
        assert!(busy.reads());
        give(&mut busy, id, retire());
    }
    assert!(!busy.reads());
    busy.answered(CommandId(4), Reply::Refused(Refusal::Refused));
    assert!(busy.reads());
}

#[test]
fn too_many_commands_are_told_to_wait() {
    let mut peer = peer(2);
    for id in 1..=3 {
        give(&mut peer, id, Command::Ping);
    }
    assert_eq!(drain(&mut peer), ["1 Pong", "2 Pong", "3 TooMany { retry_after_ms: 1000 }"]);
    let later = CommandFrame { id: CommandId(4), command: Command::Ping }.encode();
    peer.receive(&later, NOW.plus_ms(1_000), &Admission::default());
    assert_eq!(drain(&mut peer), ["4 Pong"]);
}

#[test]
fn creating_needs_an_access_capability_where_the_relay_asks() {
    let asking = Admission { policy: Policy::Access };
    let access = Capability::from_bytes([1; 32]);
    let create = |access| Command::CreateMailbox {
        owner: super::hash(1),
        drop: super::hash(2),
        kind: lightproof_wire::command::MailboxKind::Private,
        access,
    };
    assert_eq!(asking.admit(create(None)).unwrap_err(), Refusal::Refused);
    assert!(asking.admit(create(Some(access.clone()))).is_ok(), "whether it is one of ours is for the rules");
    assert_eq!(asking.charged(Some(&access)), Ok(Some(access.hash())));
    assert!(Admission::default().admit(create(None)).is_ok());
    assert_eq!(Admission::default().charged(Some(&access)), Ok(None), "an open relay charges nobody");
}
