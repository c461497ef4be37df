//! A TCP proxy in front of a sandbox that breaks a create at an exact byte: ends its connection, or repeats its bytes.
//!
//! Everything else passes untouched. It reads HTTP just so far that it knows where a request or an answer begins and
//! ends.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Whose bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Those that the platform gets.
    Request,
    /// Those that the client gets.
    Answer,
}

/// How a connection ends, on both sides of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A FIN.
    Close,
    /// An RST.
    Reset,
    /// Nothing comes any more, until the client leaves.
    Stall,
}

/// What happens at the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The connection ends.
    End(End),
    /// The request or the answer begins again from its first byte and goes on to its end; then the connection ends.
    Repeat,
    /// Of a request only: the platform's connection ends, and what it may have answered is lost. The whole request goes
    /// to the platform once more on a new one, and the client never learns, as with a proxy that retries.
    Retry,
}

/// Acts when exactly so many bytes have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The bytes that are counted.
    pub way: Way,
    /// How many of them pass.
    pub at: usize,
    /// What happens then.
    pub act: Act,
}

/// A call about a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `POST /payouts/…`
    Create,
    /// `GET /payouts/…`
    Read,
}

/// What the proxy saw of one payout.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Every call that began, also if it was cut at its first byte.
    pub calls: Vec<Call>,
    /// Whether the cut was made.
    pub was_cut: bool,
    /// The lengths of request and answer of a create that passed whole.
    pub lengths: Option<(usize, usize)>,
}

/// A proxy on a port of its own.
pub struct Cutter {
    address: SocketAddr,
    book: Arc<Book>,
}

/// What is to be cut, and what was seen, by payout.
#[derive(Default)]
struct Book {
    cuts: Mutex<BTreeMap<String, Cut>>,
    traces: Mutex<BTreeMap<String, Trace>>,
    /// How many calls are passing.
    passing: watch::Sender<usize>,
}

/// A call that is passing.
struct Passing<'a>(&'a watch::Sender<usize>);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Cutter {
    /// Starts in front of whoever has this base URL.
    ///
    /// # Errors
    /// There is no port, or the URL is not one of an address with a port.
    pub async fn start(base_url: &str) -> io::Result<Self> {
        let target: Option<SocketAddr> = base_url.strip_prefix("http://").and_then(|address| address.parse().ok());
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let book = Arc::<Book>::default();
        let shared = Arc::clone(&book);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let book = Arc::clone(&shared);
                // A connection that breaks by itself is one that a side has left.
                tokio::spawn(async move { drop(serve(client, target, &book).await) });
            }
        });
        Ok(Self { address, book })
    }

    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts the next create of this payout.
    pub fn cut(&self, payout_id: &str, cut: Cut) {
        lock(&self.book.cuts).insert(payout_id.to_owned(), cut);
    }

    /// Cuts nothing any more.
    pub fn clear(&self) {
        lock(&self.book.cuts).clear();
    }

    /// Waits until no call is passing: a client may have its answer before the trace tells of it.
    pub async fn idle(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.book.passing.subscribe().wait_for(|count| *count == 0).await;
    }

    /// What it saw of this payout so far.
    #[must_use]
    pub fn trace(&self, payout_id: &str) -> Trace {
        lock(&self.book.traces).get(payout_id).cloned().unwrap_or_default()
    }
}

impl Book {
    fn pass(&self) -> Passing<'_> {
        self.passing.send_modify(|count| *count += 1);
        Passing(&self.passing)
    }

    /// Notes a call, and gives the cut that is to be made in it.
    fn begin(&self, call: Call, payout_id: &str) -> Option<Cut> {
        self.note(payout_id, |trace| trace.calls.push(call));
        if call == Call::Create { lock(&self.cuts).remove(payout_id) } else { None }
    }

    fn note(&self, payout_id: &str, write: impl FnOnce(&mut Trace)) {
        write(lock(&self.traces).entry(payout_id.to_owned()).or_default());
    }
}

/// Serves one connection, request by request: no client of ours sends a second one before it has its answer.
async fn serve(mut client: TcpStream, target: SocketAddr, book: &Book) -> io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    // Every byte that passed is on its way at once.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    loop {
        let mut request = Message::default();
        request.read(&mut client).await?;
        let passing = book.pass();
        while request.line().is_none() {
            request.read(&mut client).await?;
        }
        let about = request.line().and_then(about);
        let cut = about.as_ref().and_then(|(call, id)| book.begin(*call, id));
        let limit = |way| cut.filter(|cut| cut.way == way).map_or(usize::MAX, |cut| cut.at);

        request.pass(&mut client, &mut server, limit(Way::Request)).await?;
        let mut answer = Message::default();
        // A create that the platform has whole is executed before its client learns of the cut. So nothing happens
        // late, and the settle window may be short.
        if request.is_whole() {
            tokio::select! {
                read = answer.read(&mut server) => read?,
                // It sends nothing now, so it has left.
                _ = client.read_u8() => return Ok(()),
            }
        }
        let mut is_cut = request.sent == limit(Way::Request);
        if !is_cut {
            answer.pass(&mut server, &mut client, limit(Way::Answer)).await?;
            is_cut = answer.sent == limit(Way::Answer);
        }
        if let (true, Some(cut), Some((_, id))) = (is_cut, cut, &about) {
            book.note(id, |trace| trace.was_cut = true);
            match (cut.act, cut.way) {
                (Act::End(how), _) => {
                    drop(passing);
                    return end(client, server, how).await;
                }
                (Act::Repeat, Way::Request) => {
                    request.pass_again(&mut client, &mut server).await?;
                    // A request that passed whole twice is answered twice; of it and a piece of it, nobody knows.
                    let answers = if request.is_whole() { 2 } else { 1 };
                    pass_answers(answers, answer, &mut server, &mut client).await?;
                }
                (Act::Repeat, Way::Answer) => answer.pass_again(&mut server, &mut client).await?,
                (Act::Retry, _) => {
                    server.shutdown().await?;
                    server = TcpStream::connect(target).await?;
                    server.set_nodelay(true)?;
                    request.pass_again(&mut client, &mut server).await?;
                    let mut answer = Message::default();
                    answer.pass(&mut server, &mut client, usize::MAX).await?;
                    continue;
                }
            }
            drop(passing);
            return end(client, server, End::Close).await;
        }
        if let Some((Call::Create, id)) = about {
            book.note(&id, |trace| trace.lengths = Some((request.sent, answer.sent)));
        }
    }
}

/// Passes on so many whole answers at once, or what came until the platform had no more to say.
async fn pass_answers(
    count: usize,
    mut answers: Message,
    server: &mut TcpStream,
    client: &mut TcpStream,
) -> io::Result<()> {
    while answers.count() < count {
        tokio::select! {
            read = answers.read(server) => if read.is_err() { break },
            // It sends nothing now, so it has left.
            _ = client.read_u8() => break,
        }
    }
    client.write_all(&answers.bytes).await
}

/// Ends both connections, the platform's first.
pub(crate) async fn end(mut client: TcpStream, mut server: TcpStream, end: End) -> io::Result<()> {
    match end {
        End::Reset => {
            server.set_zero_linger()?;
            client.set_zero_linger()?;
            drop(server);
            return Ok(());
        }
        End::Close => {
            server.shutdown().await?;
            client.shutdown().await?;
        }
        End::Stall => {}
    }
    // What the client still sends is read: a close would become a reset otherwise.
    tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(drop)
}

/// The call that this request line begins, if it is one about a payout.
fn about(line: &str) -> Option<(Call, String)> {
    let mut words = line.split(' ');
    let call = match words.next()? {
        "POST" => Call::Create,
        "GET" => Call::Read,
        _ => return None,
    };
    let id = words.next()?.strip_prefix("/payouts/")?;
    Some((call, id.to_owned()))
}

/// A request or an answer, as far as it has come.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
    sent: usize,
}

impl Message {
    async fn read(&mut self, from: &mut TcpStream) -> io::Result<()> {
        if from.read_buf(&mut self.bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Passes it on as it comes, until it is whole or so many bytes have passed.
    async fn pass(&mut self, from: &mut TcpStream, to: &mut TcpStream, limit: usize) -> io::Result<()> {
        loop {
            let end = self.bytes.len().min(limit);
            to.write_all(&self.bytes[self.sent..end]).await?;
            self.sent = end;
            if self.sent == limit || self.is_whole() {
                return Ok(());
            }
            self.read(from).await?;
        }
    }

    /// Passes all of it on, whatever has passed before.
    async fn pass_again(&mut self, from: &mut TcpStream, to: &mut TcpStream) -> io::Result<()> {
        while length(&self.bytes).is_none_or(|length| self.bytes.len() < length) {
            self.read(from).await?;
        }
        to.write_all(&self.bytes).await
    }

    fn is_whole(&self) -> bool {
        length(&self.bytes) == Some(self.sent)
    }

    /// How many are here whole, if there may be more than one.
    fn count(&self) -> usize {
        let mut rest = self.bytes.as_slice();
        let whole = || {
            let next = rest.get(length(rest)?..)?;
            rest = next;
            Some(())
        };
        std::iter::from_fn(whole).count()
    }

    /// Its first line, once it is there.
    fn line(&self) -> Option<&str> {
        let end = self.bytes.windows(2).position(|window| window == b"\r\n")?;
        std::str::from_utf8(&self.bytes[..end]).ok()
    }
}

/// How long the request or answer that begins here is in all, once its head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    Some(head + body.unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
