#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Time that never jumps, for deadlines.
enum MonotonicClock {
    /// Milliseconds since some moment before the process began.
    static var milliseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int(time.tv_sec) * 1_000 + Int(time.tv_nsec) / 1_000_000
    }
}
