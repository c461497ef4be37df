import Foundation
import KomoPay
import XCTest

#if os(Linux)
    final class ResourceTests: XCTestCase {
        func testTenThousandCallsDoNotMakeTheProcessGrow() async throws {
            let sandbox = try Sandbox()
            defer { sandbox.stop() }
            let client = try sandbox.client()
            try await call(client, 2_000)
            let before = try residentKiB()
            try await call(client, 10_000)
            let after = try residentKiB()
            print("10,000 calls: \(before) KiB before, \(after) KiB after")
            XCTAssertLessThan(after - before, 4 * 1024)
        }

        func testClientsThatAreDroppedLeaveNothingBehind() async throws {
            let sandbox = try Sandbox()
            defer { sandbox.stop() }
            for _ in 0..<50 { try await call(sandbox.client(), 1) }
            let (before, filesBefore) = (try residentKiB(), try openFiles())
            for _ in 0..<500 { try await call(sandbox.client(), 1) }
            let (after, files) = (try residentKiB(), try openFiles())
            print("500 clients: \(before) KiB and \(filesBefore) files before, \(after) KiB and \(files) files after")
            XCTAssertLessThan(after - before, 4 * 1024)
            XCTAssertLessThan(files - filesBefore, 50)
        }

        /// Sixteen at a time.
        private func call(_ client: Client, _ count: Int) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for started in 0..<count {
                    if started >= 16 { try await group.next() }
                    group.addTask { _ = try await client.currencies() }
                }
                try await group.waitForAll()
            }
        }

        private func residentKiB() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return try XCTUnwrap(Int(line.split(separator: " ")[1]))
        }

        private func openFiles() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        }
    }
#endif
