import Codec
import Ledger

extension MemberRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        var count = 5
        if keys != nil { count += 1 }
        if joined != nil { count += 1 }
        if invited != nil { count += 1 }
        if profile != nil { count += 1 }
        if tlsPins != nil { count += 1 }
        if admitted != nil { count += 1 }
        if votingKey != nil { count += 1 }
        writer.map(count)
        writer.key("id")
        writer.text(id.text)
        if let keys {
            writer.key("keys")
            keys.write(to: &writer)
        }
        writer.key("name")
        writer.text(name)
        writer.key("roles")
        writer.texts(roles.map(\.rawValue))
        if let joined {
            writer.key("joined")
            joined.write(to: &writer)
        }
        writer.key("status")
        writer.text(status.rawValue)
        if let invited {
            writer.key("invited")
            invited.write(to: &writer)
        }
        if let profile {
            writer.key("profile")
            profile.write(to: &writer)
        }
        if let tlsPins {
            writer.key("tlsPins")
            writer.digests(tlsPins)
        }
        if let admitted {
            writer.key("admitted")
            admitted.write(to: &writer)
        }
        writer.key("endpoint")
        writer.text(endpoint)
        if let votingKey {
            writer.key("votingKey")
            writer.byteString(votingKey.array)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try MemberID(reading: &reader)
        keys = fields.has("keys", &reader) ? try Keys(reading: &reader) : nil
        try fields.key("name", &reader)
        name = try reader.text()
        try fields.key("roles", &reader)
        roles = []
        for name in try reader.texts() { roles.append(try Role(named: name, at: reader.offset)) }
        joined = fields.has("joined", &reader) ? try Timestamp(reading: &reader) : nil
        try fields.key("status", &reader)
        status = try Status(named: try reader.text(), at: reader.offset)
        invited = fields.has("invited", &reader) ? try Timestamp(reading: &reader) : nil
        profile = fields.has("profile", &reader) ? try MemberProfile(reading: &reader) : nil
        tlsPins = fields.has("tlsPins", &reader) ? try reader.digests() : nil
        admitted = fields.has("admitted", &reader) ? try Timestamp(reading: &reader) : nil
        try fields.key("endpoint", &reader)
        endpoint = try reader.text()
        votingKey = fields.has("votingKey", &reader) ? Bytes(try reader.byteString()) : nil
        try fields.end(reader)
    }
}

extension MemberRecord.Keys: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("signing")
        writer.digest(signing.digest)
        writer.key("sealingPublicKey")
        writer.byteString(sealingPublicKey.array)
        writer.key("signingPublicKey")
        writer.byteString(signingPublicKey.array)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("signing", &reader)
        signing = KeyID(try reader.digest())
        try fields.key("sealingPublicKey", &reader)
        sealingPublicKey = Bytes(try reader.byteString())
        try fields.key("signingPublicKey", &reader)
        signingPublicKey = Bytes(try reader.byteString())
        try fields.end(reader)
    }
}

extension MemberProfile: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(vatID == nil ? 6 : 7)
        writer.key("city")
        writer.text(city)
        writer.key("email")
        writer.text(email)
        if let vatID {
            writer.key("vatID")
            writer.text(vatID)
        }
        writer.key("country")
        writer.text(country)
        writer.key("postalCode")
        writer.text(postalCode)
        writer.key("addressLine")
        writer.text(addressLine)
        writer.key("registrationName")
        writer.text(registrationName)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("city", &reader)
        city = try reader.text()
        try fields.key("email", &reader)
        email = try reader.text()
        vatID = fields.has("vatID", &reader) ? try reader.text() : nil
        try fields.key("country", &reader)
        country = try reader.text()
        try fields.key("postalCode", &reader)
        postalCode = try reader.text()
        try fields.key("addressLine", &reader)
        addressLine = try reader.text()
        try fields.key("registrationName", &reader)
        registrationName = try reader.text()
        try fields.end(reader)
    }
}
