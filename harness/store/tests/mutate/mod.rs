//! Tars by chance: built from entries that like to be hostile, then broken in their bytes.

use std::path::Path;

use super::support::Tar;

/// A small generator of numbers, the same for the same seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        // xorshift*: good enough to choose.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n.max(1)
    }

    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// A name that may try to be a path.
pub(crate) fn name(chance: &mut Chance) -> String {
    let parts = 1 + chance.below(3);
    let mut name = String::new();
    for _ in 0..parts {
        let part = match chance.below(10) {
            0 => chance
                .of(&[
                    "..",
                    ".",
                    "",
                    "...",
                    "~",
                    "%2E",
                    "tmp",
                    "\\",
                    "a\0b",
                    "\u{202e}x",
                    "nul",
                ])
                .to_owned(),
            1 => "n".repeat(chance.below(300)),
            _ => chance
                .of(&["a", "b", "A", "B", "dir", "link", "file", "f"])
                .to_owned(),
        };
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(&part);
    }
    if chance.below(30) == 0 {
        name.insert(0, '/');
    }
    name
}

fn target(chance: &mut Chance, outside: &Path) -> String {
    match chance.below(8) {
        0 => outside.display().to_string(),
        1 => format!("{}/precious", outside.display()),
        2 => "../../outside".to_owned(),
        3 => "../".repeat(chance.below(6)) + "outside/precious",
        4 => ".".to_owned(),
        _ => name(chance),
    }
}

/// One tar.
pub(crate) fn tar(chance: &mut Chance, outside: &Path) -> Vec<u8> {
    let mut tar = Tar::new();
    for _ in 0..=chance.below(8) {
        let name = name(chance);
        let content = vec![chance.next() as u8; chance.below(2000)];
        tar = match chance.below(24) {
            0..=7 => tar.file(&name, &content),
            8..=11 => tar.directory(&format!("{name}/")),
            12..=14 => tar.link(&name, &target(chance, outside)),
            15 | 16 => tar.hard(&name, &target(chance, outside)),
            17 => tar.kind(
                &name,
                chance.of(&["3", "4", "6", "S", "V", "M", "7"]).as_bytes()[0],
            ),
            18 => tar.owned(&name, chance.below(3) as u32, chance.below(3) as u32),
            19 => tar.sized(&name, chance.next() >> chance.below(60)),
            20 => tar
                .pax(&[("path", &target(chance, outside))])
                .file("f", &content),
            21 => tar
                .pax(&[
                    ("linkpath", &target(chance, outside)),
                    (
                        "mtime",
                        chance.of(&["1.5", "-1.25", "x", "99999999999999999999"]),
                    ),
                ])
                .link(&name, "x"),
            22 => tar.long(&target(chance, outside)).file("f", &content),
            _ => tar
                .pax(&[("size", chance.of(&["0", "10", "99999999999", "-5"]))])
                .file(&name, &content),
        };
    }
    let mut bytes = if chance.below(12) == 0 {
        tar.cut()
    } else {
        tar.end()
    };
    // Half of them stay as they were built: there the laws decide, not the checksums.
    if chance.below(2) == 0 {
        for _ in 0..=chance.below(4) {
            damage(chance, &mut bytes);
        }
    }
    bytes
}

fn damage(chance: &mut Chance, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = chance.below(bytes.len());
    let block = at / 512 * 512;
    match chance.below(7) {
        0 => bytes[at] ^= 1 << chance.below(8),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(block..(block + 512).min(bytes.len()))),
        3 => {
            let copy = bytes[block..(block + 512).min(bytes.len())].to_vec();
            let to = chance.below(bytes.len()) / 512 * 512;
            bytes.splice(to..to, copy);
        }
        4 => bytes.extend((0..chance.below(1000)).map(|_| 0)),
        5 => bytes.push(chance.next() as u8),
        // A field of a header, with a checksum that says that it is right.
        _ if block + 512 <= bytes.len() => {
            let field = chance.below(512);
            bytes[block + field] = chance.next() as u8;
            bytes[block + 148..block + 156].fill(b' ');
            let sum: u32 = bytes[block..block + 512]
                .iter()
                .map(|b| u32::from(*b))
                .sum();
            bytes[block + 148..block + 155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
        _ => {}
    }
}
