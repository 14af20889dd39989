import Contracts
import Foundation
import Ledger
import Testing

@testable import Node

/// What is taken back of a data directory that never got finished.
@Suite struct UnfinishedHomeTests {
    private let files = FileManager.default
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "unfinished-\(UUID().uuidString)")

    private func names() throws -> [String] { try files.contentsOfDirectory(atPath: folder.path).sorted() }

    private func found(_ unfinished: UnfinishedHome? = nil, as name: String = "Ring") throws {
        let founding = Founding(
            name: name,
            members: [
                .init(
                    id: MemberID(unchecked: "a"), name: "A", roles: [.board],
                    profile: .init(registrationName: "A", country: "DE"))
            ], validator: MemberID(unchecked: "a"), created: .zero, simulated: true)
        if let unfinished {
            _ = try founding.found(in: unfinished)
        } else {
            _ = try founding.found(in: Home(folder))
        }
    }

    @Test(arguments: [false, true])
    func onlyWhatWasMadeGoes(isThere: Bool) throws {
        if isThere { try files.createDirectory(at: folder, withIntermediateDirectories: true) }
        defer { try? files.removeItem(at: folder) }
        let unfinished = try UnfinishedHome(Home(folder))
        try found(unfinished)
        try files.createDirectory(
            at: folder.appendingPathComponent("documents"), withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: folder.appendingPathComponent("note.txt"))
        try unfinished.remove(["documents"])
        #expect(try names() == ["note.txt"])
        try files.removeItem(at: folder.appendingPathComponent("note.txt"))
        try unfinished.remove(["documents"])
        #expect(files.fileExists(atPath: folder.path) == isThere)
        // Once more where there is nothing.
        try unfinished.remove()
    }

    /// Twice would be once too often: in between the folder can have become another's.
    @Test func onlyWhoeverTookAFolderTakesItBack() throws {
        let unfinished = try UnfinishedHome(Home(folder))
        let error = #expect(throws: NodeError.self) { try found(unfinished, as: "") }
        #expect(error?.code == "genesis.bad_name")
        #expect(files.fileExists(atPath: folder.path))
        try unfinished.remove()
        #expect(!files.fileExists(atPath: folder.path))
    }

    @Test func foldersOnTheWayStayWhereSomethingIsInThem() throws {
        defer { try? files.removeItem(at: folder) }
        let unfinished = try UnfinishedHome(Home(folder.appendingPathComponent("a/b/c")))
        try found(unfinished)
        try Data("mine".utf8).write(to: folder.appendingPathComponent("a/note.txt"))
        try unfinished.remove()
        #expect(try files.subpathsOfDirectory(atPath: folder.path).sorted() == ["a", "a/note.txt"])
    }

    @Test func aPathWithoutAnEndOfItsOwnIsRefused() throws {
        let odd = URL(fileURLWithPath: folder.path + "/new/../ring")
        let error = #expect(throws: NodeError.self) { try UnfinishedHome(Home(odd)) }
        #expect(error?.code == "home.io")
        #expect(!files.fileExists(atPath: folder.path))
    }

    @Test func aFolderThatHoldsSomethingIsNotTaken() throws {
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: folder) }
        let note = folder.appendingPathComponent("note.txt")
        try Data("mine".utf8).write(to: note)
        for home in [folder, note] {
            let error = #expect(throws: NodeError.self) { try UnfinishedHome(Home(home)) }
            #expect(error?.code == "home.exists")
        }
        let error = #expect(throws: NodeError.self) { try found() }
        #expect(error?.code == "home.exists")
        #expect(try names() == ["note.txt"])
    }

    @Test func aFolderThatAnotherFillsIsNotTaken() throws {
        defer { try? files.removeItem(at: folder) }
        let unfinished = try UnfinishedHome(Home(folder))
        let early = #expect(throws: NodeError.self) { try found() }
        #expect(early?.code == "home.busy")
        #expect(try names() == [])
        try found(unfinished)
        let made = try names()
        let late = #expect(throws: NodeError.self) { try found() }
        #expect(late?.code == "home.busy")
        #expect(try names() == made && Home(folder).isFounded)
        // What is taken back can be filled by the next.
        try unfinished.remove()
        try found()
        #expect(Home(folder).isFounded)
    }
}
