import Codec
import Contracts
import Foundation
import Ledger
import Node

/// What a demonstration came to, as `--json` prints it.
struct DemoReport: Encodable {
    let home: String
    let genesis: String
    let ledger: Digest
    let simulated: Bool
    let height: Height
    let transactions: UInt64
    let machine: MachineID
    /// The time that was billed.
    let from: Timestamp
    let to: Timestamp
    let tickets: [TicketRecord]
    let invoices: [InvoiceRecord]
    let creditNotes: [CreditNoteRecord]
    /// What the data could not tell, and how it was treated.
    let notes: [String]
    let files: [String]

    init(_ story: DemoStory, _ cast: DemoCast, _ told: DemoStory.Told) throws {
        let company = try cast.company(DemoCast.board)
        let (ledger, view) = (company.ledger, try company.ledger.view())
        let head = try ledger.head()
        (home, genesis) = (company.home.folder.path, company.home.genesisFile.path)
        (self.ledger, simulated) = (ledger.rules.chain, ledger.genesis.simulated)
        (height, transactions) = (head.height, head.logSize)
        machine = story.scenario.machine
        let periods = story.scenario.periods
        from = Timestamp(milliseconds: periods[0].from)
        to = Timestamp(milliseconds: periods[periods.count - 1].to)
        (tickets, invoices) = (try view.all(TicketRecord.self), try view.all(InvoiceRecord.self))
        creditNotes = try view.all(CreditNoteRecord.self)
        notes = told.report.sentences
        files = try FileManager.default.contentsOfDirectory(atPath: story.folder.path).sorted()
            .map { story.folder.appendingPathComponent($0).path }
    }
}
