/// What rows add up to, in whatever order they come: many are compared without being kept or looked up.
///
/// Rows that are not the same have the same sum once in 2^64 times, or where somebody looks for such rows: it
/// is for what a disk or a program did to rows. No sum is stored, sent or executed with.
struct RowSum: Hashable {
    private var count: UInt64 = 0
    private var sum: UInt64 = 0

    mutating func add(_ key: RowKey, _ value: [UInt8]) {
        sum &+= RowSum.number(of: value, after: RowSum.number(of: key.bytes, after: 0))
        count &+= 1
    }

    private static func number(of bytes: [UInt8], after start: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            var number = mixed(start, UInt64(bytes.count))
            for depth in stride(from: 0, to: bytes.count, by: 8) {
                number = mixed(number, KeySorting.word(of: bytes, at: depth))
            }
            return number
        }
    }

    /// One number of two, by wyhash's product: each bit of either moves about half of its bits.
    private static func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ 0x2d35_8dcc_aa6c_78a5).multipliedFullWidth(by: right ^ 0x8bb8_4b93_962e_acc9)
        return product.high ^ product.low
    }
}
