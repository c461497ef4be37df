/* Whether the process grows with its calls. It prints its figures, and fails if it does. Linux tells them. */
package id.komopay

import java.io.File
import kotlin.system.exitProcess
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking

private const val WARM_UP = 2_000
private const val CALLS = 10_000
private const val CLIENTS = 1_000
private const val IN_FLIGHT = 8

/** A leak of half a KiB per call would be more. */
private const val BOUND_KIB = 5 * 1024

fun main() {
    val grown = runBlocking { Sandbox().use { sandbox -> calls(sandbox) + clients(sandbox) } }
    exitProcess(if (grown.all { it <= BOUND_KIB }) 0 else 1)
}

private suspend fun calls(sandbox: Sandbox): List<Int> = Client(sandbox.config()).use { client ->
    client.createPayout("A-READ", Sandbox.request("1"))
    call(client, 0 until WARM_UP)
    val before = memory()
    call(client, WARM_UP until WARM_UP + CALLS)
    listOf(report("$CALLS calls after $WARM_UP", before))
}

/** A third each: payouts made, payouts read, errors. */
private suspend fun call(client: Client, numbers: IntRange) = coroutineScope {
    for (batch in numbers.chunked(IN_FLIGHT)) {
        batch.map { number ->
            async {
                when (number % 3) {
                    0 -> client.createPayout("A-$number", Sandbox.request("1"))
                    1 -> client.getPayout("A-READ")
                    else -> runCatching { client.getPayout("none") }
                }
            }
        }.awaitAll()
    }
}

private suspend fun clients(sandbox: Sandbox): List<Int> {
    val open: suspend (Int) -> Unit = { number ->
        Client(sandbox.config()).use { if (number % 10 == 0) it.currencies() }
        // What a closed client still holds goes when the collector finds it.
        if (number % 50 == 0) System.gc()
    }
    repeat(CLIENTS) { open(it) }
    val before = memory()
    repeat(CLIENTS) { open(it) }
    return listOf(report("$CLIENTS clients opened and closed", before))
}

private fun report(what: String, before: Int): Int {
    val after = memory()
    println("$what: ${before / 1024} MiB before, ${after / 1024} MiB after: ${after - before} KiB, at most $BOUND_KIB KiB")
    return after - before
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
