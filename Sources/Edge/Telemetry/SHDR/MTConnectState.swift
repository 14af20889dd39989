import Billing

/// MTConnect Execution, as far as a machine's state needs it.
enum MTConnectExecution: Hashable {
    case unavailable
    /// Out of service while a fault is active, else waiting.
    case stopped
    case state(MachineState)

    /// - Parameter field: the controlled vocabulary of MTConnect Part 2, `EXECUTION`, in upper case.
    init?(_ field: Field, own words: [String: MachineState]) {
        if let state = words[field.text] {
            self = .state(state)
            return
        }
        switch field.text {
        case "ACTIVE": self = .state(.executing)
        case "READY", "INTERRUPTED", "FEED_HOLD", "WAIT", "OPTIONAL_STOP", "PROGRAM_STOPPED",
            "PROGRAM_OPTIONAL_STOP", "PROGRAM_COMPLETED":
            self = .state(.notExecuting)
        case "STOPPED": self = .stopped
        case "UNAVAILABLE": self = .unavailable
        default: return nil
        }
    }
}

/// What the machine's controller last said, and the state that follows.
struct MTConnectState {
    private struct Fault: Hashable {
        let key: String
        let nativeCode: String
    }

    /// Faults that can be active at once; an adapter that names more is broken.
    static let maximumFaults = 256

    var isAvailable: Bool?
    var hasPower: Bool?
    var execution: MTConnectExecution?
    private var faults: Set<Fault> = []

    /// No data is Unknown, never down by itself; without power the machine is off.
    var state: MachineState? {
        if isAvailable == false { return .unknown }
        if hasPower == false { return .notAvailable }
        switch execution {
        case nil: return nil
        case .unavailable: return .unknown
        case .stopped: return faults.isEmpty ? .notExecuting : .outOfService
        case .state(let state): return state
        }
    }

    /// Whether the fault is active.
    func holds(_ key: String, nativeCode: String) -> Bool {
        faults.contains(Fault(key: key, nativeCode: nativeCode))
    }

    /// Whether the fault is active or there is room for it.
    func canHold(_ key: String, nativeCode: String) -> Bool {
        faults.count < Self.maximumFaults || holds(key, nativeCode: nativeCode)
    }

    /// Whether a fault begins with the condition. A code's level replaces its earlier one; NORMAL without a
    /// code, or UNAVAILABLE, ends all of the key's.
    mutating func apply(key: String, _ level: ConditionLevel, nativeCode: String) -> Bool {
        switch level {
        case .fault: return faults.insert(Fault(key: key, nativeCode: nativeCode)).inserted
        case .normal, .warning, .unavailable:
            if level == .unavailable || (level == .normal && nativeCode.isEmpty) {
                faults = faults.filter { $0.key != key }
            } else {
                faults.remove(Fault(key: key, nativeCode: nativeCode))
            }
            return false
        }
    }
}
