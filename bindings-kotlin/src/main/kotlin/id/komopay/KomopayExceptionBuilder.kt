package id.komopay

import id.komopay.ffi.Failure
import id.komopay.ffi.NativeOperations
import java.time.Duration

/**
 * Makes an error of any kind, as a call would end with it: for what stands in for a client in a test.
 *
 * What follows from the kind is as ever: the class, [KomopayException.retryable], [KomopayException.moneyMayHaveMoved]
 * and the status to answer a callback with. So does [KomopayException.concerns], unless it is told.
 *
 * ```
 * throw KomopayExceptionBuilder(ErrorKind.OUTCOME_UNKNOWN).payoutId("TST-223344").build()
 * ```
 */
public class KomopayExceptionBuilder(private val kind: ErrorKind) {
    private var made = Failure(
        kind, kind.code(), null, null, emptyList(), null, emptyList(), null, null, emptyList(), null)
    private var cause: KomopayException? = null

    /** The text for people. Without one, it is the code of the kind. */
    public fun message(value: String): KomopayExceptionBuilder = apply { made = made.copy(message = value) }

    /** The HTTP status of the answer that decided the call. */
    public fun httpStatus(value: Int): KomopayExceptionBuilder = apply { made = made.copy(httpStatus = value) }

    /** The field or setting that is at fault, such as `money.amount`. */
    public fun field(value: String): KomopayExceptionBuilder = apply { made = made.copy(field = value) }

    /** The entries of a 406 answer. */
    public fun reasons(vararg value: Reason): KomopayExceptionBuilder =
        apply { made = made.copy(reasons = value.asList()) }

    /** The payout that the call was about. */
    public fun payoutId(value: String): KomopayExceptionBuilder = apply { made = made.copy(payoutId = value) }

    /** The requests that the call made, oldest first. */
    public fun attempts(vararg value: Attempt): KomopayExceptionBuilder =
        apply { made = made.copy(attempts = value.asList()) }

    /** How long the platform asked to wait. */
    public fun retryAfter(value: Duration): KomopayExceptionBuilder = apply { made = made.copy(retryAfter = value) }

    /** The payout that was found, or last seen. */
    public fun payout(value: Payout): KomopayExceptionBuilder = apply { made = made.copy(payout = value) }

    /** The error behind this one. */
    public fun cause(value: KomopayException): KomopayExceptionBuilder = apply { cause = value }

    /** Whom it concerns, where kind and field do not tell. */
    public fun concerns(value: Concern): KomopayExceptionBuilder = apply { made = made.copy(concerns = value) }

    /** The error: of the class of its kind, such as [OutcomeUnknownException]. */
    public fun build(): KomopayException {
        val concerns = made.concerns ?: native { NativeOperations.concernOf(kind, made.field) }
        return made.copy(concerns = concerns).exception(cause)
    }
}
