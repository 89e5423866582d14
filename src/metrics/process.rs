//! The process itself, under the names that Prometheus' own client libraries use
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>). Read from `/proc` at the scrape.

use procfs::{
    ProcResult, boot_time_secs, page_size,
    process::{LimitValue, Process},
    ticks_per_second,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

/// Reads the figures when they are asked for.
#[derive(Debug)]
pub(super) struct ProcessFigures;

struct Figures {
    cpu_seconds: f64,
    started_at: f64,
    resident: i64,
    virtual_size: i64,
    threads: i64,
    open_files: i64,
    most_files: i64,
}

fn read() -> ProcResult<Figures> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = ticks_per_second() as f64;
    let most_files = match process.limits()?.max_open_files.soft_limit {
        LimitValue::Value(most) => i64::try_from(most).unwrap_or(i64::MAX),
        LimitValue::Unlimited => i64::MAX,
    };
    Ok(Figures {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
        started_at: boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
        resident: (stat.rss * page_size()) as i64,
        virtual_size: stat.vsize as i64,
        threads: stat.num_threads,
        open_files: process.fd_count()? as i64,
        most_files,
    })
}

impl Collector for ProcessFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = match read() {
            Ok(figures) => figures,
            Err(error) => {
                // Such as in a sandbox without /proc: the other figures are of use all the same.
                tracing::debug!(%error, "metrics.no_process_figures");
                return Ok(());
            }
        };
        let mut put = |name, help, unit: Option<&Unit>, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
        };
        let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
        let cpu = ConstCounter::new(figures.cpu_seconds);
        put("process_cpu", "Processor time that the process has used.", seconds, &cpu)?;
        let started = ConstGauge::new(figures.started_at);
        put("process_start_time", "When the process started, in seconds since 1970.", seconds, &started)?;
        put("process_resident_memory", "Memory of the process that is in RAM.", bytes, &ConstGauge::new(figures.resident))?;
        put("process_virtual_memory", "Address space of the process.", bytes, &ConstGauge::new(figures.virtual_size))?;
        put("process_threads", "Threads of the process.", None, &ConstGauge::new(figures.threads))?;
        put("process_open_fds", "Open file descriptors.", None, &ConstGauge::new(figures.open_files))?;
        put("process_max_fds", "Most file descriptors that may be open.", None, &ConstGauge::new(figures.most_files))
    }
}
