import Codec
import Contracts
import Node

/// A record of any kind, as it is encoded by itself.
struct ShownRecord: Encodable {
    let record: any Encodable

    func encode(to encoder: any Encoder) throws { try record.encode(to: encoder) }
}

/// A machine with its nameplate and documents, which are a row of their own.
struct WholeMachine: Encodable, CustomReflectable {
    private let machine: MachineRecord
    private let plate: NameplateRecord

    private enum CodingKeys: CodingKey {
        case nameplate, documents
    }

    /// Machines, in their order.
    /// - Throws: `nameplate.unknown`, `node.damaged`, `node.storage`.
    @Sendable static func all(
        _ machines: [MachineRecord], in view: StateView
    ) throws(NodeError) -> [any Encodable] {
        let plates = try view.allExisting(NameplateRecord.self, machines.map(\.id))
        return zip(machines, plates).map { WholeMachine(machine: $0, plate: $1) }
    }

    func encode(to encoder: any Encoder) throws {
        try machine.encode(to: encoder)
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(plate.nameplate, forKey: .nameplate)
        try fields.encode(plate.documents, forKey: .documents)
    }

    /// The fields of both rows, as one record's.
    var customMirror: Mirror {
        let added: [Mirror.Child] = [("nameplate", plate.nameplate), ("documents", plate.documents)]
        return Mirror(self, children: Array(Mirror(reflecting: machine).children) + added)
    }
}
