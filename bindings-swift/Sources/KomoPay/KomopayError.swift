import Foundation

/// How a call ends without its answer: one case for each kind of the error table.
///
/// Decide by the case; the message is for people and may change. No error holds a secret, a token or an account number,
/// so it can be logged as it is.
///
/// ```swift
/// do {
///     _ = try await client.createPayout("TST-223344", request)
/// } catch KomopayError.outcomeUnknown {
///     // It may exist. Later: the same call, the same id and request, with `resume: true`.
/// } catch let error as KomopayError where !error.moneyMayHaveMoved {
///     print(error.kind, error.message)
/// }
/// ```
///
/// A call whose task is cancelled throws `CancellationError` instead.
public enum KomopayError: Error, Hashable {
    // `cargo xtask` writes the ways from and to `Failure`, which do not compile while a kind is missing here.

    /// Unusable settings, or a server certificate that does not verify.
    case configuration(Failure)
    /// Refused before sending, naming the ``field``; or HTTP 400.
    case invalidRequest(Failure)
    /// The credentials or the token were not accepted.
    case authentication(Failure)
    /// The token does not allow this call.
    case permissionDenied(Failure)
    /// A business rule said no (HTTP 406): see ``reasons``.
    case rejected(Failure)
    /// The id is taken by a payout that is not provably this call's: see ``payout``.
    case duplicatePayout(Failure)
    /// No such thing on the platform.
    case notFound(Failure)
    /// Too many requests, and no time left to wait.
    case rateLimited(Failure)
    /// The platform could not be reached, or answered a read with a server fault.
    case unavailable(Failure)
    /// The deadline passed, and nothing was sent or it was a read.
    case timedOut(Failure)
    /// The payout was not final when the waiting time was over: see ``payout``.
    case notFinal(Failure)
    /// An answer, not to a create, that cannot be understood.
    case unexpectedResponse(Failure)
    /// A create may have reached the platform and could not be settled in time. Call again with the same id, the same
    /// request and `resume: true`.
    case outcomeUnknown(Failure)
    /// A callback that is refused: ``field`` tells what of it is wrong.
    case invalidCallback(Failure)
    /// The client was closed.
    case closed(Failure)
    /// A fault of this SDK.
    case `internal`(Failure)
}

extension KomopayError {
    /// What went wrong, in the terms of the next step. `kind.code()` is its name in every language.
    public var kind: ErrorKind { failure.kind }
    /// The text for people.
    public var message: String { failure.message }
    /// The status of the answer that decided the call, if one came.
    public var httpStatus: Int? { failure.httpStatus }
    /// The field or setting at fault, such as `money.amount`.
    public var field: String? { failure.field }
    /// The entries of a 406 answer: which business rules said no. The list of codes is open.
    public var reasons: [Reason] { failure.reasons }
    /// The payout that the call was about.
    public var payoutId: String? { failure.payoutId }
    /// The requests made, oldest first.
    public var attempts: [Attempt] { failure.attempts }
    /// Whom this concerns: the merchant, so that every other payout would meet it as well, or this payout alone. Nil if
    /// neither can be said: it may pass, or what came of it is not known.
    public var concerns: Concern? { failure.concerns }
    /// How long the platform asked to wait, in seconds.
    public var retryAfter: TimeInterval? { failure.retryAfter }
    /// The payout found (``duplicatePayout(_:)``) or last seen (``notFinal(_:)``).
    public var payout: Payout? { failure.payout }
    /// The HTTP status to answer a callback with when ``Client/handleCallback(_:url:)`` ends with this: never 200,
    /// after which the platform would not repeat it. 400, 403 or 413 to one that is refused; 500 if the settings or
    /// this SDK are wrong; 503 to all that may yet be read or stored.
    public var callbackStatus: Int { failure.kind.callbackStatus(field: failure.field) }
    /// Whether the same call may succeed if it is simply made again later (after ``outcomeUnknown(_:)``: with
    /// `resume`).
    public var retryable: Bool { failure.kind.retryable() }
    /// Whether a payout under this id exists or may exist. False on a read: this read moved nothing.
    public var moneyMayHaveMoved: Bool { failure.kind.moneyMayHaveMoved() }
    /// The error behind this one.
    public var cause: KomopayError? {
        guard let nearest = failure.causes.first else { return nil }
        return KomopayError(nearest.with(causes: Array(failure.causes.dropFirst())))
    }
}

extension KomopayError: LocalizedError, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The message: what `localizedDescription` gives.
    public var errorDescription: String? { message }
    /// The kind and the message.
    public var description: String { failure.description }
    public var debugDescription: String { description }
    public var customMirror: Mirror { .masking(self) }
}

extension Failure: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(kind.code()): \(message)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { .masking(self) }

    init(_ kind: ErrorKind, _ message: String, payoutId: String? = nil) {
        self.init(
            kind: kind, message: message, httpStatus: nil, field: nil, reasons: [], payoutId: payoutId, attempts: [],
            retryAfter: nil, payout: nil, causes: [])
    }

    fileprivate func with(causes: [Failure]) -> Failure {
        Failure(
            kind: kind, message: message, httpStatus: httpStatus, field: field, reasons: reasons, payoutId: payoutId,
            attempts: attempts, retryAfter: retryAfter, payout: payout, causes: causes,
            concerns: concerns)
    }
}

/// Calls the native half, and throws what users know.
func translating<T>(_ call: () throws -> T) throws -> T {
    do { return try call() } catch { throw translated(error) }
}

/// A payout that a call may make.
struct Creating {
    let payoutId: String
    /// An earlier call may have sent it.
    let resume: Bool
}

/// What a call of the native half threw, as users know it. What nobody foresaw may, in a create, have come after the
/// request had left: unless the core has not begun with it, and no call before did.
func translated(_ error: any Error, creating: Creating? = nil, hasBegun: Bool = true) -> any Error {
    switch (error, creating) {
    case (CallFailure.Failed(let failure), _):
        return KomopayError(failure)
    case (CallFailure.Cancelled, _):
        return CancellationError()
    case (_, let creating?) where hasBegun || creating.resume:
        return KomopayError(lostCreate(payoutId: creating.payoutId, why: "a fault of the komopay SDK"))
    case (_, let creating):
        // Without its text, which nobody has cleaned of secrets.
        let fault = "a fault of the komopay SDK: \(type(of: error))"
        let text = creating.map { "payout \($0.payoutId) was not sent: \(fault)" } ?? fault
        return KomopayError(Failure(.internal, text, payoutId: creating?.payoutId))
    }
}
