// The runner of the conformance suite for Swift: see tests/vectors/README.md. It makes calls of what it is told, and
// JSON of what comes back. It compares nothing and decides nothing.

import Foundation
import KomoPay

// The conductor looks for canaries in the log, too.
setLogger(upTo: .trace) { record in FileHandle.standardError.write(Data("\(record.level) \(record.text)\n".utf8)) }
let runner = Runner()
while let line = readLine() {
    let answer = await runner.answer(Data(line.utf8))
    FileHandle.standardOutput.write(Data((answer + "\n").utf8))
}
