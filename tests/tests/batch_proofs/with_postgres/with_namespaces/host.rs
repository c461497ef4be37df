//! Hosts: network namespaces of Linux, each with a cable of its own to where the journal and the gateway are.
//!
//! A partition is one as in the field: packets go out and nobody answers. The neighbour's address on the wire is set to
//! one that nobody has, so that neither side is told anything: no RST, no unreachable host, no carrier that is gone.
//!
//! The namespaces belong to a process that ends with this one, and the cables end with them: nothing is left behind.

use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};

use komopay_test_postgres::{Certificates, Server};

/// How many hosts there are.
pub const HOSTS: usize = 3;

/// What a host talks to, each at an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Journal,
    Gateway,
    /// What moves work between hosts, if something does.
    Engine,
}

const SERVICES: [Service; 3] = [Service::Journal, Service::Gateway, Service::Engine];

/// Which way packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Both,
    /// What the host sends.
    There,
    /// What it is sent: its requests arrive, and no answer comes back.
    Back,
}

/// Addresses that no other process on this machine uses, with a server of PostgreSQL at one of them, and hosts.
pub struct Site {
    net: String,
    pub certificates: Certificates,
    pub server: Server,
    pub hosts: Vec<Host>,
}

impl Site {
    pub fn build() -> Self {
        let net = free();
        let names = SERVICES.map(|service| address(&net, service, None));
        let hosts = (0..HOSTS).map(|number| Host::start(&net, number)).collect();
        let certificates = Certificates::make_for(&names.each_ref().map(String::as_str));
        let server = Server::start_at(&address(&net, Service::Journal, None), &certificates);
        Self { net, certificates, server, hosts }
    }

    /// Where a service is, for the hosts.
    pub fn address(&self, service: Service) -> String {
        address(&self.net, service, None)
    }
}

pub struct Host {
    /// It holds the namespace: `cat`, which ends when its standard input does.
    holder: Child,
    net: String,
    number: usize,
    cable: String,
}

impl Host {
    fn start(net: &str, number: usize) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().unwrap();
        // Once it says something back, it is in its namespace.
        holder.stdin.as_ref().unwrap().write_all(b".").unwrap();
        let said = holder.stdout.as_mut().unwrap().read(&mut [0]);
        assert_eq!(
            said.unwrap(),
            1,
            "no network namespace can be made: these tests are for root, with CAP_SYS_ADMIN and CAP_NET_ADMIN. Where \
             that cannot be, `cargo xtask test` leaves out what is named with_namespaces"
        );
        let cable = format!("kp{}h{number}", net.replace('.', ""));
        let host = Self { holder, net: net.to_owned(), number, cable };
        let (near, far) = (host.wire(None), host.wire(Some(number)));
        let namespace = host.namespace();
        let cable = &host.cable;
        run_ip(
            None,
            &format!("link add {cable} address {near} type veth peer name eth0 address {far} netns {namespace}"),
        );
        let pairs = SERVICES.map(|service| (address(net, service, None), address(net, service, Some(number))));
        let here = pairs.each_ref().map(|(server, own)| format!("addr add {server} peer {own} dev {cable}\n")).concat();
        let there = pairs.each_ref().map(|(server, own)| format!("addr add {own} peer {server} dev eth0\n")).concat();
        run_ip(None, &format!("{here}link set {cable} up"));
        run_ip(Some(&namespace), &format!("link set lo up\n{there}link set eth0 up"));
        host.heal();
        host
    }

    /// An address on the wire: of this side, or of the host.
    fn wire(&self, of: Option<usize>) -> String {
        format!("02:00:00:00:{:02x}:{:02x}", self.number, usize::from(of.is_some()))
    }

    fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// A program that runs on this host.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.namespace())).arg(program);
        command
    }

    /// How many connections it has to a service.
    pub fn connections(&self, service: Service) -> usize {
        let (server, host) =
            (hexadecimal(&self.net, service, None), hexadecimal(&self.net, service, Some(self.number)));
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let is_open = |line: &&str| {
            let mut fields = line.split_whitespace().skip(1);
            let is_of = |field: Option<&str>, address: &str| field.is_some_and(|field| field.starts_with(address));
            is_of(fields.next(), &server) && is_of(fields.next(), &host) && fields.next() == Some("01")
        };
        table.lines().filter(is_open).count()
    }

    /// Loses all packets from or to a service, and tells nobody.
    pub fn cut(&self, service: Service, way: Way) {
        const NOBODY: &str = "02:00:00:00:ff:ff";
        self.neighbours(service, (way != Way::Back).then_some(NOBODY), (way != Way::There).then_some(NOBODY));
    }

    /// Nothing is lost any more.
    pub fn heal(&self) {
        for service in SERVICES {
            self.neighbours(service, None, None);
        }
    }

    /// Sets whom each side takes for the other one: as it is, where nothing is said.
    fn neighbours(&self, service: Service, server: Option<&str>, host: Option<&str>) {
        let (right_server, right_host) = (self.wire(None), self.wire(Some(self.number)));
        let to = address(&self.net, service, None);
        let at = server.unwrap_or(&right_server);
        run_ip(Some(&self.namespace()), &format!("neigh replace {to} lladdr {at} dev eth0 nud permanent"));
        let (to, cable) = (address(&self.net, service, Some(self.number)), &self.cable);
        let at = host.unwrap_or(&right_host);
        run_ip(None, &format!("neigh replace {to} lladdr {at} dev {cable} nud permanent"));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The address of a service, or of a host where it talks to that.
fn address(net: &str, service: Service, host: Option<usize>) -> String {
    let first = match service {
        Service::Journal => 1,
        Service::Gateway => 65,
        Service::Engine => 129,
    };
    format!("{net}.{}", first + host.map_or(0, |number| 1 + number))
}

/// The same, as `/proc/net/tcp` has it.
fn hexadecimal(net: &str, service: Service, host: Option<usize>) -> String {
    let address: Ipv4Addr = address(net, service, host).parse().unwrap();
    let [a, b, c, d] = address.octets();
    format!("{d:02X}{c:02X}{b:02X}{a:02X}:")
}

/// The first three numbers of addresses that nobody has here.
fn free() -> String {
    loop {
        let net = format!("10.{}.{}", fastrand::u8(64..128), fastrand::u8(..));
        let taken = Command::new("ip").args(["-4", "-brief", "addr", "show", "to", &format!("{net}.0/24")]).output();
        if taken.expect("ip is there: cargo xtask setup").stdout.is_empty() {
            return net;
        }
    }
}

/// Runs commands of `ip`, here or in a namespace.
fn run_ip(namespace: Option<&str>, commands: &str) {
    let mut command = match namespace {
        None => Command::new("ip"),
        Some(namespace) => {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net={namespace}")).arg("ip");
            command
        }
    };
    let mut child = command.args(["-batch", "-"]).stdin(Stdio::piped()).spawn().expect("ip is there");
    child.stdin.take().unwrap().write_all(format!("{commands}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "ip does not do this: {commands}");
}
