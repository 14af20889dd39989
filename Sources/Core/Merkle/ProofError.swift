/// Why a proof proves nothing. The raw value is the stable code.
package enum ProofError: String, Error, Hashable, Sendable {
    /// A leaf index at or past the log's size.
    case indexOutOfRange = "proof.index_out_of_range"
    /// Sizes between which there is nothing to prove: from an empty log, or to a smaller one.
    case sizeOutOfRange = "proof.size_out_of_range"
    /// The proof is for another log size than the head it is verified against.
    case sizeMismatch = "proof.size_mismatch"
    /// More or fewer hashes than the sizes (or the missing leaf) call for.
    case pathLength = "proof.path_length"
    /// Split bits of a state proof that do not rise from the root to the leaf.
    case pathOrder = "proof.path_order"
    /// The leaf of a state proof does not lie where the asked key's bits lead.
    case wrongLeaf = "proof.wrong_leaf"
    /// The path leads to another root.
    case rootMismatch = "proof.root_mismatch"
    /// The proof holds, but for another value, or for a value where absence was claimed or the reverse.
    case valueMismatch = "proof.value_mismatch"
}

extension ProofError: CustomStringConvertible {
    package var description: String { rawValue }
}
