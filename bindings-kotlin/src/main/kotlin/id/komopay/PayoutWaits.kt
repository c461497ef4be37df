package id.komopay

import id.komopay.ffi.NativeWaits

/**
 * How a wait for one of many payouts ended: with a payout that is final, or why that could not be seen. One of [payout]
 * and [error] is null.
 *
 * ```
 * val paid = client.waitForPayouts(ids, Duration.ofMinutes(10)).filter { it.payout?.status == PayoutStatus.Success }
 * ```
 *
 * @property payoutId The merchant's id.
 * @property payout The payout, which is final.
 * @property error As `waitForPayout` would have thrown it: a [NotFinalException] has the last payout that was seen.
 */
public data class WaitedPayout(
    val payoutId: String,
    val payout: Payout? = null,
    val error: KomopayException? = null,
) {
    /** The payout; or [error], thrown. */
    @Throws(KomopayException::class)
    public fun result(): Payout = payout ?: throw error ?: IllegalStateException("neither a payout nor an error")
}

/**
 * A wait for many payouts: [BlockingClient.waitForPayouts]. It goes on while it is asked for the next one, by one
 * thread at a time, and can be gone through once. Interrupting that thread throws an `InterruptedException`, and the
 * wait can go on.
 *
 * ```java
 * try (var waits = client.waitForPayouts(ids, Duration.ofMinutes(10))) {
 *     for (var waited : waits) System.out.println(waited.getPayoutId() + " " + waited.result().getStatus());
 * }
 * ```
 */
public class PayoutWaits internal constructor(
    private val waits: NativeWaits,
    private val ask: () -> WaitedPayout?,
) : Iterable<WaitedPayout>, AutoCloseable {
    private var waited: WaitedPayout? = null
    private var hasEnded = false

    private val iterator = object : Iterator<WaitedPayout> {
        /** Waits for it. */
        override fun hasNext(): Boolean {
            if (waited == null && !hasEnded) {
                waited = ask()
                hasEnded = waited == null
            }
            return waited != null
        }

        override fun next(): WaitedPayout {
            if (!hasNext()) throw NoSuchElementException("all waits have ended")
            return waited!!.also { waited = null }
        }
    }

    /** Those that have not been gone through. */
    override fun iterator(): Iterator<WaitedPayout> = iterator

    /** Ends the reads. */
    override fun close() {
        hasEnded = true
        waits.close()
    }
}
