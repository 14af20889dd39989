import Contracts
import Testing

/// The reference of the contracts (`docs/contracts.md`) is what the code does.
@Suite struct ReferenceTests {
    // MARK: Formats

    @Test func everyActionAndRecordHasTheFormOnThePage() throws {
        var checker = CDDLChecker(try ReferencePages.rules())
        for sample in try Samples.all() {
            do { _ = try checker.check(sample.body, rule: sample.rule) } catch {
                Issue.record("\(sample.rule) is not as on the page: \(error)")
            }
        }
        #expect(checker.unused == [], "on the page, and in no action or record")
    }

    /// Absent keys, negative numbers and other texts: what the page says of them, the decoder does.
    @Test func thePageAllowsWhatTheCodeTakes() throws {
        var checker = CDDLChecker(try ReferencePages.rules())
        for sample in try Samples.all() {
            #expect(sample.isValue(sample.item.encoded))
            for change in try checker.check(sample.body, rule: sample.rule) {
                let changed = sample.item.replacing(at: (sample.path + change.path)[...], with: change.item)
                #expect(
                    sample.isValue(changed.encoded) == change.isAllowed,
                    "\(change.what): the page says \(change.isAllowed ? "yes" : "no") and the code does not")
            }
        }
    }

    @Test func everyTextOfAnEnumerationIsOnThePage() throws {
        let sets = try ReferencePages.rules().literalSets
        let sources =
            try ReferencePages.sources("Sources/Core/Contracts")
            + ReferencePages.sources("Sources/Core/Ledger/State")
        let found = ReferencePages.enumerations(in: sources)
        #expect(found.count > 20)
        for enumeration in found where enumeration.isText {
            let isThere = sets.contains(Set(enumeration.cases))
            #expect(isThere, "no rule has exactly the texts of \(enumeration.name): \(enumeration.cases)")
        }
    }

    @Test func everyFormOfAValueIsSampled() throws {
        let rules = Set(try Samples.all().map(\.rule))
        for contract in ReferencePages.contracts {
            for enumeration in ReferencePages.enumerations(in: try ReferencePages.sources(of: contract))
            where !enumeration.isText {
                let page = try ReferencePages.page(contract)
                for name in enumeration.cases where enumeration.name != "Action" {
                    let isThere = page.contains("{ \"\(name)\": ")
                    #expect(isThere, "\(contract): no form \(name)")
                }
                for name in enumeration.cases where enumeration.name == "Action" {
                    #expect(rules.contains("\(contract).\(name)"), "no sample of \(contract).\(name)")
                }
            }
        }
        let tables = Set(
            ReferencePages.tables(in: try ReferencePages.sources("Sources/Core/Contracts"))
                + ReferencePages.tables(in: try ReferencePages.sources("Sources/Core/Ledger")))
        // A deadline's record is no map: its key says everything.
        #expect(
            Set(rules.filter { $0.hasSuffix("-record") }.map { String($0.dropLast(7)) } + ["timer"]) == tables
        )
    }

    // MARK: Tables

    @Test(arguments: ReferencePages.contracts)
    func theTableOfActionsIsComplete(contract: String) throws {
        let enumerations = ReferencePages.enumerations(in: try ReferencePages.sources(of: contract))
        let actions = try #require(enumerations.first { $0.name == "Action" }).cases
        let listed = ReferencePages.firstColumn(under: "Actions", in: try ReferencePages.page(contract))
        #expect(listed == actions, "the actions of \(contract), in the code's order")
        #expect(ActionNames.all.first { $0.contract == contract }?.actions == actions)
    }

    @Test func theTablesOfRecordsAreComplete() throws {
        for contract in ReferencePages.contracts {
            let tables = ReferencePages.tables(in: try ReferencePages.sources(of: contract))
            let listed = ReferencePages.firstColumn(under: "Records", in: try ReferencePages.page(contract))
            #expect(Set(listed) == Set(tables), "the tables of \(contract)")
        }
        let tables = ReferencePages.tables(in: try ReferencePages.sources("Sources/Core/Ledger"))
        let listed = ReferencePages.firstColumn(
            under: "The ledger's own records", in: try ReferencePages.overview())
        #expect(Set(listed) == Set(tables))
    }

    @Test(arguments: ReferencePages.contracts)
    func theTableOfRefusalsIsComplete(contract: String) throws {
        let listed = ReferencePages.firstColumn(under: "Refusals", in: try ReferencePages.page(contract))
        // A scope, such as `telemetry.anchor`, has an action's name.
        let actions = try ReferencePages.rules().rules
        let codes = ReferencePages.codes(
            of: contract, in: try ReferencePages.sources("Sources/Core/Contracts")
        ).filter { actions[$0] == nil }
        let shared = try ReferencePages.sharedReasons().map { "\(contract).\($0)" }
        #expect(codes.subtracting(listed).sorted() == [], "not on the page")
        #expect(Set(listed).subtracting(codes).subtracting(shared).sorted() == [], "nowhere in the code")
        #expect(Set(listed).count == listed.count)
    }

    @Test func theSharedRefusalsAreComplete() throws {
        let listed = ReferencePages.firstColumn(
            under: "Refusals that every contract shares", in: try ReferencePages.overview())
        #expect(Set(listed.filter { !$0.contains(".") }) == (try ReferencePages.sharedReasons()))
        let sources = try ReferencePages.sources("Sources/Core/Ledger")
        for code in listed where code.contains(".") && code != "member.unknown" {
            let isThere = sources.contains("\"\(code)\"")
            #expect(isThere, "\(code) is nowhere in the code")
        }
    }

    @Test func tablesAreNoWiderThan110Columns() throws {
        let rows = try ReferencePages.all().flatMap { $0.split(separator: "\n") }.filter { $0.hasPrefix("|") }
        #expect(rows.filter { $0.count > 110 } == [])
    }
}
