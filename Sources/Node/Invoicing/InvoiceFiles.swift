import Billing
import Foundation

/// Writes an invoice or credit note for people and for other systems.
package enum InvoiceFiles {
    /// Writes `<name>.json`, `<name>.xml` (UBL) and `<name>.txt`, where the name is `invoice-<number>` or
    /// `credit-note-<number>` with `_` for `/`.
    /// - Returns: the files, in that order.
    /// - Throws: `billing.currency_decimals`, `billing.xml_character`, `invoice.io`.
    @discardableResult
    package static func write(_ invoice: Invoice, to folder: URL) throws(NodeError) -> [URL] {
        let kind = invoice.kind == .invoice ? "invoice" : "credit-note"
        let name = "\(kind)-\(invoice.number.replacingOccurrences(of: "/", with: "_"))"
        let contents: [(String, Data)]
        do {
            contents = [
                ("json", try json(invoice)), ("xml", Data(try UBLDocument.encode(invoice))),
                ("txt", Data(InvoiceText.render(invoice).utf8)),
            ]
        } catch let error as BillingError { throw NodeError(error) } catch {
            throw NodeError("invoice.io", "\(name) cannot be written", cause: error)
        }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            var files: [URL] = []
            for (suffix, content) in contents {
                let file = folder.appendingPathComponent("\(name).\(suffix)")
                try content.write(to: file, options: .atomic)
                files.append(file)
            }
            return files
        } catch { throw NodeError("invoice.io", "\(name) could not be written", cause: error) }
    }

    /// The document with its own field names, amounts in minor units, digests in hexadecimal.
    private static func json(_ invoice: Invoice) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(invoice)
    }
}
