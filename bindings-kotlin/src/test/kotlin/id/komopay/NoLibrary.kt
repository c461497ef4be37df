/* What a client says, also the second time, where the native library cannot be loaded. A test starts it that way. */
package id.komopay

fun main() = repeat(2) {
    println(runCatching { Client(Config("http://127.0.0.1:1", Credentials.token("t"))) }.exceptionOrNull())
}
