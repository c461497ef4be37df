package id.komopay.spring;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/**
 * Tells at the start of the application which property to change, without a stack trace. In Java, since Spring makes a
 * Kotlin class that it finds by its name only where kotlin-reflect is.
 */
class UnusablePropertyAnalyzer extends AbstractFailureAnalyzer<UnusableProperty> {
    @Override
    protected FailureAnalysis analyze(Throwable failure, UnusableProperty cause) {
        return new FailureAnalysis(
            "The property " + cause.getName() + " cannot be used: " + cause.getWhy(),
            "Change " + cause.getName() + ". What it may be is told by docs/callbacks-jvm.md of the KomoPay SDK.",
            failure);
    }
}
