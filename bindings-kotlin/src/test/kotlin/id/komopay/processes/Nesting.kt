package id.komopay.processes

import id.komopay.AccessScope
import id.komopay.BlockingClient
import id.komopay.Client
import id.komopay.Config
import id.komopay.KomopayException
import id.komopay.Sandbox
import id.komopay.blockingProvider
import id.komopay.operations
import java.time.Duration
import java.util.concurrent.Executors
import kotlin.concurrent.thread
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.runBlocking

/** Each dispatcher has one thread in this JVM: where a call needed one that waits for it, it would never end. */
@OptIn(ExperimentalCoroutinesApi::class)
internal fun nest(config: Config) {
    val issuer = BlockingClient(config)
    val provided = { ids: List<String> ->
        val scope = AccessScope.operations(ids.flatMap { listOf("POST /payouts/$it", "GET /payouts/$it") })
        config.copy(credentials = blockingProvider { issuer.issueToken(scope).expose() })
    }
    val single = Executors.newSingleThreadExecutor { thread(start = false, isDaemon = true, block = it::run) }
    val dispatchers = mapOf<String, CoroutineDispatcher?>(
        "its own loop" to null,
        "Default" to Dispatchers.Default,
        "a part of Default" to Dispatchers.Default.limitedParallelism(1),
        "IO" to Dispatchers.IO,
        "Unconfined" to Dispatchers.Unconfined,
        "a single thread" to single.asCoroutineDispatcher(),
    )
    for ((credentials, settings) in listOf("merchant" to { _: List<String> -> config }, "provider" to provided)) {
        for ((name, dispatcher) in dispatchers) {
            // A provider is called on Default, so one of its threads must be free: see `starve`.
            if (credentials == "provider" && "Default" in name) continue
            val on = "$credentials, $name"
            if (dispatcher == null) {
                runBlocking { nested(settings, on) }
            } else {
                runBlocking(dispatcher) { nested(settings, on) }
            }
        }
    }
    issuer.close()
}

/** The provider of a token needs the only thread of Default, and that waits for the call. */
internal fun starve(config: Config) {
    val settings = config.copy(
        credentials = blockingProvider { "never asked for" },
        totalTimeout = Duration.ofSeconds(1),
        attemptTimeout = Duration.ofMillis(500),
    )
    BlockingClient(settings).use { client ->
        runBlocking(Dispatchers.Default) {
            val thrown = runCatching { client.createPayout("A-0", Sandbox.request()) }.exceptionOrNull()
            say("ended: ${(thrown as KomopayException).kind}, may have moved: ${thrown.moneyMayHaveMoved}")
        }
    }
}

private suspend fun nested(settings: (List<String>) -> Config, on: String) {
    val ids = List(5) { number -> "A-${on.filter { it.isLetter() }}-$number" }
    val client = Client(settings(ids))
    client.createPayout(ids[0], Sandbox.request())
    runBlocking { client.createPayout(ids[1], Sandbox.request()) }
    runBlocking { runBlocking { client.createPayout(ids[2], Sandbox.request()) } }
    BlockingClient(settings(ids)).use { blocking ->
        blocking.createPayout(ids[3], Sandbox.request())
        runBlocking { blocking.createPayout(ids[4], Sandbox.request()) }
    }
    runBlocking { client.close() }
    say("paid on $on")
}
