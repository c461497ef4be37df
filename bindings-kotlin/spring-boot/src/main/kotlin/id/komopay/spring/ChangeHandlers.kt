/* Handlers of changes that do not block. [id.komopay.ChangeHandler] is the one that does. */
package id.komopay.spring

import id.komopay.ChangeHandler
import id.komopay.PayoutChange
import java.util.concurrent.CompletionStage
import java.util.concurrent.ExecutionException
import kotlinx.coroutines.runBlocking

/**
 * Handles a change of a payout elsewhere: the change is dealt with when what it returns has ended well. The next one
 * waits for that.
 *
 * ```java
 * @Bean AsyncChangeHandler onChange(Orders orders) { return change -> orders.updateAsync(change); }
 * ```
 */
public fun interface AsyncChangeHandler {
    /** Begins with the change, and returns its end. */
    @Throws(Exception::class)
    public fun handle(change: PayoutChange): CompletionStage<*>
}

/**
 * Handles a change of a payout in a coroutine: for Kotlin.
 *
 * ```
 * @Bean fun onChange(orders: Orders) = SuspendingChangeHandler { change -> orders.update(change) }
 * ```
 */
public fun interface SuspendingChangeHandler {
    /** Returns when the change is dealt with. */
    public suspend fun handle(change: PayoutChange)
}

/** The same for who waits; an interrupt ends that. */
internal fun AsyncChangeHandler.waiting() = ChangeHandler { change ->
    try {
        handle(change).toCompletableFuture().get()
    } catch (ended: ExecutionException) {
        // What the application threw, and not what the JDK put around it.
        throw ended.cause ?: ended
    }
}

/** The same for who waits; an interrupt cancels it. */
internal fun SuspendingChangeHandler.waiting() = ChangeHandler { change -> runBlocking { handle(change) } }
