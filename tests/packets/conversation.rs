//! A connection that stays open while the test does something to the network.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::common::{CAUSEWAY, Lab};

/// A line-by-line conversation over one TCP connection, from inside a host.
pub struct Conversation {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Sends each line that it reads, and says what came back; says why when the connection is gone.
const CLIENT: &str = r#"
import socket, sys
stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
print("open", flush=True)
for line in sys.stdin:
    try:
        stream.sendall(line.encode())
        print(stream.recv(100).decode().strip() or "closed", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
"#;

/// Sends back what it gets, to many clients; says when a connection was reset.
pub const ECHO: &str = r#"
import socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while part := self.request.recv(100): self.request.sendall(part)
        except OSError as error: print(type(error).__name__, flush=True)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[1])), Echo).serve_forever()
"#;

impl Conversation {
    /// Opens the connection; tries for a while, as the server may have just been started.
    pub fn open(lab: &Lab, host: &str, address: &str, port: u16) -> Self {
        for _ in 0..20 {
            let mut client = Command::new(CAUSEWAY);
            client.args(["lab", "exec"]).arg(lab.file()).args([&lab.host(host), "--", "python3", "-c", CLIENT, address, &port.to_string()]);
            let mut child = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
            let mut conversation = Self { child, input, output };
            if conversation.line() == "open" {
                return conversation;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        panic!("{host} cannot connect to {address}:{port}\n{}", lab.metrics().table());
    }

    /// Says a word and returns what came back.
    pub fn say(&mut self, word: &str) -> String {
        writeln!(self.input, "{word}").unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
