import Foundation

/// A merchant's connection to the KomoPay payout platform. Share one among all tasks, and close it at the end.
///
/// ```swift
/// let client = try Client(Config(
///     baseUrl: sandboxUrl(), credentials: .merchant(merchantCode: "YOUR_MERCHANT_CODE", secret: "YOUR_SECRET")))
/// // Store the id before the first call: one payout has one id for ever.
/// _ = try await client.createPayout("TST-223344", PayoutRequest(
///     money: Money(10000, "IDR"),
///     method: .bankTransfer(
///         operatorCode: "BNK_000", account: BankAccount(name: "Test account", number: "11223344"))))
/// let payout = try await client.waitForPayout("TST-223344", timeout: 60)
/// print(payout.status)
/// try await client.close()
/// ```
///
/// ## Errors
///
/// Every method throws ``KomopayError``, and `CancellationError` if its task is cancelled. Each may be `configuration`,
/// `authentication`, `permissionDenied`, `rateLimited`, `unavailable`, `timedOut`, `unexpectedResponse`, `closed` or
/// `internal`; what else it may be is said at the method.
///
/// ## Cancellation
///
/// A task that is cancelled is released at once. No further attempt starts; a create that is on the wire is read to its
/// end, and **may have been made**: follow it up under its id, or make the same call with `resume: true`. A task that
/// is cancelled before its call sends nothing.
public final class Client: Sendable {
    private let native: NativeClient

    /// A client with these settings. Nothing is sent yet.
    ///
    /// - Throws: ``KomopayError/configuration(_:)``, naming the setting.
    public convenience init(_ config: Config) throws {
        self.init(native: try translating { try NativeClient(config: config, language: .swift) })
    }

    private init(native: NativeClient) {
        self.native = native
    }

    /// This client with another deadline of a whole call, or with headers for each request of a call, its token call
    /// included, besides those of before; one of the same name replaces that. What is left out stays as it is.
    ///
    /// It shares everything with this one: connections, tokens, the throttle, creates under way; and it is closed when
    /// either is. A call that joins another one's request has the headers of that. A create that joins an equal one
    /// under way, and has less time than that, is `outcomeUnknown` when its time is over.
    ///
    /// ```swift
    /// let hurried = try client.withOptions(totalTimeout: 10, headers: ["X-Job": "payroll-7"])
    /// ```
    ///
    /// - Parameters:
    ///   - totalTimeout: In seconds: 1 ms to 365 days. One request has the `attemptTimeout` of it, and at most half.
    ///   - headers: None of HTTP's own or of this SDK: `Host`, `Content-Length`, `Authorization`, `Id-Customer` ...
    /// - Throws: ``KomopayError/configuration(_:)``, naming `total_timeout` or `headers`. A value of a header is never
    ///   repeated.
    public func withOptions(totalTimeout: TimeInterval? = nil, headers: [String: String] = [:]) throws -> Client {
        Client(native: try translating { try native.withOptions(totalTimeout: totalTimeout, headers: headers) })
    }

    /// Makes a payout, exactly once: however often it is called with the same id, one payment is made.
    ///
    /// - Parameters:
    ///   - payoutId: The merchant's own id, stored before the first call. One payout has one id for ever.
    ///   - request: What to pay, to whom.
    ///   - resume: Whether an earlier run may have sent this id: then it reads first, and sends only what the platform
    ///     does not have.
    /// - Returns: That the platform took it. This is not completion: follow it with ``waitForPayout(_:timeout:)``.
    /// - Throws: ``KomopayError/outcomeUnknown(_:)``, if it may have been made: later the same call with
    ///   `resume: true`.
    ///   ``KomopayError/duplicatePayout(_:)``, ``KomopayError/rejected(_:)`` or ``KomopayError/invalidRequest(_:)``.
    public func createPayout(
        _ payoutId: String, _ request: PayoutRequest, resume: Bool = false
    ) async throws -> PayoutAccepted {
        try await call(creating: Creating(payoutId: payoutId, resume: resume)) {
            try await $0.createPayout(payoutId: payoutId, request: request, resume: resume, cancel: $1)
        }
    }

    /// Reads a payout.
    ///
    /// - Throws: ``KomopayError/notFound(_:)``, if the platform has none under this id.
    public func getPayout(_ payoutId: String) async throws -> Payout {
        try await call { try await $0.getPayout(payoutId: payoutId, cancel: $1) }
    }

    /// Reads a payout until its status is final. It returns on `failed` and `refused`, too: look at the status.
    ///
    /// - Parameters:
    ///   - payoutId: The id that it was made under.
    ///   - timeout: How long to wait at most, in seconds.
    /// - Throws: ``KomopayError/notFinal(_:)`` with the last payout seen, when the time is over;
    ///   ``KomopayError/notFound(_:)``.
    public func waitForPayout(_ payoutId: String, timeout: TimeInterval) async throws -> Payout {
        try await call { try await $0.waitForPayout(payoutId: payoutId, timeout: timeout, cancel: $1) }
    }

    /// Waits for many payouts: gives each one when its wait has ended, in the order in which they do. All reads
    /// together are at most so many a second and 32 at a time, and with the merchant's own secret one token covers 32
    /// payouts. An id that is given twice counts once.
    ///
    /// It goes on while it is asked for the next one: leaving the loop, or cancelling its task, ends the reads. What
    /// goes wrong with one payout is told by its ``WaitedPayout``, and ends no other wait.
    ///
    /// ```swift
    /// for try await waited in try client.waitForPayouts(ids, timeout: 600) {
    ///     print(waited.payoutId, waited.payout?.status ?? "\(waited.error)")
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - payoutIds: The ids that they were made under.
    ///   - timeout: How long to wait for each at most, in seconds.
    ///   - readsPerSecond: 0.001 to 1000000.
    /// - Throws: ``KomopayError/invalidRequest(_:)``, naming `reads_per_second` or an id; ``KomopayError/closed(_:)``.
    public func waitForPayouts(
        _ payoutIds: [String], timeout: TimeInterval, readsPerSecond: Double = 100
    ) throws -> AsyncThrowingStream<WaitedPayout, any Error> {
        let waits = try translating {
            try native.waitForPayouts(payoutIds: payoutIds, timeout: timeout, readsPerSecond: readsPerSecond)
        }
        return AsyncThrowingStream {
            try await self.call { try await waits.next(cancel: $1) }.map(WaitedPayout.init)
        }
    }

    /// The ways to pay out this money now; none, if there is no way.
    ///
    /// - Parameters:
    ///   - money: What would be paid.
    ///   - segmentCode: The customer's segment, where the merchant uses segments.
    ///   - exchangedToCurrency: The currency to exchange into.
    /// - Throws: ``KomopayError/rejected(_:)``, if the money itself is refused, and why;
    ///   ``KomopayError/invalidRequest(_:)``.
    public func payoutOptions(
        _ money: Money, segmentCode: String? = nil, exchangedToCurrency: String? = nil
    ) async throws -> [PayoutOption] {
        try await call {
            try await $0.payoutOptions(
                money: money, segmentCode: segmentCode, exchangedToCurrency: exchangedToCurrency, cancel: $1)
        }
    }

    /// What the merchant has, in these currencies or in all of them.
    ///
    /// - Throws: ``KomopayError/rejected(_:)``; ``KomopayError/invalidRequest(_:)``.
    public func balances(_ currencies: [String] = []) async throws -> [Balance] {
        try await call { try await $0.balances(currencies: currencies, cancel: $1) }
    }

    /// The codes of the merchant's currencies.
    public func currencies() async throws -> [String] {
        try await call { try await $0.currencies(cancel: $1) }
    }

    /// The codes of the merchant's customer segments.
    public func segments() async throws -> [String] {
        try await call { try await $0.segments(cancel: $1) }
    }

    /// The banks, wallets and blockchains that the platform knows.
    public func paymentOperators() async throws -> [PaymentOperator] {
        try await call { try await $0.paymentOperators(cancel: $1) }
    }

    /// The codes of the merchant's payment methods.
    public func paymentMethods() async throws -> [String] {
        try await call { try await $0.paymentMethods(cancel: $1) }
    }

    /// The merchant's combinations of direction, method and currency, with their limits.
    ///
    /// - Throws: ``KomopayError/rejected(_:)``, if the filter names a code that does not exist;
    ///   ``KomopayError/invalidRequest(_:)``.
    public func paymentOptions(_ filter: PaymentOptionFilter = PaymentOptionFilter()) async throws -> [PaymentOption] {
        try await call { try await $0.paymentOptions(filter: filter, cancel: $1) }
    }

    /// The merchant, as it is shown to customers.
    public func merchantInfo() async throws -> MerchantInfo {
        try await call { try await $0.merchantInfo(cancel: $1) }
    }

    /// A token for someone else, for example for a mobile app that makes one payout of one sum.
    ///
    /// - Parameters:
    ///   - scope: What it shall allow.
    ///   - validity: For how long, in seconds: 60 to 3600.
    /// - Throws: ``KomopayError/rejected(_:)``; ``KomopayError/invalidRequest(_:)``.
    public func issueToken(_ scope: AccessScope, validity: TimeInterval = 600) async throws -> AccessToken {
        AccessToken(try await call { try await $0.issueToken(scope: scope, validity: validity, cancel: $1) })
    }

    /// Proves that host, credentials and clock work, moving nothing.
    public func checkCredentials() async throws -> MerchantInfo {
        try await call { try await $0.checkCredentials(cancel: $1) }
    }

    /// The ids of the creates under way, also of those that nobody waits for any more. A program that ends now does not
    /// learn their outcomes, and may have made any of them.
    public func createsUnderWay() -> [String] {
        native.createsUnderWay()
    }

    /// Signs a callback URL for this payout: the URL to hand over as the request's `callbackUrl`. Nothing is sent.
    ///
    /// The platform signs no callback. So the URL carries a keyed signature over this id and its expiry, by the first
    /// of the `callbackKeys`. Host and path are not signed, since proxies rewrite them.
    ///
    /// - Parameters:
    ///   - base: Where the server takes callbacks: an absolute https URL, or plain http for loopback.
    ///   - payoutId: The payout's id.
    ///   - expiresAt: When the URL ends; never, without one. Leave time for the payout and for the platform's repeats.
    ///   - place: Where the signature stands: in the path, unless the server knows exact paths only.
    /// - Throws: ``KomopayError/configuration(_:)``, naming `callback_keys`, without a key;
    ///   ``KomopayError/invalidRequest(_:)``, naming `callback_url` or `expires_at`.
    public func callbackUrl(
        _ base: String, _ payoutId: String, expiresAt: Date? = nil, place: SignaturePlace = .path
    ) throws -> String {
        try translating { try native.callbackUrl(base: base, payoutId: payoutId, expiresAt: expiresAt, place: place) }
    }

    /// Reads a callback, and checks that its URL was signed for its payout. Nothing is sent.
    ///
    /// - Parameters:
    ///   - body: The raw body of the request.
    ///   - url: The URL that was requested, absolute or from its path on.
    /// - Throws: ``KomopayError/invalidCallback(_:)``, whose field tells what is wrong: `body`, `body_size` (over 64
    ///   KiB),
    ///   `url` (over 8 KiB), `signature` or `expires_at`.
    public func readCallback(_ body: Data, url: String) throws -> Callback {
        Callback(try translating { try native.readCallback(body: body, url: url) })
    }

    /// Reads a callback, checks it, and reads the payout from the platform: who calls never says the status.
    ///
    /// Where there is a `changeStore`, a change is in it when this returns. Answer with 200 then, and with
    /// ``KomopayError/callbackStatus`` after an error, so that the platform repeats what was not dealt with.
    ///
    /// - Parameters:
    ///   - body: The raw body of the request.
    ///   - url: The URL that was requested, absolute or from its path on.
    /// - Throws: As ``readCallback(_:url:)``, and nothing is sent then; ``KomopayError/configuration(_:)``, naming
    ///   `callback_keys`, without a key; ``KomopayError/unavailable(_:)``, naming `change_store`, if that failed; else
    ///   as ``getPayout(_:)``.
    public func handleCallback(_ body: Data, url: String) async throws -> Payout {
        try await call { try await $0.handleCallback(body: body, url: url, cancel: $1) }
    }

    /// Takes changes out of the `changeStore` to handle them: the oldest first, and of one payout only the first that
    /// was not acknowledged. For the time of `changeLease`, nobody else is given them.
    ///
    /// Acknowledge each when it is handled. One that is not acknowledged in time is given again, perhaps while a slow
    /// worker is still at it, who must not undo what came after. So keep, for each payout, the highest `sequence` that
    /// was handled, in one transaction with what is done for it, and ignore a change whose number is not above it.
    ///
    /// - Parameter limit: How many at most.
    /// - Throws: ``KomopayError/configuration(_:)``, naming `change_store`, without one;
    ///   ``KomopayError/unavailable(_:)``, naming it, if it failed.
    public func takeChanges(limit: Int = 100) async throws -> [PayoutChange] {
        try await call { try await $0.takeChanges(limit: limit, cancel: $1) }
    }

    /// Notes in the `changeStore` that a change was handled: it is never given again.
    ///
    /// - Throws: As ``takeChanges(limit:)``.
    public func acknowledgeChange(_ payoutId: String, _ sequence: Int64) async throws {
        try await call { try await $0.acknowledgeChange(payoutId: payoutId, sequence: sequence, cancel: $1) }
    }

    /// Refuses new calls, stops further attempts, and waits for the creates on the wire, up to their deadlines.
    ///
    /// - Throws: `CancellationError`, if its task is cancelled: the client is closed all the same, and nobody waits.
    public func close() async throws {
        // At once, even if this task is cancelled.
        native.refuseCalls()
        try await call { try await $0.shutDown(cancel: $1) }
    }

    private func call<T: Sendable>(
        creating: Creating? = nil, _ body: @escaping @Sendable (NativeClient, Cancellation) async throws -> T
    ) async throws -> T {
        try Task.checkCancellation()
        var begun: Cancellation?
        do {
            return try await heard({ [native] cancellation in
                // The generated code does not heed the task; the native half heeds this.
                try await withTaskCancellationHandler {
                    try await body(native, cancellation)
                } onCancel: {
                    cancellation.cancel()
                }
            }, noting: { begun = $0 })
        } catch {
            throw translated(error, creating: creating, hasBegun: begun?.hasBegun() ?? false)
        }
    }
}
