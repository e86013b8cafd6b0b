//! The writable memory of another process.

use std::fs;
use std::iter::repeat_n;
use std::os::unix::fs::FileExt as _;
use std::process::Child;

struct Region {
    name: String,
    bytes: Vec<u8>,
}

/// A copy of everything a process can write to: heaps, stacks, globals.
pub(crate) struct Image(Vec<Region>);

impl Image {
    /// `None` where this process may not look.
    pub(crate) fn of(child: &Child) -> Option<Self> {
        let of = |what: &str| format!("/proc/{}/{what}", child.id());
        let maps = fs::read_to_string(of("maps")).ok()?;
        let memory = fs::File::open(of("mem")).ok()?;
        let mut regions = Vec::new();
        for map in maps.lines() {
            let words: Vec<&str> = map.split_whitespace().collect();
            if !words[1].starts_with("rw") {
                continue;
            }
            let (from, to) = words[0].split_once('-').unwrap();
            let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            if memory.read_exact_at(&mut bytes, from).is_ok() {
                regions.push(Region { name: words.get(5).copied().unwrap_or("unnamed").to_owned(), bytes });
            }
        }
        (!regions.is_empty()).then_some(Self(regions))
    }

    /// How much it is.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|region| region.bytes.len()).sum()
    }

    /// The regions that hold these bytes, one entry for each time.
    pub(crate) fn places(&self, bytes: &[u8]) -> Vec<&str> {
        let found = |region: &Region| memchr::memmem::find_iter(&region.bytes, bytes).count();
        self.0.iter().flat_map(|region| repeat_n(region.name.as_str(), found(region))).collect()
    }
}
