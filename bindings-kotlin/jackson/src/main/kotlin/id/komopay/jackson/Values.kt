/* The values that are not generated as plain data, since their classes are not, and all of them together. */
package id.komopay.jackson

import id.komopay.AccessScope
import id.komopay.AccessToken
import id.komopay.AsyncPayoutClient
import id.komopay.BlockingPayoutClient
import id.komopay.Callback
import id.komopay.Concern
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.ErrorKind
import id.komopay.InvalidRequestException
import id.komopay.KomopayException
import id.komopay.KomopayExceptionBuilder
import id.komopay.Money
import id.komopay.PayoutClient
import id.komopay.PayoutMethod

/** What has plain data. */
internal val FORMS: List<Form<*>> = GENERATED + listOf(
    MoneyForm, PayoutMethodForm, OneMethodForm(PayoutMethod.BankTransfer::class.java),
    OneMethodForm(PayoutMethod.CryptoTransfer::class.java), OneMethodForm(PayoutMethod.WalletTransfer::class.java),
    AccessScopeForm, CallbackForm, ConcernForm, KindForm, ErrorForm,
)

/** What is never written: it holds a secret, or a way to one. */
internal val SECRET: List<Class<*>> = listOf(
    Config::class.java, Credentials::class.java, AccessToken::class.java, PayoutClient::class.java,
    BlockingPayoutClient::class.java, AsyncPayoutClient::class.java,
)

internal fun secret(type: Class<*>) = "a ${type.simpleName} holds a secret, and is neither written nor read"

internal object MoneyForm : Record<Money>(Money::class.java, isPersonal = false) {
    override fun write(value: Money, to: Writing) {
        // As a text: many readers of JSON make a number of it that cannot hold it.
        to.put("amount", value.amount.toPlainString(), Text)
        to.put("currency", value.currency, Text)
    }

    override fun read(from: Reading): Money {
        val (amount, currency) = listOf(from.take("amount", Amount), from.take("currency", Text))
        try {
            return Money.restore(amount, currency)
        } catch (error: InvalidRequestException) {
            val name = error.field.orEmpty().removePrefix("money.")
            throw Refused(from.within(name), error.message.removePrefix("${error.field}: "))
        }
    }

    /** A number may have lost digits before it came here. */
    private object Amount : Plain<String>("a text, such as \"42.05\": a number may have lost digits", { it as? String })
}

/** Its `method_code` tells which one it is. */
internal object PayoutMethodForm : Form<PayoutMethod>(PayoutMethod::class.java) {
    private const val CODE = "method_code"
    private val forms = mapOf(
        "BANK_TRANSFER" to BankTransferForm, "CRYPTO_TRANSFER" to CryptoTransferForm,
        "WALLET_TRANSFER" to WalletTransferForm,
    )

    override fun write(value: PayoutMethod, includePersonal: Boolean): Any {
        val (code, fields) = when (value) {
            is PayoutMethod.BankTransfer -> "BANK_TRANSFER" to BankTransferForm.write(value, includePersonal)
            is PayoutMethod.CryptoTransfer -> "CRYPTO_TRANSFER" to CryptoTransferForm.write(value, includePersonal)
            is PayoutMethod.WalletTransfer -> "WALLET_TRANSFER" to WalletTransferForm.write(value, includePersonal)
        }
        return mapOf(CODE to code) + fields
    }

    override fun read(given: Any?, path: String): PayoutMethod {
        val from = Reading(given, path)
        val form = forms[from.take(CODE, Text)]
            ?: throw Refused(from.within(CODE), "must be ${forms.keys.joinToString(" or ")}")
        return form.read((given as Map<*, *>) - CODE, path)
    }
}

/** One that is read as what it is. */
internal class OneMethodForm<T : PayoutMethod>(type: Class<T>) : Form<T>(type) {
    override fun write(value: T, includePersonal: Boolean): Any = PayoutMethodForm.write(value, includePersonal)

    override fun read(given: Any?, path: String): T = PayoutMethodForm.read(given, path).let {
        if (type.isInstance(it)) type.cast(it) else throw Refused(path, "is a ${it.javaClass.simpleName}")
    }
}

/** Its `type` is the function that makes it, and the rest is what that takes. */
internal object AccessScopeForm : Record<AccessScope>(AccessScope::class.java, isPersonal = false) {
    override fun write(value: AccessScope, to: Writing) = when (value) {
        is AccessScope.Payout -> {
            to.put("type", "payout", Text)
            to.put("payout_id", value.payoutId, Text)
            to.put("money", value.money, MoneyForm)
        }
        is AccessScope.Read -> {
            to.put("type", "read", Text)
            to.put("payout_id", value.payoutId, Text)
        }
        is AccessScope.Operations -> {
            to.put("type", "operations", Text)
            to.put("operations", value.operations, Text.list)
            to.put("money", value.money, MoneyForm.optional)
        }
    }

    override fun read(from: Reading): AccessScope = when (from.take("type", Text)) {
        "payout" -> AccessScope.Payout(from.take("payout_id", Text), from.take("money", MoneyForm))
        "read" -> AccessScope.Read(from.take("payout_id", Text))
        "operations" ->
            AccessScope.Operations(from.take("operations", Text.list), from.take("money", MoneyForm.optional))
        else -> throw Refused(from.within("type"), "must be payout, read or operations")
    }
}

internal object CallbackForm : Record<Callback>(Callback::class.java, isPersonal = false) {
    override fun write(value: Callback, to: Writing) {
        to.put("payout_id", value.payoutId, Text)
        to.put("verified", value.verified, Truth)
    }

    override fun read(from: Reading) = Callback(from.take("payout_id", Text), from.take("verified", Truth))
}

/** A name of a list that is complete. */
internal abstract class Names<T : Any>(type: Class<T>, private val code: (T) -> String) : Form<T>(type) {
    private val all = type.enumConstants.associateBy(code)

    override fun write(value: T, includePersonal: Boolean): Any = code(value)

    override fun read(given: Any?, path: String): T =
        all[Text.read(given, path)] ?: throw Refused(path, "is not known; there are ${all.keys.joinToString(", ")}")
}

internal object ConcernForm : Names<Concern>(Concern::class.java, Concern::code)

internal object KindForm : Names<ErrorKind>(ErrorKind::class.java, ErrorKind::code)

/** An error, with the errors behind it. What follows from its kind is written for readers, and not read. */
internal object ErrorForm : Record<KomopayException>(KomopayException::class.java, isPersonal = false) {
    override fun write(value: KomopayException, to: Writing) {
        to.put("kind", value.kind, KindForm)
        to.put("retryable", value.retryable, Truth)
        to.put("money_may_have_moved", value.moneyMayHaveMoved, Truth)
        to.put("message", value.message, Text)
        to.put("http_status", value.httpStatus, Whole.optional)
        to.put("callback_status", value.callbackStatus, Whole)
        to.put("field", value.field, Text.optional)
        to.put("reasons", value.reasons, ReasonForm.list)
        to.put("payout_id", value.payoutId, Text.optional)
        to.put("attempts", value.attempts, AttemptForm.list)
        to.put("concerns", value.concerns, ConcernForm.optional)
        to.put("retry_after", value.retryAfter, Span.optional)
        to.put("payout", value.payout, PayoutForm.optional)
        to.put("cause", value.cause, optional)
    }

    override fun read(from: Reading): KomopayException {
        val builder = KomopayExceptionBuilder(from.take("kind", KindForm)).message(from.take("message", Text))
        from.take("http_status", Whole.optional)?.let(builder::httpStatus)
        from.take("field", Text.optional)?.let(builder::field)
        from.take("reasons", ReasonForm.list.optional)?.let { builder.reasons(*it.toTypedArray()) }
        from.take("payout_id", Text.optional)?.let(builder::payoutId)
        from.take("attempts", AttemptForm.list.optional)?.let { builder.attempts(*it.toTypedArray()) }
        from.take("concerns", ConcernForm.optional)?.let(builder::concerns)
        from.take("retry_after", Span.optional)?.let { builder.retryAfter(it) }
        from.take("payout", PayoutForm.optional)?.let(builder::payout)
        from.take("cause", optional)?.let(builder::cause)
        return builder.build()
    }
}
