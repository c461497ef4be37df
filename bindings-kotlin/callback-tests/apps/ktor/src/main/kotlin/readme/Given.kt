/* What the programs of the documents take as given. They are compiled as they stand there, with this application. */
package readme

import id.komopay.Client
import id.komopay.Credentials
import id.komopay.Money
import id.komopay.Payout
import id.komopay.PayoutMethod
import id.komopay.PayoutRequest
import id.komopay.PayoutStatus

internal lateinit var client: Client
internal lateinit var url: String
internal lateinit var key: String
internal lateinit var credentials: Credentials
internal lateinit var payoutId: String
internal lateinit var money: Money
internal lateinit var method: PayoutMethod
internal lateinit var payout: Payout
internal lateinit var salary: PayoutRequest
internal lateinit var orders: Orders

internal interface Orders {
    fun update(payoutId: String, status: PayoutStatus)
}
