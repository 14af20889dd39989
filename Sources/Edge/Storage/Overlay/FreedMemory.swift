import CMalloc

/// What this process does with memory that is free again.
enum FreedMemory {
    /// Keeps up to 256 MB of it for the blocks to come. glibc would give much of a block's or a layer's memory
    /// back to the kernel, which clears each page before the next block has it. Other libraries are left as
    /// they are.
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
