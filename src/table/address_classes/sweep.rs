//! One pass over the bounds of many sets: which values do no two sets tell apart?

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use foldhash::{HashMap, HashMapExt};

/// What sets look like to a sweep: of each, disjoint ranges as their first value and the first one behind (`None`: the end).
pub(in crate::table) type Ranges<N> = Vec<(N, Option<N>)>;

/// Classes of values. Two values are in one class where the same sets hold both. Class 0 is that of values in no set.
#[derive(Debug)]
pub(in crate::table) struct Classes {
    /// The sets that hold each class, ascending, one class after the other.
    members: Vec<u32>,
    /// Where those of each class end.
    ends: Vec<usize>,
    /// A hash of its members → classes.
    known: HashMap<u64, Vec<u32>>,
    /// Most members, of all classes together.
    most: usize,
}

impl Classes {
    /// Classes that take little more memory than `bytes`.
    pub(in crate::table) fn within(bytes: usize) -> Self {
        let mut classes = Self { members: Vec::new(), ends: Vec::new(), known: HashMap::new(), most: bytes / size_of::<u32>() };
        classes.of(0, &[]);
        classes
    }

    /// Whether there are more than fit; they are no longer told apart then.
    pub(in crate::table) fn is_over(&self) -> bool {
        self.members.len() + self.ends.len() > self.most
    }

    /// How many there are.
    pub(in crate::table) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The sets that hold each class, ascending.
    pub(in crate::table) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.ends.len()).map(|class| self.sets_of(class))
    }

    fn sets_of(&self, class: usize) -> &[u32] {
        let from = class.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(class).and_then(|to| self.members.get(from..*to)).unwrap_or_default()
    }

    /// The class of values that these sets hold; new where there was none.
    fn of(&mut self, hash: u64, sets: &[u32]) -> u32 {
        let found = self.known.get(&hash).and_then(|classes| classes.iter().copied().find(|class| self.sets_of(*class as usize) == sets));
        if found.is_none() && self.is_over() {
            return 0;
        }
        found.unwrap_or_else(|| {
            let class = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
            self.members.extend_from_slice(sets);
            self.ends.push(self.members.len());
            self.known.entry(hash).or_default().push(class);
            class
        })
    }

    /// The first value of each stretch, ascending, with the class of its values, for sets by their ranges. Stretches cover
    /// what lies between `first` and the end.
    pub(in crate::table) fn sweep<N: Ord + Copy>(&mut self, first: N, sets: impl Iterator<Item = Ranges<N>>) -> Vec<(N, u32)> {
        let mut bounds = Vec::new();
        for (set, ranges) in (0_u32..).zip(sets) {
            for (start, behind) in ranges {
                bounds.push((start, set));
                bounds.extend(behind.map(|behind| (behind, set)));
            }
        }
        bounds.sort_unstable();
        let mut stretches: Vec<(N, u32)> = Vec::new();
        if bounds.first().is_none_or(|(start, _)| *start != first) {
            stretches.push((first, 0));
        }
        let (mut inside, mut hash) = (Vec::new(), 0);
        for here in bounds.chunk_by(|(one, _), (other, _)| one == other) {
            for (_, set) in here {
                hash ^= FixedState::default().hash_one(set);
                turn(&mut inside, *set);
            }
            let class = self.of(hash, &inside);
            if let Some((start, _)) = here.first().filter(|_| stretches.last().is_none_or(|(_, last)| *last != class)) {
                stretches.push((*start, class));
            }
        }
        stretches
    }
}

/// Enters a set at its start, leaves it behind its end.
fn turn(inside: &mut Vec<u32>, set: u32) {
    match inside.binary_search(&set) {
        Ok(at) => drop(inside.remove(at)),
        Err(at) => inside.insert(at, set),
    }
}
