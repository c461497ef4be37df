package id.komopay

import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.URI
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

/** Between a client and the sandbox: it holds creates until it is told to go on, so that a test can act meanwhile. */
class Gate(private val sandbox: String) : AutoCloseable {
    private val server = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val arrived = CountDownLatch(1)
    private val opened = CountDownLatch(1)
    private val seen = AtomicInteger()

    val url = "http://127.0.0.1:${server.localPort}"

    /** How many creates have come. */
    val creates: Int get() = seen.get()

    init {
        thread(isDaemon = true) {
            runCatching {
                while (true) server.accept().let { client -> thread(isDaemon = true) { client.use(::serve) } }
            }
        }
    }

    /** Waits until a create is on the wire. */
    fun awaitCreate() = arrived.await()

    /** Lets the creates through. */
    fun open() = opened.countDown()

    override fun close() = server.close()

    private fun serve(client: Socket) {
        val target = URI(sandbox)
        Socket(target.host, target.port).use { gateway ->
            thread(isDaemon = true) { runCatching { gateway.getInputStream().copyTo(client.getOutputStream()) } }
            val buffer = ByteArray(1 shl 16)
            val wire = client.getInputStream()
            // The client's requests are short: each comes in one piece.
            generateSequence { wire.read(buffer).takeIf { it > 0 } }.forEach { length ->
                if (String(buffer, 0, length).startsWith("POST /payouts/")) {
                    seen.incrementAndGet()
                    arrived.countDown()
                    opened.await()
                }
                gateway.getOutputStream().write(buffer, 0, length)
            }
        }
    }
}
