import Codec
import Ledger

extension MachineRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        var count = 9
        if started != nil { count += 1 }
        if accepted != nil { count += 1 }
        if lastStop != nil { count += 1 }
        if terminated != nil { count += 1 }
        if replacement != nil { count += 1 }
        if termination != nil { count += 1 }
        writer.map(count)
        writer.key("id")
        writer.text(id.text)
        writer.key("oem")
        writer.text(oem.text)
        writer.key("site")
        site.write(to: &writer)
        writer.key("state")
        writer.text(state.rawValue)
        writer.key("devices")
        writer.list(devices)
        if let started {
            writer.key("started")
            started.write(to: &writer)
        }
        if let accepted {
            writer.key("accepted")
            accepted.write(to: &writer)
        }
        writer.key("customer")
        writer.text(customer.text)
        if let lastStop {
            writer.key("lastStop")
            lastStop.write(to: &writer)
        }
        writer.key("registered")
        registered.write(to: &writer)
        if let terminated {
            writer.key("terminated")
            terminated.write(to: &writer)
        }
        if let replacement {
            writer.key("replacement")
            replacement.write(to: &writer)
        }
        if let termination {
            writer.key("termination")
            termination.write(to: &writer)
        }
        writer.key("machineClass")
        writer.text(machineClass.text)
        writer.key("reportingIntervalMilliseconds")
        writer.integer(reportingIntervalMilliseconds)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try MachineID(reading: &reader)
        try fields.key("oem", &reader)
        oem = try MemberID(reading: &reader)
        try fields.key("site", &reader)
        site = try Site(reading: &reader)
        try fields.key("state", &reader)
        state = try State(named: try reader.text(), at: reader.offset)
        try fields.key("devices", &reader)
        devices = try reader.list(of: Device.self)
        started = fields.has("started", &reader) ? try Timestamp(reading: &reader) : nil
        accepted = fields.has("accepted", &reader) ? try Timestamp(reading: &reader) : nil
        try fields.key("customer", &reader)
        customer = try MemberID(reading: &reader)
        lastStop = fields.has("lastStop", &reader) ? try Stop(reading: &reader) : nil
        try fields.key("registered", &reader)
        registered = try Timestamp(reading: &reader)
        terminated = fields.has("terminated", &reader) ? try Timestamp(reading: &reader) : nil
        replacement = fields.has("replacement", &reader) ? try Replacement(reading: &reader) : nil
        termination = fields.has("termination", &reader) ? try Termination(reading: &reader) : nil
        try fields.key("machineClass", &reader)
        machineClass = try MachineClass(reading: &reader)
        try fields.key("reportingIntervalMilliseconds", &reader)
        reportingIntervalMilliseconds = try reader.integer()
        try fields.end(reader)
    }
}

extension MachineRecord.Site: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(2)
        writer.key("name")
        writer.text(name)
        writer.key("region")
        writer.text(region.text)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("name", &reader)
        name = try reader.text()
        try fields.key("region", &reader)
        region = try Region(reading: &reader)
        try fields.end(reader)
    }
}

extension MachineRecord.Device: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("key")
        writer.digest(key.digest)
        writer.key("label")
        writer.text(label)
        writer.key("publicKey")
        writer.byteString(publicKey.array)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("key", &reader)
        key = KeyID(try reader.digest())
        try fields.key("label", &reader)
        label = try reader.text()
        try fields.key("publicKey", &reader)
        publicKey = Bytes(try reader.byteString())
        try fields.end(reader)
    }
}

extension MachineRecord.Replacement: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("device")
        device.write(to: &writer)
        writer.key("proposed")
        proposed.write(to: &writer)
        writer.key("replaces")
        writer.digest(replaces.digest)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("device", &reader)
        device = try MachineRecord.Device(reading: &reader)
        try fields.key("proposed", &reader)
        proposed = try Timestamp(reading: &reader)
        try fields.key("replaces", &reader)
        replaces = KeyID(try reader.digest())
        try fields.end(reader)
    }
}

extension MachineRecord.Stop: CBORFields {
    package func write(to writer: inout CBORWriter) {
        var count = 4
        if reset != nil { count += 1 }
        if resetBy != nil { count += 1 }
        writer.map(count)
        writer.key("key")
        writer.digest(key.digest)
        writer.key("time")
        time.write(to: &writer)
        writer.key("fault")
        writer.bool(fault)
        if let reset {
            writer.key("reset")
            reset.write(to: &writer)
        }
        writer.key("reason")
        writer.text(reason)
        if let resetBy {
            writer.key("resetBy")
            writer.text(resetBy.text)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("key", &reader)
        key = KeyID(try reader.digest())
        try fields.key("time", &reader)
        time = try Timestamp(reading: &reader)
        try fields.key("fault", &reader)
        fault = try reader.bool()
        reset = fields.has("reset", &reader) ? try Timestamp(reading: &reader) : nil
        try fields.key("reason", &reader)
        reason = try reader.text()
        resetBy = fields.has("resetBy", &reader) ? try MemberID(reading: &reader) : nil
        try fields.end(reader)
    }
}

extension MachineRecord.Termination: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(4)
        writer.key("from")
        writer.text(from.rawValue)
        writer.key("reason")
        writer.text(reason)
        writer.key("proposed")
        proposed.write(to: &writer)
        writer.key("proposedBy")
        writer.text(proposedBy.text)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("from", &reader)
        from = try MachineRecord.State(named: try reader.text(), at: reader.offset)
        try fields.key("reason", &reader)
        reason = try reader.text()
        try fields.key("proposed", &reader)
        proposed = try Timestamp(reading: &reader)
        try fields.key("proposedBy", &reader)
        proposedBy = try MemberID(reading: &reader)
        try fields.end(reader)
    }
}
