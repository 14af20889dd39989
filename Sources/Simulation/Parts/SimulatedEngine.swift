import Codec
import Ledger

/// An ordering engine: one list of batches, or two where it shows different ones to different nodes.
final class SimulatedEngine {
    struct Entry {
        let position: UInt64
        let batch: OrderedBatch
    }

    let address: String
    /// The node that it runs in, if any.
    let host: Int?
    private(set) var faces: [[Entry]] = [[]]
    /// Which list each node sees.
    var faceOf: [Int]
    var isStalled = false
    /// Batches of this node are lost.
    var censored: Int?
    /// Counts recreations: followers begin again at their position.
    private(set) var generation = 0

    init(_ address: String, host: Int?, nodes: Int) {
        (self.address, self.host) = (address, host)
        faceOf = Array(repeating: 0, count: nodes)
    }

    func entries(for node: Int) -> [Entry] { faces[min(faceOf[node], faces.count - 1)] }

    var isTwoFaced: Bool { faces.count > 1 }

    /// From now on a list for each of two groups; both begin with what there is.
    func split(_ faceOf: [Int]) {
        if faces.count == 1 { faces.append(faces[0]) }
        self.faceOf = faceOf
    }

    /// One list again, the first.
    func unite() {
        faces = [faces[0]]
        faceOf = faceOf.map { _ in 0 }
    }

    func append(_ batch: Batch, candidates: [Candidate], to face: Int) {
        let position = (faces[face].last?.position ?? 0) + 1
        faces[face].append(
            Entry(
                position: position,
                batch: OrderedBatch(batch: batch, position: position, candidates: candidates)))
    }

    /// The last entries are gone; their positions are given again.
    func loseTail(_ count: Int) {
        for face in faces.indices { faces[face].removeLast(min(count, faces[face].count)) }
    }

    /// An earlier batch is ordered a second time.
    func replay(_ index: Int, face: Int) {
        guard faces[face].indices.contains(index) else { return }
        let old = faces[face][index].batch
        append(old.batch, candidates: old.candidates, to: face)
    }

    /// Everything is gone; positions begin again.
    func recreate() {
        faces = faces.map { _ in [] }
        generation += 1
    }
}
