/* What is said, each time, where the native library cannot be loaded. A test starts it that way. */
package id.komopay

fun main() {
    val config = { Config("http://127.0.0.1:1", Credentials.token("t")) }
    for (call in listOf({ Money(1, "IDR") }, { Client(config()) }, { BlockingClient(config()) })) {
        val error = runCatching(call).exceptionOrNull()
        // What an application asks next.
        if (error is KomopayException) error.run { check(!retryable && !moneyMayHaveMoved && callbackStatus == 500) }
        println(error)
    }
}
