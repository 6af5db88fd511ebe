//! What others watch us with: a real `blackbox_exporter` beside our probes, a real Prometheus that scrapes us.

#![forbid(unsafe_code)]

#[path = "monitoring/addresses.rs"]
mod addresses;
#[path = "monitoring/blackbox.rs"]
mod blackbox;
#[path = "monitoring/exposition.rs"]
mod exposition;
#[path = "monitoring/prometheus.rs"]
mod prometheus;
#[path = "monitoring/servers.rs"]
mod servers;
#[path = "monitoring/stage.rs"]
mod stage;
