//! Bytes of agents and collectors to values, and back.
//!
//! One datagram is a magic and one pack, several packs, or a part of a pack ([`Datagram`]); a pack is a type byte and
//! its fields ([`Pack`]); the steps of a transaction stand in a blob of its profile ([`steps`]). All decoders are
//! total: every length is checked against the bytes that are left before anything is kept, and values are nested at
//! most [`NESTING`] deep.

mod assembly;
mod batch;
mod fields;
mod frame;
mod json;
mod name;
mod pack;
mod read;
mod step;
mod value;
mod write;
mod xlog;

pub use self::{
    assembly::{Assembly, Whole},
    batch::{Batch, BatchHead, BatchSql},
    fields::{Address, Bytes, Node, Place},
    frame::{Datagram, Framing, Held, MAX_DATAGRAM, Part, packs},
    json::document,
    name::{hash, hexa32, of_hexa32},
    pack::{
        AlertPack, Counters, DroppedXLog, Interaction, MapPack, ObjectPack, Pack, Profile, Profile2, Span,
        SpanContainer, Stack, Status, Summary, TextPack,
    },
    read::{Malformed, NESTING, Reader},
    step::{
        ApiCall, ApiCall2, ApiCallSum, Control, Dispatch, Dump, HashedMessage, Message, MessageSum, Method,
        Method2, MethodSum, ParameterizedMessage, Socket, SocketSum, SpanCallStep, SpanStep, Sql, Sql2, Sql3,
        SqlSum, Step, Steps, ThreadCall, ThreadSubmit, steps, write_steps,
    },
    value::{Map, Value},
    write::Writer,
    xlog::{XLog, XLogGroups, XLogHead},
};
