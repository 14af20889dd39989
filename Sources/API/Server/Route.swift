import HTTP

/// One thing that a node answers: a method, a path, whom it answers, and the answer.
package struct Route: Sendable {
    let method: HTTPMethod
    /// The path's components; one that begins with `:` names what stands in its place.
    let pattern: [String]
    let access: Access
    let maximumBodyBytes: Int
    let answer: @Sendable (Call) throws -> HTTPResponse

    /// - Parameters:
    ///   - path: such as `/v1/engine/:epoch/batches`.
    ///   - maximumBodyBytes: of the request. The body is read before the caller is known, so it is small
    ///     where it can be.
    package init(
        _ method: HTTPMethod, _ path: String, for access: Access, maximumBodyBytes: Int = 64 << 10,
        answer: @escaping @Sendable (Call) throws -> HTTPResponse
    ) {
        self.method = method
        pattern = path.split(separator: "/").map(String.init)
        (self.access, self.maximumBodyBytes, self.answer) = (access, maximumBodyBytes, answer)
    }

    /// What stands in the place of the pattern's names; nil where the path is another.
    func parameters(_ path: [String]) -> [String: String]? {
        guard path.count == pattern.count else { return nil }
        var parameters: [String: String] = [:]
        for (name, component) in zip(pattern, path) {
            if name.hasPrefix(":") {
                parameters[String(name.dropFirst())] = component
            } else if name != component {
                return nil
            }
        }
        return parameters
    }
}

/// A request on its way to a route's answer.
package struct Call: Sendable {
    package let request: HTTPRequest
    package let caller: Caller
    private let parameters: [String: String]

    init(_ request: HTTPRequest, _ caller: Caller, _ parameters: [String: String]) {
        (self.request, self.caller, self.parameters) = (request, caller, parameters)
    }

    /// What stands in the path in the place of a name.
    package func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// A whole number of the query.
    /// - Throws: 400 `api.bad_query` where it is none; `otherwise` where it is missing.
    package func number(_ name: String, otherwise: UInt64? = nil) throws -> UInt64 {
        guard let text = request.query(name) else {
            if let otherwise { return otherwise }
            throw Problem(.badRequest, "api.bad_query", "the query has no \(name)")
        }
        guard let number = UInt64(text) else {
            throw Problem(.badRequest, "api.bad_query", "\(name) is a whole number")
        }
        return number
    }
}

/// Finds the route of a request.
package struct Router: Sendable {
    private let routes: [Route]

    package init(_ routes: [Route]) { self.routes = routes }

    /// The largest body that a request to a target may have.
    package func maximumBodyBytes(_ method: HTTPMethod, _ target: HTTPTarget) -> Int {
        find(method, target.components)?.route.maximumBodyBytes ?? 0
    }

    /// Answers a request.
    /// - Throws: 404 `api.not_found`, 405 `api.bad_method`; 401 `api.unknown_caller` for a caller whom nobody
    ///   knows and 403 `api.forbidden` for one whom this is not for; and what the route throws.
    package func answer(_ request: HTTPRequest, from caller: Caller) throws -> HTTPResponse {
        // HEAD is GET without its body, which the server leaves out.
        let method = request.method == .head ? .get : request.method
        guard let (route, parameters) = find(method, request.path) else { throw missing(request) }
        guard route.access.allows(caller) else {
            if caller == .stranger {
                throw Problem(
                    .unauthorized, "api.unknown_caller",
                    "this is for members: the ledger knows no active member by the caller's TLS key")
            }
            throw Problem(.forbidden, "api.forbidden", "this is not for the caller")
        }
        return try route.answer(Call(request, caller, parameters))
    }

    private func find(_ method: HTTPMethod, _ path: [String]) -> (route: Route, parameters: [String: String])?
    {
        for route in routes where route.method == method {
            if let parameters = route.parameters(path) { return (route, parameters) }
        }
        return nil
    }

    private func missing(_ request: HTTPRequest) -> Problem {
        let methods = routes.filter { $0.parameters(request.path) != nil }.map(\.method.rawValue)
        guard methods.isEmpty else {
            return Problem(
                .methodNotAllowed, "api.bad_method", "this takes \(methods.joined(separator: ", "))")
        }
        return Problem(.notFound, "api.not_found", "there is nothing here")
    }
}
