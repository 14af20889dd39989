/// What a server answered.
package struct HTTPAnswer: Sendable {
    package let status: HTTPStatus
    package let headers: HTTPHeaders
    package let body: [UInt8]

    /// What the server said of a failure, where it said it as RFC 9457 has it.
    package var problem: Problem? {
        guard headers["Content-Type"]?.hasPrefix(Problem.contentType) == true else { return nil }
        return Problem(parsing: body)
    }

    /// This answer where its status is 2xx.
    ///
    /// - Throws: `http.status` with the status and the problem.
    @discardableResult package func successful() throws(HTTPError) -> HTTPAnswer {
        guard status.isSuccess else {
            let problem = problem
            throw HTTPError(
                .status, problem.map { "\($0)" } ?? "\(status.code) \(status.phrase)", status: status.code,
                problem: problem)
        }
        return self
    }
}
