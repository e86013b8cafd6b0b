//! What is learned once and has still to be told: saved with the step that taught it, because nothing teaches it again.

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::codec::{List, TlsDeserialize, TlsSerialize, TlsSize};
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    error::ClientError,
    event::Notice,
    spool::Spool,
    transport::Transport,
    vault::{
        Turn,
        record::Record,
        store::{Store, Table},
    },
};

/// A notice that waits to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub(crate) enum Untold {
    /// [`Notice::MailboxEnded`].
    #[tls_codec(discriminant = 1)]
    MailboxEnded(Fingerprint),
    /// [`Notice::Doubtful`], and how many.
    #[tls_codec(discriminant = 2)]
    Doubtful(Fingerprint, u64),
}

impl From<Untold> for Notice {
    fn from(untold: Untold) -> Self {
        match untold {
            Untold::MailboxEnded(contact) => Self::MailboxEnded(contact),
            Untold::Doubtful(contact, count) => Self::Doubtful { contact, count },
        }
    }
}

/// All of them.
#[derive(Clone, Debug, Default, TlsSerialize, TlsDeserialize, TlsSize)]
struct AllUntold {
    notices: List<Untold, 4096>,
}

impl Record for AllUntold {
    const TABLE: Table = Table::Profile;

    fn id(&self) -> Vec<u8> {
        Self::ID.to_vec()
    }
}

impl AllUntold {
    /// The id of the one record.
    const ID: &'static [u8] = b"untold";
}

/// Saves what is to be told, with the rest of a turn.
pub(crate) async fn save_untold<S: Store>(
    turn: &mut Turn<'_, S>,
    more: impl IntoIterator<Item = Untold>,
    rng: &mut impl CryptoRng,
) -> Result<(), ClientError> {
    let mut more = more.into_iter().peekable();
    if more.peek().is_some() {
        let known: AllUntold = turn.get(AllUntold::ID).await?.unwrap_or_default();
        // More than there is room for have been said often enough.
        let notices = List::new(known.notices.iter().copied().chain(more).collect()).unwrap_or(known.notices);
        turn.put(&AllUntold { notices }, rng);
    }
    Ok(())
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Tells what waits, and then that it waits no more: a process that ends in between tells it twice, and none loses it.
    pub(crate) async fn tell_untold(&self, rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        let Some(told) = self.vault.get::<AllUntold>(AllUntold::ID).await? else { return Ok(()) };
        told.notices.iter().for_each(|notice| self.tell((*notice).into()));
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let known: AllUntold = turn.get(AllUntold::ID).await?.unwrap_or_default();
            let left: Vec<Untold> =
                known.notices.iter().filter(|notice| !told.notices.as_slice().contains(notice)).copied().collect();
            match left.is_empty() {
                true => turn.delete(&known),
                false => turn.put(&AllUntold { notices: List::new(left).unwrap_or_default() }, rng),
            }
            Ok(turn.commit().await?)
        })
        .await
    }
}
