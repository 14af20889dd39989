import Foundation
import Ledger

/// A clock that never goes back and that nobody sets: for waits, never for the ledger.
enum MonotonicClock {
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
