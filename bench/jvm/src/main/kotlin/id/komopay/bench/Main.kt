/* One contestant of the JVM: typed creates through one client, or crossings of the border, in a process of its own. */
package id.komopay.bench

import com.sun.management.OperatingSystemMXBean
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
 * Prints one line of JSON: `{"calls": 1000, "seconds": 0.5, "cpu_seconds": 0.6, "memory_kib": 120000}`; `allocation`
 * adds the bytes that one call allocates on its caller's thread.
 */
fun main(arguments: Array<String>) {
    val options = arguments.drop(1).chunked(2).associate { it.first() to it.last() }
    val contestant = arguments.firstOrNull()
    val calls = options["--calls"]?.toIntOrNull()
    val inFlight = (options["--in-flight"] ?: "1").toIntOrNull()
    if (contestant == null || calls == null || inFlight == null) usage()
    val url = options["--url"] ?: ""
    val (bytes, took) = when (contestant) {
        in COROUTINES -> null to measured(calls, inFlight, COROUTINES.getValue(contestant)(url), ::suspended)
        in BLOCKING -> null to measured(calls, inFlight, BLOCKING.getValue(contestant)(url), ::blocked)
        in CROSSINGS -> null to measured(calls, 1, CROSSINGS.getValue(contestant)(), ::blocked)
        "allocation" -> allocated(calls, BLOCKING.getValue("komopay")(url))
        else -> usage()
    }
    val allocation = if (bytes == null) "" else """, "bytes": $bytes"""
    val (seconds, cpuSeconds) = took
    val time = """"seconds": $seconds, "cpu_seconds": $cpuSeconds"""
    println("""{"calls": $calls, $time, "memory_kib": ${peakMemoryKib()}$allocation}""")
    // What is left open would wait for its end, which is not what is measured.
    System.out.flush()
    Runtime.getRuntime().halt(0)
}

private fun usage(): Nothing {
    val contestants = BLOCKING.keys + COROUTINES.keys + CROSSINGS.keys + "allocation"
    System.err.println("usage: $USAGE\ncontestants: ${contestants.joinToString()}")
    exitProcess(2)
}

/** Seconds by the clock, and those of all processors. */
private data class Took(val seconds: Double, val cpuSeconds: Double)

/** What so many calls take, after a warm-up. */
private fun <C> measured(calls: Int, inFlight: Int, call: C, series: (String, Int, Int, C) -> Unit): Took {
    var round = 0
    val begin = System.nanoTime()
    while (since(begin) < WARM_UP_SECONDS) series("warm-${round++}", maxOf(calls / 10, inFlight), inFlight, call)
    return taken { series("call", calls, inFlight, call) }
}

private inline fun taken(work: () -> Unit): Took {
    val system = ManagementFactory.getOperatingSystemMXBean() as OperatingSystemMXBean
    val (start, cpu) = System.nanoTime() to system.processCpuTime
    work()
    return Took(since(start), (system.processCpuTime - cpu) / 1e9)
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

/** Bytes that one call allocates on its own thread, and what all take. */
private fun allocated(calls: Int, call: (String) -> Unit): Pair<Long, Took> {
    measured(calls, 1, call, ::blocked)
    val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    val id = Thread.currentThread().id
    val before = threads.getThreadAllocatedBytes(id)
    val took = taken { blocked("counted", calls, 1, call) }
    return (threads.getThreadAllocatedBytes(id) - before) / calls to took
}

private fun peakMemoryKib(): Long? {
    val status = File("/proc/self/status").takeIf { it.exists() } ?: return null
    val line = status.readLines().firstOrNull { it.startsWith("VmHWM") } ?: return null
    return line.filter(Char::isDigit).toLongOrNull()
}
