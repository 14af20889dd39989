import Billing
import Node

/// A terms file as a person wrote it.
enum TermsInput {
    /// The largest file that is read.
    private static let limit = 1 << 20

    /// Reads the file that `--terms` names. Seller and buyer may be names that a ledger knows.
    /// - Throws: `UsageError` with the code and the place of what is wrong in the file.
    static func read(_ invocation: Invocation, in session: Session? = nil) throws -> Terms {
        let bytes = try invocation.file(try invocation.required("terms"), limit: limit)
        do throws(NodeError) {
            return try TermsFile.read(bytes) { name throws(NodeError) in
                guard let session else { return nil }
                return try session.node.party(name)
            }
        } catch {
            guard !error.code.hasPrefix("node.") else { throw error }
            throw UsageError(error.code, error.message)
        }
    }
}
