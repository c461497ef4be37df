import Foundation

/// A moment as microseconds since 1970. One that is too far away becomes the last or the first there is, which the core
/// refuses.
func micros(_ moment: Date) -> Int64 {
    let micros = (moment.timeIntervalSince1970 * 1_000_000).rounded()
    return Int64(exactly: micros) ?? (micros > 0 ? .max : .min)
}

/// Seconds as microseconds. What is no time span becomes -1, which the core refuses by the name of its field.
func micros(_ seconds: TimeInterval) -> Int64 {
    guard seconds >= 0, seconds.isFinite else { return -1 }
    return Int64(exactly: (seconds * 1_000_000).rounded()) ?? .max
}
