//! A client that leaves between its command and the commit: what follows the commit was lost with its connection. A blob
//! that was let go left its file on the disk until the next start, and an envelope that was deposited woke nobody.

use std::sync::{Arc, Mutex};

use ed25519_dalek::SigningKey;
use futures_util::SinkExt as _;
use lightproof_wire::{
    blob::{BlobShape, ChunkClass},
    capability::{Capability, right},
    command::{Command, MailboxKind, Readers},
    frame::CommandFrame,
    id::{ChunkIndex, CommandId, MailboxHandle},
    time::{DAY_MS, Timestamp},
};
use tokio::sync::Notify;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::sync::CancellationToken;

use super::{LIMITS, TODAY, envelope, run};
use crate::{
    Relay,
    blob::{self, Opening},
    config::Config,
    deliver::Inbox,
    drive::{Pace, drive},
    mailbox::{self, Creation},
    rates::RateLimits,
    receipt::ReceiptSigner,
    serve::Service,
    store::{
        Chunks, FileId, Overloaded, Rows, RuleError, Step, Store,
        memory::{MemoryChunks, MemoryStore},
    },
};

const CHUNK: usize = 65_536;

/// A store whose writer can be stopped: what comes meanwhile is done when it goes on.
#[derive(Default)]
pub(super) struct Slow {
    rows: MemoryStore,
    waiting: Mutex<Option<Vec<Step>>>,
    pub(super) came: Notify,
}

impl Slow {
    pub(super) fn stop(&self) {
        *self.waiting.lock().unwrap() = Some(Vec::new());
    }

    pub(super) fn go_on(&self) {
        let waiting = self.waiting.lock().unwrap().take();
        waiting.into_iter().flatten().for_each(|step| self.rows.submit(step).unwrap());
    }
}

impl Store for Slow {
    fn read(&self, look: &mut dyn FnMut(&dyn Rows) -> Result<(), RuleError>) -> Result<(), RuleError> {
        self.rows.read(look)
    }

    fn submit(&self, step: Step) -> Result<(), Overloaded> {
        match self.waiting.lock().unwrap().as_mut() {
            Some(waiting) => waiting.push(step),
            None => return self.rows.submit(step),
        }
        self.came.notify_one();
        Ok(())
    }

    fn failed(&self) -> &CancellationToken {
        self.rows.failed()
    }
}

/// A relay that does nothing but what it is asked for.
pub(super) struct Quiet {
    pub(super) service: Arc<Service>,
    pub(super) rows: Arc<Slow>,
    chunks: Arc<MemoryChunks>,
}

impl Quiet {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(limit: impl FnOnce(&mut RateLimits)) -> Self {
        let mut config = Config::local("nowhere".into(), ([127, 0, 0, 1], 0).into()).unwrap();
        limit(&mut config.rates);
        let (rows, chunks) = (Arc::<Slow>::default(), Arc::<MemoryChunks>::default());
        let now = Timestamp(u64::from(TODAY.0) * DAY_MS);
        let edges = (Arc::clone(&rows) as _, Arc::clone(&chunks) as _, Arc::new(move || now) as _);
        let stop = CancellationToken::new();
        stop.cancel();
        let receipts = ReceiptSigner::new(SigningKey::from_bytes(&[1; 32]));
        let service = Relay::serve_streams(&config, receipts, edges, &stop).await.unwrap();
        let quiet = Self { service, rows, chunks };
        quiet.rest().await;
        quiet.service.tasks.reopen();
        quiet
    }

    /// Waits for all that a shutdown would wait for.
    async fn rest(&self) {
        self.service.tasks.close();
        self.service.tasks.wait().await;
    }

    /// A client asks for something and has left when the writer comes to it.
    async fn asked_by_one_who_leaves(&self, command: Command) {
        self.rows.stop();
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let pace = Pace { commands_per_second: 10, command_burst: 10 };
        let served = tokio::spawn(drive(theirs, Arc::clone(&self.service), None, pace, CancellationToken::new()));
        let mut client = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        let frame = CommandFrame { id: CommandId(1), command }.encode();
        client.send(Message::Binary(frame.into())).await.unwrap();
        self.rows.came.notified().await;
        drop(client);
        served.await.unwrap();
        self.rows.go_on();
        self.rest().await;
    }

    /// A blob of one chunk, all of it there.
    async fn blob(&self) {
        let opening = Opening {
            write: write().hash(),
            readers: vec![read().hash()],
            shape: BlobShape::new(ChunkClass::Small, 1).unwrap(),
            keep_days: 5,
            file: FileId([9; 16]),
            access: None,
        };
        run(self.rows.as_ref(), move |rows| blob::open(rows, opening, TODAY, &LIMITS)).await.unwrap();
        let upload = self.service.uploads.find(self.rows.as_ref(), write().hash()).unwrap().unwrap();
        upload.put(self.chunks.as_ref(), ChunkIndex(0), &[1; CHUNK]).unwrap();
        assert_eq!(self.chunks.list().unwrap().len(), 1);
    }
}

fn write() -> Capability<right::Write> {
    Capability::from_bytes([1; 32])
}

fn read() -> Capability<right::Read> {
    Capability::from_bytes([2; 32])
}

#[tokio::test]
async fn the_file_of_a_blob_goes_with_it_even_if_its_last_reader_leaves_at_once() {
    let relay = Quiet::start().await;
    relay.blob().await;
    run(relay.rows.as_ref(), |rows| blob::commit(rows, write().hash())).await.unwrap();
    relay.service.uploads.committed(&write().hash());
    relay.asked_by_one_who_leaves(Command::ReleaseBlob { read: read() }).await;
    assert_eq!(relay.chunks.list().unwrap(), []);
}

#[tokio::test]
async fn an_upload_that_is_revoked_is_forgotten_even_if_its_sender_leaves_at_once() {
    let relay = Quiet::start().await;
    relay.blob().await;
    relay.asked_by_one_who_leaves(Command::RevokeBlob { write: write(), readers: Readers::All }).await;
    assert_eq!(relay.chunks.list().unwrap(), []);
    assert!(relay.service.uploads.unsynced().is_empty(), "nothing is left to sync");
}

#[tokio::test]
async fn an_envelope_wakes_its_watcher_even_if_its_sender_leaves_at_once() {
    let relay = Quiet::start().await;
    let (owner, drop) = (Capability::<right::Owner>::from_bytes([3; 32]).hash(), Capability::from_bytes([4; 32]));
    let creation = Creation { owner, drop: drop.hash(), kind: MailboxKind::Private, access: None };
    run(relay.rows.as_ref(), move |rows| mailbox::create(rows, creation, TODAY, &LIMITS)).await.unwrap();
    let inbox = Arc::<Inbox>::default();
    let watch = relay.service.watches.begin(owner, MailboxHandle(7), &inbox);
    relay.asked_by_one_who_leaves(Command::Deposit { drop, envelope: envelope(1) }).await;
    assert!(inbox.take().woken.contains(&(MailboxHandle(7), watch)));
}
