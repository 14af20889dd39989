import Foundation
import Node

extension UnfinishedHome {
    /// Takes back what a verb made that failed or was stopped: the next try wants an empty folder.
    /// - Parameters:
    ///   - verb: whose work it was.
    ///   - names: of what else was made in the folder.
    /// - Returns: the failure, which says so where something could not be removed.
    func cleared(_ verb: String, _ names: [String], after failure: any Error) -> any Error {
        let interruption = failure as? Interruption
        do {
            try remove(names)
            return interruption.map { Interruption($0.signal, "what was made is removed") } ?? failure
        } catch {
            let left = "what was made is still in \(home.folder.path) (\(ErrorText.of(error))): remove it"
            if let interruption { return Interruption(interruption.signal, left) }
            return NodeError("\(verb).left", "\(ErrorText.of(failure)); \(left)")
        }
    }
}
