//! The module file of `blackbox_exporter`, as it is.
//!
//! What cannot be read, or says what no module can, spoils the file, as it does there. A module that is right but
//! wants something that this program does not do is set aside with the reason, and the others work.

mod scalar;
mod spec;

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use thiserror::Error;

pub use self::{
    scalar::{Bytes, Pattern, Size, Span},
    spec::{
        Authorization, BasicAuth, DnsSpec, HeaderMatch, HeaderSource, HttpSpec, IcmpSpec, IpProtocol,
        LabelSpec, ModuleSpec, QueryResponse, RecordCheck, TcpSpec, TlsSpec, TlsVersion,
    },
};

/// The most bytes of a module file.
const MOST_BYTES: usize = 1024 * 1024;

/// What a module file says.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    usable: BTreeMap<String, Module>,
    refused: BTreeMap<String, String>,
}

/// One module that can be used.
#[derive(Clone, Debug)]
pub struct Module {
    /// What it does.
    pub prober: Prober,
    /// When it gives up; never by itself where there is none.
    pub timeout: Option<Duration>,
    /// As the file has it, for whoever debugs it.
    pub spec: ModuleSpec,
}

/// What a module does.
#[derive(Clone, Debug)]
pub enum Prober {
    /// An HTTP request.
    Http(Box<HttpSpec>),
    /// A TCP connection.
    Tcp(Box<TcpSpec>),
    /// An ICMP echo request.
    Icmp(IcmpSpec),
    /// A question to a name server.
    Dns(Box<DnsSpec>),
}

/// Why a module file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModuleFileError {
    /// It is too long.
    #[error("the module file has {0} bytes; at most {MOST_BYTES} are read")]
    TooLong(usize),
    /// It is no YAML, or has something that no module file has.
    #[error("the module file cannot be read: {0}")]
    Yaml(String),
    /// A module says what no module can.
    #[error("module `{module}`: {wrong}")]
    Module {
        /// Its name.
        module: String,
        /// What is wrong.
        wrong: String,
    },
}

/// Why there is no such module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoModule {
    /// The file has none of this name.
    Unknown,
    /// It wants what this program does not do.
    Refused(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, deserialize_with = "scalar::or_default")]
    modules: BTreeMap<String, ModuleSpec>,
}

impl Modules {
    /// Reads a module file.
    pub fn parse(text: &str) -> Result<Self, ModuleFileError> {
        if text.len() > MOST_BYTES {
            return Err(ModuleFileError::TooLong(text.len()));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let file: File = serde_norway::from_str(&scalar::with_visible_tags(text))
            .map_err(|error| ModuleFileError::Yaml(error.to_string()))?;
        let mut modules = Self::default();
        for (name, mut spec) in file.modules {
            spec.normalize();
            spec.validate().map_err(|wrong| ModuleFileError::Module { module: name.clone(), wrong })?;
            match spec.beyond_us() {
                Some(reason) => {
                    modules.refused.insert(name, reason);
                }
                None => {
                    if let Some(module) = Module::new(spec) {
                        modules.usable.insert(name, module);
                    }
                }
            }
        }
        Ok(modules)
    }

    /// What there is without a file: the modules that everybody has, by the names that everybody uses.
    pub fn usual() -> Self {
        // Compiled in, and read by a test.
        Self::parse(include_str!("module/usual.yml")).unwrap_or_default()
    }

    /// The module of this name.
    pub fn get(&self, name: &str) -> Result<&Module, NoModule> {
        match (self.usable.get(name), self.refused.get(name)) {
            (Some(module), _) => Ok(module),
            (None, Some(reason)) => Err(NoModule::Refused(reason.clone())),
            (None, None) => Err(NoModule::Unknown),
        }
    }

    /// The names of the modules that can be used.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.usable.keys().map(String::as_str)
    }

    /// The modules that were set aside, each with the reason: something to tell whoever loads the file.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &str)> {
        self.refused.iter().map(|(name, reason)| (name.as_str(), reason.as_str()))
    }
}

impl Module {
    fn new(spec: ModuleSpec) -> Option<Self> {
        let prober = match spec.prober.as_str() {
            "http" => Prober::Http(Box::new(spec.http.clone().unwrap_or_default())),
            "tcp" => Prober::Tcp(Box::new(spec.tcp.clone().unwrap_or_default())),
            "icmp" => Prober::Icmp(spec.icmp.clone().unwrap_or_default()),
            "dns" => Prober::Dns(Box::new(spec.dns.clone()?)),
            _ => return None,
        };
        Some(Self { prober, timeout: spec.timeout.map(|span| span.0).filter(|span| !span.is_zero()), spec })
    }

    /// As the file has it, without secrets.
    pub fn yaml(&self) -> String {
        serde_norway::to_string(&self.spec).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
