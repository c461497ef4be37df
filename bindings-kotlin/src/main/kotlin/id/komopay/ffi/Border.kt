package id.komopay.ffi

import com.sun.jna.JNIEnv
import com.sun.jna.Library
import com.sun.jna.NativeLibrary
import id.komopay.Creating
import id.komopay.exception
import id.komopay.hasEnded
import id.komopay.heard
import id.komopay.isHeard
import id.komopay.tell
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentHashMap
import kotlin.coroutines.Continuation
import kotlin.coroutines.resume
import kotlinx.coroutines.suspendCancellableCoroutine

/**
 * The library's functions for operations, by JNI: see docs/adr/0024. What is rare goes by JNA, as UniFFI generates it:
 * making a client, or one with other options, waits for many payouts, and what the library calls here. Arguments and
 * answers are UniFFI's records, as bytes; `ffi/src/jni.rs` is the other half.
 */
internal object Border {
    init {
        uniffiEnsureInitialized()
        // The very library that JNA has loaded: of another copy, clients and log would be others.
        val library = NativeLibrary.getInstance("komopay_ffi", Border::class.java.classLoader)
        library.getFunction("komopay_border").invoke(
            Void::class.java,
            arrayOf(JNIEnv.CURRENT, Border::class.java),
            mapOf(Library.OPTION_ALLOW_OBJECTS to true),
        )
    }

    /** Loads the library, if nothing has yet. */
    fun load() = Unit

    @JvmStatic
    external fun now(operation: Int, client: Long, arguments: ByteArray): ByteArray

    @JvmStatic
    external fun run(operation: Int, client: Long, arguments: ByteArray, isHeard: Boolean): ByteArray

    @JvmStatic
    external fun goOn(call: Long): ByteArray

    @JvmStatic
    external fun leave(call: Long, payoutId: String?): ByteArray

    @JvmStatic
    external fun start(operation: Int, client: Long, arguments: ByteArray, call: Long, isHeard: Boolean): ByteArray?

    @JvmStatic
    external fun cancel(call: Long, payoutId: String?): ByteArray

    @JvmStatic
    external fun records(call: Long): ByteArray

    val callers = ConcurrentHashMap<Long, Continuation<ByteArray>>()

    /** The library calls this, on a thread of its own, with the answer of a call that was started. */
    @JvmStatic
    fun completed(call: Long, answer: ByteArray) {
        // Who has left is gone.
        callers.remove(call)?.resume(answer)
    }
}

/** An operation with its arguments, ready to cross, and how its result is read. */
internal class Operation<T>(val number: Int, val arguments: ByteArray, val read: (ByteBuffer) -> T)

/** Room for arguments of this size, after the mark. */
internal fun arguments(size: ULong): ByteBuffer = ByteBuffer.allocate(1 + size.toInt()).put(0)

/** What has been written, to cross: the first byte is the mark, which the core sets when it begins with a call. */
internal fun crossing(arguments: ByteBuffer): ByteArray = arguments.array().copyOf(arguments.position())

/** Whether the core has begun with a call that has these arguments. */
internal fun hasBegun(arguments: ByteArray): Boolean = arguments[0] != 0.toByte()

/** An operation that waits for nothing. */
internal inline fun <T> now(operation: Int, client: Long, arguments: ByteArray, read: (ByteBuffer) -> T): T =
    Answer(Border.now(operation, client, arguments)).result(read)

/** A call on this thread, which waits for its end. */
internal fun <T> run(operation: Operation<T>, client: Long, creating: Creating?): T {
    creating?.arguments = operation.arguments
    var answer = Answer(Border.run(operation.number, client, operation.arguments, isHeard))
    while (answer.isUnderWay) {
        val call = answer.bytes.getLong()
        try {
            answer.tell()
            if (Thread.interrupted()) throw InterruptedException()
        } catch (thrown: Throwable) {
            // Nothing more is sent; what is on the wire is read to its end.
            Answer(Border.leave(call, creating?.payoutId)).tell()
            throw thrown
        }
        answer = Answer(Border.goOn(call))
    }
    return answer.result(operation.read)
}

/** A call on the library's threads, whose caller suspends. */
internal suspend fun <T> start(operation: Operation<T>, client: Long, creating: Creating?): T = heard { call ->
    creating?.arguments = operation.arguments
    var answer: Answer? = null
    try {
        answer = Answer(suspendCancellableCoroutine { caller ->
            Border.callers[call] = caller
            val refused = Border.start(operation.number, client, operation.arguments, call, isHeard)
            if (refused != null) Border.completed(call, refused)
        })
    } finally {
        if (answer == null) {
            Border.callers.remove(call)
            hasEnded(call)
            val unheard = creating?.payoutId?.takeIf { hasBegun(operation.arguments) }
            Answer(Border.cancel(call, unheard)).tell()
        }
    }
    hasEnded(call)
    answer!!.result(operation.read)
}

/** What came back across the border. */
internal class Answer(bytes: ByteArray) {
    val bytes: ByteBuffer = ByteBuffer.wrap(bytes)
    private val first = this.bytes.get().toInt() and 0xFF
    private val status = first and WITH_RECORDS.inv()

    val isUnderWay: Boolean get() = status == UNDER_WAY

    /** The result, and before that, for the logger, what was logged. */
    inline fun <T> result(read: (ByteBuffer) -> T): T {
        if (hasFailed) fail()
        return read(bytes).also { tell() }
    }

    val hasFailed: Boolean get() = status != DONE

    fun fail(): Nothing {
        check(status == FAILED) { "the library has a fault" }
        val failure = FfiConverterTypeFailure.read(bytes)
        tell()
        throw failure.exception()
    }

    /** Tells the logger what is behind all else that was read. */
    fun tell() {
        if (first and WITH_RECORDS != 0) tell(FfiConverterSequenceTypeLogRecord.read(bytes))
    }

    private companion object {
        const val WITH_RECORDS = 0x80
        const val DONE = 0
        const val FAILED = 1
        const val UNDER_WAY = 2
    }
}
