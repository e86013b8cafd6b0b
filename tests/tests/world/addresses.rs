//! Addresses that a contact chose: nobody is led to a machine that they did not allow.

use lightproof_core::{
    ClientError, event::Notice, message::Direction, message::State, names::NewName, transport::NamedBy,
};
use lightproof_tests::{
    effort::times,
    scene::noise,
    world::{Founded, Member, World, in_virtual_time},
};
use lightproof_wire::relay_link::RelayLink;

use crate::paused;

const ALICE: usize = 0;
const CAROL: usize = 2;

/// This machine, its neighbours, and strangers; at ports that other services use.
fn addresses() -> Vec<RelayLink> {
    let hosts = [
        "localhost",
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "10.255.255.254",
        "172.16.0.1",
        "172.31.9.9",
        "192.168.0.1",
        "192.168.178.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "ff02::1",
        "router.local",
        "metadata.internal",
        "relay.example.net",
        "xn--relay-9qa.example",
        "1.1.1.1",
        "2001:db8::1",
        "relay-0.example.org.evil.example",
        "a",
        "relay-0.example.com",
        "printer",
        "8.8.8.8",
        "nas.home.arpa",
        "kubernetes.default.svc",
        "203.0.113.7",
        "198.51.100.9",
        "2606:4700::1111",
        "relay-00.example.org",
    ];
    let ports = [443, 22, 25, 80, 6_379];
    let links = ports.iter().flat_map(|port| hosts.iter().map(|host| RelayLink::new(host, *port, Vec::new()).unwrap()));
    links.collect()
}

/// Somebody whose relay, and so everything they name, is at this address writes to Alice for the first time.
async fn stranger_at(founded: &Founded, link: &RelayLink) -> (World, Member) {
    let world = founded.world(1, 1).await;
    world.network.add_as(link, &world.relays[1]);
    let mut carol = Member::begin(CAROL, link, &world.network, &world.clock).await;
    carol.add(&world.members[ALICE]).await;
    carol.files.put("photo.bin", &noise(1, 500));
    carol.send(&[ALICE], "look at this", &["photo.bin"]).await.unwrap();
    (world, carol)
}

/// Alice looks, accepts, looks again and answers, and is asked before anything goes there.
async fn lead_astray(founded: &Founded, link: &RelayLink) {
    let (mut world, mut carol) = stranger_at(founded, link).await;
    let home = world.relays[0].link().clone();
    let alice = &mut world.members[ALICE];
    alice.receive().await.unwrap();
    let fingerprint = carol.client.fingerprint();
    alice.client.accept(&fingerprint, NewName::Typed("carol"), &mut alice.rng).await.unwrap();
    let received = alice.receive().await.unwrap();
    assert!(received.waits_for_answer && alice.heard().contains(&Notice::RelayNotAllowed(link.clone())), "{link}");
    let outcome = alice.note(CAROL, "hello").await.unwrap();
    assert!(
        matches!(outcome.sent[0].waits, Some(ClientError::RelayNotAllowed(_))),
        "{link}: {:?}",
        outcome.sent[0].waits
    );
    let astray = |world: &World| {
        world.network.dials().into_iter().filter(|dial| dial.person == ALICE && dial.link != home).collect()
    };
    let dials: Vec<_> = astray(&world);
    assert!(dials.is_empty(), "{link}: {dials:?}");
    // Allowed by the user, who did not type it: no private address, says the transport, which is told who named it.
    let alice = &mut world.members[ALICE];
    alice.client.keep_relay(link, false, &mut alice.rng).await.unwrap();
    alice.receive().await.unwrap();
    assert_eq!(alice.messages(Direction::In).await[0].state, State::Verified, "{link}");
    let dials: Vec<_> = astray(&world);
    assert!(
        !dials.is_empty() && dials.iter().all(|dial| dial.named_by == NamedBy::Peer && dial.link == *link),
        "{link}"
    );
    carol.receive().await.unwrap();
    assert_eq!(carol.notes().await, ["hello"], "{link}");
}

#[test]
fn no_contact_leads_anybody_to_a_machine_they_did_not_allow() {
    let founded = in_virtual_time(paused(), Founded::neighbours());
    let all = addresses();
    assert_eq!(all.len(), 200);
    // In another order than they are written, so that a few are of every kind.
    let count = usize::try_from(times(40)).unwrap().min(all.len());
    for turn in 0..count {
        in_virtual_time(paused(), lead_astray(&founded, &all[turn * 77 % all.len()]));
    }
    println!(
        "evidence: A37 | {count} addresses named in replies, cards and photos, none contacted before the user allowed it | -"
    );
}
