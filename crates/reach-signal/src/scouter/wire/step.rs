//! Steps: what a transaction did. They are written as they end, so a part of a step stands before the step.

use super::{
    fields::{
        Any, At, Blob, Byte, Decimal, Decimal32, Fields, Flag, Form, Ints, Layout, Long, Node, Optional,
        Short, Text, kinds, record,
    },
    read::{Malformed, Reader},
    write::Writer,
};

kinds! {
    /// One thing that a transaction did.
    Step(Malformed::Step, "step_type", "step_name") {
        /// A method ran.
        Method(Method) = 1 "METHOD",
        /// A statement ran.
        Sql(Sql) = 2 "SQL",
        /// Something was noted.
        Message(Message) = 3 "MESSAGE",
        /// One connection attempt.
        Socket(Socket) = 5 "SOCKET",
        /// A call to another service.
        ApiCall(ApiCall) = 6 "APICALL",
        /// Work was handed to a thread.
        ThreadSubmit(ThreadSubmit) = 7 "THREAD_SUBMIT",
        /// A statement ran.
        Sql2(Sql2) = 8 "SQL2",
        /// Something was noted, by the hash of its text.
        HashedMessage(HashedMessage) = 9 "HASHED_MESSAGE",
        /// A method ran, and perhaps failed.
        Method2(Method2) = 10 "METHOD2",
        /// Methods in sum.
        MethodSum(MethodSum) = 11 "METHOD_SUM",
        /// Stacks of the thread.
        Dump(Dump) = 12 "DUMP",
        /// A request was given on.
        Dispatch(Dispatch) = 13 "DISPATCH",
        /// Work may have been handed to a thread.
        ThreadCall(ThreadCall) = 14 "THREAD_CALL_POSSIBLE",
        /// A call to another service, perhaps without waiting for it.
        ApiCall2(ApiCall2) = 15 "APICALL2",
        /// A statement ran.
        Sql3(Sql3) = 16 "SQL3",
        /// Something was noted, with what belongs to it.
        ParameterizedMessage(ParameterizedMessage) = 17 "PARAMETERIZED_MESSAGE",
        /// Statements in sum.
        SqlSum(SqlSum) = 21 "SQL_SUM",
        /// Notes in sum.
        MessageSum(MessageSum) = 31 "MESSAGE_SUM",
        /// Connection attempts in sum.
        SocketSum(SocketSum) = 42 "SOCKET_SUM",
        /// Calls in sum.
        ApiCallSum(ApiCallSum) = 43 "APICALL_SUM",
        /// A span of Zipkin.
        Span(Box<SpanStep>) = 51 "SPAN",
        /// A span of Zipkin that is a call.
        SpanCall(Box<SpanCallStep>) = 52 "SPANCALL",
        /// Something about the profile itself.
        Control(Control) = 99 "CONTROL",
    }
}

/// Steps out of a profile, one after the other. Ends behind the first that cannot be read.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    reader: Option<Reader<'a>>,
}

/// The steps of a profile.
pub fn steps(profile: &[u8]) -> Steps<'_> {
    Steps { reader: Some(Reader::new(profile)) }
}

impl Iterator for Steps<'_> {
    type Item = Result<Step, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut().filter(|reader| !reader.rest().is_empty())?;
        let step = Step::read(reader).map_err(Malformed::within);
        if step.is_err() {
            self.reader = None;
        }
        Some(step)
    }
}

/// A profile with these steps.
pub fn write_steps(steps: &[Step]) -> Vec<u8> {
    let mut w = Writer::default();
    steps.iter().for_each(|step| step.write(&mut w));
    w.into_bytes()
}

record! {
    /// A method ran.
    Method {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
    }
}

record! {
    /// A method ran, and perhaps failed.
    Method2 {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        error: Decimal32 = "error",
    }
}

record! {
    /// A statement ran.
    Sql {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        param: Text = "param",
        error: Decimal32 = "error",
    }
}

record! {
    /// A statement ran.
    Sql2 {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        param: Text = "param",
        error: Decimal32 = "error",
        xtype: Byte = "xtype",
    }
}

record! {
    /// A statement ran.
    Sql3 {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        param: Text = "param",
        error: Decimal32 = "error",
        xtype: Byte = "xtype",
        updated: Decimal32 = "updated",
    }
}

record! {
    /// Something was noted.
    Message {
        at: At = "",
        message: Text = "message",
    }
}

record! {
    /// Something was noted, by the hash of its text.
    HashedMessage {
        at: At = "",
        hash: Decimal32 = "hash",
        time: Decimal32 = "time",
        value: Decimal32 = "value",
    }
}

record! {
    /// Something was noted, with what belongs to it.
    ParameterizedMessage {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        level: Decimal32 = "level",
        param_string: Text = "paramString",
    }
}

record! {
    /// One connection attempt.
    Socket {
        at: At = "",
        ipaddr: Blob = "ipaddr",
        port: Decimal32 = "port",
        elapsed: Decimal32 = "elapsed",
        error: Decimal32 = "error",
    }
}

record! {
    /// A call to another service.
    ApiCall {
        at: At = "",
        txid: Decimal = "txid",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        error: Decimal32 = "error",
        address: Optional = "address",
    }
}

record! {
    /// A call to another service, perhaps without waiting for it.
    ApiCall2 {
        at: At = "",
        txid: Decimal = "txid",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        error: Decimal32 = "error",
        address: Optional = "address",
        is_async: Byte = "async",
    }
}

record! {
    /// A request was given on.
    Dispatch {
        at: At = "",
        txid: Decimal = "txid",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        error: Decimal32 = "error",
        address: Optional = "address",
    }
}

record! {
    /// Work was handed to a thread.
    ThreadSubmit {
        at: At = "",
        txid: Decimal = "txid",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        cputime: Decimal32 = "cputime",
        error: Decimal32 = "error",
    }
}

record! {
    /// Work may have been handed to a thread.
    ThreadCall {
        at: At = "",
        txid: Decimal = "txid",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        threaded: Byte = "threaded",
    }
}

record! {
    /// Stacks of the thread.
    Dump {
        at: At = "",
        stacks: Ints = "stacks",
        thread_id: Long = "threadId",
        thread_name: Text = "threadName",
        thread_state: Text = "threadState",
        lock_owner_id: Long = "lockOwnerId",
        lock_name: Text = "lockName",
        lock_owner_name: Text = "lockOwnerName",
    }
}

record! {
    /// A span of Zipkin.
    SpanStep {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        error: Decimal32 = "error",
        timestamp: Decimal = "timestamp",
        span_type: Byte = "spanType",
        local_name: Decimal32 = "localEndpointServiceName",
        local_ip: Blob = "localEndpointIp",
        local_port: Short = "localEndpointPort",
        remote_name: Decimal32 = "remoteEndpointServiceName",
        remote_ip: Blob = "remoteEndpointIp",
        remote_port: Short = "remoteEndpointPort",
        debug: Flag = "debug",
        shared: Flag = "shared",
        annotation_timestamps: Any = "annotationTimestamps",
        annotation_values: Any = "annotationValues",
        tags: Any = "tags",
    }
}

record! {
    /// A span of Zipkin that is a call.
    SpanCallStep {
        at: At = "",
        hash: Decimal32 = "hash",
        elapsed: Decimal32 = "elapsed",
        error: Decimal32 = "error",
        timestamp: Decimal = "timestamp",
        span_type: Byte = "spanType",
        local_name: Decimal32 = "localEndpointServiceName",
        local_ip: Blob = "localEndpointIp",
        local_port: Short = "localEndpointPort",
        remote_name: Decimal32 = "remoteEndpointServiceName",
        remote_ip: Blob = "remoteEndpointIp",
        remote_port: Short = "remoteEndpointPort",
        debug: Flag = "debug",
        shared: Flag = "shared",
        annotation_timestamps: Any = "annotationTimestamps",
        annotation_values: Any = "annotationValues",
        tags: Any = "tags",
        txid: Decimal = "txid",
        address: Optional = "address",
        is_async: Byte = "async",
    }
}

record! {
    /// Methods in sum.
    MethodSum {
        hash: Decimal32 = "hash",
        count: Decimal32 = "count",
        elapsed: Decimal = "elapsed",
        cputime: Decimal = "cputime",
    }
}

record! {
    /// Statements in sum.
    SqlSum {
        hash: Decimal32 = "hash",
        count: Decimal32 = "count",
        elapsed: Decimal = "elapsed",
        cputime: Decimal = "cputime",
        error: Decimal32 = "error",
        param: Text = "param",
        param_error: Text = "param_error",
    }
}

record! {
    /// Notes in sum.
    MessageSum {
        message: Text = "message",
        count: Decimal32 = "count",
    }
}

record! {
    /// Connection attempts in sum.
    SocketSum {
        ipaddr: Blob = "ipaddr",
        port: Decimal32 = "port",
        count: Decimal32 = "count",
        elapsed: Decimal = "elapsed",
        error: Decimal32 = "error",
    }
}

record! {
    /// Calls in sum.
    ApiCallSum {
        hash: Decimal32 = "hash",
        count: Decimal32 = "count",
        elapsed: Decimal = "elapsed",
        cputime: Decimal = "cputime",
        error: Decimal32 = "error",
        opt: Byte = "opt",
    }
}

record! {
    /// Something about the profile itself.
    Control {
        message: Text = "message",
        code: Decimal32 = "code",
    }
}
