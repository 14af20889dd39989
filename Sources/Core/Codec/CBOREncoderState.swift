/// The bytes written so far, and the containers that are open.
///
/// It lives on the stack of `CBOR.encode`; encoders hold a pointer to it. Containers are written behind one
/// byte kept for their head; when one closes, its pairs are sorted where they stand.
struct CBOREncoderState: ~Copyable {
    enum Kind: UInt8 {
        case map, array
        /// The values of an enumeration's case, as far as one can know: a map until its first key is `_0`.
        case payload
        /// One unlabelled value: the container itself has no bytes.
        case transparent
    }

    struct Frame {
        var kind: Kind
        /// Which container or encoder this frame belongs to.
        var owner: UInt32
        var start: Int
        var count: Int
        var firstPair: Int
    }

    struct Pair {
        /// The key's first eight bytes as a number, zeros behind a shorter key: mostly enough to sort.
        var prefix: UInt64
        var start: Int
        var keyEnd: Int
        var end: Int
    }

    private var memory = UnsafeMutableRawPointer.allocate(byteCount: 1024, alignment: 8)
    private(set) var count = 0
    private var capacity = 1024
    private var scratch = UnsafeMutableRawPointer.allocate(byteCount: 512, alignment: 8)
    private var scratchCapacity = 512
    private var pairs = UnsafeMutablePointer<Pair>.allocate(capacity: 64)
    private var pairCount = 0
    private var pairCapacity = 64
    /// One more than `maximumDepth` containers with bytes, and as many without: none of those directly in
    /// another.
    private static let maximumFrames = 2 * CBORReader.maximumDepth + 4
    private let frames = UnsafeMutablePointer<Frame>.allocate(capacity: maximumFrames)
    private(set) var frameCount = 0
    /// The open containers that have bytes.
    private var depth = 0
    private var lastOwner: UInt32 = 0
    /// The owner of what could not be begun: everything written there is refused.
    static let nobody = UInt32.max
    /// The encoder that owes an item at the end of the bytes, or 0.
    private(set) var pending: UInt32 = 0
    /// The first error where the Codable protocols leave no way to throw.
    var failure: CodecError?
    /// The type that is encoding itself.
    var currentType: any Any.Type = Never.self

    deinit {
        memory.deallocate()
        scratch.deallocate()
        pairs.deallocate()
        frames.deallocate()
    }

    var bytes: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: memory, count: count)) }

    // MARK: Items

    /// Makes room, with eight bytes to spare.
    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if capacity - count < more + 8 { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more + 8)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        larger.copyMemory(from: memory, byteCount: count)
        memory.deallocate()
        memory = larger
    }

    @inline(__always)
    mutating func head(_ major: UInt8, _ value: UInt64) {
        reserve(9)
        count += CBORHead.write(major, value, to: memory + count)
    }

    @inline(__always)
    mutating func integer<T: FixedWidthInteger>(_ value: T) {
        if T.isSigned && value < 0 {
            head(1, UInt64(truncatingIfNeeded: ~value))
        } else {
            head(0, UInt64(truncatingIfNeeded: value))
        }
    }

    @inline(__always)
    mutating func string(_ major: UInt8, _ contents: UnsafeRawBufferPointer) {
        head(major, UInt64(contents.count))
        reserve(contents.count)
        if let base = contents.baseAddress {
            (memory + count).copyMemory(from: base, byteCount: contents.count)
        }
        count += contents.count
    }

    @inline(__always)
    mutating func text(_ value: String) {
        var value = value
        // A closure cannot borrow `self` while it is being changed: a copy of the pointer's target can.
        withUnsafeMutablePointer(to: &self) { state in
            value.withUTF8 { state.pointee.string(3, UnsafeRawBufferPointer($0)) }
        }
    }

    mutating func digest(_ value: Digest) {
        head(2, UInt64(Digest.count))
        reserve(Digest.count)
        value.write(to: UnsafeMutableRawBufferPointer(start: memory + count, count: Digest.count))
        count += Digest.count
    }

    /// Writes a byte that is a whole item: false, true, null, the empty map.
    @inline(__always)
    mutating func byte(_ value: UInt8) {
        reserve(1)
        memory.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    // MARK: Who writes next

    /// A fresh owner, which owes an item from now.
    mutating func expectItem() -> UInt32 {
        lastOwner &+= 1
        pending = lastOwner
        return lastOwner
    }

    /// Takes the debt off an encoder.
    /// - Throws: `cbor.unsupported` where it has written already, or lost its turn.
    @inline(__always)
    mutating func beginItem(owner: UInt32) throws(CodecError) {
        guard pending == owner else {
            throw CodecError(.unsupported, at: count, "a second value, or one too late")
        }
        pending = 0
    }

    /// Writes the empty map for an encoder that was given out and not used.
    @inline(__always)
    mutating func settle() {
        if pending != 0 {
            pending = 0
            byte(0xa0)
        }
    }

    /// Makes a container the innermost one.
    @inline(__always)
    private mutating func resume(_ index: Int, owner: UInt32) throws(CodecError) {
        guard index < frameCount, frames[index].owner == owner else {
            throw CodecError(.unsupported, at: count, "a nested container was written to after its parent")
        }
        settle()
        closeFrames(downTo: index + 1)
    }

    @inline(__always)
    private func checkDepth() throws(CodecError) {
        guard depth < CBORReader.maximumDepth else { throw CodecError(.tooDeep, at: count) }
    }

    /// Begins an array's next item.
    mutating func beginItem(in index: Int, owner: UInt32) throws(CodecError) {
        try resume(index, owner: owner)
        try checkDepth()
        frames[index].count += 1
    }

    /// How many items an array has so far.
    func itemCount(in index: Int, owner: UInt32) -> Int {
        index < frameCount && frames[index].owner == owner ? frames[index].count : 0
    }

    /// Whether a key stands for a case's unlabelled value.
    func isUnlabelled(_ key: some CodingKey, in index: Int, owner: UInt32) -> Bool {
        index < frameCount && frames[index].owner == owner && frames[index].kind == .payload
            && key.stringValue == CBOR.unlabelledKey
    }

    /// Writes a key. Its value comes next.
    @inline(__always)
    mutating func beginItem(_ key: some CodingKey, in index: Int, owner: UInt32) throws(CodecError) {
        try resume(index, owner: owner)
        let name = key.stringValue
        if frames[index].kind != .map, try beginPayload(name, in: index) { return }
        try checkDepth()
        let start = count
        text(name)
        // The eight bytes to spare, so that a short key is followed by zeros.
        memory.storeBytes(of: 0, toByteOffset: count, as: UInt64.self)
        let prefix = UInt64(bigEndian: memory.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        if pairCount == pairCapacity { growPairs() }
        (pairs + pairCount).initialize(to: Pair(prefix: prefix, start: start, keyEnd: count, end: 0))
        pairCount += 1
        frames[index].count += 1
    }

    /// Whether the key is a case's unlabelled value, which then takes the container's place.
    private mutating func beginPayload(_ name: String, in index: Int) throws(CodecError) -> Bool {
        guard frames[index].kind == .payload else {
            throw CodecError(.unsupported, at: count, "a case with several values, not all of them labelled")
        }
        guard name == CBOR.unlabelledKey else { return false }
        guard frames[index].count == 0 else {
            throw CodecError(.unsupported, at: count, "a case with several values, not all of them labelled")
        }
        frames[index].kind = .transparent
        count = frames[index].start
        depth -= 1
        return true
    }

    private mutating func growPairs() {
        let larger = UnsafeMutablePointer<Pair>.allocate(capacity: pairCapacity * 2)
        larger.moveInitialize(from: pairs, count: pairCount)
        pairs.deallocate()
        pairs = larger
        pairCapacity *= 2
    }

    // MARK: Containers

    /// Opens a container for an encoder, or finds the one that it has opened before.
    mutating func open(_ kind: Kind, at index: Int, owner: UInt32) {
        if pending == owner {
            pending = 0
            push(kind, owner: owner)
        } else if index >= frameCount || frames[index].owner != owner || frames[index].kind != kind {
            failure =
                failure
                ?? CodecError(.unsupported, at: count, "two containers of different kinds, or one too late")
        }
    }

    /// Opens a container inside another, and gives its owner.
    mutating func open(_ kind: Kind) -> UInt32 {
        lastOwner &+= 1
        push(kind, owner: lastOwner)
        return lastOwner
    }

    private mutating func push(_ kind: Kind, owner: UInt32) {
        precondition(frameCount < CBOREncoderState.maximumFrames)
        (frames + frameCount).initialize(
            to: Frame(kind: kind, owner: owner, start: count, count: 0, firstPair: pairCount))
        frameCount += 1
        depth += 1
        byte(0)
    }

    @inline(__always)
    mutating func closeFrames(downTo remaining: Int) {
        while frameCount > remaining { close() }
    }

    private mutating func close() {
        frameCount -= 1
        let frame = frames[frameCount]
        switch frame.kind {
        case .transparent: return
        case .array: writeHead(4, of: frame)
        case .map, .payload:
            sortPairs(of: frame)
            writeHead(5, of: frame)
        }
        depth -= 1
    }

    /// Writes the head into the byte kept for it, moving the contents where it needs more.
    private mutating func writeHead(_ major: UInt8, of frame: Frame) {
        if frame.count < 24 {
            memory.storeBytes(
                of: major << 5 | UInt8(truncatingIfNeeded: frame.count), toByteOffset: frame.start,
                as: UInt8.self)
            return
        }
        withUnsafeTemporaryAllocation(byteCount: 9, alignment: 1) { head in
            let size = CBORHead.write(major, UInt64(frame.count), to: head.baseAddress!)
            reserve(size)
            let contents = memory + frame.start + 1
            (contents + (size - 1)).copyMemory(from: contents, byteCount: count - frame.start - 1)
            (memory + frame.start).copyMemory(from: head.baseAddress!, byteCount: size)
            count += size - 1
        }
    }

    private mutating func sortPairs(of frame: Frame) {
        let own = UnsafeMutableBufferPointer(start: pairs + frame.firstPair, count: frame.count)
        pairCount = frame.firstPair
        guard frame.count > 1 else { return }
        for index in 1..<own.count { own[index - 1].end = own[index].start }
        own[own.count - 1].end = count
        let memory = UnsafeRawPointer(memory)
        let isSorted = CBOREncoderState.sort(own, in: memory)
        for index in 1..<own.count
        where CBOREncoderState.order(own[index - 1], own[index], in: memory) == 0 {
            failure = failure ?? CodecError(.duplicateKey, at: own[index].start)
        }
        if isSorted { return }
        let first = frame.start + 1
        let size = count - first
        if size > scratchCapacity {
            scratch.deallocate()
            scratchCapacity = size * 2
            scratch = .allocate(byteCount: scratchCapacity, alignment: 8)
        }
        var position = 0
        for pair in own {
            (scratch + position).copyMemory(from: memory + pair.start, byteCount: pair.end - pair.start)
            position += pair.end - pair.start
        }
        (self.memory + first).copyMemory(from: scratch, byteCount: size)
    }

    /// Sorts, and tells whether there was nothing to do.
    private static func sort(_ pairs: UnsafeMutableBufferPointer<Pair>, in memory: UnsafeRawPointer) -> Bool {
        var pairs = pairs
        var isSorted = true
        guard pairs.count <= 32 else {
            for index in 1..<pairs.count where order(pairs[index - 1], pairs[index], in: memory) > 0 {
                isSorted = false
                break
            }
            if !isSorted { pairs.sort { order($0, $1, in: memory) < 0 } }
            return isSorted
        }
        for index in 1..<pairs.count {
            let pair = pairs[index]
            var place = index
            while place > 0, order(pairs[place - 1], pair, in: memory) > 0 {
                pairs[place] = pairs[place - 1]
                place -= 1
            }
            if place != index {
                pairs[place] = pair
                isSorted = false
            }
        }
        return isSorted
    }

    @inline(__always)
    private static func order(_ left: Pair, _ right: Pair, in memory: UnsafeRawPointer) -> Int {
        if left.prefix != right.prefix { return left.prefix < right.prefix ? -1 : 1 }
        return RawBytes.compare(
            UnsafeRawBufferPointer(start: memory + left.start, count: left.keyEnd - left.start),
            UnsafeRawBufferPointer(start: memory + right.start, count: right.keyEnd - right.start))
    }
}
