import CMalloc

/// What this process does with memory that is free again.
enum FreedMemory {
    /// Keeps it for the blocks to come: of each of glibc's arenas 256 MB at its end. glibc would give much of
    /// a block's or a layer's memory back to the kernel, which clears each page before the next block has
    /// it. Where that is refused, and in other libraries, it stays as it was.
    static func keep() { _ = isKept }

    /// Set once in a process.
    private static let isKept: Bool = {
        #if canImport(Glibc)
            mallopt(M_MMAP_THRESHOLD, 32 << 20) == 1 && mallopt(M_TRIM_THRESHOLD, 256 << 20) == 1
        #else
            false
        #endif
    }()
}
