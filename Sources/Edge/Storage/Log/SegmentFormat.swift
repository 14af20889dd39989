import Codec

/// The head of a segment file, 68 bytes, integers big-endian:
/// `"MWLG" ‖ version u32 ‖ chain id 32 ‖ number u64 ‖ first height u64 ‖ salt u64 ‖ CRC-32C u32 of the 64
/// before`.
///
/// The random salt enters the checksum of every record, so that no bytes inside a payload, which others may
/// choose, can pass for a record.
struct SegmentHeader: Hashable, Sendable {
    static let count = 68
    static let magic: [UInt8] = Array("MWLG".utf8)
    /// It rises with the form of version 1's rows too, which the records of blocks repeat.
    static let version: UInt32 = 2

    let chain: Digest
    let number: UInt64
    static let unknownHeight = UInt64.max
    /// The height that was next when the segment was begun, or `unknownHeight` while no block had been seen.
    let firstHeight: UInt64
    let salt: UInt64

    /// What the checksums of the segment's records start from.
    var seed: UInt32 { CRC32C.extend(0, with: fields) }

    private var fields: [UInt8] {
        var bytes = SegmentHeader.magic
        bytes.appendBigEndian(SegmentHeader.version)
        bytes.append(contentsOf: chain.bytes)
        bytes.appendBigEndian(number)
        bytes.appendBigEndian(firstHeight)
        bytes.appendBigEndian(salt)
        return bytes
    }

    var encoded: [UInt8] {
        var bytes = fields
        bytes.appendBigEndian(seed)
        return bytes
    }

    init(chain: Digest, number: UInt64, firstHeight: UInt64, salt: UInt64) {
        (self.chain, self.number, self.firstHeight, self.salt) = (chain, number, firstHeight, salt)
    }

    /// - Throws: `storage.damaged` for a wrong checksum or number, `storage.unsupported_format` for
    ///   another magic or version.
    init(decoding bytes: [UInt8], number: UInt64, path: String) throws(StorageError) {
        guard bytes.count == SegmentHeader.count,
            CRC32C.extend(0, with: Array(bytes[..<64])) == bytes.bigEndian(at: 64, as: UInt32.self)
        else { throw .damaged(segment: number, offset: 0, height: 0) }
        guard bytes[..<4].elementsEqual(SegmentHeader.magic),
            bytes.bigEndian(at: 4, as: UInt32.self) == SegmentHeader.version,
            let chain = Digest(bytes[8..<40])
        else { throw .unsupportedFormat(path: path) }
        guard bytes.bigEndian(at: 40, as: UInt64.self) == number else {
            throw .damaged(segment: number, offset: 40, height: 0)
        }
        self.init(
            chain: chain, number: number, firstHeight: bytes.bigEndian(at: 48, as: UInt64.self),
            salt: bytes.bigEndian(at: 56, as: UInt64.self))
    }
}

/// The head of a record, 25 bytes, integers big-endian; the payload follows:
/// `payload length u32 ‖ back u32 ‖ height u64 ‖ kind u8 ‖ CRC-32C of the payload u32 ‖ CRC-32C u32`.
///
/// The last checksum covers the segment's header, the record's offset (u64) and the 21 bytes before it.
/// `back` is the distance to the first record written in the same call: a record of a later call proves
/// that this one was synchronised, which tells damage from a torn tail.
struct RecordFrame: Hashable, Sendable {
    static let count = 25

    let payloadCount: UInt32
    let back: UInt32
    let height: UInt64
    let kind: LogRecord.Kind
    let payloadChecksum: UInt32

    /// From this record's first byte to the next one's.
    var stride: Int { RecordFrame.count + Int(payloadCount) }

    init(_ record: LogRecord, back: Int) {
        payloadCount = UInt32(record.payload.count)
        self.back = UInt32(back)
        (height, kind) = (record.height, record.kind)
        payloadChecksum = CRC32C.extend(0, with: record.payload)
    }

    /// Appends the frame of a record that will lie at `offset`.
    func append(to bytes: inout [UInt8], at offset: Int, seed: UInt32) {
        let start = bytes.count
        bytes.appendBigEndian(payloadCount)
        bytes.appendBigEndian(back)
        bytes.appendBigEndian(height)
        bytes.append(kind.rawValue)
        bytes.appendBigEndian(payloadChecksum)
        let checksum = bytes.withUnsafeBytes {
            RecordFrame.checksum(UnsafeRawBufferPointer(rebasing: $0[start...]), at: offset, seed: seed)
        }
        bytes.appendBigEndian(checksum)
    }

    /// The frame in the buffer's first 25 bytes, or nil where it is not whole.
    init?(reading buffer: UnsafeRawBufferPointer, at offset: Int, seed: UInt32) {
        guard buffer.count >= RecordFrame.count else { return nil }
        payloadCount = buffer.bigEndian(at: 0, as: UInt32.self)
        back = buffer.bigEndian(at: 4, as: UInt32.self)
        height = buffer.bigEndian(at: 8, as: UInt64.self)
        kind = LogRecord.Kind(rawValue: buffer[16])
        payloadChecksum = buffer.bigEndian(at: 17, as: UInt32.self)
        guard payloadCount > 0, Int(back) <= offset - SegmentHeader.count else { return nil }
        let fields = UnsafeRawBufferPointer(rebasing: buffer[..<21])
        guard
            RecordFrame.checksum(fields, at: offset, seed: seed) == buffer.bigEndian(at: 21, as: UInt32.self)
        else { return nil }
    }

    private static func checksum(_ fields: UnsafeRawBufferPointer, at offset: Int, seed: UInt32) -> UInt32 {
        let position = withUnsafeBytes(of: UInt64(offset).bigEndian) { CRC32C.extend(seed, with: $0) }
        return CRC32C.extend(position, with: fields)
    }
}

extension UnsafeRawBufferPointer {
    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
        withUnsafeBytes { $0.bigEndian(at: offset, as: type) }
    }
}
