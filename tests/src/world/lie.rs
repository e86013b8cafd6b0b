//! A relay that lies: whoever stands between its socket and its service hears every command and answer first.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_wire::{
    frame::{CommandFrame, RelayFrame},
    id::CommandId,
    reply::Reply,
};
use tokio::io::DuplexStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use super::{cable::End, transport::web_socket};

/// What becomes of a command.
#[derive(Default)]
pub struct Heard {
    /// What the relay hears of it.
    pub relay: Option<CommandFrame>,
    /// What the client is told at once.
    pub client: Vec<Message>,
}

impl Heard {
    /// The relay hears it, and answers.
    #[must_use]
    pub const fn passed(command: CommandFrame) -> Self {
        Self { relay: Some(command), client: Vec::new() }
    }

    /// The relay does not hear it, and the client is told this.
    #[must_use]
    pub fn answered(id: CommandId, reply: Reply) -> Self {
        Self { relay: None, client: vec![say(RelayFrame::Reply(id, reply))] }
    }

    /// Nobody hears of it.
    #[must_use]
    pub fn swallowed() -> Self {
        Self::default()
    }
}

/// How a relay lies. It is honest about what it does not mention.
pub trait Lie {
    /// A command came.
    fn command(&mut self, command: CommandFrame) -> Heard {
        Heard::passed(command)
    }

    /// The relay answers, or pushes.
    fn frame(&mut self, frame: RelayFrame) -> Vec<Message> {
        vec![say(frame)]
    }
}

/// A frame as it is sent.
#[must_use]
pub fn say(frame: RelayFrame) -> Message {
    Message::Binary(frame.encode().into())
}

/// Lies about what the relay says.
pub struct OnFrames<F>(pub F);

impl<F: FnMut(RelayFrame) -> Vec<RelayFrame>> Lie for OnFrames<F> {
    fn frame(&mut self, frame: RelayFrame) -> Vec<Message> {
        self.0(frame).into_iter().map(say).collect()
    }
}

/// Lies with messages that need not be frames at all.
pub struct OnMessages<F>(pub F);

impl<F: FnMut(RelayFrame) -> Vec<Message>> Lie for OnMessages<F> {
    fn frame(&mut self, frame: RelayFrame) -> Vec<Message> {
        self.0(frame)
    }
}

/// Lies about what was asked.
pub struct OnCommands<F>(pub F);

impl<F: FnMut(CommandFrame) -> Heard> Lie for OnCommands<F> {
    fn command(&mut self, command: CommandFrame) -> Heard {
        self.0(command)
    }
}

/// Whoever lies for a relay, once hired. A clone is the same.
#[derive(Clone, Default)]
pub struct Liar {
    hired: Rc<Cell<bool>>,
    lie: Rc<RefCell<Option<Box<dyn Lie>>>>,
    told: Rc<Cell<u64>>,
}

impl Liar {
    /// From now on every connection goes through this.
    pub fn hire(&self) {
        self.hired.set(true);
    }

    pub(super) fn is_hired(&self) -> bool {
        self.hired.get()
    }

    /// Lies from now on.
    pub fn tell(&self, lie: impl Lie + 'static) {
        self.tell_boxed(Box::new(lie));
    }

    /// The same for one that is boxed already.
    pub fn tell_boxed(&self, lie: Box<dyn Lie>) {
        self.told.set(0);
        self.lie.replace(Some(lie));
    }

    /// Honest again.
    pub fn be_honest(&self) {
        self.lie.replace(None);
    }

    /// How often something was not passed on as it was, since the lie began: a lie that was never told proves nothing.
    #[must_use]
    pub fn times_told(&self) -> u64 {
        self.told.get()
    }

    fn hear(&self, command: CommandFrame) -> Heard {
        let Some(lie) = &mut *self.lie.borrow_mut() else { return Heard::passed(command) };
        let before = command.encode();
        let heard = lie.command(command);
        let passed = heard.client.is_empty() && heard.relay.as_ref().is_some_and(|after| after.encode() == before);
        self.told.set(self.told.get() + u64::from(!passed));
        heard
    }

    fn answer(&self, frame: RelayFrame) -> Vec<Message> {
        let Some(lie) = &mut *self.lie.borrow_mut() else { return vec![say(frame)] };
        let before = vec![say(frame.clone())];
        let told = lie.frame(frame);
        self.told.set(self.told.get() + u64::from(told != before));
        told
    }

    /// Carries one connection between a client and `serve`.
    pub(super) async fn carry<S: Future<Output = ()>>(self, client: End, serve: impl FnOnce(DuplexStream) -> S) {
        let (ours, theirs) = tokio::io::duplex(4 << 20);
        let (mut to_client, mut from_client) = web_socket(client, Role::Server).await.split();
        let relay = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        let (mut to_relay, mut from_relay) = relay.split();
        let serving = serve(theirs);
        let carrying = async {
            loop {
                let told = tokio::select! {
                    biased;
                    message = from_relay.next() => match message {
                        Some(Ok(Message::Binary(bytes))) => {
                            self.answer(RelayFrame::decode(&bytes).expect("a real relay speaks the language"))
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        _ => return,
                    },
                    message = from_client.next() => match message {
                        Some(Ok(Message::Binary(bytes))) => {
                            let heard = self.hear(CommandFrame::decode(&bytes).expect("so does a real client"));
                            if let Some(command) = heard.relay {
                                let _ = to_relay.send(Message::Binary(command.encode().into())).await;
                            }
                            heard.client
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        _ => return,
                    },
                };
                for message in told {
                    if to_client.send(message).await.is_err() {
                        return;
                    }
                }
            }
        };
        tokio::select! { biased; () = carrying => {}, () = serving => {} }
    }
}
