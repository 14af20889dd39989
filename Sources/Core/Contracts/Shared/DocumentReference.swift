import Codec
import Ledger

/// A document in the vault, as the ledger names it: where its ciphertext is found and what its plain bytes
/// are.
package struct DocumentReference: Codable, Hashable, Sendable {
    /// The ciphertext's content identifier, at most 128 bytes.
    package var cid: String
    /// SHA-256 of the plain bytes.
    package var digest: Digest
    /// The plain bytes' number, 0 to 2⁴⁰.
    package var size: Int64
    /// Such as `application/pdf`, at most 127 bytes.
    package var mediaType: String
    /// What people call it, at most 200 bytes.
    package var name: String

    package init(cid: String, digest: Digest, size: Int64, mediaType: String, name: String) {
        (self.cid, self.digest, self.size) = (cid, digest, size)
        (self.mediaType, self.name) = (mediaType, name)
    }
}

extension DocumentReference: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(5)
        writer.key("cid")
        writer.text(cid)
        writer.key("name")
        writer.text(name)
        writer.key("size")
        writer.integer(size)
        writer.key("digest")
        writer.digest(digest)
        writer.key("mediaType")
        writer.text(mediaType)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("cid", &reader)
        cid = try reader.text()
        try fields.key("name", &reader)
        name = try reader.text()
        try fields.key("size", &reader)
        size = try reader.integer()
        try fields.key("digest", &reader)
        digest = try reader.digest()
        try fields.key("mediaType", &reader)
        mediaType = try reader.text()
        try fields.end(reader)
    }
}
