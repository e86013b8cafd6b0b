//! Somebody who holds a card takes prekeys without end, and a Hello is replayed at every moment of being opened.

use lightproof_core::{
    message::Direction,
    transport::{NamedBy, Pipe as _, Transport as _},
};
use lightproof_tests::{
    effort::times,
    life::Life,
    world::{Founded, Member, World, in_virtual_time, lie::OnFrames, transport::WorldTransport},
};
use lightproof_wire::{
    command::Command,
    frame::{CommandFrame, RelayFrame},
    id::CommandId,
    reply::{Push, Reply},
};

use crate::paused;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// Takes prekeys from a doorbell over one connection; how many came with a one-time prekey.
async fn take(world: &World, from: &Member, count: u64) -> u64 {
    let card = from.client.card().await.unwrap();
    let transport = WorldTransport::new(world.network.clone(), 99, Life::default());
    let pipe = transport.connect(&card.relay, NamedBy::User).await.unwrap();
    pipe.receive(None).await.unwrap();
    let mut with_one_time = 0;
    for number in 1..=u32::try_from(count).unwrap() {
        let command = Command::TakePrekeys { drop: card.doorbell.clone() };
        pipe.send(CommandFrame { id: CommandId(number), command }.encode()).await.unwrap();
        match RelayFrame::decode(&pipe.receive(None).await.unwrap()).unwrap() {
            RelayFrame::Reply(_, Reply::Bundle(bundle)) => with_one_time += u64::from(bundle.one_time.is_some()),
            other => panic!("{other:?}"),
        }
    }
    with_one_time
}

#[test]
fn taking_prekeys_without_end_costs_others_nothing_but_one_time_prekeys() {
    let founded = in_virtual_time(paused(), Founded::neighbours());
    in_virtual_time(paused(), async {
        let mut world = founded.world(1, 3).await;
        world.members[ALICE].note(CAROL, "before").await.unwrap();
        world.members[CAROL].receive().await.unwrap();
        let count = times(1_000);
        let given = take(&world, &world.members[CAROL], count).await;
        // Alice's call had one of the day's twenty.
        assert_eq!(given, 19, "beyond twenty a day bundles come without");
        world.members[ALICE].note(CAROL, "a session needs none").await.unwrap();
        world.members[BOB].note(CAROL, "and callers are still served").await.unwrap();
        world.members[CAROL].receive().await.unwrap();
        let notes = world.members[CAROL].notes().await;
        assert_eq!(notes.len(), 3, "{notes:?}");
        let status = world.members[CAROL].client.status().await.unwrap();
        assert!(status.one_time_prekeys < 50, "whose doorbell it is sees it: {}", status.one_time_prekeys);
        println!("evidence: A5 | {count} bundles taken by a stranger, sessions untouched and callers served | -");
    });
}

#[test]
fn a_hello_replayed_at_every_moment_of_being_opened_begins_one_session() {
    let founded = in_virtual_time(paused(), Founded::neighbours());
    let (mut steps, mut replays) = (0, 0);
    while in_virtual_time(paused(), killed_and_replayed(&founded, steps, &mut replays)) {
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
    println!(
        "evidence: A6 | {replays} replays of a Hello, over {steps} moments at which its recipient was killed, 0 accepted | -"
    );
}

/// Kills Carol after so many effects of opening Alice's Hello, then delivers it over and over; whether she was killed.
async fn killed_and_replayed(founded: &Founded, steps: u64, replays: &mut u64) -> bool {
    const TIMES: u64 = 8;
    let mut world = founded.world(1, 3).await;
    world.relays[0].liar.hire();
    world.members[ALICE].note(CAROL, "once").await.unwrap();
    let carol = &mut world.members[CAROL];
    let life = carol.life.clone();
    life.ends_after(steps);
    let killed = life.spend(carol.receive()).await.is_none();
    carol.restart().await;
    world.relays[0].liar.tell(OnFrames(|frame| match frame {
        push @ RelayFrame::Push(Push::Delivery(_)) => vec![push; usize::try_from(TIMES).unwrap()],
        frame => vec![frame],
    }));
    carol.receive().await.unwrap();
    carol.restart().await;
    carol.receive().await.unwrap();
    *replays += world.relays[0].liar.times_told() * TIMES;
    let inbox = carol.messages(Direction::In).await;
    let sessions = carol.client.contact("alice").await.unwrap().sessions.as_slice().len();
    assert_eq!((inbox.len(), sessions), (1, 1), "killed after {steps} effects");
    assert!(carol.heard().is_empty(), "killed after {steps} effects");
    killed
}
