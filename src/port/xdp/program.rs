//! The XDP program, an instruction a line: hand each frame to the socket of its receive queue, and pass it to the stack
//! where there is none. It is assembled here, so neither a compiler nor an object file is needed where causeway runs.

use std::os::fd::BorrowedFd;

use super::bpf;

/// An instruction of eBPF (RFC 9669, section 3): opcode, two registers, an offset, an immediate number.
#[derive(Clone, Copy, Debug)]
struct Instruction {
    opcode: u8,
    destination: u8,
    source: u8,
    offset: i16,
    immediate: i32,
}

impl Instruction {
    const fn new(opcode: u8) -> Self {
        Self { opcode, destination: 0, source: 0, offset: 0, immediate: 0 }
    }

    /// As the kernel reads it, in the machine's byte order.
    fn encode(self) -> u64 {
        let registers =
            if cfg!(target_endian = "little") { self.source << 4 | self.destination } else { self.destination << 4 | self.source };
        let [o0, o1] = self.offset.to_ne_bytes();
        let [i0, i1, i2, i3] = self.immediate.to_ne_bytes();
        u64::from_ne_bytes([self.opcode, registers, o0, o1, i0, i1, i2, i3])
    }
}

/// `destination = *(u32 *)(source + offset)` (class LDX, size W, mode MEM).
const LOAD_WORD: u8 = 0x61;
/// `destination = immediate`, 64 bits in two instructions (class LD, size DW, mode IMM).
const LOAD_IMMEDIATE: u8 = 0x18;
/// `destination = immediate` (class ALU, MOV, 32 bits).
const MOVE: u8 = 0xb4;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;

/// In the source register of [`LOAD_IMMEDIATE`]: the number is a map's descriptor (`BPF_PSEUDO_MAP_FD`).
const MAP_DESCRIPTOR: u8 = 1;
/// `long bpf_redirect_map(map, key, flags)`; the low bits of the flags are what is returned where the map holds nothing for
/// the key (Linux 5.3).
const REDIRECT_MAP: i32 = 51;
/// The frame goes on to the stack (`enum xdp_action`).
const XDP_PASS: i32 = 2;
/// Where `struct xdp_md` has `rx_queue_index`, in bytes.
const RECEIVE_QUEUE: i16 = 16;

/// The program over `map`.
pub(super) fn redirect_to(map: BorrowedFd<'_>) -> [u64; 6] {
    let map = bpf::number(map).cast_signed();
    [
        Instruction { destination: 2, source: 1, offset: RECEIVE_QUEUE, ..Instruction::new(LOAD_WORD) },
        Instruction { destination: 1, source: MAP_DESCRIPTOR, immediate: map, ..Instruction::new(LOAD_IMMEDIATE) },
        Instruction::new(0),
        Instruction { destination: 3, immediate: XDP_PASS, ..Instruction::new(MOVE) },
        Instruction { immediate: REDIRECT_MAP, ..Instruction::new(CALL) },
        Instruction::new(EXIT),
    ]
    .map(Instruction::encode)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// What LLVM makes of `return bpf_redirect_map(&map, context->rx_queue_index, XDP_PASS);`, apart from the map.
    #[test]
    #[cfg(target_endian = "little")]
    fn the_bytes_are_the_instructions_that_they_should_be() {
        let descriptor = std::fs::File::open("/dev/null").unwrap();
        let number = bpf::number(descriptor.as_fd()).to_le_bytes();
        let bytes: Vec<[u8; 8]> = redirect_to(descriptor.as_fd()).map(u64::to_le_bytes).to_vec();
        assert_eq!(bytes[0], [0x61, 0x12, 16, 0, 0, 0, 0, 0], "r2 = *(u32 *)(r1 + 16)");
        assert_eq!(bytes[1], [0x18, 0x11, 0, 0, number[0], number[1], number[2], number[3]], "r1 = map ll");
        assert_eq!(bytes[2], [0; 8]);
        assert_eq!(bytes[3], [0xb4, 0x03, 0, 0, 2, 0, 0, 0], "w3 = 2");
        assert_eq!(bytes[4], [0x85, 0, 0, 0, 51, 0, 0, 0], "call 51");
        assert_eq!(bytes[5], [0x95, 0, 0, 0, 0, 0, 0, 0], "exit");
    }

    #[test]
    fn the_verifier_takes_the_program() {
        let map = match bpf::create_socket_map(4) {
            Ok(map) => map,
            Err(error) => return println!("SKIPPED the_verifier_takes_the_program: no XSKMAP here: {error}"),
        };
        bpf::load_program(&redirect_to(map.as_fd())).unwrap();
        // One that returns what was never set is refused: the verifier did look.
        assert!(bpf::load_program(&[Instruction::new(EXIT).encode()]).is_err());
    }
}
