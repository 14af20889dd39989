/// What can go wrong with the disk, told with a stable code and the cause for the operator's log.
package enum StorageError: Error, Hashable, Sendable {
    /// A system call failed.
    case system(call: String, path: String, errno: Int32)
    /// No room is left. What was acknowledged is still there; open again once there is room.
    case diskFull(call: String, path: String)
    /// An earlier write or synchronisation failed: what the disk holds is unknown until the log is opened
    /// again.
    case failed(cause: String)
    /// Another process has the folder open.
    case locked(path: String, pid: Int32?)
    /// Bytes that had been acknowledged are not what was written. The height is the one that is affected
    /// first.
    case damaged(segment: UInt64, offset: Int, height: UInt64)
    /// A file of the log is gone.
    case missingSegment(UInt64)
    /// The log ends before the state that was made from it.
    case logBehindState(lastHeight: UInt64?, stateHeight: UInt64)
    case unsupportedFormat(path: String)
    /// The folder holds another ledger.
    case wrongChain(path: String)
    /// A block that does not follow the log's last one, nor replaces one that the log holds.
    case outOfOrder(height: UInt64, next: UInt64)
    /// The log begins above the state: blocks between the two are gone.
    case logAboveState(firstHeight: UInt64, stateHeight: UInt64?)
    /// Blocks that the state does not hold yet may not be pruned.
    case pruneTooHigh(height: UInt64, stateHeight: UInt64?)
    /// A folder that must be empty is not.
    case notEmpty(path: String)
    /// A backup or an import of a snapshot into the folder has not ended.
    case incomplete(path: String)
    /// A record over the log's limit, or without bytes.
    case recordSize(count: Int, limit: Int)
    /// A row's key that is empty or over the limit.
    case keySize(count: Int, limit: Int)
    /// LMDB refused; the message is its own.
    case lmdb(call: String, code: Int32, message: String)

    /// Stable code.
    package var code: String {
        switch self {
        case .system: "storage.system"
        case .diskFull: "storage.disk_full"
        case .failed: "storage.failed"
        case .locked: "storage.locked"
        case .damaged: "storage.damaged"
        case .missingSegment: "storage.missing_segment"
        case .logBehindState: "storage.log_behind_state"
        case .unsupportedFormat: "storage.unsupported_format"
        case .wrongChain: "storage.wrong_chain"
        case .outOfOrder: "storage.out_of_order"
        case .logAboveState: "storage.log_above_state"
        case .pruneTooHigh: "storage.prune_too_high"
        case .notEmpty: "storage.not_empty"
        case .incomplete: "storage.incomplete"
        case .recordSize: "storage.record_size"
        case .keySize: "storage.key_size"
        case .lmdb: "storage.lmdb"
        }
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String { "\(code): \(detail)" }

    private var detail: String {
        switch self {
        case .system(let call, let path, let errno): "\(call) \(path): \(systemMessage(errno))"
        case .diskFull(let call, let path): "\(call) \(path): no space left"
        case .failed(let cause): "closed for writing until opened again, after \(cause)"
        case .locked(let path, let pid):
            "\(path) is in use" + (pid.map { " by process \($0)" } ?? " by another process")
        case .damaged(let segment, let offset, let height):
            "segment \(segment) is damaged at byte \(offset), from height \(height)"
        case .missingSegment(let number): "segment \(number) is missing"
        case .logBehindState(let last, let state):
            "the log ends at \(last.map { "\($0)" } ?? "nothing"), the state is at \(state)"
        case .unsupportedFormat(let path): "\(path) is not of a format that this version reads"
        case .wrongChain(let path): "\(path) belongs to another ledger"
        case .outOfOrder(let height, let next): "block \(height) where \(next) was next"
        case .logAboveState(let first, let state):
            "the log begins at \(first), the state is at \(state.map { "\($0)" } ?? "nothing")"
        case .pruneTooHigh(let height, let state):
            "blocks below \(height) where the state is at \(state.map { "\($0)" } ?? "nothing")"
        case .notEmpty(let path): "\(path) is not empty"
        case .incomplete(let path): "\(path) was not written to its end: remove it and begin again"
        case .recordSize(let count, let limit): "a record of \(count) bytes; 1 to \(limit) are allowed"
        case .keySize(let count, let limit): "a key of \(count) bytes; 1 to \(limit) are allowed"
        case .lmdb(let call, _, let message): "\(call): \(message)"
        }
    }
}
