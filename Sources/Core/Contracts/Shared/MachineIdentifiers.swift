import Ledger

/// A machine on the ledger, such as `press-7`.
package struct MachineID: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
}

/// The kind of machine that accreditations are given for, such as `laser-cutter`.
package struct MachineClass: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
}

/// Where a machine stands, as coarse as accreditations need it, such as `de-by` (ISO 3166-2 in lower case).
package struct Region: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
}
