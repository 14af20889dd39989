import Cryptography
import Foundation
import Synchronization

/// The computer under the benchmark: its clocks, its memory, and its own limits.
enum Machine {
    static let cores = ProcessInfo.processInfo.activeProcessorCount

    /// Seconds on a clock that only rises.
    static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

    /// Processor seconds that this process has used, all threads, with the kernel's part.
    static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Memory in use now, in bytes; on macOS the most ever used.
    static var residentBytes: Int {
        #if os(Linux)
            let statm = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            let pages = statm?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            return (pages ?? 0) * sysconf(Int32(_SC_PAGESIZE))
        #else
            var usage = rusage()
            getrusage(RUSAGE_SELF, &usage)
            return Int(usage.ru_maxrss)
        #endif
    }

    /// What the machine can verify: signatures a second with all cores, and processor seconds of one.
    struct Limit {
        let rate: Double
        let processorTime: Double
    }

    /// Ed25519 verifications a second with one thread a core, each over 400 bytes, as long as a transaction.
    static func verificationLimit(seconds: Double) -> Limit {
        let message = [UInt8](repeating: 0x5a, count: 400)
        let pairs = (0..<64).map { _ in Ed25519.SigningKey.generate() }.map {
            (key: $0.publicKey.bytes, signature: $0.sign(message))
        }
        let total = Atomic(0)
        let (start, used) = (now, processorTime)
        DispatchQueue.concurrentPerform(iterations: cores) { _ in
            var count = 0
            while now - start < seconds {
                for pair in pairs {
                    precondition(
                        Ed25519.verify(publicKey: pair.key, signature: pair.signature, message: message))
                }
                count += pairs.count
            }
            total.add(count, ordering: .relaxed)
        }
        let count = Double(total.load(ordering: .relaxed))
        return Limit(rate: count / (now - start), processorTime: (processorTime - used) / count)
    }

    /// Seconds of a 4 KB write and its synchronisation, the median of several.
    static func synchronisationTime(in folder: URL, repetitions: Int) throws -> Double {
        let path = folder.appendingPathComponent("synchronisation").path
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        guard file >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer {
            close(file)
            unlink(path)
        }
        let page = [UInt8](repeating: 1, count: 4096)
        var times: [Double] = []
        for _ in 0..<repetitions {
            let start = now
            guard write(file, page, page.count) == page.count, synchronise(file) == 0 else {
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
            times.append(now - start)
        }
        return times.quantile(0.5)
    }

    private static func synchronise(_ file: Int32) -> Int32 {
        #if os(Linux)
            fdatasync(file)
        #else
            fcntl(file, F_FULLFSYNC)
        #endif
    }
}

extension [Double] {
    /// The value below which this part of the values lies; 0 of none.
    func quantile(_ part: Double) -> Double {
        isEmpty ? 0 : sorted()[Swift.min(count - 1, Int(part * Double(count)))]
    }
}
