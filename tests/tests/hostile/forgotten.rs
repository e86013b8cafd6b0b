//! What the seen set has forgotten, and a relay says again: each of the other defences holds alone.

use std::sync::{Arc, Mutex};

use lightproof_core::{
    event::Notice,
    vault::store::{Batch, Store as _, Table},
};
use lightproof_tests::{Liar, Person, Scene};
use lightproof_wire::{
    envelope::Envelope,
    frame::RelayFrame,
    prekey::PrekeyBundle,
    reply::{Delivery, Push, Reply},
};

/// Every envelope that was delivered so far.
type Heard = Arc<Mutex<Vec<Envelope>>>;

/// Hands out bundles without a one-time prekey where asked, and listens.
fn listen(liar: &Liar, with_one_time: bool) -> Heard {
    let heard = Heard::default();
    let tape = Arc::clone(&heard);
    liar.tell(move |frame| match frame {
        RelayFrame::Reply(id, Reply::Bundle(bundle)) if !with_one_time => {
            vec![RelayFrame::Reply(id, Reply::Bundle(PrekeyBundle { one_time: None, ..bundle }))]
        }
        RelayFrame::Push(Push::Delivery(delivery)) => {
            tape.lock().unwrap().push(delivery.envelope.clone());
            vec![RelayFrame::Push(Push::Delivery(delivery))]
        }
        frame => vec![frame],
    });
    heard
}

/// Before the next envelope come these.
fn say_again(liar: &Liar, envelopes: Vec<Envelope>) {
    let mut again = Some(envelopes);
    liar.tell(move |frame| {
        let RelayFrame::Push(Push::Delivery(honest)) = &frame else { return vec![frame] };
        let say = |envelope| RelayFrame::Push(Push::Delivery(Delivery { envelope, ..honest.clone() }));
        let said: Vec<RelayFrame> = again.take().into_iter().flatten().map(say).collect();
        said.into_iter().chain([frame]).collect()
    });
}

async fn forget_seen(person: &Person) {
    let seen = person.store.scan(Table::Seen).await.unwrap();
    assert!(!seen.is_empty());
    let delete = seen.iter().map(|row| (Table::Seen, row.key)).collect();
    person.store.commit(Batch { delete, ..Batch::default() }).await.unwrap();
}

async fn sessions(person: &Person) -> usize {
    person.store.scan(Table::Sessions).await.unwrap().len()
}

#[tokio::test]
async fn a_hello_that_only_the_replay_set_remembers_is_refused() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let heard = listen(&liar, false);
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    let hello = heard.lock().unwrap().remove(0);
    assert_eq!(hello.as_bytes()[0], 1, "the Hello comes first");
    forget_seen(&scene.bob).await;
    let before = sessions(&scene.bob).await;
    say_again(&liar, vec![hello]);
    scene.alice.note("bob", "two").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["one", "two"]);
    assert_eq!((sessions(&scene.bob).await, scene.bob.heard()), (before, vec![]), "no session from a replay");
}

#[tokio::test]
async fn a_message_that_only_the_ratchet_remembers_does_not_open_again() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    let heard = listen(&liar, true);
    scene.alice.note("bob", "one").await;
    scene.bob.receive().await.unwrap();
    forget_seen(&scene.bob).await;
    say_again(&liar, heard.lock().unwrap().drain(..).collect());
    scene.alice.note("bob", "two").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello", "well", "one", "two"]);
    assert_eq!(scene.bob.heard(), [Notice::Unopened], "its key is gone");
}

#[tokio::test]
async fn a_one_time_secret_goes_with_the_hello_that_used_it() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    let secrets = async |person: &Person| person.client.status().await.unwrap().prekey_secrets;
    for (with_one_time, gone) in [(true, 1_u8), (false, 0)] {
        listen(&liar, with_one_time);
        let mut caller = Person::new("caller", &liar.link(), &scene.clock, 70 + u64::from(gone)).await;
        caller.add(&scene.bob, "bob").await;
        let before = secrets(&scene.bob).await;
        caller.note("bob", "hello").await;
        scene.bob.receive().await.unwrap();
        assert_eq!(before - secrets(&scene.bob).await, usize::from(gone), "given one: {with_one_time}");
    }
}
