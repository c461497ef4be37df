//! `pgbouncer` before a server.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::programs::{folder, give, program};
use crate::{PASSWORD, PATIENCE, SUPERUSER, Server};

/// A pooler, which is ended when it is dropped.
pub struct Pooler {
    _home: TempDir,
    port: u16,
    process: Child,
}

impl Pooler {
    /// Starts one that gives each `transaction` (or `session`, or `statement`) one of two connections to this server.
    #[must_use]
    pub fn start(server: &Server, mode: &str) -> Self {
        let home = folder();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let users = home.path().join("users");
        std::fs::write(&users, format!("\"{SUPERUSER}\" \"{PASSWORD}\"\n")).unwrap();
        let settings = home.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 2\n\
             max_client_conn = 100\nlogfile = {}\n",
            server.port(),
            users.display(),
            home.path().join("log").display(),
        );
        std::fs::write(&settings, text).unwrap();
        give(&users);
        give(&settings);
        let mut command = program("pgbouncer");
        command.arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut pooler = Self { process: command.spawn().unwrap(), _home: home, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = pooler.process.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "pgbouncer does not start");
            sleep(Duration::from_millis(20));
        }
        pooler
    }

    /// The URL of the server's database, through it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgresql://{SUPERUSER}:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
