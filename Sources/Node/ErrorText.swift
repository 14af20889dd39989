import Foundation
import Vault

/// What an error says, for a message to a person.
package enum ErrorText {
    /// One sentence: the operating system's own for a failed call, whoever wrapped it, else the error's
    /// description.
    package static func of(_ error: any Error) -> String {
        if let error = error as? NodeError { return of(error) }
        if let error = error as? VaultError {
            return "\(error.code.rawValue): \(error.detail)" + (error.cause.map { " (\(of($0)))" } ?? "")
        }
        return system(error as NSError) ?? "\(error)"
    }

    /// With the cause behind it; what one layer has handed on under its own code is said once, by the layer
    /// that knew.
    private static func of(_ error: NodeError) -> String {
        error.cause.hasPrefix(error.code + ": ") ? error.cause : error.description
    }

    /// Nil for what is no failure of the operating system.
    private static func system(_ error: NSError) -> String? {
        if error.domain == NSPOSIXErrorDomain {
            return String(cString: strerror(Int32(clamping: error.code)))
        }
        guard error.domain == NSCocoaErrorDomain else { return nil }
        if let cause = error.userInfo[NSUnderlyingErrorKey] as? any Error, let text = system(cause as NSError)
        {
            return text
        }
        switch CocoaError.Code(rawValue: error.code) {
        case .fileNoSuchFile, .fileReadNoSuchFile: return "no such file or folder"
        case .fileReadNoPermission, .fileWriteNoPermission: return "no permission"
        case .fileWriteOutOfSpace: return "no space left"
        case .fileWriteUnknown: return "the path cannot be written to"
        case .fileReadUnknown: return "the path cannot be read"
        default: return error.localizedDescription
        }
    }
}
