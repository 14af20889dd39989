import Foundation

/// Signals as a stream, in the place of what the system does with them.
final class Signals {
    let stream: AsyncStream<Int32>
    /// Ends the stream, from any thread.
    let finish: @Sendable () -> Void
    private let sources: [any DispatchSourceSignal]

    init(_ numbers: [Int32]) {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        (self.stream, finish) = (stream, { continuation.finish() })
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }

    func end() { for source in sources { source.cancel() } }
}
