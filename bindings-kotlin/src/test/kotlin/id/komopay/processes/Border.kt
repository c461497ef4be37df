package id.komopay.processes

import id.komopay.BlockingClient
import id.komopay.Config
import id.komopay.KomopayException
import id.komopay.Sandbox
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutionException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import kotlin.concurrent.thread

/** Pays from threads with little room, and from the end of a stack on, ever nearer to its beginning. */
internal fun payWithLittleRoom(config: Config) {
    val client = BlockingClient(config)
    for (kib in listOf(192L, 256, 384, 1024)) {
        Thread(null, { say("$kib: ${paid(client, "S-$kib")}") }, "small", kib * 1024).run { start(); join() }
    }
    // The end of the stack has to be met by what this test does, and not by what loads its classes.
    thread { Descent(client).go() }.join()
    client.close()
    say("alive")
}

private class Descent(private val client: BlockingClient) {
    private var levels = 0
    private var tries = 0

    fun go() {
        try {
            go()
        } catch (_: StackOverflowError) {
            // Here the stack ends; what comes next has ever more room.
        }
        if (levels++ % STEP != 0 || tries == TRIES) return
        val id = "D-${tries++}"
        val ended = try {
            paid(client, id)
        } catch (_: StackOverflowError) {
            "no room"
        }
        ends += "$id $ended"
        if (tries == TRIES) ends.forEach(::say)
    }

    private val ends = ArrayList<String>(TRIES)

    private companion object {
        const val STEP = 100
        const val TRIES = 60
    }
}

private fun paid(client: BlockingClient, id: String): String = try {
    client.createPayout(id, Sandbox.request())
    "accepted"
} catch (error: KomopayException) {
    "${error.kind}, may have moved: ${error.moneyMayHaveMoved}"
}

/** Virtual threads that have one carrier. Where there are none yet, threads. */
internal fun payOnVirtualThreads(config: Config) {
    val threads = try {
        Executors::class.java.getMethod("newVirtualThreadPerTaskExecutor").invoke(null) as ExecutorService
    } catch (_: NoSuchMethodException) {
        Executors.newCachedThreadPool()
    }
    val client = BlockingClient(config)
    val calls = List(CALLS) { number -> threads.submit<String> { paid(client, "A-$number") } }
    readln()
    val left = CountDownLatch(1)
    val interrupted = threads.submit<String> {
        left.countDown()
        paid(client, "A-LEFT")
    }
    left.await()
    say("left")
    readln()
    // It is released by that alone: the gateway keeps its answer.
    interrupted.cancel(true)
    val refused = threads.submit<String> {
        Thread.currentThread().interrupt()
        paid(client, "A-NEVER")
    }
    val thrown = runCatching { refused.get() }.exceptionOrNull()
    say("interrupted: ${(thrown as ExecutionException).cause!!.javaClass.name}")
    readln()
    calls.forEach { say("ended: ${it.get()}") }
    client.close()
}

private const val CALLS = 8
