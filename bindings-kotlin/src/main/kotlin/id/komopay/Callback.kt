package id.komopay

import id.komopay.ffi.CallbackParts

/**
 * A callback that was read: the platform says that this payout changed. Its status is read from the platform.
 *
 * @property payoutId The payout that changed.
 * @property verified Whether the URL was signed for this payout with one of the client's keys. False only of a client
 * without `callbackKeys`: with them, what does not verify is refused.
 */
public data class Callback(public val payoutId: String, public val verified: Boolean) {
    internal constructor(parts: CallbackParts) : this(parts.payoutId, parts.verified)
}

/** A change of a payout, told once: another status, or another decision about a payout that was final. */
public typealias PayoutChange = id.komopay.ffi.PayoutChange

/** Where the changes of payouts are kept until the application has handled them: in memory, or in an SQLite file. */
public typealias ChangeStore = id.komopay.ffi.ChangeStore

/** Where in a callback URL the signature stands. */
public typealias SignaturePlace = id.komopay.ffi.SignaturePlace
