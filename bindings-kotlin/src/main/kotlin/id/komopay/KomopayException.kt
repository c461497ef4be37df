package id.komopay

import id.komopay.ffi.CallFailure
import id.komopay.ffi.Failure
import id.komopay.ffi.hasBegun
import java.io.Serializable
import java.nio.charset.CharacterCodingException
import java.time.Duration
import kotlin.coroutines.cancellation.CancellationException

/**
 * Why a call ended without a result: one subclass for each kind of the error table. Decide by the class, or by
 * [retryable] and [moneyMayHaveMoved]; the message is for people and may change.
 *
 * None of them holds a secret, a token or an account number, so it can be logged as it is, and serialized: with all
 * that it knows, its causes, and what was suppressed as far as that is a [KomopayException].
 *
 * ```
 * try {
 *     client.createPayout(id, request, resume = true)
 * } catch (error: OutcomeUnknownException) {
 *     queue.later(id)       // it may have been paid: the same call again, with the same id
 * } catch (error: KomopayException) {
 *     if (error.retryable) queue.later(id) else report(error)
 * }
 * ```
 */
public sealed class KomopayException(
    private val failure: Failure,
    final override val cause: KomopayException?,
) : RuntimeException(failure.message, cause) {
    /** The row of the error table. Its `code()` is the same in every language, such as `outcome_unknown`. */
    public val kind: ErrorKind get() = failure.kind

    /** The text for people. */
    final override val message: String get() = failure.message

    /** The HTTP status of the answer that decided the call, if one came. */
    public val httpStatus: Int? get() = failure.httpStatus

    /** The field or setting that is at fault, if one is known, such as `money.amount`. */
    public val field: String? get() = failure.field

    /** The entries of a 406 answer. */
    public val reasons: List<Reason> get() = failure.reasons

    /** The payout that the call was about. */
    public val payoutId: String? get() = failure.payoutId

    /** The requests that this call made, oldest first. */
    public val attempts: List<Attempt> get() = failure.attempts

    /**
     * Whom this concerns: the merchant, so that every other payout would meet it as well, or this payout alone. Null if
     * neither can be said: it may pass, or what came of it is not known. A payroll stops at [Concern.MERCHANT], and
     * goes on with the next row after [Concern.PAYOUT].
     */
    public val concerns: Concern? get() = failure.concerns

    /** How long the platform asked to wait, if it did. */
    public val retryAfter: Duration? get() = failure.retryAfter

    /** The payout that was found ([DuplicatePayoutException]) or last seen ([NotFinalException]). */
    public val payout: Payout? get() = failure.payout

    /**
     * The HTTP status to answer a callback with when [Client.handleCallback] ends with this: never 200, after which the
     * platform would not repeat it. 400, 403 or 413 to one that is refused; 500 if the settings or this SDK are wrong;
     * 503 to all that may yet be read or stored.
     */
    public val callbackStatus: Int get() = if (kind.isOurs) 500 else kind.callbackStatus(this.field)

    /** Whether the same call may succeed if it is made again later (after `outcome_unknown`: with `resume`). */
    public val retryable: Boolean get() = kind.retryable()

    /** Whether a payout under this id exists or may exist. False on a read: this read moved nothing. */
    public val moneyMayHaveMoved: Boolean get() = kind.moneyMayHaveMoved()

    /** What is written in its place: without what others threw, which perhaps cannot be written. */
    @Suppress("unused")
    protected fun writeReplace(): Any {
        val causes = generateSequence(cause) { it.cause }.map { it.failure }.toList()
        return Written(failure.copy(causes = causes), stackTrace, suppressed.filterIsInstance<KomopayException>())
    }
}

/** The core is not asked about these: that it cannot be loaded may be the fault. */
private val ErrorKind.isOurs: Boolean get() = this == ErrorKind.CONFIGURATION || this == ErrorKind.INTERNAL

private class Written(
    private val failure: Failure,
    private val stackTrace: Array<StackTraceElement>,
    private val suppressed: List<KomopayException>,
) : Serializable {
    private fun readResolve(): Any = failure.exception().also { error ->
        error.stackTrace = stackTrace
        suppressed.forEach(error::addSuppressed)
    }

    private companion object {
        private const val serialVersionUID = 1L
    }
}

/** A create on its way to the core. Until the core has begun with it, whatever is thrown here, nothing was sent. */
internal class Creating(val payoutId: String, val resume: Boolean) {
    /** What is handed over: the core notes there that it has begun. */
    var arguments: ByteArray? = null

    /** Whether the payout may have been sent, by this call or by an earlier one. */
    fun mayHaveBeenSent(): Boolean = resume || arguments?.let(::hasBegun) ?: false
}

/**
 * Every call of the native library goes through here, and ends with a result, a [KomopayException] or a cancellation.
 * [creating] is the payout that the call may make.
 */
internal inline fun <T> native(creating: Creating? = null, call: () -> T): T = try {
    call()
} catch (thrown: Throwable) {
    throw understood(thrown, creating)
}

internal fun understood(thrown: Throwable, creating: Creating?): Throwable = when (thrown) {
    is CancellationException, is InterruptedException, is KomopayException -> thrown
    is CallFailure.Failed -> thrown.failure.exception()
    is CallFailure.Cancelled -> CancellationException("the call was cancelled")
    // A text on its way to the core, so this call sent nothing.
    is HalfACharacter -> thrown.refused(creating)
    else -> fault(thrown, creating).apply { stackTrace = thrown.stackTrace }
}

/** Says the type only: the text of an exception that is not ours may hold anything. */
private fun fault(thrown: Throwable, creating: Creating?): KomopayException {
    val type = thrown.javaClass.name
    val id = creating?.payoutId
    if (creating?.mayHaveBeenSent() == true) {
        val text = "payout $id may have been made: a fault of the komopay SDK ($type); " +
            "call again with the same id, the same request and resume"
        return failure(ErrorKind.OUTCOME_UNKNOWN, text, id).exception()
    }
    if (thrown is LinkageError) Libraries.notLoaded?.let { return unusable(it) }
    val what = if (id == null) "" else "payout $id was not sent: "
    return failure(ErrorKind.INTERNAL, "${what}a fault of the komopay SDK: $type", id).exception()
}

private fun failure(
    kind: ErrorKind, message: String, payoutId: String? = null, concerns: Concern? = null, field: String? = null,
) = Failure(kind, message, null, field, emptyList(), payoutId, emptyList(), null, null, emptyList(), concerns)

/** Half of a surrogate pair in a text that is handed over, at [path], from the argument on. */
internal class HalfACharacter(private val path: List<String>, private val at: Int?) : CharacterCodingException() {
    fun within(name: String) = HalfACharacter(listOf(name) + path, at)

    fun refused(creating: Creating?): KomopayException {
        val kind = when (path.first()) {
            "config", "headers" -> ErrorKind.CONFIGURATION
            "url" -> ErrorKind.INVALID_CALLBACK
            else -> ErrorKind.INVALID_REQUEST
        }
        val named = path.filterNot { it in UNNAMED }
        val field = (if (path.first() in OF_MONEY) listOf("money") + named else named).joinToString(".")
        val concerns = when (path.first()) {
            "config", "headers" -> Concern.MERCHANT
            "request", "payout_id" -> Concern.PAYOUT
            else -> null
        }
        val text = "$field: holds half of a character${at?.let { " at index $it" } ?: ""} (a lone surrogate), which " +
            "cannot be sent; look where the text was cut, or decoded with another encoding than its own"
        // The core was not asked what came of an earlier call, so nobody knows.
        if (creating?.resume == true && path.first() == "request") {
            val unknown = "payout ${creating.payoutId} may have been made by an earlier call; this one sent nothing: " +
                "$text; then call again with the same id, the same request and resume"
            return failure(ErrorKind.OUTCOME_UNKNOWN, unknown, creating.payoutId, field = field).exception()
        }
        return failure(kind, text, concerns = concerns, field = field).exception()
    }
}

/** What holds fields that errors tell by their own names. */
private val UNNAMED = setOf("config", "credentials", "filter", "request", "scope")

private val OF_MONEY = setOf("amount", "currency")

/** For the generated code: hands over what has this name, or says of what is in it. */
internal inline fun <T, R> inField(name: String, value: T, handOver: (T) -> R): R = try {
    handOver(value)
} catch (half: HalfACharacter) {
    throw half.within(name)
} catch (_: CharacterCodingException) {
    throw HalfACharacter(listOf(name), halfIn(value))
}

/** Where half of a surrogate pair stands alone, in a text or in the first of several that has one. */
internal fun halfIn(value: Any?): Int? = when (value) {
    is CharSequence -> value.indices.firstOrNull { at ->
        value[at].isHighSurrogate() && value.getOrNull(at + 1)?.isLowSurrogate() != true ||
            value[at].isLowSurrogate() && value.getOrNull(at - 1)?.isHighSurrogate() != true
    }
    is Iterable<*> -> value.firstNotNullOfOrNull(::halfIn)
    else -> null
}

/** What keeps a client from being made at all. */
internal fun unusable(message: String): KomopayException =
    failure(ErrorKind.CONFIGURATION, message, concerns = Concern.MERCHANT).exception()

internal fun Failure.exception(): KomopayException =
    (listOf(this) + causes).foldRight(null) { failure, cause: KomopayException? -> failure.exception(cause) }!!
