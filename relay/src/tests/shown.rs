//! Capabilities that somebody made up: they used up what everybody may ask for, and their writes stood in the queue of
//! those who hold a right.

use std::{sync::Arc, time::Duration};

use lightproof_wire::{
    capability::{Capability, right},
    command::{Command, MailboxKind},
    refusal::Refusal,
    reply::Reply,
};
use tokio::time::timeout;

use super::{LIMITS, TODAY, leave::Quiet, run};
use crate::{
    bucket::Allowance,
    chunk_memory::Turns,
    mailbox::{self, Creation},
};

const REFUSED: Reply = Reply::Refused(Refusal::Refused);
const OURS: u8 = 0;

fn owner(byte: u8) -> Capability<right::Owner> {
    Capability::from_bytes([byte; 32])
}

fn count(byte: u8) -> Command {
    Command::CountPrekeys { owner: owner(byte) }
}

impl Quiet {
    async fn make_ours(&self) {
        let drop = Capability::<right::Drop>::from_bytes([OURS; 32]).hash();
        let creation = Creation { owner: owner(OURS).hash(), drop, kind: MailboxKind::Doorbell, access: None };
        run(self.rows.as_ref(), move |rows| mailbox::create(rows, creation, TODAY, &LIMITS)).await.unwrap();
    }

    async fn ask(&self, command: Command) -> Reply {
        let admitted = self.service.admission.admit(command).unwrap();
        self.service.serve(admitted, None, &Turns::default()).await.reply
    }
}

#[tokio::test]
async fn capabilities_that_were_made_up_leave_half_of_what_may_be_asked_to_those_that_are_known() {
    let relay = Quiet::start_with(|rates| rates.in_all = Allowance::per_second(1, 40)).await;
    relay.make_ours().await;
    let mut refused = 0;
    for byte in 1..=100 {
        match relay.ask(count(byte)).await {
            REFUSED => refused += 1,
            Reply::Refused(Refusal::TooMany { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 20);
    assert!(matches!(relay.service.watch(owner(1).hash(), None).await, Err(Refusal::TooMany { .. })));
    assert!(relay.service.watch(owner(OURS).hash(), None).await.is_ok());
    for _ in 0..19 {
        assert!(matches!(relay.ask(count(OURS)).await, Reply::Count { .. }));
    }
    assert!(matches!(relay.ask(count(OURS)).await, Reply::Refused(Refusal::TooMany { .. })));
}

#[tokio::test]
async fn writes_with_capabilities_that_were_made_up_wait_with_those_of_strangers() {
    let relay = Quiet::start_with(|rates| rates.strangers_writes = 1).await;
    relay.make_ours().await;
    relay.rows.stop();
    let relay = Arc::new(relay);
    let ask = |byte| {
        let relay = Arc::clone(&relay);
        tokio::spawn(async move { relay.ask(Command::Retire { owner: owner(byte) }).await })
    };
    let first = ask(1);
    relay.rows.came.notified().await;
    let patience = Duration::from_secs(20);
    assert_eq!(timeout(patience, ask(2)).await.unwrap().unwrap(), Reply::Refused(Refusal::Busy));
    let watched = timeout(patience, relay.service.watch(owner(3).hash(), None)).await;
    assert_eq!(watched.unwrap(), Err(Refusal::Busy));
    let ours = ask(OURS);
    relay.rows.came.notified().await;
    relay.rows.go_on();
    assert_eq!((first.await.unwrap(), ours.await.unwrap()), (REFUSED, Reply::Done));
}
