import Billing
import Foundation

/// Writes an invoice or credit note for people and for other systems.
package enum InvoiceFiles {
    /// Writes `<name>.json`, `<name>.xml` (UBL) and `<name>.txt`, where the name is `invoice-<number>` or
    /// `credit-note-<number>` with `_` for `/`.
    /// - Parameter isSimulated: whether it is a demonstration's, which each of the files then says.
    /// - Returns: the files, in that order.
    /// - Throws: `billing.currency_decimals`, `billing.xml_character`, `invoice.io`.
    @discardableResult
    package static func write(
        _ invoice: Invoice, to folder: URL, isSimulated: Bool
    ) throws(NodeError) -> [URL] {
        let kind = invoice.kind == .invoice ? "invoice" : "credit-note"
        let name = "\(kind)-\(invoice.number.replacingOccurrences(of: "/", with: "_"))"
        let contents: [(String, Data)]
        do {
            contents = [
                ("json", try json(invoice, isSimulated)),
                ("xml", Data(try UBLDocument.encode(invoice, remark: isSimulated ? simulated : nil))),
                ("txt", Data(text(invoice, isSimulated: isSimulated).utf8)),
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

    /// What a document of a demonstration's ledger begins with.
    package static let simulated = "SIMULATED: from a demonstration's ledger, nobody owes anything"

    /// The document as people read it.
    package static func text(_ invoice: Invoice, isSimulated: Bool) -> String {
        (isSimulated ? simulated + "\n\n" : "") + InvoiceText.render(invoice)
    }

    /// The document with its own field names, as `PlainJSON` has it.
    private static func json(_ invoice: Invoice, _ isSimulated: Bool) throws -> Data {
        try PlainJSON.data(invoice, adding: [(PlainJSON.simulated, isSimulated)])
    }
}
