/// Who sells or buys, as an invoice names them (EN 16931 BG-4, BG-7).
package struct Party: Hashable, Codable, Sendable {
    /// The member's identifier on the ledger (BT-29, BT-46).
    package var id: String
    /// The registered name (BT-27, BT-44).
    package var registrationName: String
    package var addressLine: String
    package var city: String
    package var postalCode: String
    /// ISO 3166-1 alpha-2 (BT-40, BT-55).
    package var countryCode: String
    /// With its country prefix (BT-31, BT-48).
    package var vatID: String?

    package init(
        id: String, registrationName: String, addressLine: String, city: String, postalCode: String,
        countryCode: String, vatID: String?
    ) {
        (self.id, self.registrationName, self.addressLine) = (id, registrationName, addressLine)
        (self.city, self.postalCode, self.countryCode) = (city, postalCode, countryCode)
        self.vatID = vatID
    }
}
