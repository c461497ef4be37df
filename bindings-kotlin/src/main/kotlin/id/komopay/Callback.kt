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

/** Where the changes of payouts are kept until the application has handled them: see [memory] and [sqlite]. */
public typealias ChangeStore = id.komopay.ffi.ChangeStore

/** In memory, for this client alone: for tests, and for a program that may forget what it was told when it ends. */
public fun id.komopay.ffi.ChangeStore.Companion.memory(): ChangeStore = id.komopay.ffi.ChangeStore.Memory

/**
 * In an SQLite file, which outlives the process and which the processes of one machine share. Not for a network drive.
 *
 * It belongs to the base URL, the merchant code (or to none: a token) and the `isTest` of the first client that is made
 * with it, and is refused to others; so is a file that others could have written: of another user, with rights for
 * everybody, a symbolic link, or in a folder where everybody may replace it.
 *
 * @param path The file. It is made, for its owner only, if there is none; its folder must be there.
 */
public fun id.komopay.ffi.ChangeStore.Companion.sqlite(path: String): ChangeStore =
    id.komopay.ffi.ChangeStore.Sqlite(path)

/** Where in a callback URL the signature stands. */
public typealias SignaturePlace = id.komopay.ffi.SignaturePlace
