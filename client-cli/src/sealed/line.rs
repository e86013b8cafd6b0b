//! Three steps on three threads: what one does with a chunk, it does while the next has the chunk before.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use super::Trouble;

/// Buffers on their way, and so the memory that is needed: 8 MiB at most.
const BUFFERS: usize = 8;

/// Carries buffers through three steps, in order, until the first has no more. The first is given an empty one; the third
/// gives it back.
///
/// # Errors
/// That of the earliest step that failed.
pub(super) fn carry<A: Send, B: Send>(
    mut first: impl FnMut(Vec<u8>) -> Result<Option<A>, Trouble> + Send,
    second: impl FnMut(A) -> Result<B, Trouble> + Send,
    third: impl FnMut(B) -> Result<Vec<u8>, Trouble>,
) -> Result<(), Trouble> {
    let (to_second, from_first) = sync_channel(BUFFERS);
    let (to_third, from_second) = sync_channel(BUFFERS);
    let (to_first, from_third) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for all of them.
        let _taken = to_first.send(Vec::new());
    }
    thread::scope(|scope| {
        let first = scope.spawn(move || {
            while let Ok(buffer) = from_third.recv() {
                let Some(done) = first(buffer)? else { break };
                if to_second.send(done).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let second = scope.spawn(move || hand_on(&from_first, &to_third, second));
        let third = hand_on(&from_second, &to_first, third);
        // Ends whoever still waits for it.
        drop((from_second, to_first));
        let (first, second) = (ended(first), ended(second));
        first.and(second).and(third)
    })
}

/// Until there is no more, or nobody who takes it.
fn hand_on<A, B>(
    from: &Receiver<A>,
    to: &SyncSender<B>,
    mut step: impl FnMut(A) -> Result<B, Trouble>,
) -> Result<(), Trouble> {
    while let Ok(next) = from.recv() {
        // The first is done, and takes nothing back any more: those under way are done all the same.
        let _unwanted = to.send(step(next)?);
    }
    Ok(())
}

fn ended(step: ScopedJoinHandle<'_, Result<(), Trouble>>) -> Result<(), Trouble> {
    step.join().unwrap_or(Err(Trouble::GivenUp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_through_in_order_and_a_failure_of_any_step_ends_all() {
        let run = |failing: usize| {
            let (mut next, mut seen) = (0_u32, Vec::new());
            let fail = |step: usize, at: u32| if step == failing && at == 70 { Err(Trouble::GivenUp) } else { Ok(()) };
            let carried = carry(
                |buffer| {
                    next += 1;
                    fail(1, next)?;
                    Ok((next <= 100).then_some((buffer, next)))
                },
                |(buffer, number)| fail(2, number).map(|()| (buffer, number)),
                |(buffer, number)| {
                    seen.push(number);
                    fail(3, number).map(|()| buffer)
                },
            );
            (carried.is_ok(), seen)
        };
        assert_eq!(run(0), (true, (1..=100).collect()));
        for (failing, last) in [(1, 69), (2, 69), (3, 70)] {
            assert_eq!(run(failing), (false, (1..=last).collect()), "step {failing}");
        }
    }
}
