//! Watching the mailboxes while the inbox is open: what `receive --follow` does, told to the inbox instead of printed.

use std::collections::BTreeSet;
use std::time::Duration;

use lightproof_core::ClientError;
use lightproof_core::event::Stage;
use lightproof_core::message::State;
use lightproof_core::transport::RelayLink;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::{Tell, tell_notices};
use crate::clock::{now, rng};
use crate::commands::accept::accept;
use crate::commands::watch::{self, Pace};
use crate::exit::Failure;
use crate::inbox::event::{Event, Intent, RelayState, Said};
use crate::opened::Opened;
use crate::plan::ContactName;
use crate::source::PhotoFiles;

/// Receives until it is dropped.
pub(super) async fn run(mut receiving: Receiving<'_>, mut asked: UnboundedReceiver<Intent>) {
    loop {
        match watch::try_lease(&receiving.opened.home) {
            Ok(Some(_lease)) => receiving.follow(&mut asked).await,
            Ok(None) => {
                receiving.tell.event(Event::Relay(RelayState::Elsewhere));
                receiving.changed.notify_one();
            }
            Err(failure) => receiving.tell.failure(&failure),
        }
        tokio::select! {
            () = sleep(LOOK_AGAIN) => {}
            Some(intent) = asked.recv() => receiving.answer(intent).await,
        }
    }
}

/// The client that watches.
pub(super) struct Receiving<'a> {
    opened: &'a Opened,
    tell: &'a Tell,
    changed: &'a Notify,
    has_mailbox: &'a Notify,
    /// Why the relay was not reached, until it is: it need not be said again.
    said: Option<String>,
}

impl<'a> Receiving<'a> {
    /// Nothing is asked yet.
    pub(super) const fn of(opened: &'a Opened, tell: &'a Tell, changed: &'a Notify, has_mailbox: &'a Notify) -> Self {
        Self { opened, tell, changed, has_mailbox, said: None }
    }
}

impl Receiving<'_> {
    /// Receives for as long as this copy of the home is the only one.
    async fn follow(&mut self, asked: &mut UnboundedReceiver<Intent>) {
        let mut pace = Pace::default();
        loop {
            let looked = self.look().await;
            if let Err(failure) = watch::must_be_alone(self.opened) {
                self.tell.event(Event::Relay(RelayState::Superseded));
                self.tell.failure(&failure);
                return self.only_answer(asked).await;
            }
            let waited = async {
                match looked {
                    Ok(()) => pace.wait(self.opened).await,
                    Err(error) => Err(error),
                }
            };
            tokio::select! {
                biased;
                waited = waited => {
                    if let Err(error) = waited {
                        self.lost(&error);
                        tokio::select! {
                            () = pace.back_off(self.opened) => {}
                            Some(intent) = asked.recv() => self.answer(intent).await,
                        }
                    }
                }
                // What was pushed meanwhile may be dropped with the waiting: a fresh connection brings it again.
                () = self.has_mailbox.notified() => self.opened.client.hang_up(),
                Some(intent) = asked.recv() => {
                    self.opened.client.hang_up();
                    self.answer(intent).await;
                }
            }
        }
    }

    /// One look at the relay, and what follows from it.
    async fn look(&mut self) -> Result<(), ClientError> {
        let received = self.opened.client.receive(&PhotoFiles::default(), now(), &mut rng()).await;
        self.tell.event(Event::Progress(Stage::Fetching, None));
        tell_notices(self.opened, self.tell).await?;
        self.changed.notify_one();
        let received = received?;
        self.tell.event(Event::Relay(RelayState::Reached));
        if received.waits_for_answer {
            self.ask_about_relays().await?;
        }
        match received.failed {
            Some(error) => self.complain(&error),
            None => self.said = None,
        }
        Ok(())
    }

    async fn ask_about_relays(&self) -> Result<(), ClientError> {
        let client = &self.opened.client;
        let waiting = client.messages().await?.into_iter().filter(|message| message.state == State::Waiting);
        let relays: BTreeSet<RelayLink> =
            waiting.filter_map(|message| RelayLink::from_text(&message.blob_relay).ok()).collect();
        for relay in relays {
            if !client.is_relay_allowed(&relay).await? {
                self.tell.event(Event::AskRelay(relay));
            }
        }
        Ok(())
    }

    fn lost(&mut self, error: &ClientError) {
        if error.is_passing() {
            self.tell.event(Event::Relay(RelayState::Away));
        }
        self.complain(error);
    }

    /// Says it once.
    fn complain(&mut self, error: &ClientError) {
        let failure = Failure::from(error);
        if self.said.as_ref() != Some(&failure.what) {
            self.tell.failure(&failure);
            self.said = Some(failure.what);
        }
    }

    /// Nothing more comes here; what needs no relay is still answered.
    async fn only_answer(&self, asked: &mut UnboundedReceiver<Intent>) {
        while let Some(intent) = asked.recv().await {
            self.answer(intent).await;
        }
    }

    async fn answer(&self, intent: Intent) {
        let done = self.try_answer(intent).await;
        self.changed.notify_one();
        if let Err(error) = done {
            self.tell.failure(&error.into());
        }
    }

    async fn try_answer(&self, intent: Intent) -> Result<(), ClientError> {
        let client = &self.opened.client;
        match intent {
            Intent::Accept { request, name } => {
                let typed = name.map(|name| name.parse::<ContactName>().map_err(|_| ClientError::BadName));
                let person = accept(self.opened, &request, typed.transpose()?.as_ref()).await?;
                let name = crate::sanitize::Sanitized::line(person.name.as_str()).to_string();
                self.tell.event(Event::Met(request));
                self.tell.event(Event::Said(Said::remark(format!("{name} may write to you now"))));
            }
            Intent::AllowRelay(relay) => client.keep_relay(&relay, false, &mut rng()).await?,
            _ => {}
        }
        Ok(())
    }
}

/// While another command receives for this home.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
