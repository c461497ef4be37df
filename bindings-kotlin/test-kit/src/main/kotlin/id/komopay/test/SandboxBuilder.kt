package id.komopay.test

import java.math.BigDecimal
import java.time.Duration

/**
 * The settings of a [Sandbox] for Java.
 *
 * ```java
 * var sandbox = new SandboxBuilder().balance("IDR", new BigDecimal("50000")).start();
 * ```
 */
public class SandboxBuilder {
    private var processingTime = Duration.ZERO
    private var seed = 0L
    private var merchant = "SANDBOX_MERCHANT" to "sandbox-secret"
    private val balances = mutableMapOf<String, BigDecimal>()
    private val forgeToPorts = mutableListOf<Int>()
    private var callbackInterval = Duration.ofMinutes(2)
    private var callbackOnCreate = false
    private var deliverToAnyHost = false

    /** How long a payout stays PROCESSING. */
    public fun processingTime(value: Duration): SandboxBuilder = apply { processingTime = value }

    /** What everything random follows from. */
    public fun seed(value: Long): SandboxBuilder = apply { seed = value }

    /** The merchant code and the secret that it accepts. */
    public fun merchant(code: String, secret: String): SandboxBuilder = apply { merchant = code to secret }

    /** The balance in a currency, in place of what the sandbox has of it by itself. */
    public fun balance(currency: String, amount: BigDecimal): SandboxBuilder = apply { balances[currency] = amount }

    /** A port of this machine that [Sandbox.forgeCallback] may post to. */
    public fun forgeToPort(port: Int): SandboxBuilder = apply { forgeToPorts += port }

    /** How long after an attempt a callback is repeated that was not answered with 200. */
    public fun callbackInterval(value: Duration): SandboxBuilder = apply { callbackInterval = value }

    /** Whether there is a callback for the creation of a payout, too. */
    public fun callbackOnCreate(value: Boolean): SandboxBuilder = apply { callbackOnCreate = value }

    /** Whether callbacks go to other machines, too. */
    public fun deliverToAnyHost(value: Boolean): SandboxBuilder = apply { deliverToAnyHost = value }

    /** Starts a sandbox with these settings. */
    public fun start(): Sandbox = Sandbox(
        processingTime, seed, merchant.first, merchant.second, balances, forgeToPorts, callbackInterval,
        callbackOnCreate, deliverToAnyHost,
    )
}
