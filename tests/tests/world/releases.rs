//! A photo for three people: whoever lets it go lets go for themselves alone.

use lightproof_core::message::{Direction, State};
use lightproof_tests::{
    scene::noise,
    world::{Founded, in_virtual_time},
};

use crate::paused;

const ORDERS: [[usize; 3]; 6] = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];

#[test]
fn one_recipient_who_lets_a_photo_go_leaves_it_to_the_others() {
    let founded = in_virtual_time(paused(), Founded::neighbours());
    for order in ORDERS {
        in_virtual_time(paused(), async {
            let mut world = founded.world(1, 4).await;
            let alice = &mut world.members[0];
            alice.files.put("photo.bin", &noise(3, 150_000));
            alice.send(&[1, 2, 3], "for all", &["photo.bin"]).await.unwrap();
            for (place, person) in order.into_iter().enumerate() {
                assert_eq!(world.relays[0].blob_count(), 1, "{order:?}: until the last one has let it go");
                let member = &mut world.members[person];
                // Twice: the second time there is nothing left to let go.
                for _ in 0..2 {
                    member.receive().await.unwrap();
                }
                let message = member.messages(Direction::In).await.pop().unwrap();
                assert_eq!(message.state, State::Verified, "{order:?}: the {place}th");
                assert!(member.photo(&message, 0).await.unwrap() == noise(3, 150_000));
            }
            assert_eq!(world.relays[0].blob_count(), 0, "{order:?}: then it is gone");
        });
    }
    println!(
        "evidence: A40 | {} orders in which three recipients let one photo go, the others unharmed | -",
        ORDERS.len()
    );
}
