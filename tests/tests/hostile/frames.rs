//! Frames that no honest relay sends.

use lightproof_core::{ClientError, Failure, event::Notice, message::State};
use lightproof_tests::{Liar, Scene};
use lightproof_wire::{
    deposit_receipt::ReceiptKey,
    frame::RelayFrame,
    id::{CommandId, MailboxHandle, Sequence},
    reply::{Push, Reply, Welcome},
    time::Day,
};

async fn scene() -> (Scene, Liar) {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    (scene, liar)
}

/// The message stays in the outbox, its sender hears why, and it leaves when the relay is honest.
async fn deposit_fails(lie: impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static) {
    let (mut scene, liar) = scene().await;
    liar.tell(lie);
    let outcome = scene.alice.note("bob", "patience").await;
    let sent = &outcome.sent[0];
    assert_eq!(sent.message.as_ref().unwrap().state, State::Outbox);
    assert_eq!(sent.waits.as_ref().unwrap().failure(), Failure::Verification, "{:?}", sent.waits);
    liar.be_honest();
    scene.settle().await;
    assert_eq!(scene.bob.notes().await, ["hello", "well", "patience"]);
    assert_eq!(scene.alice.client.status().await.unwrap().outbox, 0);
}

fn on_deposits(
    mut lie: impl FnMut(lightproof_wire::deposit_receipt::DepositReceipt) -> Reply + Send + 'static,
) -> impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static {
    move |frame| match frame {
        RelayFrame::Reply(id, Reply::Deposited(receipt)) => vec![RelayFrame::Reply(id, lie(receipt))],
        frame => vec![frame],
    }
}

#[tokio::test]
async fn a_receipt_for_another_day_is_forged() {
    deposit_fails(on_deposits(|mut receipt| {
        receipt.promise.expires = Day(receipt.promise.expires.0 + 1);
        Reply::Deposited(receipt)
    }))
    .await;
}

#[tokio::test]
async fn a_receipt_for_another_envelope_is_forged() {
    let mut first = None;
    let (mut scene, liar) = scene().await;
    liar.tell(on_deposits(move |receipt| Reply::Deposited(first.get_or_insert(receipt).clone())));
    scene.alice.note("bob", "one").await;
    let outcome = scene.alice.note("bob", "two").await;
    assert_eq!(outcome.sent[0].waits.as_ref().unwrap().failure(), Failure::Verification);
}

#[tokio::test]
async fn a_deposit_that_is_only_said_to_be_done_is_not_believed() {
    deposit_fails(on_deposits(|_| Reply::Done)).await;
}

#[tokio::test]
async fn replies_to_nothing_are_not_taken_for_answers() {
    let (mut scene, liar) = scene().await;
    liar.tell(|frame| vec![RelayFrame::Reply(CommandId(4_000_000), Reply::Done), frame]);
    // The first frame is no Welcome.
    assert!(scene.bob.receive().await.is_err());
    let mut first = true;
    liar.tell(move |frame| {
        let extra = !matches!(frame, RelayFrame::Push(Push::Welcome(_))) && first;
        first = !extra && first;
        if extra { vec![RelayFrame::Reply(CommandId(4_000_000), Reply::Done), frame] } else { vec![frame] }
    });
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello", "well", "one"]);
}

#[tokio::test]
async fn a_second_welcome_is_the_relays_fault() {
    let (mut scene, liar) = scene().await;
    let mut welcome = None;
    liar.tell(move |frame| {
        if let RelayFrame::Push(Push::Welcome(first)) = &frame {
            welcome = Some(first.clone());
            return vec![frame];
        }
        let again: Option<Welcome> = welcome.take();
        again.map(|welcome| RelayFrame::Push(Push::Welcome(welcome))).into_iter().chain([frame]).collect()
    });
    scene.alice.note("bob", "one").await;
    let error = scene.bob.receive().await.unwrap_err();
    assert!(matches!(error, ClientError::RelayMisbehaved(_)), "{error:?}");
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello", "well", "one"]);
}

#[tokio::test]
async fn a_changed_receipt_key_is_shown() {
    let (mut scene, liar) = scene().await;
    liar.tell(|frame| match frame {
        RelayFrame::Push(Push::Welcome(mut welcome)) => {
            welcome.receipt_key = ReceiptKey([7; 32]);
            vec![RelayFrame::Push(Push::Welcome(welcome))]
        }
        frame => vec![frame],
    });
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.heard(), [Notice::ReceiptKeyChanged(liar.link())]);
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.heard(), vec![], "the first one is kept");
}

#[tokio::test]
async fn a_relay_that_forgot_acks_is_said_to_have_lost_state() {
    let (mut scene, liar) = scene().await;
    liar.tell(|frame| match frame {
        RelayFrame::Reply(id, Reply::Watching { .. }) => {
            vec![RelayFrame::Reply(id, Reply::Watching { highest_acked: Sequence(0) })]
        }
        frame => vec![frame],
    });
    scene.bob.receive().await.unwrap();
    assert!(scene.bob.heard().contains(&Notice::RelayLostState(liar.link())));
    liar.be_honest();
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello", "well", "one"]);
}

#[tokio::test]
async fn a_mailbox_taken_over_is_shown() {
    let (mut scene, liar) = scene().await;
    let mut told = false;
    liar.tell(move |frame| {
        if let RelayFrame::Push(Push::CaughtUp(handle)) = frame
            && !told
        {
            told = true;
            return vec![RelayFrame::Push(Push::Superseded(handle)), frame];
        }
        vec![frame]
    });
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.heard(), [Notice::Superseded]);
    liar.be_honest();
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello", "well", "one"]);
}

#[tokio::test]
async fn pushes_that_nobody_asked_for_are_the_relays_fault() {
    let (mut scene, liar) = scene().await;
    scene.alice.note("bob", "one").await;
    liar.tell(|frame| match frame {
        RelayFrame::Push(Push::Delivery(mut delivery)) => {
            delivery.handle = MailboxHandle(77);
            vec![RelayFrame::Push(Push::Delivery(delivery))]
        }
        frame => vec![frame],
    });
    let error = scene.bob.receive().await.unwrap_err();
    assert_eq!(error.failure(), Failure::Verification, "{error:?}");
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello", "well", "one"]);
}
