//! Somebody on the way who hears every byte.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

/// What one side said on one connection.
type Heard = Arc<Mutex<Vec<u8>>>;

/// Forwards TCP to a relay, and keeps a copy.
pub(crate) struct Forwarder {
    authority: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Forwarder {
    pub(crate) fn to(relay: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (keeps, relay) = (Arc::clone(&heard), relay.to_owned());
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&relay) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let said = Heard::default();
                    keeps.lock().unwrap().push(Arc::clone(&said));
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    spawn(move || carry(from, to, &said));
                }
            }
        });
        Self { authority, heard }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// What was said so far, by connection and side.
    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().iter().map(|said| said.lock().unwrap().clone()).collect()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, said: &Heard) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        said.lock().unwrap().extend(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other side may be gone already.
    let _gone = to.shutdown(Shutdown::Write);
}
