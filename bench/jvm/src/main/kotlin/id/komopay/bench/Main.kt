/* One contestant of the JVM: typed creates through one client, or crossings of the border, in a process of its own. */
package id.komopay.bench

import com.sun.management.ThreadMXBean
import java.io.File
import java.lang.management.ManagementFactory
import java.util.concurrent.atomic.AtomicLong
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

private const val USAGE = "MainKt CONTESTANT --url URL --calls N [--in-flight K]"

/** Until the compilers have done what they do for what runs often. */
private const val WARM_UP_SECONDS = 5.0

/**
 * Prints one line of JSON: `{"calls": 1000, "seconds": 0.5, "memory_kib": 120000}`; `allocation` adds the bytes that
 * one call allocates on its caller's thread.
 */
fun main(arguments: Array<String>) {
    val options = arguments.drop(1).chunked(2).associate { it.first() to it.last() }
    val contestant = arguments.firstOrNull()
    val calls = options["--calls"]?.toIntOrNull()
    val inFlight = (options["--in-flight"] ?: "1").toIntOrNull()
    if (contestant == null || calls == null || inFlight == null) usage()
    val url = options["--url"] ?: ""
    val (bytes, seconds) = when (contestant) {
        in COROUTINES -> null to measured(calls, inFlight, COROUTINES.getValue(contestant)(url), ::suspended)
        in BLOCKING -> null to measured(calls, inFlight, BLOCKING.getValue(contestant)(url), ::blocked)
        in CROSSINGS -> null to measured(calls, 1, CROSSINGS.getValue(contestant)(), ::blocked)
        "allocation" -> allocated(calls, BLOCKING.getValue("komopay")(url))
        else -> usage()
    }
    val allocation = if (bytes == null) "" else """, "bytes": $bytes"""
    println("""{"calls": $calls, "seconds": $seconds, "memory_kib": ${peakMemoryKib()}$allocation}""")
    // What is left open would wait for its end, which is not what is measured.
    System.out.flush()
    Runtime.getRuntime().halt(0)
}

private fun usage(): Nothing {
    val contestants = BLOCKING.keys + COROUTINES.keys + CROSSINGS.keys + "allocation"
    System.err.println("usage: $USAGE\ncontestants: ${contestants.joinToString()}")
    exitProcess(2)
}

/** Seconds for so many calls, after a warm-up. */
private fun <C> measured(calls: Int, inFlight: Int, call: C, series: (String, Int, Int, C) -> Unit): Double {
    var round = 0
    val begin = System.nanoTime()
    while (since(begin) < WARM_UP_SECONDS) series("warm-${round++}", maxOf(calls / 10, inFlight), inFlight, call)
    val start = System.nanoTime()
    series("call", calls, inFlight, call)
    return since(start)
}

private fun since(start: Long) = (System.nanoTime() - start) / 1e9

private fun blocked(name: String, calls: Int, inFlight: Int, call: (String) -> Unit) {
    if (inFlight == 1) {
        for (number in 0 until calls) call("$name-$number")
        return
    }
    val numbers = AtomicLong()
    val threads = List(inFlight) {
        thread {
            while (true) {
                val number = numbers.getAndIncrement()
                if (number >= calls) break
                call("$name-$number")
            }
        }
    }
    threads.forEach(Thread::join)
}

private fun suspended(name: String, calls: Int, inFlight: Int, call: suspend (String) -> Unit) = runBlocking {
    val numbers = AtomicLong()
    repeat(inFlight) {
        launch(Dispatchers.Default) {
            while (true) {
                val number = numbers.getAndIncrement()
                if (number >= calls) break
                call("$name-$number")
            }
        }
    }
}

/** Bytes that one call allocates on its own thread, and seconds for all. */
private fun allocated(calls: Int, call: (String) -> Unit): Pair<Long, Double> {
    measured(calls, 1, call, ::blocked)
    val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    val id = Thread.currentThread().id
    val before = threads.getThreadAllocatedBytes(id)
    val start = System.nanoTime()
    blocked("counted", calls, 1, call)
    val seconds = since(start)
    return (threads.getThreadAllocatedBytes(id) - before) / calls to seconds
}

private fun peakMemoryKib(): Long? {
    val status = File("/proc/self/status").takeIf { it.exists() } ?: return null
    val line = status.readLines().firstOrNull { it.startsWith("VmHWM") } ?: return null
    return line.filter(Char::isDigit).toLongOrNull()
}
