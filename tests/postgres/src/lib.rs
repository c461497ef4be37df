//! Real PostgreSQL servers for tests: each in a folder and at a port of its own, and gone when it is dropped.
//!
//! The programs are those of the system's packages. PostgreSQL refuses to be root's: where root runs the tests, its
//! processes are those of the user `postgres`, or of `nobody`.

#![cfg(unix)]

mod certificates;
mod pooler;
mod programs;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

pub use certificates::Certificates;
pub use pooler::Pooler;
use programs::{children, folder, program, run};

/// How long anything may take to start or to end, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The role that owns everything.
pub const SUPERUSER: &str = "owner";
/// Its password, where it comes over the network. Never to be seen in a log or an error.
pub const PASSWORD: &str = "canary-password-of-postgres";

/// A server. It is ended when it is dropped.
pub struct Server {
    home: TempDir,
    port: u16,
    process: Option<Child>,
    _template: Option<Arc<TempDir>>,
}

impl Server {
    /// Starts one with nothing in it.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with these settings, as lines of `postgresql.conf`.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Self {
        let (home, template) = (folder(), template());
        copy(&template, &home.path().join("data"));
        Self::run(home, settings, Some(template))
    }

    /// Starts one with a system identifier of its own: the others are copies of one cluster, and share it.
    #[must_use]
    pub fn start_of_its_own() -> Self {
        Self::run(cluster(), &[], None)
    }

    /// Starts one that has a certificate, in the folder of these, and refuses who comes over the network without TLS.
    #[must_use]
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        let (home, template) = (folder(), template());
        let data = home.path().join("data");
        copy(&template, &data);
        certificates.give(&data);
        std::fs::write(data.join("pg_hba.conf"), "local all all trust\nhostssl all all all scram-sha-256\n").unwrap();
        Self::run(home, &["ssl = on"], Some(template))
    }

    /// Starts one at this address of the machine, with a certificate, for hosts that come over TLS. It asks them for no
    /// password, which would take longer than their work.
    #[must_use]
    pub fn start_at(address: &str, certificates: &Certificates) -> Self {
        let (home, template) = (folder(), template());
        let data = home.path().join("data");
        copy(&template, &data);
        certificates.give(&data);
        std::fs::write(data.join("pg_hba.conf"), "local all all trust\nhostssl all all all trust\n").unwrap();
        Self::run(home, &["ssl = on", &format!("listen_addresses = '{address}'")], Some(template))
    }

    /// Starts a standby of this one.
    #[must_use]
    pub fn standby(&self) -> Self {
        let home = folder();
        let (data, port) = (home.path().join("data"), self.port.to_string());
        let arguments = ["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--username", SUPERUSER];
        let from = ["--host", "127.0.0.1", "--port", &port, "--pgdata", data.to_str().unwrap()];
        run(program("pg_basebackup").args(arguments).args(from).env("PGPASSWORD", PASSWORD));
        Self::run(home, &[], None)
    }

    fn run(home: TempDir, settings: &[&str], template: Option<Arc<TempDir>>) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut lines = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("port = {port}"),
            format!("unix_socket_directories = '{}'", home.path().display()),
            "shared_buffers = 16MB".to_owned(),
        ];
        lines.extend(settings.iter().map(ToString::to_string));
        // Appended: a standby's says whom it follows, and the last line counts.
        let file = home.path().join("data/postgresql.auto.conf");
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(file, format!("{before}{}\n", lines.join("\n"))).unwrap();
        let mut server = Self { home, port, process: None, _template: template };
        server.restart();
        server
    }

    /// The URL of its database, over the network.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgresql://{SUPERUSER}:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// The URL of its database, for this role, whose password is [`PASSWORD`].
    #[must_use]
    pub fn url_of(&self, role: &str) -> String {
        format!("postgresql://{role}:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it listens, on the loopback address.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Runs statements, and gives what they print: values of a row are parted by `|`.
    #[must_use = "or it is not known to have worked"]
    pub fn sql(&self, statements: &str) -> String {
        let port = self.port.to_string();
        let whom = ["--host", self.home.path().to_str().unwrap(), "--port", &port, "--username", SUPERUSER];
        let how = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"];
        let arguments = ["--dbname", "postgres", "--command", statements];
        run(program("psql").args(whom).args(how).args(arguments)).trim().to_owned()
    }

    /// Its database as statements, as `pg_dump` writes them.
    #[must_use]
    pub fn dump(&self) -> String {
        let port = self.port.to_string();
        let whom = ["--host", self.home.path().to_str().unwrap(), "--port", &port, "--username", SUPERUSER];
        run(program("pg_dump").args(whom).arg("postgres"))
    }

    /// Runs what [`Server::dump`] gave.
    pub fn load(&self, dump: &str) {
        let file = self.home.path().join("dump.sql");
        std::fs::write(&file, dump).unwrap();
        programs::give(&file);
        let _ = self.sql(&format!("\\i {}", file.display()));
    }

    /// Kills it and all its processes at once, as the end of its machine would: nothing is said to anybody.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // It starts no more of them.
        let _ = kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), Signal::SIGSTOP);
        // Its children end when they find that it is gone; they would hold its shared memory until then.
        for child in children(process.id()) {
            let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
        }
        let _ = process.kill();
        let _ = process.wait();
        self.wait_until_gone();
    }

    /// Starts it again, after it was killed.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.home.path().join("log")).unwrap();
        let mut command = program("postgres");
        command.arg("-D").arg(self.home.path().join("data"));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        let start = Instant::now();
        while !self.answers() {
            if self.process.as_mut().unwrap().try_wait().unwrap().is_some() {
                // A process of the killed one is not gone yet, and has its memory. It finds that out by itself.
                assert!(self.log().contains("pre-existing shared memory"), "PostgreSQL does not start: {}", self.log());
                self.process = Some(command.spawn().unwrap());
            }
            assert!(start.elapsed() < PATIENCE, "PostgreSQL does not start: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// The end of its log.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Stops its processes where they are: connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal_all(Signal::SIGCONT);
    }

    fn signal_all(&self, signal: Signal) {
        let Some(process) = &self.process else { return };
        let main = process.id();
        for id in children(main).into_iter().chain([i32::try_from(main).unwrap()]) {
            let _ = kill(Pid::from_raw(id), signal);
        }
    }

    /// Makes a standby a primary, of a timeline of its own.
    pub fn promote(&self) {
        assert_eq!(self.sql("SELECT pg_promote()"), "t");
    }

    fn answers(&self) -> bool {
        let port = self.port.to_string();
        let mut ready = program("pg_isready");
        ready.arg("--quiet").arg("--host").arg(self.home.path()).args(["--port", &port]);
        ready.status().unwrap().success()
    }

    fn wait_until_gone(&self) {
        let start = Instant::now();
        while TcpListener::bind(("127.0.0.1", self.port)).is_err() && start.elapsed() < PATIENCE {
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.thaw();
        self.kill();
    }
}

/// A cluster that never ran: a copy takes a tenth of the time of a new one. It is there for as long as a server is.
fn template() -> Arc<TempDir> {
    static TEMPLATE: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = template.upgrade() {
        return made;
    }
    let home = Arc::new(cluster());
    *template = Arc::downgrade(&home);
    home
}

/// A new cluster.
fn cluster() -> TempDir {
    let home = folder();
    let password = home.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let data = home.path().join("data");
    let who = ["--username", SUPERUSER, "--auth-local", "trust", "--auth-host", "scram-sha-256"];
    let how = ["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"];
    run(program("initdb").args(who).args(how).arg("--pwfile").arg(&password).arg("--pgdata").arg(&data));
    home
}

fn copy(from: &TempDir, to: &Path) {
    run(Command::new("cp").arg("-a").arg(from.path().join("data")).arg(to));
}
