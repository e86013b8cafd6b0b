//! A relay whose clock is a week off.

use lightproof_core::{ClientError, event::Notice};
use lightproof_tests::{Scene, scene::exact};
use lightproof_wire::{frame::RelayFrame, reply::Push, time::Day};

fn days_off(days: u32) -> impl FnMut(RelayFrame) -> Vec<RelayFrame> + Send + 'static {
    move |frame| match frame {
        RelayFrame::Push(Push::Welcome(mut welcome)) => {
            welcome.day = Day(welcome.day.0 + days);
            vec![RelayFrame::Push(Push::Welcome(welcome))]
        }
        frame => vec![frame],
    }
}

#[tokio::test]
async fn nobody_new_is_contacted_while_clocks_differ() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    liar.tell(days_off(7));
    scene.alice.receive().await.unwrap();
    assert!(scene.alice.heard().contains(&Notice::Clock(liar.link())));
    let error = scene.alice.send(&["bob"], "hello", &[], exact()).await.unwrap_err();
    assert!(matches!(error, ClientError::Clock), "{error:?}");
    liar.be_honest();
    scene.alice.receive().await.unwrap();
    scene.alice.note("bob", "hello").await;
    scene.bob.receive().await.unwrap();
    assert_eq!(scene.bob.notes().await, ["hello"]);
}

#[tokio::test]
async fn nothing_is_destroyed_while_clocks_differ_and_friends_still_talk() {
    let (mut scene, liar) = Scene::friends_before_liar().await;
    scene.talk().await;
    scene.settle().await;
    let before = scene.bob.client.status().await.unwrap();
    liar.tell(days_off(7));
    // Our own clock has jumped, or theirs has: who knows.
    scene.clock.advance_days(100);
    scene.bob.receive().await.unwrap();
    let after = scene.bob.client.status().await.unwrap();
    assert!(after.prekey_secrets >= before.prekey_secrets, "no secret was destroyed");
    assert!(scene.bob.heard().contains(&Notice::Clock(liar.link())));
    liar.be_honest();
    scene.bob.receive().await.unwrap();
    let honest = scene.bob.client.status().await.unwrap();
    assert!(honest.prekey_secrets < after.prekey_secrets, "now it was");
}
