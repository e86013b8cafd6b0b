//! One match, one call per command: rows through the store's transaction, bytes through blocking threads.

use std::{net::IpAddr, panic, sync::Arc};

use lightproof_wire::{
    codec::{Extensions, List, Text},
    command::Command,
    id::Sequence,
    limits::{NOTICE_BYTES, OPERATOR_BYTES, PROTOCOL_VERSION},
    prekey::Stock,
    refusal::Refusal,
    reply::{Reply, Welcome},
    time::{Day, Timestamp},
};
use tokio::{sync::OwnedSemaphorePermit, task::JoinError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admit::{Admission, Admitted},
    blob::{self, Opening},
    calendar::{Calendar, CalendarRow},
    chunk_memory::{ChunkMemory, Place, Turns},
    deliver::Watches,
    limits::Limits,
    mailbox::{self, Creation, OwnerHash, Page},
    metrics::Metrics,
    prekeys,
    rates::{Rates, Standing},
    receipt::ReceiptSigner,
    room::{Counted, Room},
    shown::Shown,
    store::{self, Chunks, Durable, FileId, RuleError, Store, StoreUnavailable, row},
    threads::{ChunkThreads, blocking},
    totals::TotalsRow,
    upload::Uploads,
};

/// Tells the time. Tests hand in their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything a connection needs of the relay.
pub struct Service {
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Bytes of blobs.
    pub chunks: Arc<dyn Chunks>,
    /// Time.
    pub clock: Clock,
    /// Which day that is believed to be.
    pub calendar: Calendar,
    /// What the rules enforce.
    pub limits: Limits,
    /// What everybody must pass.
    pub admission: Admission,
    /// Signs deposit receipts.
    pub receipts: ReceiptSigner,
    /// What the operator tells users.
    pub notice: Text<NOTICE_BYTES>,
    /// Who the operator is.
    pub operator: Text<OPERATOR_BYTES>,
    /// Who watches what.
    pub watches: Watches,
    /// Unfinished blobs.
    pub uploads: Uploads,
    /// What chunks may take of it, over all connections.
    pub chunk_memory: ChunkMemory,
    /// What chunks may take of the threads.
    pub chunk_threads: ChunkThreads,
    /// Counts.
    pub metrics: Metrics,
    /// What was asked for lately.
    pub rates: Rates,
    /// Whether there is room on the disk.
    pub room: Arc<Room>,
    /// Background work, so that a shutdown can wait for it.
    pub tasks: TaskTracker,
    /// Cancelled when the disk failed.
    pub failed: CancellationToken,
}

/// A reply, and the memory it holds until it is sent.
pub struct Served {
    /// The reply.
    pub reply: Reply,
    /// Given back when the reply has left.
    pub place: Option<Place>,
}

impl Service {
    /// Today, for what is new.
    #[must_use]
    pub fn today(&self) -> Day {
        self.calendar.today((self.clock)().day())
    }

    /// Takes over which day is believed, and says when that is not what the clock says.
    pub(crate) fn believe(&self, calendar: &CalendarRow) {
        self.calendar.believe(calendar);
        let off_days = calendar.clock_off_days();
        match (self.metrics.clock_off_days.set(off_days), off_days) {
            (0, 0) => {}
            (_, 0) => tracing::info!("the clock is believed again"),
            (0, _) => tracing::warn!(off_days, "the clock is far from the last sweep: little is removed for two days"),
            _ => {}
        }
    }

    /// The first frame of every connection.
    #[must_use]
    pub fn welcome(&self) -> Welcome {
        Welcome {
            versions: List::new(vec![PROTOCOL_VERSION]).unwrap_or_default(),
            receipt_key: self.receipts.public(),
            limits: self.limits.announced(),
            policy: self.admission.policy,
            day: self.today(),
            notice: self.notice.clone(),
            operator: self.operator.clone(),
            extensions: Extensions::default(),
        }
    }

    /// Serves one command.
    pub async fn serve(self: &Arc<Self>, command: Admitted, address: Option<IpAddr>, turns: &Turns) -> Served {
        let (command, mut place) = (command.into_inner(), None);
        let outcome = match (self.in_time(&command, address).await, command) {
            (Err(error), _) => Err(error),
            (Ok(_), Command::GetChunk { read, index }) => {
                place = Some(self.chunk_memory.outgoing(turns).await);
                self.get_chunk(read, index).await
            }
            (Ok(turn), command) => {
                let memory = match command {
                    Command::PutChunk { .. } => Some(self.chunk_memory.incoming().await),
                    _ => None,
                };
                let service = Arc::clone(self);
                let served = self.to_its_end(async move {
                    let _held = (turn, memory);
                    service.serve_whole(command, address).await
                });
                served.await
            }
        };
        let reply = outcome.unwrap_or_else(|error| Reply::Refused(self.refusal(error)));
        Served { reply, place }
    }

    /// Does something to its end, in a task of its own that a shutdown waits for. A connection that ends takes with it
    /// whatever it waits for, and what follows a commit must not be lost: a file to remove, somebody to wake, a count to
    /// give back.
    async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, RuleError>> + Send + 'static,
    ) -> Result<T, RuleError> {
        match self.tasks.spawn(work).await.map_err(JoinError::try_into_panic) {
            Ok(outcome) => outcome,
            Err(Ok(panic)) => panic::resume_unwind(panic),
            Err(Err(_cancelled)) => Err(Refusal::Internal.into()),
        }
    }

    async fn serve_whole(self: &Arc<Self>, command: Command, address: Option<IpAddr>) -> Result<Reply, RuleError> {
        let (today, limits) = (self.today(), self.limits);
        match command {
            Command::CreateMailbox { owner, drop, kind, access } => {
                let access = self.admission.charged(access.as_ref())?;
                self.create(Creation { owner, drop, kind, access }, address).await
            }
            Command::Retire { owner } => {
                let done = self.commit(move |rows| mailbox::retire(rows, owner.hash(), today, &limits)).await?;
                Ok(done.promise(Reply::Done))
            }
            Command::Deposit { drop, envelope } => self.deposit(drop.hash(), envelope).await,
            Command::PublishPrekeys { owner, signed, one_time } => {
                self.publish_prekeys(owner.hash(), signed, one_time.into_vec()).await
            }
            Command::CountPrekeys { owner } => {
                let (signed_not_after, stock) =
                    self.look(move |rows| prekeys::count(rows, owner.hash(), today)).await?;
                Ok(Reply::Count { signed_not_after, one_time: Stock::of(stock) })
            }
            Command::TakePrekeys { drop } => self.take_prekeys(drop.hash(), address).await,
            Command::OpenBlob { write, readers, shape, keep_days, access } => {
                let (readers, file) = (readers.into_vec(), fresh_file()?);
                let access = self.admission.charged(access.as_ref())?;
                self.open_blob(Opening { write, readers, shape, keep_days, file, access }, address).await
            }
            Command::PutChunk { write, index, chunk } => self.put_chunk(write.hash(), index, chunk).await,
            Command::BlobStatus { write } => self.blob_status(write.hash()).await,
            Command::CommitBlob { write } => self.commit_blob(write.hash()).await,
            Command::RevokeBlob { write, readers } => {
                let gone = self.commit(move |rows| blob::revoke(rows, write.hash(), readers, today, &limits)).await?;
                self.remove_files(gone.into_inner()).await;
                Ok(Reply::Done)
            }
            Command::ReleaseBlob { read } => {
                let gone = self.commit(move |rows| blob::release(rows, read.hash(), today, &limits)).await?;
                self.remove_files(gone.into_inner()).await;
                Ok(Reply::Done)
            }
            Command::Ping => Ok(Reply::Pong),
            // The peer's machine keeps two of these, and the third was served above.
            Command::Watch { .. } | Command::Ack { .. } | Command::GetChunk { .. } => Err(Refusal::Unsupported.into()),
        }
    }

    /// Whether a command is served now or asked too much; its place in front of the disk, if it is known to need one.
    /// What strangers may ask for as well is held back where it is served, when it is known what it is.
    async fn in_time(
        self: &Arc<Self>,
        command: &Command,
        address: Option<IpAddr>,
    ) -> Result<Option<OwnedSemaphorePermit>, RuleError> {
        let now = (self.clock)();
        match (Shown::by(command), command) {
            (Some(shown), _) => return self.shown_in_time(shown, address).await,
            (None, Command::TakePrekeys { .. }) => {}
            (None, Command::Deposit { .. }) => self.rates.from_address(address, now)?,
            (None, _) => {
                self.rates.from_address(address, now)?;
                self.rates.in_all(Standing::Stranger, now)?;
            }
        }
        Ok(None)
    }

    /// Begins a watch.
    ///
    /// # Errors
    /// The refusal to answer.
    pub async fn watch(self: &Arc<Self>, owner: OwnerHash, address: Option<IpAddr>) -> Result<Sequence, Refusal> {
        let service = Arc::clone(self);
        let begun = self.to_its_end(async move {
            let _turn = service.shown_in_time(Shown::of(owner), address).await?;
            let today = service.today();
            service.commit(move |rows| mailbox::watch(rows, owner, today)).await
        });
        begun.await.map(Durable::into_inner).map_err(|error| self.refusal(error))
    }

    /// Acks one envelope.
    pub async fn ack(&self, owner: OwnerHash, sequence: Sequence, address: Option<IpAddr>) -> Reply {
        let now = (self.clock)();
        // Whoever acks has watched: there is such a mailbox.
        let in_time = self.rates.from_address(address, now).and_then(|()| self.rates.in_all(Standing::Known, now));
        let acked = match in_time {
            Ok(()) => self.commit(move |rows| mailbox::ack(rows, owner, sequence)).await,
            Err(too_many) => Err(too_many.into()),
        };
        match acked {
            Ok(done) => done.promise(Reply::Done),
            Err(error) => Reply::Refused(self.refusal(error)),
        }
    }

    /// Reads what waits in a mailbox.
    ///
    /// # Errors
    /// The store's.
    pub async fn page(self: &Arc<Self>, owner: OwnerHash, after: Sequence, limit: usize) -> Result<Page, RuleError> {
        let page = self.look(move |rows| mailbox::page(rows, owner, after, limit)).await?;
        if page.damaged_count > 0 {
            self.metrics.damaged_rows.inc_by(page.damaged_count as u64);
            tracing::error!("a stored envelope is damaged and was not delivered");
        }
        self.metrics.deliveries.inc_by(page.envelopes.len() as u64);
        Ok(page)
    }

    /// Runs a rule and waits for its commit. Whatever it writes is counted here, so that no rule fills the disk unseen.
    pub(crate) async fn commit<T: Send + 'static>(
        &self,
        rule: impl FnOnce(&mut dyn store::RowsMut) -> Result<T, RuleError> + Send + 'static,
    ) -> Result<Durable<T>, RuleError> {
        self.check_works()?;
        let (room, chunks) = (Arc::clone(&self.room), Arc::clone(&self.chunks));
        let counted = move |rows: &mut dyn store::RowsMut| {
            let mut rows = Counted::new(rows);
            let done = rule(&mut rows);
            room.wrote(chunks.as_ref(), rows.bytes);
            done
        };
        store::commit(self.store.as_ref(), counted).await
    }

    /// Runs a rule that makes something new. What the disk has left is what it has when the rule's turn comes: as many
    /// as may wait would fill what is kept free.
    pub(crate) async fn commit_new<T: Send + 'static>(
        &self,
        rule: impl FnOnce(&mut dyn store::RowsMut, &Limits) -> Result<T, RuleError> + Send + 'static,
    ) -> Result<Durable<T>, RuleError> {
        let (room, limits) = (Arc::clone(&self.room), self.limits);
        self.commit(move |rows| rule(rows, &Limits { space: room.space(), ..limits })).await
    }

    pub(crate) async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl Fn(&dyn store::Rows) -> Result<T, RuleError> + Send + 'static,
    ) -> Result<T, RuleError> {
        let service = Arc::clone(self);
        blocking(move || store::look(service.store.as_ref(), look)).await
    }

    /// Nothing is synced, recorded or committed after a failure: the system reports a failed sync once, and the next
    /// one of the same file would look fine.
    pub(crate) fn check_works(&self) -> Result<(), RuleError> {
        if self.failed.is_cancelled() || self.store.failed().is_cancelled() {
            return Err(StoreUnavailable::because("the disk failed before").into());
        }
        Ok(())
    }

    /// What a peer may know of an error.
    pub(crate) fn refusal(&self, error: RuleError) -> Refusal {
        match error {
            RuleError::Refused(refusal) => refusal,
            RuleError::Damaged => {
                self.metrics.damaged_rows.inc();
                tracing::error!("stored data is damaged and was not served");
                Refusal::Internal
            }
            RuleError::Unavailable(error) => {
                tracing::error!(%error, "the store failed");
                Refusal::Internal
            }
        }
    }

    /// Looks at what changes without a command. Blocks.
    pub(crate) fn measure(&self) {
        if let Ok(free) = self.chunks.free_bytes() {
            self.metrics.disk_free_bytes.set(i64::try_from(free).unwrap_or(i64::MAX));
        }
        let reserved = store::look(self.store.as_ref(), |rows: &dyn store::Rows| row::load::<TotalsRow>(rows, &0));
        if let Ok(totals) = reserved {
            let bytes = totals.map_or(0, |totals| totals.reserved_bytes);
            self.metrics.blob_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }
}

fn fresh_file() -> Result<FileId, RuleError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| Refusal::Internal)?;
    Ok(FileId(id))
}
