/// What the contracts call their actions, in the order of the reference's pages: what scopes are made of.
///
/// For those who read and write scopes; the rules take any two words, so that a delegation may name what a
/// later version of the contracts brings.
package enum ActionNames {
    package static let all: [(contract: String, actions: [String])] = [
        (
            ConsortiumContract.name,
            [
                "invite", "join", "propose", "vote", "admit", "suspend", "reinstate", "remove",
                "updateProfile", "rotateKeys", "delegateKey", "revokeKey", "accredit", "revokeAccreditation",
                "setNode", "rotateVotingKey", "reportEvidence",
            ]
        ),
        (
            MachineContract.name,
            [
                "register", "accept", "start", "stop", "reset", "proposeTermination", "acceptTermination",
                "declineTermination", "replaceDevice", "acceptDevice", "relocate", "setStandingOrder",
            ]
        ),
        (TelemetryContract.name, ["anchor", "declareGap", "contest", "withdrawContest"]),
        (
            AgreementContract.name,
            [
                "propose", "accept", "amend", "withdraw", "classify", "concludeClassification",
                "issueInvoice", "approve", "dispute", "rule", "creditNote", "markPaid", "confirmPayment",
            ]
        ),
        (
            MaintenanceContract.name,
            [
                "open", "report", "bid", "reveal", "withdrawBid", "award", "startWork", "hold", "resume",
                "complete", "verify", "close", "rework", "reject", "cancel", "markPaid", "confirmPayment",
            ]
        ),
    ]
}
