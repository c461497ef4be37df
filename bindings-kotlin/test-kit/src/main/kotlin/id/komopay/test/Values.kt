/* What a sandbox tells. */
package id.komopay.test

import id.komopay.Money
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter

/**
 * One line of the ledger: what the gateway really did with money, whatever it told anyone.
 *
 * @property sequence 1, 2, 3, ... in the order in which things happened.
 * @property at When it happened.
 * @property kind `executed` when the gateway takes a payout; then `booked` (SUCCESS) or `released` (FAILED, REFUSED).
 * @property payoutId The id of the payout.
 * @property money How much.
 * @property payeeHash Who was paid: equal for equal payees, and keyed, so that it gives no account number away.
 */
public data class LedgerEntry(
    public val sequence: Long,
    public val at: Instant,
    public val kind: String,
    public val payoutId: String,
    public val money: Money,
    public val payeeHash: String,
) {
    override fun toString(): String =
        "${"$sequence".padStart(4)} ${TIME.format(at)} ${kind.padEnd(8)} $payoutId $money payee $payeeHash"
}

/**
 * The money on the account of one currency.
 *
 * @property balance All of it, pending payouts included.
 * @property available What can be paid out now.
 * @property pendingPayout What payouts in processing hold.
 */
public data class SandboxBalance(
    public val balance: Money,
    public val available: Money,
    public val pendingPayout: Money,
)

/**
 * One line of the delivery log: one attempt to deliver a callback.
 *
 * @property sequence 1, 2, 3, ... in the order in which the attempts ended.
 * @property at When the attempt began, on the sandbox's clock.
 * @property payoutId The id in the callback: of a payout, or whatever a forged one says.
 * @property status The status that the payout had when the callback was made, which the callback does not carry; null
 * for a forged one.
 * @property attempt 1, then 2 to 5 for the repeats. Copies share their number.
 * @property url Where it went.
 * @property outcome `answered`, `answer_lost`, `failed`, `lost` or `withheld`. What was answered with 200 is delivered,
 * what is withheld was not sent; everything else is repeated.
 * @property httpStatus The status that the receiver answered with.
 * @property reason Why it failed or was withheld.
 */
public data class Delivery(
    public val sequence: Long,
    public val at: Instant,
    public val payoutId: String,
    public val status: String?,
    public val attempt: Int,
    public val url: String,
    public val outcome: String,
    public val httpStatus: Int?,
    public val reason: String?,
)

private val TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC)
