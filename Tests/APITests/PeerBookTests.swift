import Codec
import Contracts
import Cryptography
import Ledger
import Node
import Testing

@testable import API

/// Who a caller is, and whom a node connects to.
@Suite struct PeerBookTests {
    private func pin(_ text: String) -> TLSPin { TLSPin(SHA256.digest(Array(text.utf8))) }

    private func member(_ name: String, _ status: MemberRecord.Status) -> MemberRecord {
        MemberRecord(
            id: .init(unchecked: name), name: name, roles: [.board], endpoint: "https://\(name):7443",
            tlsPins: [pin(name).digest], status: status)
    }

    private func id(_ name: String) -> MemberID { MemberID(unchecked: name) }

    private func book(validators: [String] = [], configured: [PeerBook.Configured] = []) -> PeerBook {
        PeerBook(
            own: id("own"), ownPins: [pin("file")], configured: configured,
            members: [
                member("own", .active), member("active", .active), member("applied", .applied),
                member("suspended", .suspended), member("removed", .removed),
            ], validators: validators.map(id))
    }

    @Test func tellsMembersFromStrangers() {
        let book = book()
        let callers = ["file", "own", "active", "applied", "suspended", "removed", "nobody"].map {
            book.caller(pin($0))
        }
        #expect(
            callers == [
                .own, .own, .member(id("active")), .guest(id("applied")), .stranger, .stranger, .stranger,
            ])
    }

    @Test func aValidatorInForceIsHeardWhateverItsMembership() {
        #expect(book(validators: ["suspended"]).caller(pin("suspended")) == .member(id("suspended")))
    }

    @Test func theConfigurationAddsKeysAndNeverLiftsASuspension() {
        let book = book(configured: [
            .init(member: id("active"), endpoint: "https://moved", pins: [pin("new")]),
            .init(member: id("removed"), endpoint: "", pins: [pin("back")]),
            .init(member: id("coming"), endpoint: "https://coming", pins: [pin("coming")]),
        ])
        #expect(book.caller(pin("new")) == .member(id("active")))
        #expect(book.caller(pin("back")) == .stranger)
        #expect(book.caller(pin("coming")) == .guest(id("coming")))
        #expect(book.address(of: id("active"))?.endpoint == "https://moved")
        #expect(book.address(of: id("active"))?.pins == [pin("active"), pin("new")].sorted())
        #expect(book.links.map(\.member) == ["active", "coming", "removed"].map(id))
    }

    @Test func connectsToTheOtherValidators() {
        #expect(book(validators: ["own", "active"]).links.map(\.member) == [id("active")])
    }

    @Test func asksTheNamedPeerForBlocksAndThenTheFurthest() {
        func status(_ name: String, _ isConnected: Bool, _ height: Height?) -> PeerStatus {
            PeerStatus(member: id(name), isConnected: isConnected, finalHeight: height)
        }
        let peers = [
            status("a", false, 90), status("b", true, 7), status("c", true, 9), status("d", true, nil),
        ]
        #expect(HTTPPeers.order(peers, first: id("b")) == ["b", "c", "d", "a"].map(id))
        #expect(HTTPPeers.order(peers, first: nil) == ["c", "b", "d", "a"].map(id))
    }

    @Test func fewerThanAThirdOfThePeersCannotMakeANodeLookBehind() {
        func height(_ heights: [Height], of count: Int) -> Height {
            NodeMonitor.height(
                of: heights.enumerated().map {
                    PeerStatus(member: id("p\($0)"), isConnected: true, finalHeight: $1)
                }, validators: count)
        }
        #expect(height([.max, 10, 9], of: 4) == 10)
        #expect(height([10], of: 1) == 10)
        #expect(height([], of: 4) == 0)
    }

    @Test func waitsLongerAfterEachFailure() {
        var backoff = Backoff(first: .milliseconds(100), longest: .milliseconds(500))
        #expect((0..<4).map { _ in backoff.failed() } == [100, 200, 400, 500].map { .milliseconds($0) })
        #expect((4..<200).allSatisfy { _ in backoff.failed() == .milliseconds(500) })
        backoff.succeeded()
        #expect(backoff.failures == 0 && backoff.failed(chance: 0.5) == .milliseconds(125))
    }

    @Test func aLogLineStaysOneLine() {
        let line = NodeLog.line(
            .info, "peer\nis away", ["peer": "a b", "reason": "x=\"1\"\u{1b}[0m"],
            at: .init(timeIntervalSince1970: 0))
        #expect(
            line
                == "time=1970-01-01T00:00:00.000Z level=info event=\"peer\\nis away\" peer=\"a b\" "
                + "reason=\"x=\\\"1\\\"\\u{1b}[0m\"\n")
    }
}
