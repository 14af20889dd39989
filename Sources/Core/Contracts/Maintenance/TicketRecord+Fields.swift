import Codec
import Ledger

extension BidRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(2 + (offer == nil ? 0 : 1) + (commitment == nil ? 0 : 1))
        writer.key("id")
        id.write(to: &writer)
        if let offer {
            writer.key("offer")
            offer.write(to: &writer)
        }
        writer.key("placed")
        placed.write(to: &writer)
        if let commitment {
            writer.key("commitment")
            writer.digest(commitment)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try ID(reading: &reader)
        offer = fields.has("offer", &reader) ? try Offer(reading: &reader) : nil
        try fields.key("placed", &reader)
        placed = try Timestamp(reading: &reader)
        commitment = fields.has("commitment", &reader) ? try reader.digest() : nil
        try fields.end(reader)
    }
}

extension BidRecord.ID: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(2)
        writer.key("ticket")
        writer.text(ticket.text)
        writer.key("maintainer")
        writer.text(maintainer.text)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("ticket", &reader)
        ticket = try TicketID(reading: &reader)
        try fields.key("maintainer", &reader)
        maintainer = try MemberID(reading: &reader)
        try fields.end(reader)
    }
}

extension TicketRecord.Bidding: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(5 + (decides == nil ? 0 : 1) + (revealUntil == nil ? 0 : 1))
        writer.key("bids")
        writer.integer(bids)
        writer.key("span")
        span.write(to: &writer)
        writer.key("closes")
        closes.write(to: &writer)
        if let decides {
            writer.key("decides")
            decides.write(to: &writer)
        }
        writer.key("deadline")
        deadline.write(to: &writer)
        writer.key("extensions")
        writer.integer(extensions)
        if let revealUntil {
            writer.key("revealUntil")
            revealUntil.write(to: &writer)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("bids", &reader)
        bids = try reader.integer()
        try fields.key("span", &reader)
        span = try Span(reading: &reader)
        try fields.key("closes", &reader)
        closes = try Timestamp(reading: &reader)
        decides = fields.has("decides", &reader) ? try Timestamp(reading: &reader) : nil
        try fields.key("deadline", &reader)
        deadline = try Timestamp(reading: &reader)
        try fields.key("extensions", &reader)
        extensions = try reader.integer()
        revealUntil = fields.has("revealUntil", &reader) ? try Timestamp(reading: &reader) : nil
        try fields.end(reader)
    }
}

/// By hand what every ticket has from its opening on; what comes with the work through the Codable front.
extension TicketRecord {
    package func writeRecord(to writer: inout CBORWriter) throws(CodecError) {
        let optional = [
            award != nil, workDue != nil, withdrawn != nil, closed != nil, reason != nil, report != nil,
            payment != nil, evidence != nil,
            lastStarted != nil, firstStarted != nil, firstTimeFix != nil, acceptanceDue != nil,
            deemedAccepted != nil,
        ]
        writer.map(14 + optional.count { $0 })
        writer.key("id")
        writer.text(id.text)
        writer.key("oem")
        writer.text(oem.text)
        try TicketRecord.write(award, "award", to: &writer)
        writer.key("holds")
        if holds.isEmpty { writer.array(0) } else { writer.raw(try CBOR.encode(holds)) }
        writer.key("state")
        writer.text(state.rawValue)
        writer.key("client")
        writer.text(client.text)
        TicketRecord.write(closed, "closed", to: &writer)
        if let reason {
            writer.key("reason")
            writer.text(reason)
        }
        try TicketRecord.write(report, "report", to: &writer)
        writer.key("visits")
        writer.integer(visits)
        writer.key("bidding")
        bidding.write(to: &writer)
        writer.key("machine")
        writer.text(machine.text)
        try TicketRecord.write(payment, "payment", to: &writer)
        writer.key("request")
        request.write(to: &writer)
        writer.key("reworks")
        writer.integer(reworks)
        TicketRecord.write(workDue, "workDue", to: &writer)
        writer.key("customer")
        writer.text(customer.text)
        try TicketRecord.write(evidence, "evidence", to: &writer)
        writer.key("openedBy")
        writer.digest(openedBy.digest)
        writer.key("reported")
        reported.write(to: &writer)
        try TicketRecord.write(withdrawn, "withdrawn", to: &writer)
        writer.key("isReported")
        writer.bool(isReported)
        TicketRecord.write(lastStarted, "lastStarted", to: &writer)
        TicketRecord.write(firstStarted, "firstStarted", to: &writer)
        if let firstTimeFix {
            writer.key("firstTimeFix")
            writer.bool(firstTimeFix)
        }
        TicketRecord.write(acceptanceDue, "acceptanceDue", to: &writer)
        TicketRecord.write(deemedAccepted, "deemedAccepted", to: &writer)
    }

    private static func write(_ time: Timestamp?, _ name: StaticString, to writer: inout CBORWriter) {
        guard let time else { return }
        writer.key(name)
        time.write(to: &writer)
    }

    private static func write<Part: Encodable>(
        _ part: Part?, _ name: StaticString, to writer: inout CBORWriter
    ) throws(CodecError) {
        guard let part else { return }
        writer.key(name)
        writer.raw(try CBOR.encode(part))
    }

    package init(readingRecord reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try TicketID(reading: &reader)
        try fields.key("oem", &reader)
        oem = try MemberID(reading: &reader)
        award = try TicketRecord.part(Award.self, "award", &fields, &reader)
        try fields.key("holds", &reader)
        holds = try CBOR.decode([Hold].self, from: Array(try reader.item()))
        try fields.key("state", &reader)
        state = try State(named: try reader.text(), at: reader.offset)
        try fields.key("client", &reader)
        client = try MemberID(reading: &reader)
        closed = try TicketRecord.time("closed", &fields, &reader)
        reason = fields.has("reason", &reader) ? try reader.text() : nil
        report = try TicketRecord.part(RepairReport.self, "report", &fields, &reader)
        try fields.key("visits", &reader)
        visits = try reader.integer()
        try fields.key("bidding", &reader)
        bidding = try Bidding(reading: &reader)
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        payment = try TicketRecord.part(Payment.self, "payment", &fields, &reader)
        try fields.key("request", &reader)
        request = try MaintenanceContract.Open(reading: &reader)
        try fields.key("reworks", &reader)
        reworks = try reader.integer()
        workDue = try TicketRecord.time("workDue", &fields, &reader)
        try fields.key("customer", &reader)
        customer = try MemberID(reading: &reader)
        evidence = try TicketRecord.part(Evidence.self, "evidence", &fields, &reader)
        try fields.key("openedBy", &reader)
        openedBy = KeyID(try reader.digest())
        try fields.key("reported", &reader)
        reported = try Timestamp(reading: &reader)
        withdrawn = try TicketRecord.part([MemberID].self, "withdrawn", &fields, &reader)
        try fields.key("isReported", &reader)
        isReported = try reader.bool()
        lastStarted = try TicketRecord.time("lastStarted", &fields, &reader)
        firstStarted = try TicketRecord.time("firstStarted", &fields, &reader)
        firstTimeFix = fields.has("firstTimeFix", &reader) ? try reader.bool() : nil
        acceptanceDue = try TicketRecord.time("acceptanceDue", &fields, &reader)
        deemedAccepted = try TicketRecord.time("deemedAccepted", &fields, &reader)
        try fields.end(reader)
    }

    private static func time(
        _ name: StaticString, _ fields: inout CBORFieldCursor, _ reader: inout CBORReader
    ) throws(CodecError) -> Timestamp? {
        fields.has(name, &reader) ? try Timestamp(reading: &reader) : nil
    }

    private static func part<Part: Decodable>(
        _ type: Part.Type, _ name: StaticString, _ fields: inout CBORFieldCursor, _ reader: inout CBORReader
    ) throws(CodecError) -> Part? {
        guard fields.has(name, &reader) else { return nil }
        return try CBOR.decode(type, from: Array(try reader.item()))
    }
}
