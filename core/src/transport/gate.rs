//! The gate: a request body that knows whether it went out.
//!
//! The HTTP library asks for the body when it has a connection and writes the request, and never before. So a body
//! that was not asked for was not sent, whatever the error says. When an attempt is given up, the gate is shut in
//! one atomic step: either the body had gone out, and the attempt is open, or it never will.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const WAITING: u8 = 0;
const PASSED: u8 = 1;
const SHUT: u8 = 2;

/// The caller's side of a [`GatedBody`].
#[derive(Clone)]
pub(super) struct Gate(Arc<AtomicU8>);

impl Gate {
    /// A gate and the body behind it. Without a body, nothing ever passes it.
    pub fn new(body: Option<Bytes>) -> (Self, GatedBody) {
        let gate = Self(Arc::new(AtomicU8::new(WAITING)));
        (gate.clone(), GatedBody { gate, body })
    }

    /// Shuts the gate, and tells whether the body had passed it.
    pub fn shut(&self) -> bool {
        self.turn(SHUT) == PASSED
    }

    /// Moves from waiting to `state`; otherwise the gate stays as it is. Returns the state before.
    fn turn(&self, state: u8) -> u8 {
        match self.0.compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire) {
            Ok(before) | Err(before) => before,
        }
    }
}

/// A body of one piece, which goes out only while its gate is open.
pub(super) struct GatedBody {
    gate: Gate,
    body: Option<Bytes>,
}

/// The attempt was given up before it was sent.
#[derive(Debug, thiserror::Error)]
#[error("given up before it was sent")]
pub(super) struct Shut;

impl Body for GatedBody {
    type Data = Bytes;
    type Error = Shut;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Shut>>> {
        if self.gate.turn(PASSED) == SHUT {
            return Poll::Ready(Some(Err(Shut)));
        }
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn poll(body: &mut GatedBody) -> Option<Result<Bytes, Shut>> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|data| data.into_data().unwrap())),
            Poll::Pending => panic!("a gated body never waits"),
        }
    }

    #[test]
    fn a_body_that_passed_counts_as_sent() {
        let (gate, mut body) = Gate::new(Some(Bytes::from_static(b"pay")));
        assert_eq!(poll(&mut body).unwrap().unwrap(), "pay");
        assert!(body.is_end_stream());
        assert!(gate.shut());
    }

    #[test]
    fn a_body_behind_a_shut_gate_never_goes_out() {
        let (gate, mut body) = Gate::new(Some(Bytes::from_static(b"pay")));
        assert!(!gate.shut());
        assert!(poll(&mut body).unwrap().is_err());
        assert!(!gate.shut());
    }
}
