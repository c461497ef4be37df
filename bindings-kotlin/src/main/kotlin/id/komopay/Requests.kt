@file:JvmName("Requests")

package id.komopay

/**
 * Checks every limit of the contract, and the rules of single currencies. A create does this too, unless the client's
 * `validate` is false. The first field that cannot be sent is named by an [InvalidRequestException].
 *
 * ```
 * request.validate()
 * ```
 */
@Throws(InvalidRequestException::class)
public fun PayoutRequest.validate(): Unit = native { id.komopay.ffi.validate(this) }

/**
 * A keyed, canonical digest of the whole request, payee included, in hex digits. Keep it beside the id: the payee is the
 * one thing that the platform does not repeat. The same in every language and version.
 *
 * A key that is too short is a [ConfigurationException].
 *
 * ```
 * val digest = request.fingerprint("a key of my own, kept like a password".toByteArray())
 * ```
 */
@Throws(ConfigurationException::class)
public fun PayoutRequest.fingerprint(key: ByteArray): String = native { id.komopay.ffi.fingerprint(this, key) }
