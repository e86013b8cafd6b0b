//! Reads bytes as the recipient of the examples would, and says what came of it.

use core::fmt::Debug;

use lightproof_core::{
    e2ee::{
        blob::{Opener, Verifier},
        bundle::UnverifiedBundle,
        card::ContactCard,
        envelope::HelloHeader,
        error::OpenError,
        frame,
        handshake::respond,
        identity::{Fingerprint, IdentityKeyPair},
        manifest::{MediaType, Photo, Treatment},
        prekey::{OneTimePrekeySecret, SignedPrekeySecret},
        session::{self, Session},
    },
    proof::{CheckError, ProofReader},
    vault::{
        record::{Record, VaultKeys},
        store::Table,
        unlock::{self, Passphrase},
    },
};
use lightproof_wire::{
    blob::BlobShape,
    capability::{Capability, CapabilityHash, right},
    codec::{Bytes, Deserialize, Serialize, Size, Text, decode, encode},
    deposit_receipt::{DepositReceipt, ReceiptKey},
    envelope::Envelope,
    frame::{CommandFrame, RelayFrame},
    hash::Digest,
    id::ChunkIndex,
    label,
    limits::RELAY_LINK_BYTES,
    relay_link::RelayLink,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::{FILE_BYTES, Kind, NOW, TODAY, frozen::Examples, sealed_file, sealer};

/// What was read, written down again; or the name of the error.
pub type Read = Result<Vec<u8>, String>;

/// Holds every secret of the examples that a recipient would.
pub struct Reader {
    owner: IdentityKeyPair,
    doorbell: CapabilityHash<right::Drop>,
    signed: SignedPrekeySecret,
    one_time: OneTimePrekeySecret,
    /// Sessions as they lie in the vault: before the first message, before the late one, and of the other side.
    sessions: [Vec<u8>; 3],
    author: IdentityKeyPair,
    reader: Fingerprint,
    receipt_key: ReceiptKey,
    vault: VaultKeys,
    photo: Photo,
}

impl Default for Reader {
    fn default() -> Self {
        let (keys, frames) = (Examples::of("prekeys.txt"), Examples::of("frames.txt"));
        let (hello, messages) = (Examples::of("handshake.txt"), Examples::of("ratchet.txt"));
        let sessions = [
            hello.get("responder.record").to_vec(),
            messages.get("responder.record").to_vec(),
            hello.get("initiator.record").to_vec(),
        ];
        Self {
            owner: IdentityKeyPair::from_seeds(&keys.fixed("owner.seeds")),
            doorbell: CapabilityHash::from_bytes(keys.fixed("doorbell.drop_hash")),
            signed: SignedPrekeySecret::from_record(keys.get("signed.record")).unwrap(),
            one_time: OneTimePrekeySecret::from_record(keys.get("one_time.record")).unwrap(),
            sessions,
            author: IdentityKeyPair::from_seeds(&frames.fixed("sender.seeds")),
            reader: IdentityKeyPair::from_seeds(&frames.fixed("recipient.seeds")).fingerprint(),
            receipt_key: ReceiptKey(Examples::of("relay.txt").fixed("receipt.key")),
            vault: sealer::vault_keys(),
            photo: photo(),
        }
    }
}

impl Reader {
    /// Reads them as what they are meant to be.
    ///
    /// # Errors
    /// The name of the error that a product gives.
    pub fn read(&self, kind: Kind, bytes: &[u8]) -> Read {
        match kind {
            Kind::Blob => self.blob(bytes.chunks(sealer::CHUNK_BYTES)),
            Kind::BlobPlain => self.blob(sealer::seal_chunks(bytes).iter().map(Vec::as_slice)),
            Kind::Body => self.body(bytes),
            Kind::Bundle | Kind::BundleBare => self.bundle(bytes),
            Kind::PrekeyBox => self.bundle(&sealer::seal_prekey_box(bytes).ok_or("TooLong")?),
            Kind::Card => read_card(str::from_utf8(bytes).map_err(named)?),
            Kind::CardFields => read_card(&sealer::card_text(bytes)),
            Kind::Chunk => self.chunk(ChunkIndex(1), bytes),
            Kind::Command => CommandFrame::decode(bytes).map(|frame| frame.encode()).map_err(named),
            Kind::Reply | Kind::Welcome => RelayFrame::decode(bytes).map(|frame| frame.encode()).map_err(named),
            Kind::DepositReceipt => self.deposit_receipt(bytes),
            Kind::FrameManifest | Kind::FrameReceipt | Kind::FrameRetract => self.signed_frame(bytes),
            Kind::Header => {
                unlock::unlock(bytes, &Passphrase::None).map(|keys| keys.expose_master().to_vec()).map_err(named)
            }
            Kind::Hello => self.hello(&envelope(bytes)?),
            Kind::Link | Kind::LinkCarried => read_link(kind, bytes),
            Kind::MessageFirst => self.message(0, &envelope(bytes)?),
            Kind::MessageLate => self.message(1, &envelope(bytes)?),
            Kind::MessageStep => self.message(2, &envelope(bytes)?),
            Kind::PrekeyRecord => {
                SignedPrekeySecret::from_record(bytes).map(|secret| secret.to_record().to_vec()).map_err(named)
            }
            Kind::Proof => read_proof(bytes),
            Kind::SealedFile => sealed_file::open(bytes, &self.reader),
            Kind::SessionRecord => {
                Session::from_record(bytes).map(|session| session.to_record().to_vec()).map_err(named)
            }
            Kind::Record => self.row(&sealer::seal_record(bytes)),
            Kind::Row => self.row(bytes),
        }
    }

    /// Everything that reading might have changed, written down.
    #[must_use]
    pub fn state(&self) -> Vec<Vec<u8>> {
        let mut state = self.sessions.to_vec();
        state.push(self.signed.to_record().to_vec());
        state.push(self.one_time.to_record().to_vec());
        state.push(self.vault.expose_master().to_vec());
        state
    }

    /// The secrets that a Hello names are loaded, as from a vault.
    fn hello(&self, envelope: &Envelope) -> Read {
        let header = HelloHeader::parse(envelope).map_err(named)?;
        let one_time = header.one_time_id.is_some().then_some(&self.one_time);
        let answered = respond(&self.owner, envelope, &self.signed, one_time).map_err(named)?;
        let answered = answered.persist_now(|_, _| Ok::<_, ()>(())).map_err(named)?;
        Ok(answered.session_id.as_bytes().to_vec())
    }

    fn message(&self, session: usize, envelope: &Envelope) -> Read {
        let session = self.sessions.get(session).map(|record| Session::from_record(record)).unwrap().map_err(named)?;
        let opened = session::open(session, envelope, NOW, |body| Ok::<_, ()>(body.to_vec()))
            .map_err(|error: OpenError<()>| named(error))?;
        opened.persist_now(|_, _| Ok::<_, ()>(())).map_err(named)
    }

    fn body(&self, bytes: &[u8]) -> Read {
        let verified = frame::verify(bytes, self.author.public(), &self.reader).map_err(named)?;
        Ok(verified.digest().as_bytes().to_vec())
    }

    /// Its author signs whatever it is.
    fn signed_frame(&self, frame: &[u8]) -> Read {
        let signature = self.author.sign(label::SIGN_MESSAGE, frame, &mut ChaCha20Rng::from_seed([6; 32]));
        self.body(&[frame, signature.as_bytes()].concat())
    }

    fn bundle(&self, bytes: &[u8]) -> Read {
        let owner = self.owner.fingerprint();
        let bundle = decode(bytes).map_err(named)?;
        let bundle = UnverifiedBundle::open(&bundle, &owner, &self.doorbell).map_err(named)?;
        let bundle = bundle.verify(&owner, TODAY).map_err(named)?;
        Ok(bundle.identity().as_bytes().to_vec())
    }

    fn chunk(&self, index: ChunkIndex, sealed: &[u8]) -> Read {
        let mut buffer = sealed.to_vec();
        let opened = Opener::new(&self.photo).map_err(named)?.open_chunk(index, &mut buffer);
        assert!(opened.is_ok() || buffer.is_empty(), "nothing of a refused chunk is left");
        opened.map(|()| buffer).map_err(named)
    }

    fn blob<'a>(&self, chunks: impl Iterator<Item = &'a [u8]>) -> Read {
        let mut verifier = Verifier::new(&self.photo).map_err(named)?;
        let mut photo = Vec::new();
        for (index, chunk) in (0..).map(ChunkIndex).zip(chunks) {
            let bytes = self.chunk(index, chunk)?;
            verifier.take(index, &bytes).map_err(named)?;
            photo.extend(bytes);
        }
        verifier.finish().map_err(named)?;
        Ok(photo)
    }

    fn deposit_receipt(&self, bytes: &[u8]) -> Read {
        let receipt: DepositReceipt = decode(bytes).map_err(named)?;
        let drop = Capability::<right::Drop>::from_bytes(super::counted(0x20)).hash();
        let envelope = Digest::of(&super::counted::<16_000>(0));
        receipt.verify(&self.receipt_key, &envelope, &drop).map(|()| encode(&receipt)).map_err(named)
    }

    fn row(&self, sealed: &[u8]) -> Read {
        self.vault.open::<Kept>(&sealer::ROW, sealed).map(|kept| kept.0).map_err(named)
    }
}

pub(super) fn named(error: impl Debug) -> String {
    let name = format!("{error:?}");
    // Of a text that is none, the place does not matter.
    if name.starts_with("Utf8Error") { "NotText".to_owned() } else { name }
}

fn envelope(bytes: &[u8]) -> Result<Envelope, String> {
    Envelope::from_bytes(bytes).map_err(named)
}

fn read_card(text: &str) -> Read {
    ContactCard::parse(text).map(|card| card.print().into_bytes()).map_err(named)
}

/// Anybody may.
fn read_proof(bytes: &[u8]) -> Read {
    let failed = |error: CheckError| if let CheckError::Proof(error) = error { named(error) } else { named(error) };
    let mut reader = ProofReader::begin(bytes).map_err(failed)?;
    let mut written = reader.proof().head();
    while let Some((_, piece)) = reader.next_piece().map_err(failed)? {
        written.extend(piece);
    }
    reader.finish().map(|_| written).map_err(failed)
}

fn read_link(kind: Kind, bytes: &[u8]) -> Read {
    let text = str::from_utf8(bytes).map_err(named)?;
    let link = if kind == Kind::Link {
        text.parse::<RelayLink>().map_err(named)?
    } else {
        RelayLink::from_text(&Text::<RELAY_LINK_BYTES>::new(text).map_err(named)?).map_err(named)?
    };
    Ok(link.to_string().into_bytes())
}

fn photo() -> Photo {
    let shape = BlobShape::for_length(FILE_BYTES as u64).unwrap();
    Photo {
        treatment: Treatment::Exact,
        media_type: MediaType::Other,
        width: 0,
        height: 0,
        length_bytes: FILE_BYTES as u64,
        digest: Digest::of(sealer::plain().get(..FILE_BYTES).unwrap()),
        source_commitment: Digest::of(b""),
        thumbhash: Bytes::default(),
        name: Text::default(),
        read: Capability::from_bytes(super::counted(0xd0)),
        file_key: sealer::file_key(),
        chunk_bytes: shape.class().sealed_bytes(),
        chunk_count: shape.count(),
    }
}

/// A record of the contacts, whatever it holds.
struct Kept(Vec<u8>);

impl Record for Kept {
    const TABLE: Table = Table::Contacts;

    fn id(&self) -> Vec<u8> {
        self.0.clone()
    }
}

impl Size for Kept {
    fn tls_serialized_len(&self) -> usize {
        self.0.len()
    }
}

impl Serialize for Kept {
    fn tls_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        writer.write_all(&self.0)?;
        Ok(self.0.len())
    }
}

impl Deserialize for Kept {
    fn tls_deserialize<R: std::io::Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(Self(bytes))
    }
}
