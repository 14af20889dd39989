import Contracts
import Ledger
import Testing

@Suite struct FoundingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let code: String
        let founders: [Founder]
        var validators = ContractHarness.validators(["b1"])
        var parameters = ParametersRecord()
        var testDescription: String { code }
    }

    static let board = ContractHarness.founder("b1")

    static func changed(_ change: (inout Founder) -> Void) -> Founder {
        var founder = board
        change(&founder)
        return founder
    }

    @Test(arguments: [
        Case(code: "consortium.list_too_short", founders: []),
        Case(code: "consortium.no_board", founders: [ContractHarness.founder("oem")]),
        Case(code: "consortium.member_exists", founders: [board, board]),
        Case(code: "consortium.key_taken", founders: [board, changed { $0.id = MemberID("b2")! }]),
        Case(
            code: "consortium.board_full",
            founders: (0...100).map { number in
                changed {
                    $0.id = MemberID("b\(number)")!
                    $0.signingPublicKey = ContractHarness.publicKey("\(number)")
                }
            }),
        Case(code: "consortium.text_too_short", founders: [changed { $0.name = "" }]),
        Case(code: "consortium.endpoint_invalid", founders: [changed { $0.endpoint = "here" }]),
        Case(
            code: "consortium.pin_taken",
            founders: [
                changed { $0.tlsPins = [.zero] },
                changed { founder in
                    (founder.id, founder.tlsPins) = (MemberID("b2")!, [.zero])
                    founder.signingPublicKey = ContractHarness.publicKey("b2")
                },
            ]),
        Case(code: "consortium.list_too_short", founders: [changed { $0.tlsPins = [] }]),
        Case(
            code: "consortium.engines_invalid", founders: [board],
            parameters: ParametersRecord(engines: ["https://a.example", "embedded:"])),
        Case(code: "consortium.list_too_short", founders: [board], validators: []),
        Case(code: "member.unknown", founders: [board], validators: ContractHarness.validators(["b2"])),
        Case(
            code: "consortium.number_out_of_range", founders: [board],
            parameters: ParametersRecord(transactionsPerSecond: 0)),
    ]) func refusesAGenesis(_ example: Case) throws {
        let context = ContractHarness.emptyContext()
        var code: String?
        do {
            try ConsortiumContract.found(
                example.founders, parameters: example.parameters, validators: example.validators, in: context)
        } catch { code = error.code }
        #expect(code == example.code)
    }

    @Test func aFounderBringsItsPins() throws {
        let context = ContractHarness.emptyContext()
        try ConsortiumContract.found(
            [Self.changed { $0.tlsPins = [MemberNodeTests.pin(2), MemberNodeTests.pin(1)] }],
            parameters: ParametersRecord(), validators: ContractHarness.validators(["b1"]), in: context)
        let member = try context.existing(MemberRecord.self, MemberID("b1")!)
        #expect(member.tlsPins == [MemberNodeTests.pin(1), MemberNodeTests.pin(2)])
        #expect(try context.existing(PinRecord.self, MemberNodeTests.pin(2)).member == member.id)
    }
}
