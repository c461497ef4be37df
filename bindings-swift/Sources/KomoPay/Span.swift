import Foundation

/// Seconds as microseconds. What is no time span becomes -1, which the core refuses by the name of its field.
func micros(_ seconds: TimeInterval) -> Int64 {
    guard seconds >= 0, seconds.isFinite else { return -1 }
    return Int64(exactly: (seconds * 1_000_000).rounded()) ?? .max
}
