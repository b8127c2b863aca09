//! The vector code answers as the plain code does, on random and on boundary numbers.

use proptest::prelude::*;

use super::{BLOCK, Block, Lanes, PairBounds, Portable, Probe, Root, Row, Work, every_way};

/// Numbers close to each other and to the ends of their range, so that comparisons go both ways.
fn address() -> impl Strategy<Value = u32> {
    prop_oneof![0..4_u32, u32::MAX - 3..=u32::MAX, 0x7fff_fffe..=0x8000_0001_u32, any::<u32>()]
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![0..4_u16, u16::MAX - 3..=u16::MAX, 0x7ffe..=0x8001_u16, any::<u16>()]
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0_u8), Just(6), Just(17), Just(255), any::<u8>()]
}

prop_compose! {
    fn probe()(
        address in [address(), address()],
        source_port in [port(), port()],
        destination_port in [port(), port()],
        protocol in byte(),
    ) -> Probe {
        Probe { address, source_port, destination_port, protocol }
    }
}

prop_compose! {
    fn pair_bounds()(
        addresses in prop::array::uniform2(prop::array::uniform2(address())),
        ports in prop::array::uniform2(prop::array::uniform4(port())),
    ) -> PairBounds {
        PairBounds { addresses, ports }
    }
}

fn block() -> impl Strategy<Value = Block> {
    let addresses = numbers::<_, 32>(prop_oneof![Just(0), address()]);
    let ports = numbers::<_, 64>(prop_oneof![Just(0), port()]);
    (addresses, ports, numbers::<_, 32>(byte())).prop_map(|(addresses, ports, protocols)| {
        let ((addresses, _), (ports, _), (protocols, _)) =
            (addresses.as_chunks::<BLOCK>(), ports.as_chunks::<BLOCK>(), protocols.as_chunks::<BLOCK>());
        Block {
            addresses: addresses.try_into().unwrap(),
            ports: ports.try_into().unwrap(),
            protocols: protocols[0],
            masks: protocols[1],
            rules: [0; BLOCK],
            next: 0,
        }
    })
}

/// Everything that lanes do, on one set of numbers.
#[derive(Clone, Copy)]
struct Everything<'a> {
    halves: &'a [i16; 32],
    count: u32,
    ends: &'a [i32; 16],
    root: &'a Root,
    values: &'a [i32; 37],
    probe: &'a Probe,
    pairs: &'a [PairBounds; 2],
    block: &'a Block,
    short: &'a [Row<1>; 5],
    long: &'a [Row<9>; 5],
}

impl Work for Everything<'_> {
    type Output = ([u32; 3], [u32; 37], [[bool; 2]; 2], [Option<u32>; 2], [bool; 2]);

    fn run(self, lanes: impl Lanes) -> Self::Output {
        let half = self.probe.source_port[0].cast_signed();
        let numbers = [
            lanes.below16(self.halves, self.count, half),
            lanes.below32(self.ends, self.probe.address[0].cast_signed()),
            lanes.within_block(self.block, self.probe),
        ];
        let Probe { address: [address, _], source_port: [source_port, _], destination_port: [destination_port, _], .. } = *self.probe;
        let [one, other] = self.pairs;
        (
            numbers,
            lanes.leaves(self.root, self.values),
            lanes.within_pairs([one, other], [address, !address], [source_port, destination_port]),
            [lanes.first_common(self.short.each_ref()), lanes.first_common(self.long.each_ref())],
            [lanes.have_common(&self.short[0], &self.short[1]), lanes.have_common(&self.long[0], &self.long[1])],
        )
    }
}

/// Rows in which a word is usually empty or full.
fn rows<const W: usize>() -> BoxedStrategy<Box<[Row<W>; 5]>> {
    let word = prop_oneof![3 => Just(u64::MAX), 2 => Just(0), 1 => any::<u64>(), 1 => (0..64_u32).prop_map(|bit| 1 << bit)];
    prop::collection::vec(word, 5 * 4 * W)
        .prop_map(|words| {
            let (quads, _) = words.as_chunks::<4>();
            Box::new(std::array::from_fn(|row| std::array::from_fn(|quad| quads[row * W + quad])))
        })
        .boxed()
}

/// `N` numbers; on the heap until they are an array, which keeps the strategies small.
fn numbers<T: std::fmt::Debug + Clone + 'static, const N: usize>(of: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Box<[T; N]>> {
    prop::collection::vec(of, N).prop_map(|numbers| numbers.into_boxed_slice().try_into().unwrap()).boxed()
}

proptest! {
    #[test]
    fn leaves_are_counted(mut last in prop::collection::vec(address().prop_map(u32::cast_signed), 0..=Root::LEAVES), value in address()) {
        last.sort_unstable();
        let before = last.iter().rev().skip(1).filter(|last| **last < value.cast_signed()).count();
        prop_assert_eq!(Root::new(&last).leaf(value.cast_signed()), before as u32);
    }

    #[test]
    fn vector_code_answers_as_plain_code(
        halves in numbers::<_, 32>(port().prop_map(u16::cast_signed)), count in 0..=32_u32,
        ends in numbers::<_, 16>(address().prop_map(u32::cast_signed)),
        mut last in prop::collection::vec(address().prop_map(u32::cast_signed), 0..=Root::LEAVES),
        values in numbers::<_, 37>(address().prop_map(u32::cast_signed)),
        probe in probe().boxed(), pairs in numbers::<_, 2>(pair_bounds().boxed()), block in block().boxed(), short in rows::<1>(), long in rows::<9>(),
    ) {
        last.sort_unstable();
        let root = Root::new(&last);
        let work = Everything { halves: &halves, count, ends: &ends, root: &root, values: &values, probe: &probe, pairs: &pairs, block: &block, short: &short, long: &long };
        for answer in every_way(work) {
            prop_assert_eq!(answer, work.run(Portable));
        }
    }
}

#[test]
fn the_first_common_bit_is_found_wherever_it_is() {
    for bit in 0..1_024_usize {
        let mut rows = [[[u64::MAX; 4]; 4]; 5];
        rows[bit % 5] = [[0; 4]; 4];
        rows[bit % 5][bit / 256][bit % 256 / 64] = 1 << (bit % 64);
        #[derive(Clone, Copy)]
        struct First<'a>(&'a [Row<4>; 5]);
        impl Work for First<'_> {
            type Output = Option<u32>;
            fn run(self, lanes: impl Lanes) -> Option<u32> {
                lanes.first_common(self.0.each_ref())
            }
        }
        every_way(First(&rows)).into_iter().for_each(|found| assert_eq!(found, Some(bit as u32)));
    }
}
