package id.komopay.processes

import id.komopay.BlockingClient
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.Sandbox
import id.komopay.merchant
import java.io.File
import java.lang.ref.WeakReference
import java.net.URLClassLoader
import java.util.function.Function
import java.util.zip.Deflater
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import kotlin.concurrent.thread

/** One application of many in a JVM: with a class loader, an SDK and a native library of its own. */
class Tenant : Function<String, String> {
    private var client: BlockingClient? = null

    /** `open URL`, `pay ID`, `close`, or `forget`, which closes nothing. */
    override fun apply(order: String): String {
        val (verb, argument) = "$order ".split(' ')
        when (verb) {
            "open" -> client = BlockingClient(Config(argument, Credentials.merchant(Sandbox.CODE, Sandbox.SECRET)))
            "pay" -> return client!!.createPayout(argument, Sandbox.request()).payoutId
            "close" -> client!!.close()
            "forget" -> client = null
        }
        return verb
    }
}

/** The class path of the tests: what is of applications, and the SDK with all that it needs, as jars. */
private val application = classPath.filter { it.name == "test-classes" }
private val sdk = (classPath - application.toSet()).map { if (it.isDirectory) packed(it) else it }

private val classPath get() = System.getProperty("java.class.path").split(File.pathSeparator).map { File(it) }

/** JNA takes a library that is in no jar from where it lies, once for all. */
private fun packed(folder: File): File = File.createTempFile("komopay", ".jar").also { jar ->
    jar.deleteOnExit()
    ZipOutputStream(jar.outputStream().buffered()).use { zip ->
        zip.setLevel(Deflater.NO_COMPRESSION)
        for (file in folder.walk().filter { it.isFile }) {
            zip.putNextEntry(ZipEntry(file.relativeTo(folder).invariantSeparatorsPath))
            file.inputStream().use { it.copyTo(zip) }
        }
    }
}

private fun loader(jars: List<File>, parent: ClassLoader) =
    URLClassLoader(jars.map { it.toURI().toURL() }.toTypedArray(), parent)

/** The SDK, where the container has it for all applications. */
private val shared by lazy { loader(sdk, ClassLoader.getPlatformClassLoader()) }

/** An application as a container loads it. With [sharing] the SDK is the container's, else it is in the application. */
private class Deployment(url: String, sharing: Boolean) {
    private val loader =
        if (sharing) loader(application, shared) else loader(application + sdk, ClassLoader.getPlatformClassLoader())

    @Suppress("UNCHECKED_CAST")
    private val tenant =
        loader.loadClass(Tenant::class.java.name).getDeclaredConstructor().newInstance() as Function<String, String>

    init {
        tell("open $url")
    }

    fun tell(order: String): String = tenant.apply(order)

    fun undeploy(order: String = "close"): WeakReference<ClassLoader> {
        tell(order)
        loader.close()
        return WeakReference(loader)
    }
}

internal fun redeploy(url: String, times: Int, sharing: Boolean) {
    sideBySide(url, sharing)
    val loaders = ArrayList<WeakReference<ClassLoader>>()
    var before = memory()
    for (number in 1..times) {
        loaders += deployOnce(url, number, sharing)
        if (number == times / 5) before = memory()
    }
    val kept = awaitCollected(loaders)
    val redeploys = times - times / 5
    say("figures: $kept of $times class loaders kept; per redeploy ${(memory() - before) / redeploys} KiB resident; " +
        "${File("/proc/self/task").list()?.size} threads, ${mappings()} MiB of native libraries mapped")
    readln()
    // The connections that undeployed applications left open have been closed by the gateway meanwhile.
    say("alive")
}

/** Applications that pay all at the same time. */
private fun sideBySide(url: String, sharing: Boolean) {
    val deployments = List(5) { Deployment(url, sharing) }
    val payers = deployments.mapIndexed { number, deployment ->
        thread { say("paid ${deployment.tell("pay SIDE-$number")}") }
    }
    payers.forEach { it.join() }
    deployments.forEach { it.undeploy() }
}

private fun deployOnce(url: String, number: Int, sharing: Boolean): WeakReference<ClassLoader> {
    val deployment = Deployment(url, sharing)
    deployment.tell("pay A-$number")
    // Every other one forgets to close its client.
    return deployment.undeploy(if (number % 2 == 0) "close" else "forget")
}

/** An application that is gone, and its class loader closed, while its create is on the wire. */
internal fun undeployWithCreate(url: String) {
    val deployment = Deployment(url, sharing = false)
    thread(isDaemon = true) { runCatching { deployment.tell("pay A-0") } }
    readln()
    deployment.undeploy("forget")
    collect()
    say("undeployed")
    readln()
}

private fun awaitCollected(loaders: List<WeakReference<ClassLoader>>): Int {
    repeat(20) {
        collect()
        if (loaders.all { it.get() == null }) return 0
    }
    return loaders.count { it.get() != null }
}

private fun collect() = repeat(3) {
    System.gc()
    System.runFinalization()
}

/** Resident, in KiB. */
private fun memory(): Int {
    collect()
    return File("/proc/self/status").readLines().single { it.startsWith("VmRSS:") }.filter { it.isDigit() }.toInt()
}

/** How much address space the libraries have that JNA unpacked, in MiB. */
private fun mappings(): Long {
    val unpacked = File("/proc/self/maps").readLines().filter { "/jna" in it && ".tmp" in it }
    val bytes = unpacked.sumOf { line ->
        val (from, to) = line.substringBefore(' ').split('-').map { it.toLong(16) }
        to - from
    }
    return bytes / (1 shl 20)
}
