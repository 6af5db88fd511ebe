//! TLS to databases as they are: only with a certificate that is valid for the host, by whom it was said to be trusted.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use reach::sql::settings::SqlSettings;

use crate::{Asker, PATIENCE, mariadb_with, mariadbd, place, postgres_with, skipped};

/// Whoever vouches for certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(directory: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        let file = directory.join(format!("{name}.pem"));
        fs::write(&file, certificate.pem()).expect("written");
        Self { issuer: Issuer::new(params, key), file }
    }

    /// A certificate for `localhost` and no address, and its key, as files that the servers may read.
    fn certificate(&self, directory: &Path) -> (PathBuf, PathBuf) {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let (public, private) = (directory.join("server.pem"), directory.join("server.key"));
        fs::write(&public, certificate.pem()).expect("written");
        fs::write(&private, key.serialize_pem()).expect("written");
        fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("hidden");
        if nix::unistd::geteuid().is_root() {
            chown(&private, Some(65_534), Some(65_534)).expect("given away");
        }
        (public, private)
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    listener.local_addr().expect("bound").port()
}

fn settings(kind: &str, user: &str, host: &str, port: u16, ca: &Path) -> SqlSettings {
    toml::from_str(&format!(
        "name = \"orders\"\nkind = \"{kind}\"\nhost = \"{host}\"\nport = {port}\nuser = \"{user}\"\ntls = \"require\"\n\
         ca = \"{}\"\n",
        ca.display()
    ))
    .expect("settings")
}

/// What it says, when it is refused.
fn refusal(settings: SqlSettings) -> String {
    let (_, result) = Asker::new(settings).ask();
    result.expect_err("refused")
}

#[test]
fn postgresql_is_asked_over_tls_that_is_verified_or_not_at_all() {
    let files = place();
    let (ours, theirs) = (Authority::new(files.path(), "ours"), Authority::new(files.path(), "theirs"));
    let (certificate, key) = ours.certificate(files.path());
    let port = free_port();
    let Some(server) = postgres_with(&format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
        certificate.display(),
        key.display()
    )) else {
        return skipped("PostgreSQL (package postgresql)");
    };
    let asked = |host: &str, ca: &Path| settings("postgres", "owner", host, port, ca);
    let mut asker = Asker::new(asked("localhost", &ours.file));
    asker.first_answer();
    let secured = server
        .psql(
            port,
            "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'reach'",
        )
        .stdout(Stdio::piped())
        .output()
        .expect("psql runs");
    assert_eq!(String::from_utf8_lossy(&secured.stdout).trim(), "t");

    let untrusted = refusal(asked("localhost", &theirs.file));
    assert!(untrusted.contains("UnknownIssuer") && untrusted.contains("`ca`"), "{untrusted}");
    let misnamed = refusal(asked("127.0.0.1", &ours.file));
    assert!(misnamed.contains("127.0.0.1") && misnamed.contains("`host`"), "{misnamed}");
    let unreadable = refusal(asked("localhost", &key));
    assert!(unreadable.contains("server.key") && unreadable.contains("certificate"), "{unreadable}");

    for sql in ["alter system set ssl = off", "select pg_reload_conf()"] {
        assert!(server.psql(port, sql).status().expect("psql runs").success());
    }
    let began = Instant::now();
    loop {
        let (_, result) = Asker::new(asked("localhost", &ours.file)).ask();
        if let Err(plain) = result {
            assert!(plain.contains("TLS") && plain.contains("`tls`"), "{plain}");
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it has TLS still");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn mariadb_is_asked_over_tls_that_is_verified_or_not_at_all() {
    let files = place();
    let (ours, theirs) = (Authority::new(files.path(), "ours"), Authority::new(files.path(), "theirs"));
    let (certificate, key) = ours.certificate(files.path());
    let port = free_port();
    let (certificate, key) =
        (format!("--ssl-cert={}", certificate.display()), format!("--ssl-key={}", key.display()));
    let listens = format!("--port={port}");
    let tcp = ["--bind-address=127.0.0.1", &listens, "--skip-name-resolve"];
    let options: Vec<&str> = tcp.iter().copied().chain([certificate.as_str(), key.as_str()]).collect();
    let Some(mut server) = mariadb_with(&options) else {
        return skipped("MariaDB (package mariadb-server)");
    };
    // Whether it is there is asked on its socket, where nobody needs TLS.
    let socket = server.place.path().join("s");
    Asker::new(crate::settings("mariadb", &socket, "root", "1s")).first_answer();
    let user = "create user reach@'%' identified by ''; grant process on *.* to reach@'%'";
    assert!(server.client(user).status().expect("the client runs").success());
    let asked = |host: &str, ca: &Path| settings("mariadb", "reach", host, port, ca);
    assert_eq!(Asker::new(asked("localhost", &ours.file)).ask().1, Ok(()));
    let untrusted = refusal(asked("localhost", &theirs.file));
    assert!(untrusted.contains("UnknownIssuer") && untrusted.contains("`ca`"), "{untrusted}");
    let misnamed = refusal(asked("127.0.0.1", &ours.file));
    assert!(misnamed.contains("127.0.0.1") && misnamed.contains("`host`"), "{misnamed}");

    server.child.kill().expect("killed");
    server.child.wait().expect("ended");
    let plain: Vec<&str> = tcp.iter().copied().chain(["--skip-ssl"]).collect();
    server.child = mariadbd(server.place.path(), &plain).expect("started again");
    Asker::new(crate::settings("mariadb", &socket, "root", "1s")).first_answer();
    let plain = refusal(asked("localhost", &ours.file));
    assert!(plain.contains("`tls`"), "{plain}");
}
