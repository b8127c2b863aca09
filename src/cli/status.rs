//! `causeway status`.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::daemon::Target;
use super::{Exit, Output};
use crate::control::client::Client;
use crate::control::status::{PortStatus, Status, VerdictCount};

const EXAMPLE: &str = "\
Example:
  causeway status -o json | jq '.ports[] | select(.present | not)'";

/// Arguments of `causeway status`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// Which daemon.
    #[command(flatten)]
    pub target: Target,
}

/// Prints what the daemon is and does.
#[must_use]
pub fn run(arguments: &Arguments, output: Output) -> Exit {
    match arguments.target.ask(Client::status) {
        Ok(status) => output.print(&status, text, Exit::Success),
        Err(exit) => exit,
    }
}

/// The status for people: who and what, then ports, then how packets ended.
fn text(status: &Status) -> String {
    let mut text = heading(status);
    text.push('\n');
    text.push_str(&ports(&status.ports));
    if !status.verdicts.is_empty() {
        text.push('\n');
        text.push_str(&verdicts(&status.verdicts));
    }
    text
}

fn heading(status: &Status) -> String {
    let Status { version, pid, file, socket, generation, flows, totals, .. } = status;
    let readiness = if status.ready { "ready" } else { "not ready" };
    let uptime = duration(status.uptime_seconds);
    let reloads = format!("{} reloads, {} failed", status.reloads_succeeded, status.reloads_failed);
    let mut lines = vec![
        format!("causeway {version}, {file}, {readiness}"),
        format!("  process     {pid}, up {uptime}, socket {socket}"),
        format!("  generation  {generation} ({reloads})"),
        format!("  flows       {} now, {} created, {} ended", flows.current, flows.created, flows.expired),
        format!("  packets     {} forwarded, {} answered, {} dropped", totals.forwarded, totals.answered, totals.dropped),
    ];
    if let Some(error) = &status.last_reload_error {
        lines.push("  the last reload failed:".to_owned());
        lines.extend(error.lines().map(|line| format!("    {line}")));
    }
    lines.join("\n") + "\n"
}

fn ports(ports: &[PortStatus]) -> String {
    let header = ["PORT", "ATTACHED TO", "DEVICE", "MTU", "PACKETS IN", "BYTES IN", "PACKETS OUT", "BYTES OUT"];
    let rows = ports.iter().map(|port| {
        let mtu = match (port.present, port.mtu) {
            (true, Some(mtu)) => mtu.to_string(),
            _ => "gone".to_owned(),
        };
        let counts = [port.packets_in, port.bytes_in, port.packets_out, port.bytes_out].map(|count| count.to_string());
        [port.name.clone(), port.attach.clone(), port.device.clone(), mtu].into_iter().chain(counts).collect()
    });
    table(&header, rows, 3)
}

fn verdicts(verdicts: &[VerdictCount]) -> String {
    let rows = verdicts.iter().map(|count| vec![count.subnet.clone(), count.verdict.clone(), count.packets.to_string()]);
    table(&["FROM", "VERDICT", "PACKETS"], rows, 2)
}

/// Columns two spaces apart; those from `numbers` on are aligned to the right.
fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>, numbers: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header).add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= numbers {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// `1 d 02:03:04`, days only where there are any.
fn duration(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days} d {clock}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::status::{Flows, Totals};

    fn port(name: &str, present: bool) -> PortStatus {
        PortStatus {
            name: name.to_owned(),
            attach: "shop/web/10.1.1.4".to_owned(),
            device: format!("cw-{name}"),
            kind: "tap".to_owned(),
            present,
            mtu: Some(1500),
            packets_in: 12,
            bytes_in: 1_234,
            packets_out: 3,
            bytes_out: 456,
            kernel_drops: 0,
        }
    }

    fn status() -> Status {
        Status {
            version: "0.1.0".to_owned(),
            pid: 4711,
            file: "shop.yaml".to_owned(),
            socket: "/run/causeway/shop.sock".to_owned(),
            uptime_seconds: 93_784,
            ready: true,
            generation: 3,
            reloads_succeeded: 2,
            reloads_failed: 1,
            last_reload_error: Some("shop.yaml:3:1: error".to_owned()),
            flows: Flows { current: 2, created: 9, expired: 7 },
            totals: Totals { forwarded: 10, answered: 3, dropped: 2 },
            ports: vec![port("web1", true), port("laptop", false)],
            verdicts: vec![VerdictCount { subnet: "shop/web".to_owned(), verdict: "nsg-deny".to_owned(), packets: 2 }],
        }
    }

    #[test]
    fn the_text_tells_the_story_at_a_glance() {
        let expected = "\
causeway 0.1.0, shop.yaml, ready
  process     4711, up 1 d 02:03:04, socket /run/causeway/shop.sock
  generation  3 (2 reloads, 1 failed)
  flows       2 now, 9 created, 7 ended
  packets     10 forwarded, 3 answered, 2 dropped
  the last reload failed:
    shop.yaml:3:1: error

PORT    ATTACHED TO        DEVICE      MTU  PACKETS IN  BYTES IN  PACKETS OUT  BYTES OUT
web1    shop/web/10.1.1.4  cw-web1    1500          12      1234            3        456
laptop  shop/web/10.1.1.4  cw-laptop  gone          12      1234            3        456

FROM      VERDICT   PACKETS
shop/web  nsg-deny        2
";
        assert_eq!(text(&status()), expected);
    }

    #[test]
    fn json_is_the_document_with_its_version() {
        let json: serde_json::Value = serde_json::from_str(&super::super::output::versioned(&status()).unwrap()).unwrap();
        assert_eq!(json["schemaVersion"], 1);
        assert_eq!(json["ports"][1]["present"], false);
        assert_eq!(json["uptimeSeconds"], 93_784);
        assert_eq!(json["totals"]["dropped"], 2);
    }
}
