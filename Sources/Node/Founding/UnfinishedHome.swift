import Foundation

/// A data directory that is being filled, by nobody else meanwhile, and of which just that can be taken back.
package final class UnfinishedHome: Sendable {
    package let home: Home
    private let held: HeldFolder

    /// Makes the folder where there is none, and those that it is in.
    /// - Throws: `home.exists` where something is there already, `home.busy` where another fills it,
    ///   `home.io`.
    package init(_ home: Home) throws(NodeError) {
        self.home = home
        held = try HeldFolder(home.folder)
        let names = try? FileManager.default.contentsOfDirectory(atPath: home.folder.path)
        guard names?.isEmpty == true else {
            throw NodeError("home.exists", "\(home.folder.path) is not empty: choose another directory")
        }
    }

    /// Removes what founding a ledger and working on it made; what somebody else put there meanwhile stays,
    /// and so do folders that were there before or are not empty then.
    /// - Parameter names: of what else was made in the folder.
    package func remove(_ names: [String] = []) throws { try remove(only: home.namesOfALedger + names) }

    /// The same for a folder in which only this was made.
    package func remove(only names: [String]) throws {
        let files = FileManager.default
        for name in names {
            let item = home.folder.appendingPathComponent(name)
            if files.fileExists(atPath: item.path) { try files.removeItem(at: item) }
        }
        try held.removeMade()
    }
}

extension Home {
    /// What founding a ledger and working on it leave in the folder, whether they end well or not.
    fileprivate var namesOfALedger: [String] {
        let whole = [
            genesisFile, ledgerFolder, votingKeyFile, votingStoreFile, outboxFile, clockFile, vaultFolder,
            tlsFolder, folder.appendingPathComponent("members"),
        ].map(\.lastPathComponent)
        return whole + [votingStoreFile, outboxFile].map { $0.lastPathComponent + ".new" }
    }
}
