//! A client's disk fails at one write, or is full from one on: the user is told, and the same command again is enough.

use lightproof_core::message::State;
use lightproof_tests::{Scene, scene::noise, trouble::How};

/// More writes than a send or a look at the relay has.
const MANY: u64 = 60;
const HOWS: [How; 3] = [How::Full, How::Broken, How::BrokenLate];

/// Whether everything that was sent is there once, in order and whole.
async fn assert_all_is_there(scene: &Scene, sent: &[(String, Vec<u8>)], about: &str) {
    let inbox = scene.bob.inbox().await;
    assert_eq!(inbox.len(), 2 + sent.len(), "{about}");
    let (last, (note, photo)) = (inbox.last().unwrap(), sent.last().unwrap());
    assert_eq!((last.note.as_str(), last.state), (note.as_str(), State::Verified), "{about}");
    assert_eq!(scene.bob.photo(last, 0).await.unwrap(), *photo, "{about}");
}

#[tokio::test]
async fn a_send_on_a_disk_that_fails_at_any_write_is_told_and_typed_again_arrives_once() {
    let (mut scene, mut sent, mut failed) = (Scene::acquainted().await, Vec::new(), 0);
    for how in HOWS {
        for writes in 0..MANY {
            let (about, photo) = (format!("{how:?} after {writes}"), noise(sent.len() as u64, 70_000));
            scene.alice.files.put("a.bin", &photo);
            scene.alice.trouble.begins_after(writes, how);
            let first = scene.alice.try_send("bob", &about, &["a.bin"]).await.unwrap();
            let began = scene.alice.trouble.began();
            scene.alice.trouble.is_over();
            let outcome = match first {
                Ok(outcome) if outcome.sent[0].waits.is_none() => outcome,
                _ => {
                    failed += 1;
                    assert!(began, "{about}: failed on a disk that works");
                    scene.alice.try_send("bob", &about, &["a.bin"]).await.unwrap().unwrap()
                }
            };
            assert!(outcome.sent[0].waits.is_none(), "{about}: {:?}", outcome.sent[0].waits);
            scene.alice.told(&outcome).await;
            sent.push((about.clone(), photo));
            scene.bob.receive().await.unwrap();
            assert_all_is_there(&scene, &sent, &about).await;
            scene.clock.advance_ms(130_000);
            scene.bob.receive().await.unwrap();
            scene.alice.receive().await.unwrap();
            if !began {
                break;
            }
        }
    }
    assert!(failed > 10, "{failed}");
    assert_eq!(scene.bob.heard(), vec![]);
    println!("evidence: P13 F5 F6 | {failed} sends on a disk that failed at a write and went on when it worked | -");
}

#[tokio::test]
async fn a_look_on_a_disk_that_fails_at_any_write_loses_nothing_and_takes_nothing_twice() {
    let (mut scene, mut sent, mut failed) = (Scene::acquainted().await, Vec::new(), 0);
    for how in HOWS {
        for writes in 0..MANY {
            let (about, photo) = (format!("{how:?} after {writes}"), noise(sent.len() as u64, 70_000));
            scene.alice.files.put("a.bin", &photo);
            let outcome = scene.alice.try_send("bob", &about, &["a.bin"]).await.unwrap().unwrap();
            scene.alice.told(&outcome).await;
            sent.push((about.clone(), photo));
            scene.bob.trouble.begins_after(writes, how);
            let first = scene.bob.try_receive().await.unwrap();
            let began = scene.bob.trouble.began();
            scene.bob.trouble.is_over();
            failed += u64::from(first.is_err() || first.is_ok_and(|received| received.failed.is_some()));
            let received = scene.bob.receive().await.unwrap();
            assert!(received.failed.is_none(), "{about}: {:?}", received.failed);
            assert_all_is_there(&scene, &sent, &about).await;
            scene.clock.advance_ms(61_000);
            if !began {
                break;
            }
        }
    }
    assert!(failed > 10, "{failed}");
    assert_eq!(scene.bob.heard(), vec![]);
    println!("evidence: P13 F5 F6 | {failed} looks at the relay on a disk that failed at a write | -");
}
