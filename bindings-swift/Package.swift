// swift-tools-version: 6.0
import PackageDescription

// `cargo xtask` generates KomoPay.swift and KomoPayFFI.h and builds a copy of this package with them, outside the
// checkout. For Apple's platforms the native half is an XCFramework.
let native: Target =
    if let framework = Context.environment["KOMOPAY_XCFRAMEWORK"] {
        .binaryTarget(name: "KomoPayFFI", path: framework)
    } else {
        .systemLibrary(name: "KomoPayFFI")
    }

let package = Package(
    name: "KomoPay",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "KomoPay", targets: ["KomoPay"])],
    targets: [
        native,
        .target(
            name: "KomoPay", dependencies: ["KomoPayFFI"],
            // In Swift 6 mode Swift 6.0 crashes over the generated code. xtask checks its types in that mode.
            swiftSettings: [.swiftLanguageMode(.v5)]),
        .executableTarget(name: "komopay-quickstart", dependencies: ["KomoPay"], path: "Examples/Quickstart"),
        .executableTarget(name: "komopay-conformance", dependencies: ["KomoPay"], path: "Conformance"),
        .executableTarget(name: "komopay-contestant", dependencies: ["KomoPay"], path: "Bench"),
        .testTarget(name: "KomoPayTests", dependencies: ["KomoPay"]),
    ]
)
