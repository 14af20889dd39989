import Codec
import Ledger

extension MachineContract.Action {
    /// The commonest actions, read by hand; nil for all others and for what is malformed, which the
    /// Codable front reads or refuses.
    init?(commonest bytes: [UInt8]) {
        var reader = CBORReader(bytes)
        do throws(CodecError) {
            var action = try CBORFieldCursor(&reader)
            if action.has("stop", &reader) {
                self = .stop(try .init(reading: &reader))
            } else if action.has("start", &reader) {
                self = .start(try .init(reading: &reader))
            } else if action.has("accept", &reader) {
                self = .accept(try .init(reading: &reader))
            } else if action.has("register", &reader) {
                self = .register(try .init(reading: &reader))
            } else {
                return nil
            }
            try action.end(reader)
            try reader.finish()
        } catch { return nil }
    }
}

extension MachineContract.Register: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(8)
        writer.key("site")
        site.write(to: &writer)
        writer.key("devices")
        writer.list(devices)
        writer.key("machine")
        writer.text(machine.text)
        writer.key("customer")
        writer.text(customer.text)
        writer.key("documents")
        writer.list(documents)
        writer.key("nameplate")
        nameplate.write(to: &writer)
        writer.key("machineClass")
        writer.text(machineClass.text)
        writer.key("reportingIntervalMilliseconds")
        writer.integer(reportingIntervalMilliseconds)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("site", &reader)
        site = try MachineRecord.Site(reading: &reader)
        try fields.key("devices", &reader)
        devices = try reader.list(of: MachineContract.NewDevice.self)
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        try fields.key("customer", &reader)
        customer = try MemberID(reading: &reader)
        try fields.key("documents", &reader)
        documents = try reader.list(of: DocumentReference.self)
        try fields.key("nameplate", &reader)
        nameplate = try Nameplate(reading: &reader)
        try fields.key("machineClass", &reader)
        machineClass = try MachineClass(reading: &reader)
        try fields.key("reportingIntervalMilliseconds", &reader)
        reportingIntervalMilliseconds = try reader.integer()
        try fields.end(reader)
    }
}

extension MachineContract.NewDevice: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(2)
        writer.key("label")
        writer.text(label)
        writer.key("publicKey")
        writer.byteString(publicKey.array)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("label", &reader)
        label = try reader.text()
        try fields.key("publicKey", &reader)
        publicKey = Bytes(try reader.byteString())
        try fields.end(reader)
    }
}

extension MachineContract.Subject: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(1)
        writer.key("machine")
        writer.text(machine.text)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        try fields.end(reader)
    }
}

extension MachineContract.Accept: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(order == nil ? 1 : 2)
        if let order {
            writer.key("order")
            order.write(to: &writer)
        }
        writer.key("machine")
        writer.text(machine.text)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        order = fields.has("order", &reader) ? try StandingOrder(reading: &reader) : nil
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        try fields.end(reader)
    }
}

extension MachineContract.Stop: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("fault")
        writer.bool(fault)
        writer.key("reason")
        writer.text(reason)
        writer.key("machine")
        writer.text(machine.text)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("fault", &reader)
        fault = try reader.bool()
        try fields.key("reason", &reader)
        reason = try reader.text()
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        try fields.end(reader)
    }
}
