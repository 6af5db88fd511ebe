//! Packs: what agents send, and what the collector answers.

use std::io::Read;

use flate2::read::GzDecoder;

use super::{
    batch::Batch,
    fields::{
        Any, Blob, Byte, Bytes, Decimal, Decimal32, Fields, Flag, Form, Int, Layout, Long, Node, Short, Text,
        kinds, record,
    },
    read::{Malformed, Reader},
    step::steps,
    value::Map,
    write::Writer,
    xlog::XLog,
};

/// How much of a stack that was packed is unpacked to be shown, in bytes.
const STACK: u64 = 4 << 20;

kinds! {
    /// What an agent says at once.
    Pack(Malformed::Pack, "pack_type", "pack_name") {
        /// Values by name; mostly in answers of the collector.
        Map(MapPack) = 10 "MapPack",
        /// A transaction that ended.
        XLog(Box<XLog>) = 21 "XLogPack",
        /// A transaction of which nothing more is said.
        DroppedXLog(DroppedXLog) = 22 "DroppedXLogPack",
        /// The steps of a transaction, as agents before 2.8.1 say it and the collector to this day.
        Profile(Profile) = 26 "XLogProfilePack",
        /// The steps of a transaction.
        Profile2(Profile2) = 27 "XLogProfilePack2",
        /// A span of Zipkin.
        Span(Box<Span>) = 31 "SpanPack",
        /// Several spans of Zipkin.
        SpanContainer(SpanContainer) = 32 "SpanContainerPack",
        /// A text and its hash.
        Text(TextPack) = 50 "TextPack",
        /// Counters of an object.
        Counters(Counters) = 60 "PerfCounterPack",
        /// The state of something, as a table.
        Status(Status) = 61 "StatusPack",
        /// Stacks of threads.
        Stack(Stack) = 62 "StackPack",
        /// What happened in five minutes, as a table.
        Summary(Summary) = 63 "SummaryPack",
        /// A batch job that ended.
        Batch(Box<Batch>) = 64 "BatchPack",
        /// Calls between two objects.
        Interaction(Interaction) = 65 "InteractionPerfCounterPack",
        /// An alert.
        Alert(AlertPack) = 70 "AlertPack",
        /// A heartbeat.
        Object(ObjectPack) = 80 "ObjectPack",
    }
}

record! {
    /// A heartbeat: what there is, and where.
    ObjectPack {
        obj_type: Text = "objType",
        obj_hash: Decimal32 = "objHash",
        obj_name: Text = "objName",
        address: Text = "address",
        version: Text = "version",
        alive: Flag = "alive",
        wakeup: Decimal = "wakeup",
        tags: Any = "tags",
    }
}

record! {
    /// Counters of an object over one stretch of time.
    Counters {
        time: Long = "time",
        obj_name: Text = "objName",
        timetype: Byte = "timetype",
        data: Any = "data",
    }
}

record! {
    /// A transaction of which nothing more is said.
    DroppedXLog {
        gxid: Long = "gxid",
        txid: Long = "txid",
    }
}

record! {
    /// A text and its hash.
    TextPack {
        xtype: Text = "xtype",
        hash: Int = "hash",
        text: Text = "text",
    }
}

record! {
    /// An alert of an agent or of the collector.
    AlertPack {
        time: Long = "time",
        level: Byte = "level",
        obj_type: Text = "objType",
        obj_hash: Int = "objHash",
        title: Text = "title",
        message: Text = "message",
        tags: Any = "tags",
    }
}

record! {
    /// What happened in five minutes, as parallel lists.
    Summary {
        time: Decimal = "time",
        obj_hash: Int = "objHash",
        obj_type: Text = "objType",
        stype: Byte = "stype",
        table: Any = "table",
    }
}

record! {
    /// The state of something, as a table.
    Status {
        time: Decimal = "time",
        obj_type: Text = "objType",
        obj_hash: Decimal32 = "objHash",
        key: Text = "key",
        data: Any = "data",
    }
}

record! {
    /// Calls between two objects.
    Interaction {
        time: Long = "time",
        obj_name: Text = "objName",
        interaction_type: Text = "interactionType",
        from_hash: Int = "fromHash",
        to_hash: Int = "toHash",
        period: Int = "period",
        count: Int = "count",
        error_count: Int = "errorCount",
        total_elapsed: Long = "totalElapsed",
        custom_data: Any = "customData",
    }
}

record! {
    /// A span of Zipkin.
    Span {
        gxid: Long = "gxid",
        txid: Long = "txid",
        caller: Long = "caller",
        timestamp: Long = "timestamp",
        elapsed: Decimal32 = "elapsed",
        span_type: Byte = "spanType",
        name: Decimal32 = "name",
        obj_hash: Decimal32 = "objHash",
        error: Decimal32 = "error",
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
    /// Several spans of Zipkin, packed.
    SpanContainer {
        gxid: Long = "gxid",
        span_count: Decimal32 = "spanCount",
        timestamp: Long = "timestamp",
        spans: Blob = "spans",
    }
}

record! {
    /// The steps of a transaction; [`steps`] reads them.
    Profile {
        time: Decimal = "time",
        obj_hash: Decimal32 = "objHash",
        service: Decimal32 = "service",
        txid: Long = "txid",
        profile: Packed = "profile",
    }
}

record! {
    /// The steps of a transaction, with what more agents say since 2.8.1.
    Profile2 {
        time: Decimal = "time",
        obj_hash: Decimal32 = "objHash",
        service: Decimal32 = "service",
        txid: Long = "txid",
        profile: Packed = "profile",
        gxid: Long = "gxid",
        x_type: Byte = "xType",
        discard_type: Byte = "discardType",
        ignore_global: Flag = "ignoreGlobalConsequentSampling",
    }
}

/// The form of a blob of steps: shown as steps, with the field that the format's own printer has beside them.
pub struct Packed;

impl Form for Packed {
    type Of = Bytes;

    fn read(r: &mut Reader<'_>) -> Result<Bytes, Malformed> {
        Blob::read(r)
    }

    fn write(bytes: &Bytes, w: &mut Writer) {
        Blob::write(bytes, w);
    }

    fn show(bytes: &Bytes, name: &'static str, fields: &mut Fields) {
        fields.push(("elapsed".into(), Node::Int(0)));
        fields.push((name.into(), steps(&bytes.0).map_while(Result::ok).map(|step| step.show()).collect()));
    }
}

/// Stacks of threads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stack {
    /// `time`
    pub time: i64,
    /// `objHash`
    pub obj_hash: i32,
    /// The text, packed by gzip.
    pub data: Bytes,
}

impl Stack {
    /// The text, as far as it can be unpacked in bounded memory; `None` where it cannot.
    pub fn text(&self) -> Option<String> {
        let mut text = Vec::new();
        GzDecoder::new(self.data.0.as_slice()).take(STACK).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Layout for Stack {
    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Stack { time: r.decimal()?, obj_hash: r.decimal32()?, data: Blob::read(r)? })
    }

    fn write(&self, w: &mut Writer) {
        w.decimal(self.time);
        w.decimal(self.obj_hash.into());
        w.blob(&self.data.0);
    }

    fn show(&self, fields: &mut Fields) {
        Decimal::show(&self.time, "time", fields);
        Decimal32::show(&self.obj_hash, "objHash", fields);
        Blob::show(&self.data, "data", fields);
        fields.push(("stack_text".into(), self.text().map_or(Node::Null, Node::from)));
    }
}

/// Values by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapPack {
    /// The values.
    pub table: Map,
}

impl Layout for MapPack {
    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Map::read(r).map(|table| MapPack { table })
    }

    fn write(&self, w: &mut Writer) {
        self.table.write(w);
    }

    fn show(&self, fields: &mut Fields) {
        fields.push(("table".into(), self.table.show()));
    }
}

impl Pack {
    /// The blob of steps, if it holds one.
    pub fn profile(&self) -> Option<&[u8]> {
        match self {
            Pack::Profile(pack) => Some(&pack.profile.0),
            Pack::Profile2(pack) => Some(&pack.profile.0),
            _ => None,
        }
    }
}
