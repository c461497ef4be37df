package id.komopay

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.DisabledOnOs
import org.junit.jupiter.api.condition.OS
import org.junit.jupiter.api.io.TempDir

/** Where the native library cannot be unpacked or loaded, each error says where, why, and what to do. */
class NativeLibraryTest {
    @TempDir
    lateinit var folder: Path
    private val java = ProcessHandle.current().info().command().get()

    @Test
    fun `a folder that is not there`() {
        // Below a file nobody can make one.
        val missing = Files.createFile(folder.resolve("file")).resolve("jna")
        expect("$missing", listOf(java, "-Djna.tmpdir=$missing"), "does not exist")
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    fun `a folder that may not be written, and as root one that is full or holds no programs`() {
        if (!root) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"))
            return expect("$folder", listOf(java, "-Djna.tmpdir=$folder"), "not writable")
        }
        val causes = mapOf("noexec" to "failed to map segment", "size=4k" to "No space left", "ro" to "not writable")
        for ((options, cause) in causes) {
            val mounted = "mount -t tmpfs -o $options tmpfs '$folder' && exec \"$@\""
            val shell = listOf("unshare", "--mount", "--propagation", "private", "sh", "-c", mounted, "sh")
            expect("$folder", shell + java + "-Djna.tmpdir=$folder", cause)
        }
    }

    @Test
    fun `no library at all, as on a machine that has none in the jar`() {
        val nowhere = listOf("-Djna.boot.library.path=/none", "-Djna.nosys=true", "-Djna.nounpack=true")
        expect(System.getProperty("os.arch"), listOf(java) + nowhere, "macOS (arm64)")
    }

    @Test
    fun `what the error says to do where nothing may be unpacked does it`() {
        val platform = File(System.getProperty("komopay.build"), "native/${com.sun.jna.Platform.RESOURCE_PREFIX}")
        Files.copy(platform.listFiles()!!.single().toPath(), folder.resolve(System.mapLibraryName("komopay_ffi")))
        val name = System.mapLibraryName("jnidispatch")
        val inJna = com.sun.jna.Native::class.java.getResourceAsStream("/com/sun/jna/${platform.name}/$name")
        inJna!!.use { Files.copy(it, folder.resolve(name)) }
        val options = listOf("-Djna.nounpack=true", "-Djna.library.path=$folder", "-Djna.boot.library.path=$folder")
        assertEquals(List(3) { "null" }, said(listOf(java) + options))
    }

    private fun expect(where: String, command: List<String>, cause: String) {
        val lines = said(command)
        assertEquals(3, lines.size, "$lines")
        for (line in lines) {
            assertTrue(line.startsWith("id.komopay.ConfigurationException: the native library could not be"), line)
            for (part in listOf(where, cause, "-Djna.tmpdir=FOLDER", "-Djna.nounpack=true")) {
                assertTrue(part in line, line)
            }
        }
    }

    private fun said(command: List<String>): List<String> {
        val program = listOf("-cp", System.getProperty("java.class.path"), "id.komopay.NoLibraryKt")
        // JNA warns on the other output.
        val process = ProcessBuilder(command + program).redirectError(ProcessBuilder.Redirect.DISCARD).start()
        return process.inputStream.bufferedReader().readLines()
    }

    private val root get() = OS.LINUX.isCurrentOs && Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0
}
