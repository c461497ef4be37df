/*
 * The values as programs name them. They are generated from the Rust core into `id.komopay.ffi`, which is also where the
 * open code lists are (`PayoutStatus`, `MethodCode`, `FailureCode`, `PaymentTypeCode`): an alias would not lead to their
 * entries. Java knows no aliases, and imports all of them from there.
 */
@file:JvmName("Komopay")

package id.komopay

import id.komopay.ffi.PayoutMethod
import id.komopay.ffi.libraryVersion
import id.komopay.ffi.sandboxUrl

/** The settings of a [Client]. What is left out has its default. */
public typealias Config = id.komopay.ffi.Config

/** Who the merchant is: see [merchant], [token] and [provider]. What it shows of itself holds no secret. */
public typealias Credentials = id.komopay.ffi.Credentials

/** Which tokens a client issues for itself. */
public typealias TokenScope = id.komopay.ffi.TokenScope

/** What an issued token shall allow: see [payout], [read] and [operations]. */
public typealias AccessScope = id.komopay.ffi.AccessScope

/** A payout to be made. */
public typealias PayoutRequest = id.komopay.ffi.PayoutRequest

/** A transfer to a bank account. */
public typealias BankTransfer = PayoutMethod.BankTransfer

/** A transfer to a crypto wallet. */
public typealias CryptoTransfer = PayoutMethod.CryptoTransfer

/** A transfer to an electronic wallet. */
public typealias WalletTransfer = PayoutMethod.WalletTransfer

/** A receiving bank account. */
public typealias BankAccount = id.komopay.ffi.BankAccount

/** A receiving crypto wallet. */
public typealias CryptoAccount = id.komopay.ffi.CryptoAccount

/** A receiving electronic wallet; it may be empty. */
public typealias WalletAccount = id.komopay.ffi.WalletAccount

/** The platform took the payout. This is not completion: follow it with [Client.waitForPayout]. */
public typealias PayoutAccepted = id.komopay.ffi.PayoutAccepted

/** A payout with its status. */
public typealias Payout = id.komopay.ffi.Payout

/** Why a payout failed or was refused. */
public typealias FailureReason = id.komopay.ffi.FailureReason

/** What the merchant has in one currency. */
public typealias Balance = id.komopay.ffi.Balance

/** A way to pay out some money now. */
public typealias PayoutOption = id.komopay.ffi.PayoutOption

/** An operator of a payout option. */
public typealias PayoutOperator = id.komopay.ffi.PayoutOperator

/** The range of a fee that the customer pays on top of the amount. */
public typealias CustomerFee = id.komopay.ffi.CustomerFee

/** A bank, wallet or blockchain. */
public typealias PaymentOperator = id.komopay.ffi.PaymentOperator

/** A combination of direction, method and currency, with its limits. */
public typealias PaymentOption = id.komopay.ffi.PaymentOption

/** An operator of a payment option. */
public typealias PaymentOptionOperator = id.komopay.ffi.PaymentOptionOperator

/** Which payment options to list. What is left out does not filter. */
public typealias PaymentOptionFilter = id.komopay.ffi.PaymentOptionFilter

/** How much one payment may be. */
public typealias AmountLimit = id.komopay.ffi.AmountLimit

/** The merchant, as it is shown to customers. */
public typealias MerchantInfo = id.komopay.ffi.MerchantInfo

/** The kinds of the error table, each with its exception: see [KomopayException]. */
public typealias ErrorKind = id.komopay.ffi.ErrorKind

/** Whom an error concerns. Its `code()` is the same in every language. */
public typealias Concern = id.komopay.ffi.Concern

/** One entry of a 406 answer. */
public typealias Reason = id.komopay.ffi.Reason

/** One request on the wire, as the history of an error tells it. */
public typealias Attempt = id.komopay.ffi.Attempt

/** KomoPay's own sandbox host, with test data. The live host is given to each merchant. */
public val SANDBOX_URL: String
    @JvmName("sandboxUrl") get() = native { sandboxUrl() }

/** The version of this library. */
public val VERSION: String
    @JvmName("version") get() = native { libraryVersion() }
