//! The socket in the data folder of a running relay.

use std::{
    fs::{self, Permissions},
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write},
    net::Shutdown,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, net::UnixStream},
    sync::Arc,
    time::{Duration, Instant},
};

use lightproof_wire::relay_link::RelayLink;
use tokio::{
    net::UnixListener,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

use super::{
    Answer, Request,
    work::{Alive, Work},
};
use crate::{folder::Folder, serve::Service};

/// What fits into the address of a socket.
const PATH_BYTES: usize = 107;
const REQUEST_BYTES: u64 = 4_096;
/// For the request, and for each piece of an answer: a program on this machine is fast, and a drain does not wait long.
const REQUEST_DEADLINE: Duration = Duration::from_secs(1);
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
const CONNECTIONS: usize = 4;
const BUFFER_BYTES: usize = 1_048_576;

/// Answers at the folder's socket until `stop`. To be called by the one process that has the store of this folder: a
/// socket that is there was left by a relay that was killed.
///
/// # Errors
/// The system's; `InvalidInput` for a folder whose path is too long for a socket.
pub(crate) fn serve(
    folder: Folder,
    link: RelayLink,
    service: &Arc<Service>,
    stop: CancellationToken,
) -> io::Result<()> {
    let path = folder.socket();
    if path.as_os_str().as_bytes().len() > PATH_BYTES {
        let what = "its path is too long for the control socket in it, which may have 107 bytes";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Nobody else gets into the folder, so nobody connects before the socket is closed to others as well.
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    let control = Arc::new(Control {
        folder,
        link,
        service: Arc::clone(service),
        stop,
        began: Instant::now(),
        long_work: Semaphore::new(1),
    });
    service.tasks.spawn(listen(listener, control));
    Ok(())
}

struct Control {
    folder: Folder,
    link: RelayLink,
    service: Arc<Service>,
    stop: CancellationToken,
    began: Instant,
    /// A backup or a scrub reads everything: one at a time.
    long_work: Semaphore,
}

async fn listen(listener: UnixListener, control: Arc<Control>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = control.stop.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else { continue };
        if !stream.peer_cred().is_ok_and(|peer| is_ours(peer.uid())) {
            continue;
        }
        if let Ok(stream) = stream.into_std() {
            talk(stream, permit, &control);
        }
    }
    // While this process still has the store: later it may be another's socket.
    let _ = fs::remove_file(control.folder.socket());
}

/// Serves one connection, and cuts it when the relay stops: a backup that nobody reads must not hold up a drain.
fn talk(stream: UnixStream, permit: OwnedSemaphorePermit, control: &Arc<Control>) {
    let Ok(cut) = stream.try_clone() else { return };
    let (ended, stop, tasks) = (CancellationToken::new(), control.stop.clone(), &control.service.tasks);
    let (ends, control) = (ended.clone().drop_guard(), Arc::clone(control));
    tasks.spawn_blocking(move || {
        let _until_here = (permit, ends);
        // Whoever went away needs no answer.
        let _ = control.talk(&stream);
    });
    tasks.spawn(async move {
        tokio::select! {
            () = ended.cancelled() => {}
            () = stop.cancelled() => drop(cut.shutdown(Shutdown::Both)),
        }
    });
}

/// Root may do everything to the folder anyway.
fn is_ours(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

impl Control {
    fn talk(&self, stream: &UnixStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(REQUEST_DEADLINE))?;
        stream.set_write_timeout(Some(ANSWER_DEADLINE))?;
        let mut line = String::new();
        BufReader::new(stream.take(REQUEST_BYTES)).read_line(&mut line)?;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, stream);
        let request = match serde_json::from_str::<Request>(&line) {
            Ok(request) => request,
            Err(_) => return say(&mut out, &Answer::Error("this relay does not know the request".to_owned())),
        };
        let long = matches!(request, Request::Backup | Request::Scrub);
        let permit = if long { self.long_work.try_acquire().ok() } else { None };
        if long && permit.is_none() {
            return say(&mut out, &Answer::Error("another backup or scrub is under way".to_owned()));
        }
        self.answer(&request, &mut out)
    }

    fn answer(&self, request: &Request, out: &mut impl Write) -> io::Result<()> {
        let go_on = || !self.stop.is_cancelled() && !self.service.failed.is_cancelled();
        let work = Work {
            store: self.service.store.as_ref(),
            chunks: self.service.chunks.as_ref(),
            folder: &self.folder,
            today: self.service.today(),
            running: Some(Alive { metrics: &self.service.metrics, uptime: self.began.elapsed(), link: &self.link }),
            go_on: &go_on,
        };
        if *request == Request::Backup {
            say(out, &Answer::Ok(serde_json::Value::Null))?;
            // One that fails ends before its end, which tells whoever reads it.
            return work.backup(out).map(drop).map_err(|error| {
                tracing::warn!(%error, "a backup was not finished");
                io::Error::other(error)
            });
        }
        let answered = work.answer(request);
        say(out, &answered.map_or_else(|error| Answer::Error(error.to_string()), Answer::Ok))
    }
}

fn say(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    serde_json::to_writer(&mut *out, answer)?;
    out.write_all(b"\n")?;
    out.flush()
}
