/** Payouts through the KomoPay platform. What may be null says so; nothing else is. */
@NullMarked
package id.komopay;

import org.jspecify.annotations.NullMarked;
