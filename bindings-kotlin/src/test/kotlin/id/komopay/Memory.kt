/* Whether the process grows with its calls. It prints its figures, and fails if it does. Linux tells them. */
package id.komopay

import id.komopay.ffi.FfiConverterTypeNativeTokenProvider
import id.komopay.ffi.uniffiContinuationHandleMap
import id.komopay.ffi.uniffiForeignFutureHandleCount
import java.io.File
import kotlin.system.exitProcess
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull

private const val WARM_UP = 2_000
private const val CALLS = 10_000
private const val CLIENTS = 1_000
private const val IN_FLIGHT = 8

/** A leak of half a KiB per call would be more. */
private const val BOUND_KIB = 5 * 1024

fun main() {
    val grown = runBlocking { Sandbox().use { sandbox -> listOf(calls(sandbox), clients(sandbox)) } }
    exitProcess(if (grown.all { it <= BOUND_KIB } && handles() == 0) 0 else 1)
}

private suspend fun calls(sandbox: Sandbox): Int = Client(sandbox.config()).use { client ->
    client.createPayout("A-READ", Sandbox.request("1"))
    call(client, 0 until WARM_UP)
    var made = WARM_UP
    grown("$CALLS calls after $WARM_UP") {
        call(client, made until made + CALLS)
        made += CALLS
    }
}

/** A quarter each: payouts made, payouts read, errors, and calls that are left on the way. */
private suspend fun call(client: Client, numbers: IntRange) = coroutineScope {
    for (batch in numbers.chunked(IN_FLIGHT)) {
        batch.map { number ->
            async {
                when (number % 4) {
                    0 -> client.createPayout("A-$number", Sandbox.request("1"))
                    1 -> client.getPayout("A-READ")
                    2 -> runCatching { client.getPayout("none") }
                    else -> withTimeoutOrNull(1) { client.getPayout("A-READ") }
                }
            }
        }.awaitAll()
    }
}

private suspend fun clients(sandbox: Sandbox): Int {
    val open: suspend (Int) -> Unit = { number ->
        val provided = Credentials.provider { error("none today") }
        val config = if (number % 2 == 0) sandbox.config() else sandbox.config(provided).copy(readAttempts = 1)
        Client(config).use { if (number % 10 < 2) runCatching { it.currencies() } }
        // What a closed client still holds goes when the collector finds it.
        if (number % 50 == 0) System.gc()
    }
    repeat(CLIENTS) { open(it) }
    return grown("$CLIENTS clients opened and closed") { repeat(CLIENTS) { open(it) } }
}

/** What the process grows by when this is done: a leak grows each time, what an allocator keeps in reserve does not. */
private suspend fun grown(what: String, act: suspend () -> Unit): Int {
    var least = Int.MAX_VALUE
    for (time in 1..3) {
        val before = memory()
        act()
        least = minOf(least, report(what, before))
        if (least <= BOUND_KIB) break
    }
    return least
}

/** What either side still holds of the other: calls that wait, and providers, which the collector lets go. */
private fun handles(): Int {
    var held = 0
    for (attempt in 1..100) {
        held = uniffiContinuationHandleMap.size + uniffiForeignFutureHandleCount() +
            FfiConverterTypeNativeTokenProvider.handleMap.size
        if (held == 0) break
        memory()
    }
    println("$held handles are left")
    return held
}

private fun report(what: String, before: Int): Int {
    val after = memory()
    val grown = after - before
    println("$what: ${before / 1024} MiB before, ${after / 1024} MiB after: $grown KiB, at most $BOUND_KIB KiB")
    return grown
}

/** Resident, in KiB. */
private fun memory(): Int {
    // What the collector frees, it frees in the core, too: in a thread of its own, which comes to its end in between.
    repeat(3) {
        System.gc()
        System.runFinalization()
    }
    return File("/proc/self/status").readLines().single { it.startsWith("VmRSS:") }.filter { it.isDigit() }.toInt()
}
