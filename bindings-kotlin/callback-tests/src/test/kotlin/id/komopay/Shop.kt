package id.komopay

import java.io.File
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** A program that receives callbacks, in a process of its own, as its owner would start it. */
class Shop(
    classPath: String,
    main: String,
    sandbox: Sandbox,
    val port: Int,
    changes: File,
    java: String = JAVA,
    options: Map<String, String> = mapOf(),
) : AutoCloseable {
    private val process: Process
    private val said = LinkedBlockingQueue<String>()

    init {
        // It ends before what the JVM's second compiler does for it pays off.
        val program = ProcessBuilder(java, "-XX:TieredStopAtLevel=1", main)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
        program.environment() += mapOf(
            "CLASSPATH" to classPath, "PORT" to "$port", "KOMOPAY_CHANGES" to "$changes", "KOMOPAY_CALLBACK_KEY" to KEY,
            "KOMOPAY_BASE_URL" to sandbox.url, "KOMOPAY_MERCHANT_CODE" to Sandbox.CODE,
            "KOMOPAY_SECRET" to Sandbox.SECRET) + options
        process = program.start()
        // Also of a test that could not begin.
        Runtime.getRuntime().addShutdownHook(Thread { process.destroyForcibly() })
        thread(isDaemon = true) {
            runCatching { process.inputStream.bufferedReader().forEachLine { if (TOLD.matches(it)) said.add(it) } }
        }
        while (runCatching { connect().close() }.isFailure) {
            check(process.isAlive) { "$main has ended" }
            Thread.sleep(20)
        }
    }

    /** What it says next about a change. */
    fun next(): String = checkNotNull(said.poll(60, TimeUnit.SECONDS)) { "it says nothing" }

    /** Sends it a line. */
    fun tell(line: String) = process.outputStream.run {
        write("$line\n".toByteArray())
        flush()
    }

    fun connect(): Socket = Socket(InetAddress.getByName("127.0.0.1"), port)

    /** As `kill -9` does. */
    fun kill() {
        process.destroyForcibly().waitFor()
    }

    /** Asks it to end, and waits until it has. */
    override fun close() {
        process.destroy()
        check(process.waitFor(60, TimeUnit.SECONDS)) { "it does not end" }
    }

    companion object {
        const val KEY = "canary-key-0d81f2c4-7a3e-4b9c-9d55"
        val JAVA: String = ProcessHandle.current().info().command().get()
        private val TOLD = Regex("\\S+ (change|begins|ends|started) .*")

        /** One that nobody listens on. */
        fun freePort(): Int = ServerSocket(0, 1, InetAddress.getByName("127.0.0.1")).use { it.localPort }

        /** An example, which has the SDK and its adapter as the jars that were installed. */
        fun example(name: String): String {
            val folder = File(System.getProperty("komopay.build"))
            val jars = folder.resolve("example-$name-classpath").readText().trim()
            return "${folder.resolve("example-$name/classes")}${File.pathSeparator}$jars"
        }
    }
}
