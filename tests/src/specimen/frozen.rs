//! The frozen examples of `docs/spec/vectors`, which specimens are made of.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, sync::OnceLock};

/// The examples of one file, by name; those that are given by their digest alone are left out.
pub struct Examples(BTreeMap<String, Vec<u8>>);

impl Examples {
    /// Of a file of `docs/spec/vectors`.
    #[must_use]
    pub fn of(file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/vectors").join(file);
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter_map(|line| line.split_once(" = "));
        Self(lines.filter_map(|(name, value)| Some((name.to_owned(), unhex(value)?))).collect())
    }

    /// The frozen welcome.
    #[must_use]
    pub fn welcome() -> &'static [u8] {
        static WELCOME: OnceLock<Vec<u8>> = OnceLock::new();
        WELCOME.get_or_init(|| Self::of("relay.txt").get("push.welcome").to_vec())
    }

    /// One example.
    #[must_use]
    pub fn get(&self, name: &str) -> &[u8] {
        self.0.get(name).expect(name)
    }

    /// One example of a fixed size.
    #[must_use]
    pub fn fixed<const N: usize>(&self, name: &str) -> [u8; N] {
        self.get(name).try_into().expect(name)
    }

    /// All whose name begins like this.
    pub fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let named = self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        named.filter(move |(name, _)| name.starts_with(prefix))
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Bytes from hexadecimal; `None` for anything else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digits = rest.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.then(|| pairs.iter().map(byte).collect()).flatten()
}
