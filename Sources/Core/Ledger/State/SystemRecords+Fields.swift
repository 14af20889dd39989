import Codec

extension KeyRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(expires == nil ? 8 : 9)
        writer.key("id")
        writer.digest(id.digest)
        writer.key("kind")
        writer.text(kind.rawValue)
        writer.key("since")
        writer.unsigned(since)
        writer.key("scopes")
        writer.texts(scopes)
        writer.key("account")
        writer.text(account.text)
        if let expires {
            writer.key("expires")
            expires.write(to: &writer)
        }
        writer.key("revoked")
        writer.bool(revoked)
        writer.key("subject")
        writer.text(subject)
        writer.key("publicKey")
        writer.byteString(publicKey.array)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = KeyID(try reader.digest())
        try fields.key("kind", &reader)
        kind = try Kind(named: try reader.text(), at: reader.offset)
        try fields.key("since", &reader)
        since = try reader.unsigned()
        try fields.key("scopes", &reader)
        scopes = try reader.texts()
        try fields.key("account", &reader)
        account = try MemberID(reading: &reader)
        expires = fields.has("expires", &reader) ? try Timestamp(reading: &reader) : nil
        try fields.key("revoked", &reader)
        revoked = try reader.bool()
        try fields.key("subject", &reader)
        subject = try reader.text()
        try fields.key("publicKey", &reader)
        publicKey = Bytes(try reader.byteString())
        try fields.end(reader)
    }
}

extension AccountRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(2)
        writer.key("id")
        writer.text(id.text)
        writer.key("status")
        writer.text(status.rawValue)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try MemberID(reading: &reader)
        try fields.key("status", &reader)
        status = try Status(named: try reader.text(), at: reader.offset)
        try fields.end(reader)
    }
}

extension QuotaRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(4)
        writer.key("id")
        writer.text(id.text)
        writer.key("refilled")
        refilled.write(to: &writer)
        writer.key("byteCredit")
        writer.integer(byteCredit)
        writer.key("transactionCredit")
        writer.integer(transactionCredit)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try MemberID(reading: &reader)
        try fields.key("refilled", &reader)
        refilled = try Timestamp(reading: &reader)
        try fields.key("byteCredit", &reader)
        byteCredit = try reader.integer()
        try fields.key("transactionCredit", &reader)
        transactionCredit = try reader.integer()
        try fields.end(reader)
    }
}
