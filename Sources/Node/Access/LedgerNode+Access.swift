import Ledger

extension LedgerNode: LedgerAccess {
    package func head() throws(NodeError) -> BlockHeader { pipeline.feed.last }

    package var documentPeers: (any DocumentPeers)? { nil }
}
