import Codec
import Ledger

/// What is on a machine's plate (IDTA 02006-3), each text at most 200 bytes.
package struct Nameplate: Codable, Hashable, Sendable {
    package var manufacturer: String
    package var model: String
    package var serialNumber: String
    /// 1900 to 2200.
    package var yearOfConstruction: Int64
    /// ISO 3166-1 alpha-2; nil where it is not stated.
    package var countryOfOrigin: String?

    package init(
        manufacturer: String, model: String, serialNumber: String, yearOfConstruction: Int64,
        countryOfOrigin: String? = nil
    ) {
        (self.manufacturer, self.model, self.serialNumber) = (manufacturer, model, serialNumber)
        (self.yearOfConstruction, self.countryOfOrigin) = (yearOfConstruction, countryOfOrigin)
    }
}

/// A machine's nameplate and documents: a row of its own, written once, since a machine's row is written anew
/// with each start and stop. It outlives the rent, as the machine's row does.
package struct NameplateRecord: Record {
    package static let table = "nameplate"

    /// The machine's.
    package var id: MachineID
    package var nameplate: Nameplate
    /// At most 32.
    package var documents: [DocumentReference]

    package init(id: MachineID, nameplate: Nameplate, documents: [DocumentReference] = []) {
        (self.id, self.nameplate, self.documents) = (id, nameplate, documents)
    }
}

extension NameplateRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("id")
        writer.text(id.text)
        writer.key("documents")
        writer.list(documents)
        writer.key("nameplate")
        nameplate.write(to: &writer)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try MachineID(reading: &reader)
        try fields.key("documents", &reader)
        documents = try reader.list(of: DocumentReference.self)
        try fields.key("nameplate", &reader)
        nameplate = try Nameplate(reading: &reader)
        try fields.end(reader)
    }
}

extension Nameplate: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(countryOfOrigin == nil ? 4 : 5)
        writer.key("model")
        writer.text(model)
        writer.key("manufacturer")
        writer.text(manufacturer)
        writer.key("serialNumber")
        writer.text(serialNumber)
        if let countryOfOrigin {
            writer.key("countryOfOrigin")
            writer.text(countryOfOrigin)
        }
        writer.key("yearOfConstruction")
        writer.integer(yearOfConstruction)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("model", &reader)
        model = try reader.text()
        try fields.key("manufacturer", &reader)
        manufacturer = try reader.text()
        try fields.key("serialNumber", &reader)
        serialNumber = try reader.text()
        countryOfOrigin = fields.has("countryOfOrigin", &reader) ? try reader.text() : nil
        try fields.key("yearOfConstruction", &reader)
        yearOfConstruction = try reader.integer()
        try fields.end(reader)
    }
}
