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
        writer.array(scopes.count)
        for scope in scopes { writer.text(scope) }
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
