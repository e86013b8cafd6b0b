//! Words for scripts: most lies change one kind of answer, push or command.

use lightproof_tests::world::lie::{Heard, Lie, OnCommands, OnFrames, OnMessages, say};
use lightproof_wire::{
    command::Command,
    frame::{CommandFrame, RelayFrame},
    refusal::Refusal,
    reply::{Delivery, Push, Reply, Welcome},
};
use tokio_tungstenite::tungstenite::Message;

/// Other frames for each frame.
pub(crate) fn frames(lie: impl FnMut(RelayFrame) -> Vec<RelayFrame> + 'static) -> Box<dyn Lie> {
    Box::new(OnFrames(lie))
}

/// Messages that need not be frames.
pub(crate) fn messages(lie: impl FnMut(RelayFrame) -> Vec<Message> + 'static) -> Box<dyn Lie> {
    Box::new(OnMessages(lie))
}

/// The bytes of every frame, changed.
pub(crate) fn bytes(mut lie: impl FnMut(Vec<u8>) -> Vec<u8> + 'static) -> Box<dyn Lie> {
    messages(move |frame| match say(frame.clone()) {
        Message::Binary(encoded) if !is_welcome(&frame) => vec![Message::Binary(lie(encoded.to_vec()).into())],
        welcome => vec![welcome],
    })
}

/// Another answer in the place of some.
pub(crate) fn answers(mut lie: impl FnMut(&Reply) -> Option<Reply> + 'static) -> Box<dyn Lie> {
    frames(move |frame| match frame {
        RelayFrame::Reply(id, reply) => vec![RelayFrame::Reply(id, lie(&reply).unwrap_or(reply))],
        push => vec![push],
    })
}

/// Other pushes in the place of each.
pub(crate) fn pushes(mut lie: impl FnMut(Push) -> Vec<Push> + 'static) -> Box<dyn Lie> {
    frames(move |frame| match frame {
        RelayFrame::Push(push) => lie(push).into_iter().map(RelayFrame::Push).collect(),
        reply => vec![reply],
    })
}

/// Other deliveries in the place of each.
pub(crate) fn deliveries(mut lie: impl FnMut(Delivery) -> Vec<Delivery> + 'static) -> Box<dyn Lie> {
    pushes(move |push| match push {
        Push::Delivery(delivery) => lie(delivery).into_iter().map(Push::Delivery).collect(),
        push => vec![push],
    })
}

/// Another Welcome.
pub(crate) fn welcomes(lie: impl Fn(&mut Welcome) + 'static) -> Box<dyn Lie> {
    pushes(move |push| match push {
        Push::Welcome(mut welcome) => {
            lie(&mut welcome);
            vec![Push::Welcome(welcome)]
        }
        push => vec![push],
    })
}

/// Something of its own with some commands.
pub(crate) fn commands(lie: impl FnMut(CommandFrame) -> Heard + 'static) -> Box<dyn Lie> {
    Box::new(OnCommands(lie))
}

/// An answer to some commands, which the relay behind never hears of.
pub(crate) fn instead(which: fn(&Command) -> bool, reply: Reply) -> Box<dyn Lie> {
    commands(move |frame| match which(&frame.command) {
        true => Heard::answered(frame.id, reply.clone()),
        false => Heard::passed(frame),
    })
}

/// A refusal of some commands.
pub(crate) fn refuses(which: fn(&Command) -> bool, refusal: Refusal) -> Box<dyn Lie> {
    instead(which, Reply::Refused(refusal))
}

/// Nothing at all for some commands.
pub(crate) fn silence(which: fn(&Command) -> bool) -> Box<dyn Lie> {
    commands(move |frame| if which(&frame.command) { Heard::swallowed() } else { Heard::passed(frame) })
}

/// Both at once.
pub(crate) fn both(first: Box<dyn Lie>, second: Box<dyn Lie>) -> Box<dyn Lie> {
    struct Both(Box<dyn Lie>, Box<dyn Lie>);
    impl Lie for Both {
        fn command(&mut self, command: CommandFrame) -> Heard {
            self.0.command(command)
        }

        fn frame(&mut self, frame: RelayFrame) -> Vec<Message> {
            self.1.frame(frame)
        }
    }
    Box::new(Both(first, second))
}

/// Whether it is the first frame of a connection.
pub(crate) const fn is_welcome(frame: &RelayFrame) -> bool {
    matches!(frame, RelayFrame::Push(Push::Welcome(_)))
}
