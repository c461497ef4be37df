//! A connection that can be cut at an exact byte, closed or reset, and on which an answer can stray.
//!
//! [`Tap`] sits between hyper and the socket. A handler gets the connection's [`Control`] from the request's extensions
//! and arms what shall happen; it happens when hyper writes the answer. Below a tap there is plain TCP or TLS.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::http::activity::{Activity, Busy};

/// The handler's hold on its connection.
#[derive(Clone)]
pub(crate) struct Control(Arc<Shared>);

struct Shared {
    /// Weak, so that holding a control never keeps a socket open.
    socket: Weak<TcpStream>,
    armed: Mutex<Option<Cut>>,
    /// Held from the moment bytes are read until the connection has nothing more to read.
    reading: Mutex<Option<Busy>>,
    closed: CancellationToken,
    answers: Mutex<Answers>,
}

/// The answers of one connection, as bytes.
#[derive(Default)]
struct Answers {
    /// How many requests have begun.
    begun: u64,
    /// What has been written since the last one began.
    current: Vec<u8>,
    /// What was written to the one before.
    previous: Vec<u8>,
    /// What goes out before anything else does.
    stray: Vec<u8>,
}

/// What is armed on a connection.
#[derive(Clone, Copy)]
struct Cut {
    /// Bytes of the answer that still go out.
    remaining: u64,
    /// End with RST rather than FIN.
    reset: bool,
    /// Whether a byte of the answer has gone out since arming.
    started: bool,
}

impl Control {
    pub(crate) fn new(socket: &Arc<TcpStream>) -> Self {
        Self(Arc::new(Shared {
            socket: Arc::downgrade(socket),
            armed: Mutex::new(None),
            reading: Mutex::new(None),
            closed: CancellationToken::new(),
            answers: Mutex::default(),
        }))
    }

    /// Notes that a request has begun.
    pub(crate) fn begin(&self) {
        let mut answers = self.lock_answers();
        answers.begun += 1;
        answers.previous = std::mem::take(&mut answers.current);
    }

    /// Whether the connection has carried another exchange before this one.
    pub(crate) fn is_kept(&self) -> bool {
        self.lock_answers().begun > 1
    }

    /// The answer that went out before this request came, byte by byte.
    pub(crate) fn previous_answer(&self) -> Vec<u8> {
        self.lock_answers().previous.clone()
    }

    /// Lets these bytes out before the answer: while the handler waits, or in one piece with what it answers.
    pub(crate) fn stray(&self, bytes: Vec<u8>) {
        self.lock_answers().stray = bytes;
    }

    /// Lets `bytes` bytes of the answer out, then closes. A shorter answer goes out whole, and then the connection closes.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.arm(Cut { remaining: bytes, reset: false, started: false });
    }

    /// Closes instead of answering.
    pub(crate) fn close(&self) {
        self.cut_after(0);
    }

    /// Resets the connection instead of answering.
    pub(crate) fn reset(&self) {
        self.arm(Cut { remaining: 0, reset: true, started: false });
    }

    /// Resolves when the connection is closed on our side.
    pub(crate) async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    /// Stops counting this connection as work: for calls that wait for everything else to be quiet.
    pub(crate) fn release(&self) {
        drop(self.lock_reading().take());
    }

    /// Whether bytes have arrived that nobody has read yet.
    pub(crate) fn has_unread_bytes(&self) -> bool {
        let Some(socket) = self.0.socket.upgrade() else {
            return false;
        };
        let mut byte = [MaybeUninit::uninit()];
        // The socket is non-blocking: without data this is `WouldBlock`; 0 means the client closed.
        SockRef::from(&*socket).peek(&mut byte).is_ok_and(|read| read > 0)
    }

    /// Whether the socket is gone and the control of no more use.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.socket.strong_count() == 0
    }

    fn arm(&self, cut: Cut) {
        *self.lock_armed() = Some(cut);
    }

    fn lock_armed(&self) -> std::sync::MutexGuard<'_, Option<Cut>> {
        self.0.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_answers(&self) -> std::sync::MutexGuard<'_, Answers> {
        self.0.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_reading(&self) -> std::sync::MutexGuard<'_, Option<Busy>> {
        self.0.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A TCP stream that can be looked at while it is in use.
pub(crate) struct Socket(pub(crate) Arc<TcpStream>);

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(data) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.0).shutdown(std::net::Shutdown::Write))
    }
}

/// The stream that hyper serves: obeys its [`Control`], and counts reading as activity.
pub(crate) struct Tap<S> {
    /// `None` once it was closed on purpose.
    stream: Option<S>,
    control: Control,
    activity: Activity,
}

impl<S> Tap<S> {
    pub(crate) fn new(stream: S, control: Control, activity: Activity) -> Self {
        Self { stream: Some(stream), control, activity }
    }

    fn end(&mut self, reset: bool) {
        if reset && let Some(socket) = self.control.0.socket.upgrade() {
            // Without it a close is a FIN when everything was read. It fails only on a socket that is closed already.
            drop(socket.set_zero_linger());
        }
        self.stream = None;
        self.control.0.closed.cancel();
    }
}

impl<S: AsyncWrite + Unpin> Tap<S> {
    /// Writes the bytes that go out before anything else.
    fn poll_stray(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(Err(closed()));
        };
        let mut answers = self.control.lock_answers();
        while !answers.stray.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, &answers.stray))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            answers.stray.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> Drop for Tap<S> {
    fn drop(&mut self) {
        self.end(false);
        self.control.release();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(stream) = this.stream.as_mut() else {
            return Poll::Ready(Ok(()));
        };
        // Busy before the bytes leave the kernel, so that they are always seen either there or here.
        this.control.lock_reading().get_or_insert_with(|| this.activity.enter());
        let before = buf.filled().len();
        let result = Pin::new(stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.activity.bytes_arrived();
        } else {
            this.control.release();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let armed = *this.control.lock_armed();
        if armed.is_some_and(|cut| cut.remaining == 0) {
            this.end(armed.is_some_and(|cut| cut.reset));
        }
        let Some(stream) = this.stream.as_mut() else {
            return Poll::Ready(Err(closed()));
        };
        let Some(mut cut) = armed else {
            let mut answers = this.control.lock_answers();
            if !answers.stray.is_empty() {
                // In one piece with it, so that the client always sees that there is more than it asked for.
                answers.stray.extend_from_slice(data);
                answers.current.extend_from_slice(data);
                return Poll::Ready(Ok(data.len()));
            }
            drop(answers);
            let written = ready!(Pin::new(stream).poll_write(cx, data))?;
            this.control.lock_answers().current.extend(data.get(..written).unwrap_or(data));
            return Poll::Ready(Ok(written));
        };

        let allowed = data.len().min(usize::try_from(cut.remaining).unwrap_or(usize::MAX));
        let written = ready!(Pin::new(stream).poll_write(cx, data.get(..allowed).unwrap_or(data)))?;
        cut.remaining = cut.remaining.saturating_sub(written as u64);
        cut.started = true;
        this.control.arm(cut);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // hyper flushes whenever it has looked after the connection, also while a handler waits.
        ready!(this.poll_stray(cx))?;
        let Some(stream) = this.stream.as_mut() else {
            return Poll::Ready(Err(closed()));
        };
        ready!(Pin::new(stream).poll_flush(cx))?;
        // Answers are small: hyper writes all of one before it flushes, so a started answer is out as far as it may go.
        if this.control.lock_armed().is_some_and(|cut| cut.started) {
            this.end(false);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().stream.as_mut() {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "closed by a fault")
}
