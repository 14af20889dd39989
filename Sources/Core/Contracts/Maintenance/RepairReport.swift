import Billing
import Codec
import Ledger

/// Why work rests.
package enum HoldReason: String, Codable, Hashable, Sendable, CaseIterable {
    /// The customer does not let the maintainer to the machine.
    case customerAccess
    /// Only the customer can say so.
    case customerApprovedDelay
    case forceMajeure
    /// The maintainer's own: the clocks go on, and work that resumes is another visit.
    case spareParts, personnel, tools

    /// The three for which response and resolution stop.
    package var pausesClocks: Bool {
        switch self {
        case .customerAccess, .customerApprovedDelay, .forceMajeure: true
        case .spareParts, .personnel, .tools: false
        }
    }
}

/// How a machine fails: codes of ISO 14224:2016, annex B.2.6.
package enum FailureMode: String, Codable, Hashable, Sendable, CaseIterable {
    case abnormalReading = "AIR"
    case breakdown = "BRD"
    case delayedOperation = "DOP"
    case externalLeakageProcess = "ELP"
    case externalLeakageUtility = "ELU"
    case erraticOutput = "ERO"
    case failsToClose = "FTC"
    case failsToFunction = "FTF"
    case failsToOpen = "FTO"
    case failsToRegulate = "FTR"
    case failsToStart = "FTS"
    case highOutput = "HIO"
    case insufficientHeatTransfer = "IHT"
    case internalLeakage = "INL"
    case leakageClosed = "LCP"
    case lowOutput = "LOO"
    case noise = "NOI"
    case noOutput = "NOO"
    case overheating = "OHE"
    case other = "OTH"
    case parameterDeviation = "PDE"
    case plugged = "PLU"
    case powerTransmission = "PTF"
    case minorInService = "SER"
    case spuriousOperation = "SPO"
    case structuralDeficiency = "STD"
    case failsToStop = "STP"
    case unknown = "UNK"
    case spuriousStop = "UST"
    case vibration = "VIB"
}

/// What the maintainer found and did (ISO 14224:2016, annexes B.2.2 to B.2.6 and table 4).
package struct RepairReport: Codable, Hashable, Sendable {
    package enum Mechanism: String, Codable, Hashable, Sendable, CaseIterable {
        case mechanical, material, instrument, electrical, externalInfluence, miscellaneous
    }

    package enum Cause: String, Codable, Hashable, Sendable, CaseIterable {
        case design, fabrication, operation, management, miscellaneous
    }

    package enum Detection: String, Codable, Hashable, Sendable, CaseIterable {
        case periodicMaintenance, functionalTesting, inspection, periodicConditionMonitoring
        case continuousConditionMonitoring, pressureTesting, productionInterference, casualObservation
        case correctiveMaintenance, onDemand, other
    }

    package enum Activity: String, Codable, Hashable, Sendable, CaseIterable {
        case replace, repair, modify, adjust, refit, check, service, test, inspection, overhaul, combination
        case other
    }

    package struct Part: Codable, Hashable, Sendable {
        /// 1 to 100 bytes.
        package var number: String
        /// 1 to 1 000 000.
        package var quantity: Int64

        package init(number: String, quantity: Int64) { (self.number, self.quantity) = (number, quantity) }
    }

    package var failureMode: FailureMode
    package var mechanism: Mechanism
    package var cause: Cause
    package var detection: Detection
    package var activity: Activity
    /// At most 64.
    package var parts: [Part]
    /// 0 to 366 days.
    package var downtimeMilliseconds: Int64
    /// What the work costs: the fixed price, or up to the rate's not-to-exceed.
    package var amount: MinorUnits
    /// At most 32, such as the service report with its pictures.
    package var documents: [DocumentReference]

    package init(
        failureMode: FailureMode, mechanism: Mechanism, cause: Cause, detection: Detection,
        activity: Activity, parts: [Part] = [], downtimeMilliseconds: Int64, amount: MinorUnits,
        documents: [DocumentReference] = []
    ) {
        (self.failureMode, self.mechanism, self.cause) = (failureMode, mechanism, cause)
        (self.detection, self.activity, self.parts) = (detection, activity, parts)
        (self.downtimeMilliseconds, self.amount) = (downtimeMilliseconds, amount)
        self.documents = documents
    }
}
