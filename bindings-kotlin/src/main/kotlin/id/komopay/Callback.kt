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

/** In memory, for this client alone: for tests, and for a program that may forget what it was told when it ends. */
public fun ChangeStore.Companion.memory(): ChangeStore = ChangeStore.Memory

/**
 * In an SQLite file, which outlives the process and which the processes of one machine share. Not for a network drive.
 *
 * It belongs to the base URL, the merchant code (or to none: a token) and the `isTest` of the first client that is made
 * with it, and is refused to others; so is a file that others could have written: of another user, with rights for
 * everybody, a symbolic link, or in a folder where everybody may replace it.
 *
 * @param path The file. It is made, for its owner only, if there is none; its folder must be there.
 */
public fun ChangeStore.Companion.sqlite(path: String): ChangeStore =
    ChangeStore.Sqlite(path)

