import CNATS

/// The requests to JetStream about one epoch's stream.
struct NATSStream: Sendable {
    let connection: NATSConnection
    let configuration: NATSConfiguration

    private var name: String { configuration.stream.name }

    /// What the servers say of the stream, copied out of the library's memory.
    struct Information: Sendable {
        let sighting: StreamCursor.Sighting
        /// The first setting that is not as it has to be, in words; nil where all are.
        let difference: String?
        let leader: String?
        let replicas: [EnginePlacement.Replica]
    }

    /// Nil where there is no such stream.
    func information() throws(NATSFailure) -> Information? {
        var pointer: UnsafeMutablePointer<jsStreamInfo>?
        var code = jsErrCode(0)
        let status = js_GetStreamInfo(&pointer, connection.context, name, nil, &code)
        defer { jsStreamInfo_Destroy(pointer) }
        if status == NATS_NOT_FOUND || code == JSStreamNotFoundErr { return nil }
        try NATSFailure.check(status, code)
        guard let information = pointer?.pointee else { throw NATSFailure("an answer without content") }
        return read(information)
    }

    /// Creates the stream. Who comes second finds it as it is, or with other settings.
    func create() throws(NATSFailure) {
        let strings = CStrings()
        var subjects: [UnsafePointer<CChar>?] = [strings.keep(configuration.stream.subjects)]
        var settings = jsStreamConfig()
        jsStreamConfig_Init(&settings)
        settings.Name = strings.keep(name)
        settings.Retention = js_LimitsPolicy
        settings.Storage = js_FileStorage
        settings.Discard = js_DiscardNew
        settings.Replicas = Int64(configuration.replicas)
        settings.MaxBytes = configuration.maximumBytes ?? -1
        settings.MaxMsgSize = Int32(NATSConfiguration.maximumMessage)
        settings.Duplicates = Int64(configuration.duplicateWindowSeconds) * 1_000_000_000
        settings.DenyDelete = true
        settings.DenyPurge = true
        var code = jsErrCode(0)
        let status = subjects.withUnsafeMutableBufferPointer { list in
            settings.Subjects = list.baseAddress
            settings.SubjectsLen = 1
            return js_AddStream(nil, connection.context, &settings, nil, &code)
        }
        if code == JSStreamNameExistErr { return }
        try NATSFailure.check(status, code)
    }

    private func read(_ information: jsStreamInfo) -> Information {
        func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
        var replicas: [EnginePlacement.Replica] = []
        if let cluster = information.Cluster?.pointee {
            for index in 0..<Int(cluster.ReplicasLen) {
                guard let peer = cluster.Replicas?[index]?.pointee else { continue }
                replicas.append(
                    EnginePlacement.Replica(
                        server: text(peer.Name) ?? "", isCurrent: peer.Current && !peer.Offline))
            }
        }
        return Information(
            sighting: StreamCursor.Sighting(
                created: information.Created, first: information.State.FirstSeq,
                last: information.State.LastSeq),
            difference: information.Config.flatMap { difference($0.pointee) },
            leader: text(information.Cluster?.pointee.Leader).flatMap { $0.isEmpty ? nil : $0 },
            replicas: replicas)
    }

    /// More replicas than asked for are as good; anything else that could lose or hide a batch is not.
    private func difference(_ found: jsStreamConfig) -> String? {
        let subject = found.SubjectsLen == 1 ? found.Subjects?[0].map { String(cString: $0) } : nil
        let limit = Int64(NATSConfiguration.maximumMessage)
        let rules: [(Bool, String)] = [
            (
                subject == configuration.stream.subjects,
                "its subjects are not \(configuration.stream.subjects)"
            ),
            (found.Retention == js_LimitsPolicy, "it forgets what has been read"),
            (found.Storage == js_FileStorage, "it is kept in memory"),
            (found.Discard == js_DiscardNew, "it drops old messages when it is full"),
            (
                found.Replicas >= configuration.replicas,
                "it is on \(found.Replicas) servers, not \(configuration.replicas)"
            ),
            (found.DenyDelete && found.DenyPurge, "its messages can be deleted"),
            (!found.AllowRollup, "its messages can be rolled up"),
            (!found.NoAck, "it acknowledges nothing"), (!found.Sealed, "it is sealed"),
            (found.MaxAge == 0, "its messages expire"),
            (found.MaxMsgs <= 0 && found.MaxMsgsPerSubject <= 0, "it holds a limited number of messages"),
            (found.MaxMsgSize <= 0 || found.MaxMsgSize >= limit, "it takes no message of \(limit) bytes"),
            (found.Mirror == nil && found.SourcesLen == 0, "it copies another stream"),
        ]
        return rules.first { !$0.0 }?.1
    }

    /// Publishes a batch and waits until the stream has stored it, or has a message with this id already.
    func publish(_ batch: [UInt8], id: String, timeoutMilliseconds: Int) throws(NATSFailure)
        -> (sequence: UInt64, isDuplicate: Bool)
    {
        let strings = CStrings()
        var options = jsPubOptions()
        jsPubOptions_Init(&options)
        options.MaxWait = Int64(max(1, timeoutMilliseconds))
        options.MsgId = strings.keep(id)
        options.ExpectStream = strings.keep(name)
        var acknowledgement: UnsafeMutablePointer<jsPubAck>?
        defer { jsPubAck_Destroy(acknowledgement) }
        var code = jsErrCode(0)
        let status = batch.withUnsafeBytes {
            js_Publish(
                &acknowledgement, connection.context, configuration.stream.subject(of: configuration.member),
                $0.baseAddress, Int32($0.count), &options, &code)
        }
        try NATSFailure.check(status, code)
        guard let answer = acknowledgement?.pointee, answer.Sequence > 0 else {
            throw NATSFailure("an acknowledgement without a sequence")
        }
        return (answer.Sequence, answer.Duplicate)
    }

    /// One message of the stream.
    func message(at sequence: UInt64) throws(NATSFailure) -> [UInt8] {
        var message: OpaquePointer?
        defer { natsMsg_Destroy(message) }
        var code = jsErrCode(0)
        try NATSFailure.check(js_GetMsg(&message, connection.context, name, sequence, nil, &code), code)
        return natsBytes(of: message)
    }

    /// Makes this member's reader of the stream anew, from a message on.
    ///
    /// It has the member's name, so that the servers can keep others from it, and holds nothing that matters:
    /// a server forgets it when nobody has asked for a minute.
    func createReader(from sequence: UInt64) throws(NATSFailure) {
        deleteReader()
        let strings = CStrings()
        var settings = jsConsumerConfig()
        jsConsumerConfig_Init(&settings)
        settings.Name = strings.keep(LedgerStream.token(of: configuration.member))
        settings.DeliverPolicy = js_DeliverByStartSequence
        settings.OptStartSeq = sequence
        settings.AckPolicy = js_AckNone
        settings.ReplayPolicy = js_ReplayInstant
        settings.InactiveThreshold = 60_000_000_000
        settings.Replicas = 1
        settings.MemoryStorage = true
        var code = jsErrCode(0)
        try NATSFailure.check(js_AddConsumer(nil, connection.context, name, &settings, nil, &code), code)
    }

    /// Where it is not there, or the servers do not answer, nothing is lost.
    func deleteReader() {
        var code = jsErrCode(0)
        _ = js_DeleteConsumer(
            connection.context, name, LedgerStream.token(of: configuration.member), nil, &code)
    }
}
