import Codec
import Ledger

extension TelemetryHead: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(digest == nil ? 3 : 4)
        writer.key("id")
        writer.text(id.text)
        if let digest {
            writer.key("digest")
            writer.digest(digest)
        }
        writer.key("number")
        writer.unsigned(number)
        writer.key("nextSequence")
        writer.unsigned(nextSequence)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try MachineID(reading: &reader)
        digest = fields.has("digest", &reader) ? try reader.digest() : nil
        try fields.key("number", &reader)
        number = try reader.unsigned()
        try fields.key("nextSequence", &reader)
        nextSequence = try reader.unsigned()
        try fields.end(reader)
    }
}

extension ChainPosition: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(2)
        writer.key("number")
        writer.unsigned(number)
        writer.key("machine")
        writer.text(machine.text)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("number", &reader)
        number = try reader.unsigned()
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        try fields.end(reader)
    }
}

extension AnchorRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(previous == nil ? 11 : 12)
        writer.key("id")
        id.write(to: &writer)
        writer.key("cid")
        writer.text(cid)
        writer.key("last")
        writer.unsigned(last)
        writer.key("root")
        writer.digest(root)
        writer.key("count")
        writer.unsigned(count)
        writer.key("first")
        writer.unsigned(first)
        writer.key("device")
        writer.digest(device.digest)
        writer.key("anchored")
        anchored.write(to: &writer)
        if let previous {
            writer.key("previous")
            writer.digest(previous)
        }
        writer.key("cipherDigest")
        writer.digest(cipherDigest)
        writer.key("toMilliseconds")
        writer.integer(toMilliseconds)
        writer.key("fromMilliseconds")
        writer.integer(fromMilliseconds)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try ChainPosition(reading: &reader)
        try fields.key("cid", &reader)
        cid = try reader.text()
        try fields.key("last", &reader)
        last = try reader.unsigned()
        try fields.key("root", &reader)
        root = try reader.digest()
        try fields.key("count", &reader)
        count = try reader.unsigned()
        try fields.key("first", &reader)
        first = try reader.unsigned()
        try fields.key("device", &reader)
        device = KeyID(try reader.digest())
        try fields.key("anchored", &reader)
        anchored = try Timestamp(reading: &reader)
        previous = fields.has("previous", &reader) ? try reader.digest() : nil
        try fields.key("cipherDigest", &reader)
        cipherDigest = try reader.digest()
        try fields.key("toMilliseconds", &reader)
        toMilliseconds = try reader.integer()
        try fields.key("fromMilliseconds", &reader)
        fromMilliseconds = try reader.integer()
        try fields.end(reader)
    }
}

extension TelemetryContract.Anchor: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(previous == nil ? 10 : 11)
        writer.key("cid")
        writer.text(cid)
        writer.key("last")
        writer.unsigned(last)
        writer.key("root")
        writer.digest(root)
        writer.key("count")
        writer.unsigned(count)
        writer.key("first")
        writer.unsigned(first)
        writer.key("device")
        writer.digest(device.digest)
        writer.key("machine")
        writer.text(machine.text)
        if let previous {
            writer.key("previous")
            writer.digest(previous)
        }
        writer.key("cipherDigest")
        writer.digest(cipherDigest)
        writer.key("toMilliseconds")
        writer.integer(toMilliseconds)
        writer.key("fromMilliseconds")
        writer.integer(fromMilliseconds)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("cid", &reader)
        cid = try reader.text()
        try fields.key("last", &reader)
        last = try reader.unsigned()
        try fields.key("root", &reader)
        root = try reader.digest()
        try fields.key("count", &reader)
        count = try reader.unsigned()
        try fields.key("first", &reader)
        first = try reader.unsigned()
        try fields.key("device", &reader)
        device = KeyID(try reader.digest())
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        previous = fields.has("previous", &reader) ? try reader.digest() : nil
        try fields.key("cipherDigest", &reader)
        cipherDigest = try reader.digest()
        try fields.key("toMilliseconds", &reader)
        toMilliseconds = try reader.integer()
        try fields.key("fromMilliseconds", &reader)
        fromMilliseconds = try reader.integer()
        try fields.end(reader)
    }
}

extension TelemetryContract.Action {
    /// An anchor, read by hand; nil for all others and for what is malformed, which the Codable front
    /// reads or refuses.
    init?(commonest bytes: [UInt8]) {
        var reader = CBORReader(bytes)
        do throws(CodecError) {
            var action = try CBORFieldCursor(&reader)
            guard action.has("anchor", &reader) else { return nil }
            self = .anchor(try .init(reading: &reader))
            try action.end(reader)
            try reader.finish()
        } catch { return nil }
    }
}
