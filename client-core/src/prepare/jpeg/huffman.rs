//! Huffman tables that suit what is said (T.81, annexes C and K.2): no code longer than 16 bits, none all ones.

/// A table as its segment carries it: how many codes have each length from 1 on, and the symbols by rising length.
pub(super) struct Table {
    pub(super) lengths: [u8; 16],
    pub(super) symbols: Vec<u8>,
}

/// The code and length of each symbol.
pub(super) struct Codes([(u16, u8); 256]);

impl Table {
    /// The best table for symbols said so often.
    pub(super) fn best_for(counts: &[u32; 256]) -> Self {
        let mut used: Vec<(u32, u16)> = (0..256).map(|symbol| (counts[usize::from(symbol)], symbol)).collect();
        used.retain(|(count, _)| *count > 0);
        if used.is_empty() {
            // A scan may say nothing at all, but a table has at least one code.
            used.push((1, 0));
        }
        used.sort_unstable_by_key(|(count, symbol)| (std::cmp::Reverse(*count), *symbol));
        let symbols = used.iter().map(|(_, symbol)| *symbol as u8).collect();
        // The rarest of all stands for the code of ones only, which stays free.
        let counts: Vec<u64> = used.iter().map(|(count, _)| u64::from(*count)).chain([0]).collect();
        let mut lengths = limited(&depths(&counts));
        if let Some(longest) = lengths.iter_mut().rev().find(|count| **count > 0) {
            *longest -= 1;
        }
        Self { lengths, symbols }
    }

    pub(super) fn codes(&self) -> Codes {
        let mut codes = [(0, 0); 256];
        let mut symbols = self.symbols.iter();
        let mut code = 0_u16;
        for (length, count) in (1..).zip(self.lengths) {
            for symbol in symbols.by_ref().take(usize::from(count)) {
                codes[usize::from(*symbol)] = (code, length);
                code = code.wrapping_add(1);
            }
            code = code.wrapping_shl(1);
        }
        Codes(codes)
    }

    /// How many bytes its segment takes beside marker and length.
    pub(super) fn length_bytes(&self) -> u64 {
        17 + self.symbols.len() as u64
    }
}

impl Codes {
    pub(super) fn of(&self, symbol: u8) -> (u16, u32) {
        let (code, length) = self.0[usize::from(symbol)];
        (code, u32::from(length))
    }

    /// The bits that so many symbols take.
    pub(super) fn bits_for(&self, counts: &[u32; 256]) -> u64 {
        counts.iter().zip(&self.0).map(|(count, (_, length))| u64::from(*count) * u64::from(*length)).sum()
    }
}

/// How many leaves Huffman's tree has at each depth, for counts that fall.
fn depths(counts: &[u64]) -> [usize; 257] {
    // Both queues rise, so the two least are always in front: leaves from the end of `counts`, then what they made.
    let mut leaves: Vec<(u64, Vec<u8>)> = counts.iter().map(|count| (*count, vec![0])).collect();
    let mut joined = std::collections::VecDeque::new();
    let mut next = |joined: &mut std::collections::VecDeque<(u64, Vec<u8>)>| match (leaves.last(), joined.front()) {
        (Some(leaf), Some(tree)) if leaf.0 > tree.0 => joined.pop_front(),
        (None, _) => joined.pop_front(),
        _ => leaves.pop(),
    };
    let mut all = Vec::new();
    while let Some((first, mut below)) = next(&mut joined) {
        let Some((second, also_below)) = next(&mut joined) else {
            all = below;
            break;
        };
        below.extend(also_below);
        below.iter_mut().for_each(|depth| *depth = depth.saturating_add(1));
        joined.push_back((first + second, below));
    }
    let mut depths = [0; 257];
    all.iter().for_each(|depth| depths[usize::from(*depth)] += 1);
    depths
}

/// Moves leaves that lie too deep up, each time at the cost of one that lies higher (T.81, figure K.3).
fn limited(depths: &[usize; 257]) -> [u8; 16] {
    let mut depths = *depths;
    for depth in (17..257).rev() {
        while depths[depth] > 0 {
            let parent = (1..depth - 1).rev().find(|above| depths[*above] > 0).unwrap_or(1);
            depths[depth] -= 2;
            depths[depth - 1] += 1;
            depths[parent] -= 1;
            depths[parent + 1] += 2;
        }
    }
    std::array::from_fn(|depth| depths[depth + 1] as u8)
}
