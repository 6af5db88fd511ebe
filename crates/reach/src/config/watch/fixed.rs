//! What of a configuration is taken up with a restart only.

use super::WatchConfig;

impl WatchConfig {
    /// The keys that `other` has otherwise, and that a running watch does not take up.
    pub fn fixed_otherwise(&self, other: &WatchConfig) -> Vec<&'static str> {
        let (http, probe) = (&self.http.settings, &self.probe);
        let changed = [
            ("store", self.store == other.store),
            ("control", self.control == other.control),
            (
                "http",
                self.http.serves == other.http.serves
                    && http.without_people() == other.http.settings.without_people(),
            ),
            (
                "probe",
                (probe.addresses, probe.concurrency, probe.timeout_offset)
                    == (other.probe.addresses, other.probe.concurrency, other.probe.timeout_offset),
            ),
            ("vantage", self.vantage == other.vantage),
            ("zone", self.zone == other.zone),
            ("logging", self.log == other.log),
        ];
        changed.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
    }
}
