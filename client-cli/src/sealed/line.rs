//! Steps on threads of their own: what one does with a chunk, it does while the next has the chunk before. Where there are
//! fewer cores than steps, two halves: another wake-up for each chunk would cost more than it gains.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{num::NonZero, thread};

use super::Trouble;

/// Buffers on their way, and so the memory that is needed: 8 MiB at most.
const BUFFERS: usize = 8;

/// What is done to each chunk between where it comes from and where it goes.
pub(super) type Step<'a> = Box<dyn FnMut(&mut Vec<u8>) -> Result<(), Trouble> + Send + 'a>;

/// Carries buffers of so many bytes from a source through steps into a sink, in order, until the source has no more: it says whether it filled
/// the one it was given. The sink works on this thread.
///
/// # Errors
/// That of the earliest step that failed.
pub(super) fn carry(
    buffer_bytes: usize,
    source: impl FnMut(&mut Vec<u8>) -> Result<bool, Trouble> + Send,
    steps: [Step<'_>; 2],
    sink: impl FnMut(&mut Vec<u8>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    if thread::available_parallelism().map_or(1, NonZero::get) > 2 {
        carry_by(buffer_bytes, source, steps.into(), sink)
    } else {
        carry_by_halves(buffer_bytes, source, steps, sink)
    }
}

fn carry_by_halves(
    buffer_bytes: usize,
    mut source: impl FnMut(&mut Vec<u8>) -> Result<bool, Trouble> + Send,
    [mut first, mut last]: [Step<'_>; 2],
    mut sink: impl FnMut(&mut Vec<u8>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let source = move |buffer: &mut Vec<u8>| {
        let is_filled = source(buffer)?;
        if is_filled {
            first(buffer)?;
        }
        Ok(is_filled)
    };
    let sink = move |buffer: &mut Vec<u8>| last(buffer).and_then(|()| sink(buffer));
    carry_by(buffer_bytes, source, Vec::new(), sink)
}

/// The same with a thread for each.
fn carry_by(
    buffer_bytes: usize,
    mut source: impl FnMut(&mut Vec<u8>) -> Result<bool, Trouble> + Send,
    steps: Vec<Step<'_>>,
    sink: impl FnMut(&mut Vec<u8>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let (back, empty) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for all of them.
        let _taken = back.send(Vec::with_capacity(buffer_bytes));
    }
    let (on, mut full) = sync_channel(BUFFERS);
    thread::scope(|scope| {
        let mut threads = vec![scope.spawn(move || {
            while let Ok(mut buffer) = empty.recv() {
                if !source(&mut buffer)? || on.send(buffer).is_err() {
                    break;
                }
            }
            Ok(())
        })];
        for step in steps {
            let (to, next) = sync_channel(BUFFERS);
            let from = std::mem::replace(&mut full, next);
            threads.push(scope.spawn(move || hand_on(from, to, step)));
        }
        let sunk = hand_on(full, back, sink);
        let ended = threads.into_iter().map(|thread| thread.join().unwrap_or(Err(Trouble::GivenUp)));
        ended.fold(Ok(()), Result::and).and(sunk)
    })
}

/// Until there is no more. Both ends go with it: whoever waits at the other one ends.
fn hand_on(
    from: Receiver<Vec<u8>>,
    to: SyncSender<Vec<u8>>,
    mut step: impl FnMut(&mut Vec<u8>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    while let Ok(mut buffer) = from.recv() {
        step(&mut buffer)?;
        // The source is done, and takes nothing back any more: what is under way is done all the same.
        let _unwanted = to.send(buffer);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_through_in_order_and_a_failure_of_any_step_ends_all() {
        let run = |by_threads: bool, failing: usize| {
            let (mut next, mut seen) = (0_u8, Vec::new());
            let fail = |step: usize, at: u8| if step == failing && at == 70 { Err(Trouble::GivenUp) } else { Ok(()) };
            let step = |step| -> Step<'_> { Box::new(move |buffer| fail(step, buffer[0])) };
            let source = |buffer: &mut Vec<u8>| {
                next += 1;
                *buffer = vec![next];
                fail(1, next)?;
                Ok(next <= 100)
            };
            let sink = |buffer: &mut Vec<u8>| {
                seen.push(buffer[0]);
                fail(4, buffer[0])
            };
            let carried = if by_threads {
                carry_by(1, source, vec![step(2), step(3)], sink)
            } else {
                carry_by_halves(1, source, [step(2), step(3)], sink)
            };
            (carried.is_ok(), seen)
        };
        for by_threads in [true, false] {
            assert_eq!(run(by_threads, 0), (true, (1..=100).collect()));
            for (failing, last) in [(1, 69), (2, 69), (3, 69), (4, 70)] {
                assert_eq!(run(by_threads, failing), (false, (1..=last).collect()), "step {failing}");
            }
        }
    }
}
