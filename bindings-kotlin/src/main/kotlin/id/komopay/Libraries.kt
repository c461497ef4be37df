package id.komopay

import id.komopay.ffi.Border
import kotlinx.coroutines.CoroutineScope

/**
 * The libraries that this one stands on. Which versions of them there are is decided by the build of the application: a
 * framework may pin older ones than this library needs, and what they lack would only show in the first payout.
 */
internal object Libraries {
    /** The oldest that the tests run with; what is older is refused. The pom of this library names them, too. */
    const val KOTLIN = "1.9.25"
    const val COROUTINES = "1.8.1"

    private const val STDLIB = "org.jetbrains.kotlin:kotlin-stdlib"
    private const val CORE = "org.jetbrains.kotlinx:kotlinx-coroutines-core-jvm"

    /**
     * Refuses libraries that are too old or not there, and a native one that cannot be loaded: nothing was sent yet.
     */
    fun check() {
        require(STDLIB, KOTLIN, "kotlin.version") { KotlinVersion.CURRENT.toString() }
        require(CORE, COROUTINES, "kotlin-coroutines.version", ::coroutines)
        notLoaded?.let { refuse(it) }
    }

    /**
     * Why the native library cannot be loaded, if it cannot: it lies in the jar, and JNA unpacks it, and a library of
     * its own, into a folder. Kept, since the JVM tells the cause only once.
     */
    val notLoaded: String? by lazy {
        try {
            Border.load()
            null
        } catch (thrown: LinkageError) {
            // JNA's own texts, which name folders, files and what the system said. The innermost says most.
            val texts = generateSequence<Throwable>(thrown) { it.cause }.mapNotNull { it.message }
            val cause = texts.last().lineSequence().joinToString(" ") { it.trim() }
            val settings = listOf("jna.tmpdir", "java.io.tmpdir")
            val folders = settings.joinToString { "$it is ${System.getProperty(it) ?: "not set"}" }
            "the native library could not be unpacked and loaded ($folders): $cause. If a folder is missing, full, " +
                "not writable or mounted noexec, name another one: -Djna.tmpdir=FOLDER. If nothing may be unpacked, " +
                "put the libraries of the jars of this SDK and of JNA into a folder, and start with " +
                "-Djna.nounpack=true -Djna.library.path=FOLDER -Djna.boot.library.path=FOLDER. " +
                "It runs on Linux with glibc (x86-64, arm64), macOS (arm64) and Windows " +
                "(x86-64), and this is ${System.getProperty("os.name")} on ${System.getProperty("os.arch")}"
        }
    }

    /** [property] is what the version is called in a build by Spring Boot. */
    private fun require(artifact: String, oldest: String, property: String, version: () -> String?) {
        val found = try {
            version()
        } catch (_: LinkageError) {
            refuse("$artifact is not on the class path: add version $oldest of it, or a newer one")
        }
        // Where an application was packed into one jar, the note may be gone; then nothing can be said.
        if (found == null || isAtLeast(found, oldest)) return
        refuse(
            "$artifact is too old: version $found is on the class path, and this library needs $oldest or newer. " +
                "Name a newer version in your build (with Spring Boot, set the property $property; with others, a " +
                "dependency of its own)",
        )
    }

    private fun refuse(text: String): Nothing = throw try {
        unusable(text)
    } catch (_: LinkageError) {
        // Before Kotlin 1.8.20, the exception lacks something itself.
        IllegalStateException("komopay: $text")
    }

    /** The note that the library keeps of its own version. */
    private fun coroutines(): String? =
        CoroutineScope::class.java.getResourceAsStream("/META-INF/kotlinx_coroutines_core.version")
            ?.use { it.readBytes().toString(Charsets.UTF_8).trim() }

    /** By the numbers before a sign such as `-RC`. What is no version is believed to be new. */
    internal fun isAtLeast(version: String, oldest: String): Boolean {
        val (has, needs) = listOf(version, oldest).map { text ->
            text.substringBefore('-').split('.').map { it.toIntOrNull() ?: return true }
        }
        for ((number, needed) in has.zip(needs)) {
            if (number != needed) return number > needed
        }
        return has.size >= needs.size
    }
}
