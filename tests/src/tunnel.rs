//! A TCP proxy that knows TLS records, and breaks its first connection at an exact byte of one: ends it, or tampers.
//!
//! What is in the records it does not know: on that connection everything counts, the handshake and the token call too.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::cutter::{End, Way, end};

/// What happens at the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The connection ends.
    End(End),
    /// One bit of the byte is turned over. All else passes.
    Flip,
    /// The record begins again from its first byte. All else passes.
    Repeat,
}

/// So many whole records pass, so many bytes of the next one, and then it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The records that are counted.
    pub way: Way,
    /// How many pass whole. Their lengths differ a little by handshake, as the lengths of signatures do.
    pub records: usize,
    /// How many bytes pass then.
    pub bytes: usize,
    /// What happens then.
    pub act: Act,
}

/// A proxy on a port of its own.
pub struct Tunnel {
    address: SocketAddr,
    first: Arc<Mutex<First>>,
}

/// What passed on the first connection.
#[derive(Default)]
struct First {
    request: Side,
    answer: Side,
    was_cut: bool,
}

/// What came from one side, and how much of it was passed on.
#[derive(Default)]
struct Side {
    bytes: Vec<u8>,
    passed: usize,
}

impl Tunnel {
    /// Starts in front of this address.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(target: SocketAddr, mark: Option<Mark>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let first = Arc::<Mutex<First>>::default();
        let shared = Arc::clone(&first);
        tokio::spawn(async move {
            let mut is_first = true;
            while let Ok((mut client, _)) = listener.accept().await {
                let first = std::mem::take(&mut is_first).then(|| Arc::clone(&shared));
                // A connection that breaks by itself is one that a side has left.
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(target).await?;
                    match first {
                        Some(first) => serve(client, server, mark, &first).await,
                        None => copy_bidirectional(&mut client, &mut server).await.map(drop),
                    }
                });
            }
        });
        Ok(Self { address, first })
    }

    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Whether it happened.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        lock(&self.first).was_cut
    }

    /// The lengths of all records that passed in this direction on the first connection, heads included.
    #[must_use]
    pub fn records(&self, way: Way) -> Vec<usize> {
        let first = lock(&self.first);
        let side = if way == Way::Request { &first.request } else { &first.answer };
        let starts: Vec<usize> = (0..).map_while(|count| side.start_of(count)).collect();
        starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

async fn serve(
    mut client: TcpStream,
    mut server: TcpStream,
    mark: Option<Mark>,
    first: &Mutex<First>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut request, mut answer) = (vec![0; 4096], vec![0; 4096]);
    loop {
        let (way, read) = tokio::select! {
            read = client.read(&mut request) => (Way::Request, read?),
            read = server.read(&mut answer) => (Way::Answer, read?),
        };
        if read == 0 {
            return Ok(());
        }
        let (came, to) = match way {
            Way::Request => (&request[..read], &mut server),
            Way::Answer => (&answer[..read], &mut client),
        };
        let (passing, end_as) = lock(first).take(way, came, mark);
        to.write_all(&passing).await?;
        if let Some(how) = end_as {
            return end(client, server, how).await;
        }
    }
}

impl First {
    /// Takes what came, gives what passes for it, and says how the connection ends then, if it does.
    fn take(&mut self, way: Way, came: &[u8], mark: Option<Mark>) -> (Vec<u8>, Option<End>) {
        let side = if way == Way::Request { &mut self.request } else { &mut self.answer };
        side.bytes.extend_from_slice(came);
        let (from, all) = (side.passed, side.bytes.len());
        side.passed = all;
        // A record whose start is not known yet starts behind all that came.
        let mark = mark.filter(|mark| mark.way == way && !self.was_cut);
        let place = mark.and_then(|mark| Some((mark, side.start_of(mark.records)?)));
        match place.map(|(mark, start)| (mark.act, start, start + mark.bytes)) {
            Some((Act::End(how), _, at)) if at <= all => {
                self.was_cut = true;
                side.passed = at;
                (side.bytes[from..at].to_vec(), Some(how))
            }
            Some((Act::Flip, _, at)) if at < all => {
                self.was_cut = true;
                let mut passing = side.bytes[from..].to_vec();
                passing[at - from] ^= 1;
                (passing, None)
            }
            Some((Act::Repeat, start, at)) if at <= all => {
                self.was_cut = true;
                ([&side.bytes[from..at], &side.bytes[start..]].concat(), None)
            }
            _ => (side.bytes[from..].to_vec(), None),
        }
    }
}

impl Side {
    /// Where the record starts that so many come before, if they all came or at least began.
    fn start_of(&self, records: usize) -> Option<usize> {
        (0..records).try_fold(0, |start, _| {
            let head = self.bytes.get(start..start + 5)?;
            Some(start + 5 + usize::from(u16::from_be_bytes([head[3], head[4]])))
        })
    }
}

fn lock(first: &Mutex<First>) -> MutexGuard<'_, First> {
    first.lock().unwrap_or_else(PoisonError::into_inner)
}
