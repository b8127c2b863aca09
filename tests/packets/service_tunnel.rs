//! A service that sees IPv6 sources over endpoints: real sockets, IPv4 at one end and IPv6 at the other.

use std::io::BufRead as _;

use crate::common::Lab;
use crate::conversation::Conversation;

const NETWORK: &str = r#"
virtualNetworks:
  - name: red
    addressPrefixes: [10.1.0.0/16]
    defaultOutboundAddress: 192.0.2.1
    tunnelKey: 0xd204
    subnets:
      - { name: app, addressPrefix: 10.1.0.0/22, serviceEndpoints: [Microsoft.Sql], tunnelKey: 0x200 }
      - { name: batch, addressPrefix: 10.1.4.0/24 }
      - { name: closed, addressPrefix: 10.1.5.0/24, serviceEndpoints: [Microsoft.Sql], tunnelKey: 0x201 }
services:
  - name: db
    type: Microsoft.Sql/servers
    addresses: [50.1.2.1]
    ports: [80, 1433, 5000-7000]
    sourceEncoding: ServiceTunnel
    tunnelPrefix: "2603:10e1:100:2::/96"
    firewall: { virtualNetworkRules: [red/app], ipRules: [192.0.2.1] }
ports:
  - { name: @app, attach: red/app }
  - { name: @batch, attach: red/batch }
  - { name: @shut, attach: red/closed }
  - { name: @db, attach: service/db }
lab:
  hosts:
    - { name: @app, port: @app, address: 10.1.1.1 }
    - { name: @batch, port: @batch, address: 10.1.4.4 }
    - { name: @shut, port: @shut, address: 10.1.5.4 }
    - { name: @db, port: @db, address: 50.1.2.1, serve: { http: 80, tcp: 1433, udp: 5000 } }
"#;

/// The client at 10.1.1.1, as the service sees it.
const CLIENT6: &str = "fd00:108:0:d204:0:200:a01:101";

#[test]
fn the_service_sees_network_subnet_and_address_and_the_client_sees_ipv4() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    for url in ["http://50.1.2.1/", "http://db/"] {
        let said = lab.curl("app", url);
        assert!(said.contains(&format!("seen-from {CLIENT6} ")), "{said}");
        assert!(said.contains("50.1.2.1") && !said.contains("2603:"), "{said}");
    }
    assert!(lab.nc("app", "50.1.2.1", 1433).contains(&format!("seen-from {CLIENT6} ")));
    assert!(lab.say("app", "echo x | nc -nuw 1 50.1.2.1 5000").contains(&format!("seen-from {CLIENT6} ")));
    assert!(lab.curl("batch", "http://db/").contains("seen-from 192.0.2.1 "), "a public source comes as it is");
    assert_eq!(lab.metrics().total("causeway_source_rewrites_total", &[("kind", "ServiceTunnel")]), 4, "{}", lab.metrics().table());
    assert!(lab.say("db", "ip -6 address").contains("2603:10e1:100:2::3201:201/128"));
}

#[test]
fn a_client_that_is_refused_gets_its_reset() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let said = lab.nc("shut", "50.1.2.1", 1433);
    assert!(said.contains("refused"), "{said}");
    let closed = lab.nc("app", "50.1.2.1", 6999);
    assert!(closed.contains("refused"), "the service's own reset comes back: {closed}");
}

/// Receives 32 MiB and sends as much, says the digests of both and who came.
const SERVER: &str = r#"
import hashlib, random, socket, sys
server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6)
server.settimeout(30)
stream, peer = server.accept()
digest, data = hashlib.sha256(), random.Random(8).randbytes(32 << 20)
while part := stream.recv(1 << 20): digest.update(part)
stream.sendall(data)
print(digest.hexdigest(), hashlib.sha256(data).hexdigest(), peer[0])
"#;

/// The other end of it.
const CLIENT: &str = r#"
import hashlib, random, socket, sys
data, digest = random.Random(7).randbytes(32 << 20), hashlib.sha256()
stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
stream.sendall(data)
stream.shutdown(socket.SHUT_WR)
while part := stream.recv(1 << 20): digest.update(part)
print(hashlib.sha256(data).hexdigest(), digest.hexdigest())
"#;

#[test]
fn both_ways_32_mib_arrive_byte_for_byte() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let server = lab.spawn("db", &format!("python3 -c '{SERVER}' 6000"));
    let said = lab.say("app", &format!("for i in 1 2 3 4 5; do sleep 0.5; python3 -c '{CLIENT}' 50.1.2.1 6000 2>/dev/null && break; done"));
    assert_eq!(server.output().trim(), format!("{} {CLIENT6}", said.trim()), "{}", lab.metrics().table());
    assert_eq!(lab.metrics().drops("too-big"), 0, "both ends agree on a segment size: {}", lab.metrics().table());
}

/// Sends datagrams back to where they came from.
const DATAGRAMS: &str = r#"
import socket, sys
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(("::", int(sys.argv[1])))
print("ready", flush=True)
while True:
    try: server.sendto(*server.recvfrom(65535))
    except OSError: pass
"#;

/// Sends datagrams of `length` bytes until one comes back; says the path MTU, and whether it came back whole.
fn probe(length: usize, discovery: u8) -> String {
    format!(
        r#"python3 -c '
import random, socket
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.setsockopt(socket.IPPROTO_IP, 10, {discovery})
client.settimeout(1)
client.connect(("50.1.2.1", 6000))
data, answer, error = random.Random(9).randbytes({length}), b"", ""
for _ in range(5):
    try:
        client.send(data)
        answer = client.recv(65535)
        break
    except OSError as failure: error = error or failure.errno or ""
print(client.getsockopt(socket.IPPROTO_IP, 14), answer == data, error)'"#
    )
}

#[test]
fn path_mtu_discovery_tells_the_size_that_fits_into_ipv6() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let mut server = lab.spawn("db", &format!("python3 -c '{DATAGRAMS}' 6000"));
    await_line(&mut server);
    assert_eq!(lab.say("app", &probe(1452, 2)).trim(), "1500 True", "what fits passes: {}", lab.metrics().table());
    let said = lab.say("app", &probe(1460, 2));
    assert_eq!(said.trim(), "1480 False 90", "EMSGSIZE with 20 bytes less than the link takes");
    assert_eq!(lab.metrics().drops("too-big"), 1, "{}", lab.metrics().table());
}

#[test]
fn datagrams_in_fragments_are_joined_at_the_other_end_in_its_family() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let mut server = lab.spawn("db", &format!("python3 -c '{DATAGRAMS}' 6000"));
    await_line(&mut server);
    assert!(lab.say("app", &probe(9000, 0)).contains("True"), "{}", lab.metrics().table());
    assert!(lab.say("app", &probe(1465, 0)).contains("True"), "cut by the dataplane: {}", lab.metrics().table());
}

#[test]
fn the_service_learns_what_the_client_takes() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let mut server = lab.spawn("db", &format!("python3 -c '{DATAGRAMS}' 6000"));
    await_line(&mut server);
    // The client itself sends in fragments then; the dataplane learns of it with the monitor's next look.
    lab.say("app", &format!("ip link set {} mtu 1400; sleep 2", lab.namespace("app")));
    assert!(lab.say("app", &probe(1440, 0)).contains("True"), "{}", lab.metrics().table());
    assert!(lab.metrics().drops("too-big") >= 1, "{}", lab.metrics().table());
    let route = lab.say("db", &format!("ip -6 route get {CLIENT6}"));
    assert!(route.contains("mtu 1420"), "{route}");
}

#[test]
fn a_closed_port_is_told_to_the_client() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let said = lab.say("app", &probe(10, 0));
    assert!(said.contains("False 111"), "ECONNREFUSED: {said}");
}

/// Sends back what it gets; says when a connection was reset.
const ECHO: &str = r#"
import socket, socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while part := self.request.recv(100): self.request.sendall(part)
        except OSError as error: print(type(error).__name__, flush=True)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, address_family = True, socket.AF_INET6
Server(("::", int(sys.argv[1])), Echo).serve_forever()
"#;

#[test]
fn switching_the_endpoint_off_resets_both_ends() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let mut server = lab.spawn("db", &format!("python3 -c '{ECHO}' 7000"));
    let mut open = Conversation::open(&lab, "app", "50.1.2.1", 7000);
    assert_eq!(open.say("before"), "before");
    let file = std::fs::read_to_string(lab.file()).unwrap();
    let off = file
        .replacen("serviceEndpoints: [Microsoft.Sql], ", "", 1)
        .replace("virtualNetworkRules: [red/app]", "virtualNetworkRules: [red/closed]");
    lab.write(&off);
    assert!(lab.reload().status.success());
    assert_eq!(open.say("after"), "ConnectionResetError");
    assert_eq!(await_line(&mut server), "ConnectionResetError");
    assert!(lab.curl("app", "http://db/").contains("seen-from 192.0.2.1 "));
}

fn await_line(process: &mut crate::common::Background) -> String {
    let mut said = String::new();
    std::io::BufReader::new(process.0.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    said.trim().to_owned()
}
