import Codec

/// What replicas tell each other. Any may be lost, repeated or come late; each is sent again while it
/// matters.
package enum ReplicaMessage: Hashable, Sendable {
    /// A vote.
    case vote(Attestation)
    /// A commit, and the log root that it signs without naming it.
    case commit(Attestation, logRoot: Digest)
    case suspicion(Suspicion)
    /// A stop, and the certificate that shows its lock (empty where that is genesis).
    case stop(Stop, lock: [Attestation])
    case proposal(EpochProposal)
    /// How far the sender is: a hint, not signed.
    case status(Status)

    package struct Status: Hashable, Sendable {
        package var epoch: Epoch
        package var finalHeight: Height
        package var headHeight: Height

        package init(epoch: Epoch, finalHeight: Height, headHeight: Height) {
            (self.epoch, self.finalHeight, self.headHeight) = (epoch, finalHeight, headHeight)
        }
    }

    /// The longest message, in bytes.
    package static let maximumSize = EpochProposal.maximumSize + 64

    /// A CBOR array that begins with the kind, 0 to 5 in the order of the cases.
    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 320)
        switch self {
        case .vote(let vote):
            writer.array(2)
            writer.unsigned(0)
            writer.raw(vote.message().encoded)
        case .commit(let commit, let logRoot):
            writer.array(3)
            writer.unsigned(1)
            writer.raw(commit.message().encoded)
            writer.digest(logRoot)
        case .suspicion(let suspicion):
            writer.array(2)
            writer.unsigned(2)
            writer.byteString(suspicion.bytes)
        case .stop(let stop, let lock):
            writer.array(3)
            writer.unsigned(3)
            writer.byteString(stop.bytes)
            writer.array(lock.count)
            for attestation in lock { writer.raw(attestation.message().encoded) }
        case .proposal(let proposal):
            writer.array(2)
            writer.unsigned(4)
            writer.byteString(proposal.bytes)
        case .status(let status):
            writer.array(4)
            writer.unsigned(5)
            writer.unsigned(status.epoch)
            writer.unsigned(status.finalHeight)
            writer.unsigned(status.headHeight)
        }
        return writer.bytes
    }

    /// - Throws: `cbor.*` or `cose.*` for bytes that are not a message.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= ReplicaMessage.maximumSize else { throw CodecError(.tooLarge) }
        var reader = CBORReader(bytes)
        let count = try reader.array()
        let kind = try reader.unsigned()
        switch (kind, count) {
        case (0, 2):
            let vote = try Attestation(COSESign1(reading: &reader))
            guard vote.kind == .vote else { throw CodecError(.invalidValue, at: reader.offset, "vote") }
            self = .vote(vote)
        case (1, 3):
            let commit = try Attestation(COSESign1(reading: &reader))
            guard commit.kind == .commit else { throw CodecError(.invalidValue, at: reader.offset, "commit") }
            self = .commit(commit, logRoot: try reader.digest())
        case (2, 2): self = .suspicion(try Suspicion(decoding: try reader.byteString()))
        case (3, 3):
            let stop = try Stop(decoding: try reader.byteString())
            var lock: [Attestation] = []
            for _ in 0..<(try reader.array()) { lock.append(try Attestation(COSESign1(reading: &reader))) }
            self = .stop(stop, lock: lock)
        case (4, 2): self = .proposal(try EpochProposal(decoding: try reader.byteString()))
        case (5, 4):
            self = .status(
                Status(
                    epoch: try reader.unsigned(), finalHeight: try reader.unsigned(),
                    headHeight: try reader.unsigned()))
        default: throw CodecError(.invalidValue, at: 0, "message of kind \(kind)")
        }
        try reader.finish()
    }
}
