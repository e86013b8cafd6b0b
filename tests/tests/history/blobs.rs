//! Those who publish and take prekeys, and those who upload and read a blob.

use lightproof_tests::{history::Event, relay::TestClock, wire::Wire};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::right,
    codec::{Bytes, List},
    command::Command,
    hash::Digest,
    id::ChunkIndex,
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
    reply::Reply,
};

use crate::trial::{Trial, secret};

impl Trial {
    pub(crate) async fn prekeys(&mut self) {
        let mut wire = self.wire().await;
        self.made += 1;
        let first = u32::from(self.made) * 10;
        let one_time = (first..first + 3).map(|id| prekey(PrekeyKind::OneTime, id, &self.clock)).collect();
        let signed = prekey(PrekeyKind::Signed, 0, &self.clock);
        let one_time = List::new(one_time).unwrap();
        wire.ask(Command::PublishPrekeys { owner: secret(0), signed, one_time }).await;
        for _ in 0..2 {
            if let Some(Reply::Bundle(bundle)) = wire.ask(Command::TakePrekeys { drop: secret(0) }).await
                && let Some(given) = bundle.one_time
            {
                self.history.note(Event::Given(0, given.id.0));
            }
        }
    }

    /// A blob for two readers: both read it, one lets go, the other reads it again.
    pub(crate) async fn blob(&mut self) {
        self.made += 1;
        let (name, mut wire) = (self.made, self.wire().await);
        let chunk_bytes = usize::try_from(ChunkClass::Small.sealed_bytes()).unwrap();
        let chunks: Vec<Vec<u8>> = (1..4).map(|byte| vec![byte ^ name; chunk_bytes]).collect();
        let readers = [name, name ^ 0x80].map(|reader| secret::<right::Read>(reader).hash());
        let shape = BlobShape::new(ChunkClass::Small, 3).unwrap();
        let readers = List::new(readers.to_vec()).unwrap();
        wire.ask(Command::OpenBlob { write: secret(name).hash(), readers, shape, keep_days: 9, access: None }).await;
        for (index, chunk) in (0..).map(ChunkIndex).zip(&chunks) {
            let chunk = SealedChunk::new(chunk.clone()).unwrap();
            wire.ask(Command::PutChunk { write: secret(name), index, chunk }).await;
        }
        if wire.ask(Command::CommitBlob { write: secret(name) }).await != Some(Reply::Done) {
            return;
        }
        self.history.note(Event::Committed(name.into(), *Digest::of(&chunks.concat()).as_bytes()));
        self.read(&mut wire, name, 0).await;
        self.read(&mut wire, name, 1).await;
        self.history.note(Event::Released(name.into(), 0));
        wire.ask(Command::ReleaseBlob { read: secret(name) }).await;
        self.read(&mut wire, name, 1).await;
    }

    async fn read(&self, wire: &mut Wire, name: u8, reader: u8) {
        let mut content = Vec::new();
        let mut got = true;
        for index in (0..3).map(ChunkIndex) {
            let read = secret(if reader == 0 { name } else { name ^ 0x80 });
            match wire.ask(Command::GetChunk { read, index }).await {
                Some(Reply::Chunk(chunk)) => content.extend_from_slice(chunk.as_slice()),
                Some(_) => got = false,
                None => return,
            }
        }
        let content = got.then(|| *Digest::of(&content).as_bytes());
        self.history.note(Event::Read(name.into(), reader.into(), content));
    }
}

fn prekey(kind: PrekeyKind, id: u32, clock: &TestClock) -> PublishedPrekey {
    let sealed = Bytes::new(vec![7; 100]).unwrap();
    PublishedPrekey { kind, id: PrekeyId(id), not_after: clock.now().day().plus(5), sealed }
}
