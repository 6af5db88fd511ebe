//! Batch jobs: a blob with the job, and its statements where it has some.

use std::collections::BTreeMap;

use super::{
    fields::{Decimal, Fields, Flag, Form, Int, Layout, Long, Node, Text, record},
    read::{Malformed, Reader},
    value::{Map, Value},
    write::Writer,
};

record! {
    /// A batch job that ended.
    BatchHead {
        start_time: Long = "startTime",
        obj_hash: Int = "objHash",
        batch_job_id: Text = "batchJobId",
        args: Text = "args",
        pid: Int = "pID",
        elapsed_time: Long = "elapsedTime",
        thread_cnt: Int = "threadCnt",
        cpu_time: Long = "cpuTime",
        gc_time: Long = "gcTime",
        gc_count: Long = "gcCount",
        sql_total_cnt: Int = "sqlTotalCnt",
        sql_total_time: Long = "sqlTotalTime",
        sql_total_rows: Long = "sqlTotalRows",
        sql_total_runs: Long = "sqlTotalRuns",
        is_stack: Flag = "isStack",
        obj_name: Text = "objName",
        obj_type: Text = "objType",
        position: Long = "position",
    }
}

record! {
    /// What a batch job did with one statement.
    BatchSql {
        hash: Int = "hashValue",
        runs: Int = "runs",
        start_time: Long = "startTime",
        end_time: Long = "endTime",
        total_time: Long = "totalTime",
        min_time: Long = "minTime",
        max_time: Long = "maxTime",
        processed_rows: Long = "processedRows",
        rowed: Flag = "rowed",
    }
}

/// The least that one statement takes: its numbers, its hash again, and an empty text.
const SQL: usize = 4 + 4 + 6 * 8 + 1 + 4 + 1;

/// A batch job that ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The job.
    pub head: BatchHead,
    /// Its statements.
    pub sqls: Vec<BatchSql>,
    /// Their texts by hash, as many as there are statements.
    pub texts: Vec<(i32, String)>,
}

impl Layout for Batch {
    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let inside = |r: &mut Reader<'_>| {
            let head = BatchHead::read(r)?;
            let count = usize::try_from(head.sql_total_cnt).unwrap_or(0);
            r.expect(count.saturating_mul(SQL))?;
            let sqls = (0..count).map(|_| BatchSql::read(r)).collect::<Result<_, _>>()?;
            let texts = (0..count).map(|_| Ok((r.i32()?, r.text()?))).collect::<Result<_, _>>()?;
            Ok(Batch { head, sqls, texts })
        };
        inside(&mut Reader::new(r.blob()?)).map_err(Malformed::within)
    }

    fn write(&self, w: &mut Writer) {
        let mut inside = Writer::default();
        self.head.write(&mut inside);
        self.sqls.iter().for_each(|sql| sql.write(&mut inside));
        for (hash, text) in &self.texts {
            inside.i32(*hash);
            inside.text(text);
        }
        w.blob(&inside.into_bytes());
    }

    fn show(&self, fields: &mut Fields) {
        self.head.show(fields);
        fields.push(("sqlStats".into(), self.sqls.iter().map(|sql| sql.table().show()).collect()));
        let texts: BTreeMap<i32, &str> =
            self.texts.iter().map(|(hash, text)| (*hash, text.as_str())).collect();
        let texts = texts.into_iter().map(|(hash, text)| (hash.to_string().into(), text.into()));
        fields.push(("uniqueSqls".into(), Node::Object(texts.collect())));
        Decimal::show(&0, "index", fields);
    }
}

impl BatchSql {
    /// The same as the map of values that the format's own printer shows.
    fn table(&self) -> Map {
        Map(vec![
            ("hashValue".into(), self.hash.into()),
            ("runs".into(), self.runs.into()),
            ("startTime".into(), self.start_time.into()),
            ("endTime".into(), self.end_time.into()),
            ("totalTime".into(), self.total_time.into()),
            ("minTime".into(), self.min_time.into()),
            ("maxTime".into(), self.max_time.into()),
            ("processedRows".into(), self.processed_rows.into()),
            ("rowed".into(), Value::Bool(self.rowed)),
        ])
    }
}
