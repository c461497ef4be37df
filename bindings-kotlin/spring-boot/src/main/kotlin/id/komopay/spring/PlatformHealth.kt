package id.komopay.spring

import id.komopay.BlockingClient
import id.komopay.KomopayException
import java.time.Duration
import java.time.Instant
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.Future
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import org.springframework.beans.factory.DisposableBean

/**
 * Whether the platform answers, for the health endpoint. It reads the merchant's own data, which moves nothing, and
 * with the token that the client's other reads have. However often the endpoint is asked, that is one read in an
 * [interval]; and who asks waits for it no longer than a moment, also where the platform hangs.
 */
internal class PlatformHealth(private val client: BlockingClient, private val interval: Duration) : DisposableBean {
    /** What came of a read: [failure] is the kind of its error. */
    internal class Answer(val failure: String?, val at: Instant)

    private val reader: ExecutorService = Executors.newSingleThreadExecutor { work ->
        Thread(work, "komopay-health").apply { isDaemon = true }
    }
    private var last: Answer? = null
    private var reading: Future<*>? = null

    /** The last answer, or null if there is none yet. */
    internal fun ask(): Answer? {
        val under = synchronized(this) {
            val isFresh = last?.let { Duration.between(it.at, Instant.now()) < interval } == true
            if (isFresh) return last
            reading ?: reader.submit(::read).also { reading = it }
        }
        try {
            under.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        } catch (_: TimeoutException) {
            // It goes on, and the next one who asks may hear of it.
        }
        return synchronized(this) { last }
    }

    private fun read() {
        val failure = try {
            client.merchantInfo()
            null
        } catch (error: KomopayException) {
            error.kind.code()
        }
        synchronized(this) {
            last = Answer(failure, Instant.now())
            reading = null
        }
    }

    override fun destroy() {
        reader.shutdownNow()
    }

    private companion object {
        val PATIENCE: Duration = Duration.ofSeconds(2)
    }
}
