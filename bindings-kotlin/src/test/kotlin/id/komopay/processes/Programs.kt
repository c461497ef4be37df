/* What the JVMs of these tests run. Each is told where the gateway is, and says on its standard output how it goes. */
package id.komopay.processes

import id.komopay.BlockingClient
import id.komopay.Client
import id.komopay.ClosedException
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.KomopayException
import id.komopay.Sandbox
import id.komopay.merchant
import id.komopay.setLogger
import id.komopay.setShutdownHook
import java.lang.ref.WeakReference
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking

fun main(arguments: Array<String>) {
    val (program, url) = arguments
    val config = Config(url, Credentials.merchant(Sandbox.CODE, Sandbox.SECRET))
    when (program) {
        "leave" -> leave(config, arguments[2])
        "leave-without-a-logger" -> pay(BlockingClient(config), "A-0").also { readln() }
        "leave-with-a-logger-that-hangs" -> {
            setLogger { CountDownLatch(1).await() }
            pay(BlockingClient(config), "A-0")
            readln()
        }
        "leave-a-client-that-is-gone" -> leaveGone(config)
        "close-in-a-hook" -> closeInHook(config)
        "call-in-a-hook" -> callInHook(config)
        "pay-in-a-hook" -> payInHook(config)
        "hooks" -> hooks(config)
        "nest" -> nest(config)
        "starve-a-provider" -> starve(config)
        "pay-with-little-room" -> payWithLittleRoom(config)
        "pay-on-virtual-threads" -> payOnVirtualThreads(config)
        "redeploy" -> redeploy(url, arguments[2].toInt(), sharing = arguments[3] == "shared")
        "pay-once" -> {
            BlockingClient(config).use { it.createPayout("A-1", Sandbox.request()) }
            say("paid")
        }
        "undeploy-with-a-create-under-way" -> undeployWithCreate(url)
        else -> error("no program $program")
    }
}

internal fun say(text: String) = println(text).also { System.out.flush() }

/** Pays in a thread that does not keep the JVM, and says how that ended. */
private fun pay(client: BlockingClient, id: String): Thread = thread(isDaemon = true) {
    val ended = runCatching { client.createPayout(id, Sandbox.request()) }
    say("$id ended: ${ended.fold({ "accepted" }, { it.javaClass.simpleName })}")
}

private fun onShutdown(work: () -> Unit) = Runtime.getRuntime().addShutdownHook(thread(start = false, block = work))

/** Ends, one way or another, with creates under way and no hook of its own. */
private fun leave(config: Config, way: String) {
    setLogger { say("log ${it.level} ${it.text}") }
    val client = BlockingClient(config)
    repeat(8) { pay(client, "A-$it") }
    onShutdown { say("shutting down") }
    readln()
    when (way) {
        "exit" -> exitProcess(0)
        "main" -> {}
        else -> readln()
    }
}

/** Ends with a create that was left, whose client the collector has found. */
private fun leaveGone(config: Config) {
    val reference = leaveCall(config)
    while (reference.get() != null) System.gc()
    say("collected")
    readln()
}

private fun leaveCall(config: Config): WeakReference<Client> {
    val client = Client(config)
    val payer = thread { runCatching { runBlocking { client.createPayout("A-0", Sandbox.request()) } } }
    readln()
    payer.interrupt()
    payer.join()
    return WeakReference(client)
}

/** An application that closes its client in a hook of its own. */
private fun closeInHook(config: Config) {
    val client = BlockingClient(config)
    val payer = pay(client, "A-0")
    onShutdown {
        say("closing")
        client.close()
        payer.join()
        say("closed, under way: ${client.createsUnderWay()}")
    }
    readln()
}

/** An application that calls in a hook when calls are refused. */
private fun callInHook(config: Config) {
    val client = BlockingClient(config)
    onShutdown {
        // Hooks run all at once, and in no order: now the other one has begun.
        while (runCatching { client.currencies() }.exceptionOrNull() !is ClosedException) Thread.onSpinWait()
        say("create: ${thrown { client.createPayout("A-1", Sandbox.request()) }}")
        say("create, new client: ${thrown { BlockingClient(config).createPayout("A-2", Sandbox.request()) }}")
    }
    say("ready")
    readln()
}

/** An application that ends what it has begun in a hook of its own, and has switched the other one off. */
private fun payInHook(config: Config) {
    setShutdownHook(false)
    val client = BlockingClient(config)
    client.currencies()
    onShutdown {
        client.use { it.createPayout("A-1", Sandbox.request()) }
        BlockingClient(config).use { it.createPayout("A-2", Sandbox.request()) }
        say("paid")
    }
    say("ready")
    readln()
}

/** How many hooks there are while clients come and go. */
private fun hooks(config: Config) {
    val (first, second) = List(2) { BlockingClient(config) }
    say("two open: ${hooks()}")
    first.close()
    say("one open: ${hooks()}")
    second.close()
    say("none open: ${hooks()}")
    drop(config)
    say("dropped: ${hooks()}")
    while (hooks() > 0) System.gc()
    say("collected: ${hooks()}")
}

private fun drop(config: Config) {
    BlockingClient(config).currencies()
}

private fun hooks(): Int {
    val owner = Class.forName("java.lang.ApplicationShutdownHooks")
    val hooks = owner.getDeclaredField("hooks").apply { isAccessible = true }
    // As the JVM does: the collector may take one away meanwhile.
    return synchronized(owner) {
        (hooks.get(null) as Map<*, *>).keys.count { (it as Thread).name == "komopay-shutdown" }
    }
}

private fun thrown(call: () -> Unit): String =
    runCatching(call).exceptionOrNull().let { (it as? KomopayException)?.kind?.name ?: "$it" }
