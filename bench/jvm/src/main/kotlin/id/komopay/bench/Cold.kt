/* The first payout of a process over TLS: import, client, token and create. What starts it takes the time. */
package id.komopay.bench

import id.komopay.BankAccount
import id.komopay.BankTransfer
import id.komopay.BlockingClient
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.Money
import id.komopay.PayoutRequest
import id.komopay.merchant

/** `ColdKt URL CA_FILE`; without them, it does nothing. */
fun main(arguments: Array<String>) {
    val (url, caFile) = arguments.takeIf { it.isNotEmpty() } ?: return
    val credentials = Credentials.merchant("MERCHANT", "a-secret-of-nobody")
    BlockingClient(Config(url, credentials, caFile = caFile)).use { client ->
        val bank =
            BankTransfer("BNK_000", BankAccount("Test account", "11223344"), emailAddress = "customer@test.com")
        client.createPayout("FIRST-1", PayoutRequest(Money("10000", "IDR"), bank))
    }
}
