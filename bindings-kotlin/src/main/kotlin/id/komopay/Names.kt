/* Short names, and what the library tells of itself. The values are generated from the Rust core. */
@file:JvmName("Komopay")

package id.komopay

import id.komopay.ffi.libraryVersion
import id.komopay.ffi.sandboxUrl

/** A transfer to a bank account. */
public typealias BankTransfer = PayoutMethod.BankTransfer

/** A transfer to a crypto wallet. */
public typealias CryptoTransfer = PayoutMethod.CryptoTransfer

/** A transfer to an electronic wallet. */
public typealias WalletTransfer = PayoutMethod.WalletTransfer

/** KomoPay's own sandbox host, with test data. The live host is given to each merchant. */
public val SANDBOX_URL: String
    @JvmName("sandboxUrl") get() = native { sandboxUrl() }

/** The version of this library. */
public val VERSION: String
    @JvmName("version") get() = native { libraryVersion() }
