import HTTP
import Testing

@testable import API

@Suite struct RouterTests {
    @Test(arguments: [
        (Caller.own, [true, true, true, true]),
        (.member(.init(unchecked: "a")), [true, true, true, false]),
        (.guest(.init(unchecked: "a")), [true, true, false, false]),
        (.stranger, [true, false, false, false]),
    ])
    func answersThoseWhomARouteIsFor(caller: Caller, allowed: [Bool]) {
        #expect([Access.anyone, .guests, .members, .own].map { $0.allows(caller) } == allowed)
    }

    @Test func readsWhatStandsInThePath() {
        let route = Route(.get, "/v1/engine/:epoch/batches", for: .members) { _ in HTTPResponse() }
        #expect(route.parameters(["v1", "engine", "ab", "batches"]) == ["epoch": "ab"])
        #expect(route.parameters(["v1", "engine", "ab"]) == nil)
        #expect(route.parameters(["v1", "engine", "ab", "others"]) == nil)
    }

    @Test func allowsNoBodyWhereThereIsNoRoute() {
        let router = Router([Route(.post, "/v1/x", for: .anyone, maximumBodyBytes: 7) { _ in HTTPResponse() }]
        )
        #expect(router.maximumBodyBytes(.post, "/v1/x") == 7)
        #expect(router.maximumBodyBytes(.post, "/v1/y") == 0)
    }
}
