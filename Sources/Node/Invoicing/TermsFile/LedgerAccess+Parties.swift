import Billing
import Contracts
import Ledger

extension LedgerAccess {
    /// A member as terms and invoices name it; nil where there is none, or it has not said who it is.
    package func party(_ name: String) throws(NodeError) -> Party? {
        guard let id = MemberID(name), let member = try view().get(MemberRecord.self, id),
            let profile = member.profile
        else { return nil }
        return Party(
            id: id.text, registrationName: profile.registrationName, addressLine: profile.addressLine,
            city: profile.city, postalCode: profile.postalCode, countryCode: profile.country,
            vatID: profile.vatID)
    }
}
