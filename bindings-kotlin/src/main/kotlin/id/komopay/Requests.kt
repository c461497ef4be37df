@file:JvmName("Requests")

package id.komopay

import id.komopay.ffi.NativeOperations

/**
 * Checks every limit of the contract, and the rules of single currencies. A create does this too, unless the client's
 * `validate` is false. The first field that cannot be sent is named by an [InvalidRequestException].
 *
 * ```
 * request.validate()
 * ```
 */
@Throws(InvalidRequestException::class)
public fun PayoutRequest.validate(): Unit = native { NativeOperations.validate(this) }

/**
 * A keyed, canonical digest of the whole request, payee included: 64 characters, `2:` and hex digits. Keep it beside
 * the id: the payee is the one thing that the platform does not repeat. The same in every language. The signature in
 * the callback URL does not count, nor its expiry. [matchesFingerprint] tells later whether a request is the same.
 *
 * A key that is too short is a [ConfigurationException].
 *
 * ```
 * val digest = request.fingerprint("a key of my own, kept like a password".toByteArray())
 * ```
 */
@Throws(ConfigurationException::class)
public fun PayoutRequest.fingerprint(key: ByteArray): String = native { NativeOperations.fingerprint(this, key) }

/**
 * Whether a stored fingerprint is this request's: one that [fingerprint] gives, or one of the form that it gave before
 * (64 hex digits), in which the signature in the callback URL counts. What has neither form is nobody's. It takes
 * equally long whatever the digits are.
 *
 * A key that is too short is a [ConfigurationException].
 *
 * ```
 * check(request.matchesFingerprint("a key of my own, kept like a password".toByteArray(), stored))
 * ```
 */
@Throws(ConfigurationException::class)
public fun PayoutRequest.matchesFingerprint(key: ByteArray, stored: String): Boolean =
    native { NativeOperations.matchesFingerprint(this, key, stored) }
