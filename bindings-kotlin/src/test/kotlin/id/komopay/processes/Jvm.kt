package id.komopay.processes

import java.io.InputStream
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/**
 * A JVM that a test starts, talks to and sees to its end: a program of `Programs.kt`, on the class path of the tests.
 * Where it hangs, the test shows what its threads do, kills it and fails.
 */
class Jvm(
    program: String,
    vararg arguments: String,
    options: List<String> = listOf(),
    java: String? = null,
    classPath: String = System.getProperty("java.class.path"),
) : AutoCloseable {
    private val process: Process
    private val lines = LinkedBlockingQueue<String>()
    private val said = CopyOnWriteArrayList<String>()
    private val readers: List<Thread>

    init {
        val own = ProcessHandle.current().info().command().get()
        val command = listOf(java ?: own, "-cp", classPath) + options
        process = ProcessBuilder(command + listOf("id.komopay.processes.ProgramsKt", program) + arguments).start()
        readers = listOf(reader("out", process.inputStream), reader("err", process.errorStream))
    }

    /** Everything it has written so far, each line after `out: ` or `err: `. */
    val output: List<String> get() = said

    /** Waits for a line that holds this text. */
    fun await(text: String): String {
        val deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_S)
        while (true) {
            val line = lines.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS) ?: fail("it never said \"$text\"")
            if (text in line) return line
        }
    }

    /** `SIGTERM`, as an orchestrator sends it. (`Process.destroy` would close its streams, too.) */
    fun terminate(): Jvm = apply { process.toHandle().destroy() }

    /** Lets a program go on that waits for its standard input. */
    fun goOn(): Jvm = apply { process.outputStream.run { write('\n'.code); flush() } }

    /** Waits for its end, and tells its exit code. */
    fun end(): Int {
        if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS)) fail("it did not end")
        readers.forEach { it.join() }
        return process.exitValue()
    }

    override fun close() {
        process.destroyForcibly().waitFor()
    }

    private fun reader(name: String, stream: InputStream) = thread(isDaemon = true) {
        runCatching {
            stream.bufferedReader().forEachLine {
                said += "$name: $it"
                lines.put("$name: $it")
            }
        }
    }

    private fun fail(why: String): Nothing {
        val jstack = "${System.getProperty("java.home")}/bin/jstack"
        val threads = runCatching {
            val dump = ProcessBuilder(jstack, "${process.pid()}").redirectErrorStream(true).start()
            dump.inputStream.bufferedReader().readText()
        }
        close()
        val dumped = threads.getOrElse { "no thread dump: $it" }
        throw AssertionError("$why in $LIMIT_S s.\n${said.joinToString("\n")}\n$dumped")
    }

    private companion object {
        /** Longer than anything here takes on a busy machine, and shorter than a build is willing to wait. */
        const val LIMIT_S = 120L
    }
}
