//! `receive`: what waits at the relay is taken, verified and shown.

use std::collections::BTreeSet;

use lightproof_core::ClientError;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::error::Failure as Kind;
use lightproof_core::message::{Message, State};
use lightproof_core::names::NewName;
use lightproof_core::receive::Received;
use lightproof_core::wire::relay_link::RelayLink;

use super::look::{Seen, warn_of};
use super::photo_file::{PhotoOf, make_folder};
use super::present::Names;
use super::requests::told;
use super::watch::{self, Pace};
use crate::announce::{Announcement, Announcer, Audience};
use crate::args::Receive;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Reader, event};
use crate::plan::ContactName;
use crate::sanitize::Sanitized;
use crate::save::SavedTogether;
use crate::source::PhotoFiles;
use crate::terminal::{confirm, somebody_answers};

pub(super) async fn run(typed: &Receive, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(folder) = &typed.save_to {
        make_folder(folder)?;
    }
    let _lease = watch::lease(&opened.home, output).await?;
    let audience = Audience {
        command: typed.exec.clone(),
        command_reads_notes: typed.exec_note,
        desktop: typed.notify,
        home: opened.home.path().to_owned(),
    };
    let announcer = Announcer::to(audience);
    let mut receiving = Receiving { typed, opened, announcer, waiting: BTreeSet::new(), refused: BTreeSet::new() };
    if typed.follow {
        return receiving.follow(output).await;
    }
    Ok(receiving.look(output).await?.exit())
}

/// One run of `receive`.
struct Receiving<'a> {
    typed: &'a Receive,
    opened: &'a Opened,
    /// Whom else it is told.
    announcer: Option<Announcer>,
    /// Messages that were told of while their photos waited.
    waiting: BTreeSet<Vec<u8>>,
    /// Relays that the user does not want to talk to.
    refused: BTreeSet<RelayLink>,
}

/// What one look at the relay brought.
#[derive(Default)]
struct Look {
    exits: Vec<Exit>,
    /// Our own relay was not there; it may be later.
    is_cut_off: bool,
}

impl Look {
    /// A forgery counts before anything else; that nothing came, after everything else.
    fn exit(&self) -> Exit {
        let order = [Exit::Unverified, Exit::Unreachable, Exit::Failed, Exit::Nothing, Exit::Done];
        order.into_iter().find(|exit| self.exits.contains(exit)).unwrap_or(Exit::Nothing)
    }

    fn failed(&mut self, failure: &Failure, output: &mut Output) {
        output.failure(failure);
        self.exits.push(failure.exit);
    }
}

impl Receiving<'_> {
    async fn follow(&mut self, output: &mut Output) -> Result<Exit, Failure> {
        let mut pace = Pace::default();
        let mut said = false;
        loop {
            let look = if said { self.look_quietly(output).await? } else { self.look(output).await? };
            watch::must_be_alone(self.opened)?;
            if output.reader_is_gone() {
                return Ok(look.exit());
            }
            let waited = if look.is_cut_off { None } else { Some(pace.wait(self.opened).await) };
            watch::must_be_alone(self.opened)?;
            match waited {
                Some(Ok(())) => said = false,
                Some(Err(error)) if !error.is_passing() => return Err(error.into()),
                // Said once, until the relay has been there again.
                _ => {
                    said = true;
                    if pace.was_reached() {
                        output.remark("the relay is not there; trying again until it is");
                    }
                    pace.back_off(self.opened).await;
                }
            }
        }
    }

    /// A look whose relay is known to be away: that it still is need not be said again.
    async fn look_quietly(&mut self, output: &mut Output) -> Result<Look, Failure> {
        match self.opened.client.register(now(), &mut rng()).await {
            Err(error) if error.is_passing() => Ok(Look { is_cut_off: true, ..Look::default() }),
            _ => self.look(output).await,
        }
    }

    async fn look(&mut self, output: &mut Output) -> Result<Look, Failure> {
        let mut look = Look::default();
        let before: BTreeSet<Fingerprint> = self.requests().await?;
        let sources = PhotoFiles::default();
        output.step(format_args!("asking {}", self.opened.client.own_relay().await?.authority()));
        let received = match self.opened.client.receive(&sources, now(), &mut rng()).await {
            Ok(received) => self.answer(received, &sources, &mut look, output).await?,
            Err(error) => {
                look.is_cut_off = error.is_passing();
                Received { failed: Some(error), waits_for_answer: false }
            }
        };
        self.opened.tell_notices(output).await?;
        self.tell_requests(&before, &mut look, output).await?;
        self.tell_news(|_| true, &mut look, output).await?;
        if received.waits_for_answer {
            look.exits.push(Exit::Nothing);
        }
        if let Some(error) = received.failed {
            look.failed(&error.into(), output);
        }
        Ok(look)
    }

    async fn requests(&self) -> Result<BTreeSet<Fingerprint>, ClientError> {
        Ok(self.opened.client.requests().await?.iter().map(|request| request.fingerprint).collect())
    }

    /// Answers what only the user can: who may write, and which relays may be asked for photos.
    async fn answer(
        &mut self,
        mut received: Received,
        sources: &PhotoFiles,
        look: &mut Look,
        output: &mut Output,
    ) -> Result<Received, Failure> {
        let client = &self.opened.client;
        let mut changed = false;
        if self.typed.accept_new {
            for request in client.requests().await? {
                // Nobody is here to give a name to somebody whose own could not have been typed.
                let is_typable = request.hint.as_str().parse::<ContactName>().is_ok();
                let name = if is_typable { NewName::Hinted } else { NewName::Numbered };
                let person = client.accept(&request.fingerprint, name, &mut rng()).await?;
                output.remark(format_args!("accepted {}", Sanitized::line(person.name.as_str())));
                changed = true;
            }
        }
        if changed {
            received = self.follow_up_again(received, sources, look, output).await?;
        }
        if self.allow_relays(output).await? {
            received = self.follow_up_again(received, sources, look, output).await?;
        }
        Ok(received)
    }

    /// What only did not work is tried once more; that something did not verify is told whatever comes then.
    async fn follow_up_again(
        &mut self,
        before: Received,
        sources: &PhotoFiles,
        look: &mut Look,
        output: &mut Output,
    ) -> Result<Received, Failure> {
        // A photo that did not verify is fetched again, too, and may be right then.
        self.tell_news(|message| message.state == State::Failed, look, output).await?;
        let forged = before.failed.filter(|error| error.failure() == Kind::Verification);
        let again = self.opened.client.follow_up(sources, false, now(), &mut rng()).await?;
        Ok(Received { failed: forged.or(again.failed), ..again })
    }

    /// Whether a relay was allowed that was not before.
    async fn allow_relays(&mut self, output: &mut Output) -> Result<bool, Failure> {
        let client = &self.opened.client;
        let mut changed = false;
        for (relay, what) in self.named_relays().await? {
            if client.is_relay_allowed(&relay).await? || self.refused.contains(&relay) {
                continue;
            }
            let question = format!("{what} at the relay {}; may this home talk to it?", relay.authority());
            let asks = output.reader() == Reader::Person && somebody_answers();
            if self.typed.allow_relays || asks && confirm(&question, "use --allow-relays").await? {
                client.keep_relay(&relay, false, &mut rng()).await?;
                changed = true;
            } else {
                let hint = "answer with `lightproof receive --allow-relays`";
                output.warn(format_args!("{what} at the relay {}; {hint}", relay.authority()));
                self.refused.insert(relay);
            }
        }
        Ok(changed)
    }

    /// After it was told here.
    fn announce(&self, announcement: Announcement) {
        self.announcer.iter().for_each(|announcer| announcer.tell(announcement.clone()));
    }

    /// Relays that photos wait at, and relays that contacts have moved to, each with why it is asked about.
    async fn named_relays(&self) -> Result<Vec<(RelayLink, String)>, ClientError> {
        let client = &self.opened.client;
        let mut named = Vec::new();
        for message in client.messages().await?.iter().filter(|message| message.state == State::Waiting) {
            let relay = RelayLink::from_text(&message.blob_relay).ok();
            named.extend(relay.map(|relay| (relay, "a photo waits".to_owned())));
        }
        for contact in client.contacts().await?.iter().filter(|contact| contact.is_accepted()) {
            let relay = contact.moved_to().and_then(|relay| RelayLink::from_text(relay).ok());
            let name = Sanitized::line(contact.name.as_str());
            named.extend(relay.map(|relay| (relay, format!("{name} is now"))));
        }
        Ok(named)
    }

    async fn tell_requests(
        &self,
        before: &BTreeSet<Fingerprint>,
        look: &mut Look,
        output: &mut Output,
    ) -> Result<(), Failure> {
        for request in self.opened.client.requests().await? {
            if !before.contains(&request.fingerprint) {
                let told = told(&request);
                output.report(&told)?;
                self.announce(Announcement::Request { number: told.request, fingerprint: told.fingerprint });
                output.remark("answer with `lightproof accept REQUEST --name NAME` or `lightproof decline REQUEST`");
                look.exits.push(Exit::Done);
            }
        }
        Ok(())
    }

    async fn tell_news(
        &mut self,
        which: fn(&Message) -> bool,
        look: &mut Look,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let names = Names::of(self.opened).await?;
        for message in self.opened.client.news().await?.into_iter().filter(which) {
            if message.state == State::Waiting && !self.waiting.insert(message.message_id.0.to_vec()) {
                continue;
            }
            match self.tell(&message, &names, output).await {
                Ok(exit) => look.exits.push(exit),
                // The message stays news: it is told again once there is room, or a folder, for its photos.
                Err(failure) => {
                    look.failed(&failure, output);
                    continue;
                }
            }
            // Nobody may have read it: it stays news.
            if output.reader_is_gone() {
                return Ok(());
            }
            if message.state != State::Waiting {
                self.opened.client.told_of(&message, &mut rng()).await?;
            }
        }
        Ok(())
    }

    /// Notes what photos hold beside their pictures; the numbers of those that could not be looked into, and why.
    async fn look_into(&self, message: &Message, told: &mut event::Message) -> Result<Vec<(usize, String)>, Failure> {
        let mut stopped = Vec::new();
        for (place, photo) in message.photos.iter().enumerate().filter(|_| is_kept(message)) {
            let photo_of = PhotoOf::new(self.opened, message, place);
            let Some(seen) = Seen::of(photo_of, photo.facts.media_type, None).await? else { continue };
            stopped.extend(seen.not_drawn.map(|why| (place + 1, why)));
            if let Some(told) = told.photos.get_mut(place) {
                told.holds = seen.holds;
            }
        }
        Ok(stopped)
    }

    async fn tell(&self, message: &Message, names: &Names, output: &mut Output) -> Result<Exit, Failure> {
        let mut told = names.told(message);
        let stopped = self.look_into(message, &mut told).await?;
        if let Some(folder) = self.typed.save_to.as_ref().filter(|_| is_kept(message)) {
            let mut together = SavedTogether::default();
            for (place, photo) in told.photos.iter_mut().enumerate() {
                let photo_of = PhotoOf::new(self.opened, message, place);
                if !photo_of.is_here() {
                    continue;
                }
                let saved = photo_of.save_in(folder, &told.from).await?;
                photo.file = Some(saved.path.to_string_lossy().into_owned());
                together.add(saved);
            }
            together.keep();
        }
        output.report(&told)?;
        self.announce(Announcement::Message {
            id: told.id.clone(),
            from: told.from.clone(),
            state: told.state,
            photos: told.photos.len(),
            note: told.note.clone().unwrap_or_default(),
        });
        if message.is_for_one_look() {
            output.remark(format_args!(
                "it is for one look: `lightproof show {}` shows it, and then it is gone",
                message.name().get(..8).unwrap_or_default()
            ));
        }
        for (number, (told, photo)) in (1..).zip(told.photos.iter().zip(message.photos.iter())) {
            let holds = told.holds.as_deref().unwrap_or_default();
            warn_of(holds, &format!("photo {number}"), photo.facts.treatment, output);
        }
        for (number, why) in stopped {
            output.warn(format_args!("photo {number} could not be looked into: {why}"));
        }
        let from = Sanitized::line(&told.from);
        Ok(match message.state {
            State::Waiting => Exit::Nothing,
            State::Failed => {
                self.opened.raise_alarm();
                output.failure(
                    &Failure::new(Exit::Unverified, format!("a photo is not what {from} sealed; it is not shown"))
                        .hint(format!("ask {from} to send it again")),
                );
                Exit::Unverified
            }
            State::Expired => {
                output.failure(
                    &Failure::failed("a photo was gone from its relay before it was fetched")
                        .hint(format!("ask {from} to send it again")),
                );
                Exit::Failed
            }
            _ => Exit::Done,
        })
    }
}

/// Whether its photos are here, and may be looked into and saved.
fn is_kept(message: &Message) -> bool {
    message.state == State::Verified && !message.is_for_one_look()
}
