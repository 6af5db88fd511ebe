//! Transactions: groups of fields in a blob, of which every version of the agent writes the first so many.

use super::{
    fields::{Blob, Byte, Decimal, Decimal32, Fields, Flag, Form, Layout, Long, Node, Text, record},
    read::{Malformed, Reader},
    write::Writer,
};

record! {
    /// What every version says of a transaction.
    XLogHead {
        end_time: Decimal = "endTime",
        obj_hash: Decimal32 = "objHash",
        service: Decimal32 = "service",
        txid: Long = "txid",
        caller: Long = "caller",
        gxid: Long = "gxid",
        elapsed: Decimal32 = "elapsed",
        error: Decimal32 = "error",
        cpu: Decimal32 = "cpu",
        sql_count: Decimal32 = "sqlCount",
        sql_time: Decimal32 = "sqlTime",
        ipaddr: Blob = "ipaddr",
        kbytes: Decimal32 = "kbytes",
        status: Decimal32 = "status",
        userid: Decimal = "userid",
        user_agent: Decimal32 = "userAgent",
        referer: Decimal32 = "referer",
        group: Decimal32 = "group",
        apicall_count: Decimal32 = "apicallCount",
        apicall_time: Decimal32 = "apicallTime",
    }
}

/// The groups behind the first: each with its fields, and what is shown of them where it is not there.
macro_rules! groups {
    ($($group:ident $part:ident { $($field:ident: $form:ty = $label:literal or $absent:expr),* $(,)? })*) => {
        $(record! {
            /// A group of fields.
            $part { $($field: $form = $label),* }
        })*

        /// What later versions say besides. A group is there only when all groups before it are.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct XLogGroups {
            $(
                #[doc = concat!("`", $($label, " ",)* "`")]
                pub $group: Option<$part>,
            )*
        }

        impl XLogGroups {
            fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
                let mut groups = Self::default();
                $(
                    if r.rest().is_empty() {
                        return Ok(groups);
                    }
                    groups.$group = Some(<$part as Layout>::read(r)?);
                )*
                Ok(groups)
            }

            fn write(&self, w: &mut Writer) {
                $(
                    let Some(group) = &self.$group else { return };
                    group.write(w);
                )*
            }

            fn show(&self, fields: &mut Fields) {
                $(
                    match &self.$group {
                        Some(group) => group.show(fields),
                        None => fields.extend([$(($label.into(), $absent)),*]),
                    }
                )*
            }
        }
    };
}

/// What is shown of a number that is not there.
const NONE: Node = Node::Int(0);

groups! {
    origin XLogOrigin { country: Text = "countryCode" or Node::Null, city: Decimal32 = "city" or NONE }
    kind XLogKind { x_type: Byte = "xType" or NONE }
    user XLogUser { login: Decimal32 = "login" or NONE, desc: Decimal32 = "desc" or NONE }
    web XLogWeb { hash: Decimal32 = "webHash" or NONE, time: Decimal32 = "webTime" or NONE }
    dump XLogDump { has_dump: Byte = "hasDump" or NONE }
    thread XLogThread { name_hash: Decimal32 = "threadNameHash" or NONE }
    texts XLogTexts { text1: Text = "text1" or Node::Null, text2: Text = "text2" or Node::Null }
    queue XLogQueue {
        host: Decimal32 = "queuingHostHash" or NONE,
        time: Decimal32 = "queuingTime" or NONE,
        second_host: Decimal32 = "queuing2ndHostHash" or NONE,
        second_time: Decimal32 = "queuing2ndTime" or NONE,
    }
    more_texts XLogMoreTexts {
        text3: Text = "text3" or Node::Null,
        text4: Text = "text4" or Node::Null,
        text5: Text = "text5" or Node::Null,
    }
    profile XLogProfile { count: Decimal32 = "profileCount" or NONE }
    b3 XLogB3 { mode: Flag = "b3Mode" or Node::Bool(false) }
    sampling XLogSampling {
        profile_size: Decimal32 = "profileSize" or NONE,
        discard_type: Byte = "discardType" or NONE,
        ignore_global: Flag = "ignoreGlobalConsequentSampling" or Node::Bool(false),
    }
}

/// A transaction that ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct XLog {
    /// What every version says.
    pub head: XLogHead,
    /// What later versions say besides.
    pub groups: XLogGroups,
    /// What versions to come say besides.
    pub unknown: Vec<u8>,
}

impl XLog {
    /// What kind of work it was: 0 and 1 are services, which the error rate counts; others are not.
    pub fn x_type(&self) -> i8 {
        self.groups.kind.as_ref().map_or(0, |kind| kind.x_type)
    }

    /// Says what kind of work it was.
    pub fn set_x_type(&mut self, x_type: i8) {
        self.groups.origin.get_or_insert_default();
        self.groups.kind = Some(XLogKind { x_type });
    }
}

impl Layout for XLog {
    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let inside = |r: &mut Reader<'_>| {
            let (head, groups) = (XLogHead::read(r)?, XLogGroups::read(r)?);
            Ok(XLog { head, groups, unknown: r.rest().to_vec() })
        };
        inside(&mut Reader::new(r.blob()?)).map_err(Malformed::within)
    }

    fn write(&self, w: &mut Writer) {
        let mut inside = Writer::default();
        self.head.write(&mut inside);
        self.groups.write(&mut inside);
        inside.raw(&self.unknown);
        w.blob(&inside.into_bytes());
    }

    fn show(&self, fields: &mut Fields) {
        self.head.show(fields);
        self.groups.show(fields);
    }
}
