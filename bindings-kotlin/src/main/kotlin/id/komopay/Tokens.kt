/* Tokens: what a client has instead of a secret, what one shall allow, and one that was issued. */
@file:JvmName("Tokens")

package id.komopay

import id.komopay.ffi.IssuedToken
import id.komopay.ffi.NativeTokenProvider
import id.komopay.ffi.ProviderFailure
import java.time.Instant
import java.util.concurrent.Callable
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.runInterruptible

/** The merchant's code and secret key, from enrolment. The client issues its own tokens, each for one payout only. */
public fun Credentials.Companion.merchant(merchantCode: String, secret: String): Credentials =
    Credentials.Merchant(merchantCode, secret)

/** A token that someone else issued, for example a merchant's server for a mobile app. It is never renewed. */
public fun Credentials.Companion.token(token: String): Credentials = Credentials.Token(token)

/**
 * A function that gives such a token whenever a new one is needed. It is called on `Dispatchers.Default`: where every
 * thread of that waits in a call, the token comes too late, and the call ends at its deadline. What it throws becomes
 * an [UnavailableException] that names the type only, since the text may hold a token.
 *
 * ```
 * Credentials.provider { server.tokenFor("TST-223344") }
 * ```
 */
public fun Credentials.Companion.provider(provide: suspend () -> String): Credentials =
    Credentials.Provider(TokenProvider(provide))

/** The same for a function that blocks, for Java: `Tokens.provider(() -> server.tokenFor("TST-223344"))`. */
@JvmName("provider")
public fun blockingProvider(provide: Callable<String>): Credentials =
    Credentials.provider { runInterruptible(providers) { provide.call() } }

/** Threads of its own: those of `Dispatchers.IO` may all wait in calls that need a token. */
@OptIn(ExperimentalCoroutinesApi::class)
private val providers by lazy { Dispatchers.IO.limitedParallelism(PROVIDERS) }

private const val PROVIDERS = 64

private class TokenProvider(private val give: suspend () -> String) : NativeTokenProvider {
    override suspend fun provide(): String = try {
        // A text that cannot cross would never come back to the core.
        give().also { it.encodeToByteArray(throwOnInvalidSequence = true) }
    } catch (thrown: Throwable) {
        throw ProviderFailure.Failed(thrown.javaClass.name)
    }
}

/** To create this payout of exactly this money, and to follow it: what a mobile app needs. */
public fun AccessScope.Companion.payout(payoutId: String, money: Money): AccessScope =
    AccessScope.Payout(payoutId, money)

/** To read this payout. */
public fun AccessScope.Companion.read(payoutId: String): AccessScope = AccessScope.Read(payoutId)

/** A list of operations, each `METHOD /path` with the real id in it, and the only money of a create, if limited. */
public fun AccessScope.Companion.operations(operations: List<String>, money: Money? = null): AccessScope =
    AccessScope.Operations(operations, money)

/** A token that was issued for someone else to use. It shows itself without its text, and cannot be serialized. */
public class AccessToken internal constructor(private val issued: IssuedToken) {
    /** A token of a test, for what a client of it shall issue. */
    @JvmOverloads
    public constructor(text: String, expiresAt: Instant? = null) : this(IssuedToken(text, expiresAt))

    /** When it ends, by the platform's clock, if the token says so. */
    public val expiresAt: Instant? get() = issued.expiresAt

    /** The text itself, to hand over. Whoever has it can do what it allows: keep it out of logs. */
    public fun expose(): String = issued.text

    override fun toString(): String = "AccessToken(expiresAt=$expiresAt)"
}
