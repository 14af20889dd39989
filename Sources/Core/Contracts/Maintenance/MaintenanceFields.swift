import Billing
import Codec
import Ledger

extension MaintenanceContract.Action {
    /// The commonest actions, read by hand; nil for all others and for what is malformed, which the
    /// Codable front reads or refuses.
    init?(commonest bytes: [UInt8]) {
        var reader = CBORReader(bytes)
        do throws(CodecError) {
            var action = try CBORFieldCursor(&reader)
            if action.has("bid", &reader) {
                self = .bid(try .init(reading: &reader))
            } else if action.has("open", &reader) {
                self = .open(try .init(reading: &reader))
            } else if action.has("report", &reader) {
                self = .report(try .init(reading: &reader))
            } else {
                return nil
            }
            try action.end(reader)
            try reader.finish()
        } catch { return nil }
    }
}

extension MaintenanceContract.Open: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(8 + [failureMode != nil, revealWindow != nil].count { $0 })
        writer.key("kind")
        writer.text(kind.rawValue)
        writer.key("tender")
        tender.write(to: &writer)
        writer.key("ticket")
        writer.text(ticket.text)
        writer.key("machine")
        writer.text(machine.text)
        writer.key("priority")
        writer.integer(priority)
        writer.key("documents")
        writer.list(documents)
        writer.key("faultCode")
        writer.text(faultCode)
        writer.key("description")
        writer.text(description)
        if let failureMode {
            writer.key("failureMode")
            writer.text(failureMode.rawValue)
        }
        if let revealWindow {
            writer.key("revealWindow")
            revealWindow.write(to: &writer)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("kind", &reader)
        kind = try TicketRecord.Kind(named: try reader.text(), at: reader.offset)
        try fields.key("tender", &reader)
        tender = try Tender(reading: &reader)
        try fields.key("ticket", &reader)
        ticket = try TicketID(reading: &reader)
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        try fields.key("priority", &reader)
        priority = try reader.integer()
        try fields.key("documents", &reader)
        documents = try reader.list(of: DocumentReference.self)
        try fields.key("faultCode", &reader)
        faultCode = try reader.text()
        try fields.key("description", &reader)
        description = try reader.text()
        failureMode =
            fields.has("failureMode", &reader)
            ? try FailureMode(named: try reader.text(), at: reader.offset) : nil
        revealWindow = fields.has("revealWindow", &reader) ? try Span(reading: &reader) : nil
        try fields.end(reader)
    }
}

extension MaintenanceContract.Report: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(failureMode == nil ? 7 : 8)
        writer.key("kind")
        writer.text(kind.rawValue)
        writer.key("ticket")
        writer.text(ticket.text)
        writer.key("machine")
        writer.text(machine.text)
        writer.key("priority")
        writer.integer(priority)
        writer.key("documents")
        writer.list(documents)
        writer.key("faultCode")
        writer.text(faultCode)
        writer.key("description")
        writer.text(description)
        if let failureMode {
            writer.key("failureMode")
            writer.text(failureMode.rawValue)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("kind", &reader)
        kind = try TicketRecord.Kind(named: try reader.text(), at: reader.offset)
        try fields.key("ticket", &reader)
        ticket = try TicketID(reading: &reader)
        try fields.key("machine", &reader)
        machine = try MachineID(reading: &reader)
        try fields.key("priority", &reader)
        priority = try reader.integer()
        try fields.key("documents", &reader)
        documents = try reader.list(of: DocumentReference.self)
        try fields.key("faultCode", &reader)
        faultCode = try reader.text()
        try fields.key("description", &reader)
        description = try reader.text()
        failureMode =
            fields.has("failureMode", &reader)
            ? try FailureMode(named: try reader.text(), at: reader.offset) : nil
        try fields.end(reader)
    }
}

extension SelectionPolicy: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(1)
        switch self {
        case .firstComeFirstServed:
            writer.key("firstComeFirstServed")
            writer.map(0)
        case .bestScore(let rule):
            writer.key("bestScore")
            writer.map(rule.minimumBids == nil ? 1 : 2)
            writer.key("weights")
            rule.weights.write(to: &writer)
            if let count = rule.minimumBids {
                writer.key("minimumBids")
                writer.integer(count)
            }
        case .customersChoice:
            writer.key("customersChoice")
            writer.map(0)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var name = try CBORFieldCursor(&reader)
        if name.has("bestScore", &reader) {
            var fields = try CBORFieldCursor(&reader)
            try fields.key("weights", &reader)
            let weights = try ScoreWeights(reading: &reader)
            let count = fields.has("minimumBids", &reader) ? try reader.integer() : nil
            try fields.end(reader)
            self = .bestScore(BestScore(weights: weights, minimumBids: count))
        } else {
            let isFirst = name.has("firstComeFirstServed", &reader)
            if !isFirst { try name.key("customersChoice", &reader) }
            try CBORFieldCursor(&reader).end(reader)
            self = isFirst ? .firstComeFirstServed : .customersChoice
        }
        try name.end(reader)
    }
}

extension ScoreWeights: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("price")
        writer.integer(price.ppm)
        writer.key("record")
        writer.integer(record.ppm)
        writer.key("arrival")
        writer.integer(arrival.ppm)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("price", &reader)
        price = Rate(ppm: try reader.integer())
        try fields.key("record", &reader)
        record = Rate(ppm: try reader.integer())
        try fields.key("arrival", &reader)
        arrival = Rate(ppm: try reader.integer())
        try fields.end(reader)
    }
}

extension MaintenanceContract.Bid: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(2)
        writer.key("ticket")
        writer.text(ticket.text)
        writer.key("content")
        writer.map(1)
        switch content {
        case .offer(let offer):
            writer.key("offer")
            offer.write(to: &writer)
        case .sealed(let commitment):
            writer.key("sealed")
            writer.digest(commitment)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("ticket", &reader)
        ticket = try TicketID(reading: &reader)
        try fields.key("content", &reader)
        var name = try CBORFieldCursor(&reader)
        if name.has("offer", &reader) {
            content = .offer(try Offer(reading: &reader))
        } else {
            try name.key("sealed", &reader)
            content = .sealed(try reader.digest())
        }
        try name.end(reader)
        try fields.end(reader)
    }
}

extension Offer: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(6)
        writer.key("price")
        writer.map(1)
        switch price {
        case .fixed(let amount):
            writer.key("fixed")
            writer.integer(amount.rawValue)
        case .rate(let rate):
            writer.key("rate")
            writer.map(2)
            writer.key("perHour")
            writer.integer(rate.perHour.rawValue)
            writer.key("notToExceed")
            writer.integer(rate.notToExceed.rawValue)
        }
        writer.key("expires")
        expires.write(to: &writer)
        writer.key("currency")
        writer.text(currency.rawValue)
        writer.key("warrantyDays")
        writer.integer(warrantyDays)
        writer.key("durationMinutes")
        writer.integer(durationMinutes)
        writer.key("earliestArrival")
        earliestArrival.write(to: &writer)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("price", &reader)
        price = try Offer.price(reading: &reader)
        try fields.key("expires", &reader)
        expires = try Timestamp(reading: &reader)
        try fields.key("currency", &reader)
        currency = try CurrencyCode(named: try reader.text(), at: reader.offset)
        try fields.key("warrantyDays", &reader)
        warrantyDays = try reader.integer()
        try fields.key("durationMinutes", &reader)
        durationMinutes = try reader.integer()
        try fields.key("earliestArrival", &reader)
        earliestArrival = try Timestamp(reading: &reader)
        try fields.end(reader)
    }

    private static func price(reading reader: inout CBORReader) throws(CodecError) -> Price {
        var name = try CBORFieldCursor(&reader)
        let price: Price
        if name.has("fixed", &reader) {
            price = .fixed(MinorUnits(try reader.integer()))
        } else {
            try name.key("rate", &reader)
            var fields = try CBORFieldCursor(&reader)
            try fields.key("perHour", &reader)
            let perHour = MinorUnits(try reader.integer())
            try fields.key("notToExceed", &reader)
            price = .rate(HourlyRate(perHour: perHour, notToExceed: MinorUnits(try reader.integer())))
            try fields.end(reader)
        }
        try name.end(reader)
        return price
    }
}
